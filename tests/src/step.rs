//! Scripts as data: what a property draws at random.

use crate::{
    Frame, Script, Setup, binary, client, close, continuation, control, empty_close, first_of, linked,
    millis, other, ping, pong, target, text, unmasked, watcher,
};
use quickcheck::{Arbitrary, Gen};
use serde_json::{Value, json};
use wsrelay_core::connection::{Input, Refused};
use wsrelay_core::message::{Message, Payload, Topic};
use wsrelay_core::process::{ExitReason, Pid, Signal};
use wsrelay_core::wire::{Data, Text};

/// One thing that happens to a connection.
#[derive(Clone, Debug)]
pub enum Step {
    /// The client sends frames in one piece.
    Frames(Vec<Frame>),
    /// The client sends bytes that may be nothing at all.
    Bytes(Vec<u8>),
    /// The client ends its stream.
    Eof,
    /// Milliseconds pass.
    After(u64),
    /// A message from one of the processes.
    Told(u8, &'static str, Value),
    /// A message for the client from one of the processes, as typed values.
    Sent(u8, Data),
    /// Another signal from one of the processes.
    Signal(Signal),
    /// The process that is looked for is found, or not.
    Attached(bool),
    /// A mailbox is full.
    Full(bool),
    /// A mailbox has room again.
    Room(bool),
    /// The socket is stuck.
    Stuck,
    /// The socket takes a share of what waits, in 256ths.
    Takes(u8),
    /// The socket takes everything again.
    Unstick,
    /// The node drains.
    Drain,
}

/// The processes that a step may name.
const fn process(index: u8) -> Pid {
    match index % 4 {
        0 => target(),
        1 => other(),
        2 => watcher(),
        _ => linked(),
    }
}

impl Step {
    /// The bytes that the client sends in this step, if it sends any.
    #[must_use]
    pub fn sent_bytes(&self) -> Vec<u8> {
        if let Self::Frames(frames) = self {
            frames.iter().flat_map(Frame::encode).collect()
        } else if let Self::Bytes(bytes) = self {
            bytes.clone()
        } else {
            Vec::new()
        }
    }

    /// Does it.
    #[must_use]
    pub fn apply(&self, script: Script) -> Script {
        match self.clone() {
            Self::Frames(frames) => script.frames(frames),
            Self::Bytes(bytes) => script.bytes(bytes),
            Self::Eof => script.eof(),
            Self::After(span) => script.after(millis(span)),
            Self::Told(from, topic, payload) => script.signal(control(process(from), topic, payload)),
            Self::Sent(from, data) => {
                let (from, payload) = (Some(process(from)), Payload::Data(data));
                script.signal(Signal::Message(Message { from, topic: Topic::SEND, payload }))
            }
            Self::Signal(signal) => script.signal(signal),
            Self::Attached(true) => script.attach_ok(other()),
            Self::Attached(false) => script.input(Input::Attached(Err(Refused::NoProcess))),
            Self::Full(of_target) => script.input(Input::TargetFull(process(u8::from(!of_target)))),
            Self::Room(of_target) => script.input(Input::TargetRoom(process(u8::from(!of_target)))),
            Self::Stuck => script.stuck_socket(),
            Self::Takes(share) => {
                let bytes = script.unwritten() * usize::from(share) / 256;
                if bytes == 0 { script } else { script.takes(bytes) }
            }
            Self::Unstick => script.unstick(),
            Self::Drain => script.input(Input::Drain(millis(30_000))),
        }
    }
}

/// Runs steps on a connection that has joined, until the socket is cut; then lets everything come to its end.
#[must_use]
pub fn run(setup: Setup, steps: &[Step]) -> Script {
    let mut script = setup.join();
    for step in steps {
        if script.is_cut() {
            break;
        }
        script = step.apply(script).turns();
    }
    script
}

impl Arbitrary for Step {
    /// What ends a connection comes up seldom, so that a script has time for the rest.
    fn arbitrary(g: &mut Gen) -> Self {
        match u16::arbitrary(g) % 256 {
            0..=69 => Self::Frames((0..1 + u8::arbitrary(g) % 6).flat_map(|_| arbitrary_frames(g)).collect()),
            70 => Self::Bytes(Vec::arbitrary(g)),
            71 => Self::Eof,
            72 => Self::Drain,
            73..=99 => Self::After(*g.choose(&[0, 1, 900, 900, 900, 5_000, 10_000, 25_000]).unwrap_or(&0)),
            100..=129 => Self::Sent(u8::arbitrary(g), arbitrary_data(g)),
            130..=179 => {
                let (topic, payload) = arbitrary_command(g);
                Self::Told(u8::arbitrary(g), topic, payload)
            }
            180..=195 => Self::Signal(arbitrary_signal(g)),
            196..=215 => Self::Attached(bool::arbitrary(g)),
            216..=220 => Self::Full(!u8::arbitrary(g).is_multiple_of(4)),
            221..=231 => Self::Room(!u8::arbitrary(g).is_multiple_of(4)),
            232..=239 => Self::Stuck,
            240..=245 => Self::Takes(u8::arbitrary(g)),
            _ => Self::Unstick,
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        match self {
            Self::Frames(frames) if frames.len() > 1 => {
                let frames = frames.clone();
                Box::new((0..frames.len()).map(move |left_out| {
                    let mut fewer = frames.clone();
                    fewer.remove(left_out);
                    Self::Frames(fewer)
                }))
            }
            Self::After(span) if *span > 0 => Box::new([Self::After(0)].into_iter()),
            Self::Frames(_)
            | Self::Bytes(_)
            | Self::Eof
            | Self::After(_)
            | Self::Told(..)
            | Self::Sent(..)
            | Self::Signal(_)
            | Self::Attached(_)
            | Self::Full(_)
            | Self::Room(_)
            | Self::Stuck
            | Self::Takes(_)
            | Self::Unstick
            | Self::Drain => quickcheck::empty_shrinker(),
        }
    }
}

/// One frame, a fragmented message, or now and then what a client may not send.
fn arbitrary_frames(g: &mut Gen) -> Vec<Frame> {
    let payload = match u8::arbitrary(g) % 4 {
        0 => "ö".repeat(*g.choose(&[1, 11, 12]).unwrap_or(&1)),
        _ => "x".repeat(*g.choose(&[0, 1, 5, 23, 24, 125, 300]).unwrap_or(&0)),
    };
    let short = &payload.as_bytes()[..payload.len().min(125)];
    match u16::arbitrary(g) % 400 {
        0..=149 => vec![text(&payload)],
        150..=219 => vec![binary(payload.as_bytes())],
        220..=279 => vec![ping(short)],
        280..=309 => vec![pong(short)],
        310..=379 => {
            let middle = (0..u8::arbitrary(g) % 4).map(|_| match u8::arbitrary(g) % 3 {
                0 => ping(b"within"),
                1 => continuation(b"", false),
                _ => continuation(short, false),
            });
            let mut frames = vec![first_of(text(&payload))];
            frames.extend(middle);
            frames.push(continuation(b"", true));
            frames
        }
        380..=389 => vec![close(*g.choose(&[1000, 1001, 1002, 3000]).unwrap_or(&1000), "bye")],
        390..=393 => vec![empty_close()],
        394 => vec![close(1005, "")],
        395 => vec![first_of(text(&payload))],
        396 => vec![continuation(short, true)],
        397 => vec![Frame::new(1, b"\xff")],
        398 => vec![text(&"x".repeat(701))],
        _ => vec![unmasked(text(&payload))],
    }
}

/// Short and long, of one byte a character and of more.
fn arbitrary_data(g: &mut Gen) -> Data {
    let character = *g.choose(&["z", "ä", "世"]).unwrap_or(&"z");
    let text = character.repeat(*g.choose(&[0, 1, 7, 8, 23, 24, 300]).unwrap_or(&0));
    if u8::arbitrary(g) % 4 == 0 {
        Data::Binary(text.into_bytes().into())
    } else {
        Data::Text(Text::copy_from_str(&text))
    }
}

fn arbitrary_command(g: &mut Gen) -> (&'static str, Value) {
    let reference = u64::arbitrary(g) % 1000;
    let data = "y".repeat(*g.choose(&[0, 3, 100, 900]).unwrap_or(&0));
    match u8::arbitrary(g) % 64 {
        0..=29 => ("ws.send", json!({"type": "text", "data": data, "ref": reference})),
        30..=34 => ("ws.send", json!({"type": "binary", "data": data})),
        35 => ("ws.send", json!({"type": "neither", "data": data, "ref": reference})),
        36..=47 => ("ws.control", json!({"target_pid": other().to_string(), "ref": reference})),
        48..=50 => ("ws.control", json!({"target_pid": target().to_string(), "metadata": {"n": reference}})),
        51 => ("ws.control", json!({"target_pid": "by name"})),
        52 => ("ws.control", json!({"heartbeat_interval": "7s", "ref": reference})),
        53 => ("ws.control", json!({"heartbeat_interval": -7, "ref": reference})),
        54 => ("ws.close", json!({"code": 4000, "reason": "done", "ref": reference})),
        55 => ("ws.close", json!({"code": 1005, "ref": reference})),
        56..=61 => ("news", json!({"n": reference})),
        62 => ("ws.unknown", json!(null)),
        _ => ("@system", json!(null)),
    }
}

fn arbitrary_signal(g: &mut Gen) -> Signal {
    let from = process(u8::arbitrary(g));
    let reason = ExitReason::crashed("the reason is nobody's business");
    let reason = if bool::arbitrary(g) { ExitReason::Normal } else { reason };
    match u8::arbitrary(g) % 32 {
        0..=6 => Signal::Monitor { watcher: from },
        7..=10 => Signal::Demonitor { watcher: from },
        11..=17 => Signal::Link { peer: from },
        18..=20 => Signal::Unlink { peer: from },
        21..=25 => Signal::Exit { from, reason: ExitReason::crashed("the reason is nobody's business") },
        26..=29 => Signal::Down { from, reason },
        30 => Signal::Cancel { from: Some(client()), reason: "enough".into() },
        _ => Signal::Kill,
    }
}
