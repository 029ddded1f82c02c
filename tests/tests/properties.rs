//! What holds for every script.

#![expect(clippy::needless_pass_by_value, reason = "quickcheck hands its cases over by value")]

use quickcheck::{Arbitrary, Gen};
use std::collections::BTreeMap;
use wsrelay_core::connection::Input;
use wsrelay_core::deflate::{Context, Deflate};
use wsrelay_core::message::Destination;
use wsrelay_core::relay::Overflow;
use wsrelay_core::time::Timeout;
use wsrelay_tests::*;

/// A random script, with limits tight enough to be reached.
#[derive(Clone, Debug)]
struct Case {
    overflow: u8,
    seed: u64,
    heartbeat: bool,
    pings: bool,
    compression: Option<Context>,
    steps: Vec<Step>,
}

impl Arbitrary for Case {
    fn arbitrary(g: &mut Gen) -> Self {
        Self {
            overflow: u8::arbitrary(g) % 3,
            seed: u64::arbitrary(g),
            heartbeat: bool::arbitrary(g),
            pings: bool::arbitrary(g),
            compression: *g
                .choose(&[None, Some(Context::Shared), Some(Context::Takeover)])
                .expect("there is a choice"),
            steps: Vec::arbitrary(g),
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let case = self.clone();
        Box::new(self.steps.shrink().map(move |steps| Self { steps, ..case.clone() }))
    }
}

impl Case {
    fn setup(&self) -> Setup {
        let setup = Setup::default()
            .seed(self.seed)
            .overflow([Overflow::Close, Overflow::DropNew, Overflow::DropOld][usize::from(self.overflow)])
            .limits(|limits| {
                limits.message_bytes_max = 700;
                limits.fragments_max = 6;
                limits.flood_frames_max = 40;
                limits.turn_messages_max = 3;
                limits.outbox_bytes_max = 2_000;
                limits.outbox_messages_max = 4;
                limits.write_ahead_bytes = 200;
                limits.lifetime_max = Timeout::After(secs(3600));
                if !self.pings {
                    limits.ping_interval = Timeout::Off;
                }
            });
        let setup = match self.compression {
            Some(context) => {
                let deflate = Deflate { context, min_bytes: 1, ..Deflate::default() };
                setup.deflate(deflate).offer("permessage-deflate")
            }
            None => setup,
        };
        if self.heartbeat { setup.field("heartbeat_interval", "7s".into()) } else { setup }
    }

    /// Runs the steps, and then lets everything come to its end.
    fn run(&self) -> Script {
        let script = run(self.setup(), &self.steps);
        if script.is_cut() { script } else { script.unstick().after(secs(4000)) }
    }
}

/// Whether the frame closes.
fn is_close(seen: &Seen) -> bool {
    matches!(seen, Seen::Sent(frame) if frame.opcode == 8)
}

/// Joins and leaves come in pairs, per target and in turn; the exit comes after both, once; after a close frame
/// the client is sent nothing, and after the cut there is nothing at all.
fn is_disciplined(seen: &[Seen]) -> Result<(), String> {
    let mut target = target();
    let mut is_joined = true;
    let (mut exits, mut closes) = (0, 0);
    for one in seen {
        match one {
            Seen::Told(Destination::Pid(to), topic, _) => match topic.as_str() {
                "ws.join" if is_joined => return Err(format!("a second join, to {to}")),
                "ws.join" => (target, is_joined) = (*to, true),
                "ws.leave" if !is_joined || *to != target => return Err(format!("a leave to {to}")),
                "ws.leave" => is_joined = false,
                "ws.message" | "ws.heartbeat" if !is_joined || *to != target => {
                    return Err(format!("a {topic} to {to}, which is not joined"));
                }
                _ => {}
            },
            Seen::Exited(_) => exits += 1,
            Seen::Sent(_) if closes > 0 => return Err("a frame after the close frame".into()),
            Seen::Sent(_) if is_close(one) => closes += 1,
            Seen::Sent(_)
            | Seen::Replied(_)
            | Seen::Requested(..)
            | Seen::Attach(_)
            | Seen::Told(Destination::Name(_), ..)
            | Seen::Signalled(..)
            | Seen::StopReading
            | Seen::ResumeReading
            | Seen::Shutdown
            | Seen::Cut => {}
        }
        if exits > 0 && matches!(one, Seen::Told(_, topic, _) if topic != "ws.ack") {
            return Err(format!("{one:?} after the exit"));
        }
    }
    match (exits, seen.last()) {
        (1, Some(Seen::Cut)) => Ok(()),
        (exits, last) => Err(format!("{exits} exits, and at last {last:?}")),
    }
}

/// [R4] [R7] [P8] [P9] Whatever happens: every wake makes progress, nothing panics, and everything comes to its
/// end in the promised order.
/// The short ways of a message, from the client where it lies in the driver's buffer and to the client past the queue,
/// are nothing but short.
#[test]
fn the_short_ways_come_to_the_same_as_the_long_ones() {
    fn come_to_the_same(case: Case) -> bool {
        let mut long = run(case.setup(), &case.steps);
        let mut short = run(case.setup().short_ways(), &case.steps);
        long.seen() == short.seen()
            && long.connection().wake() == short.connection().wake()
            && long.connection().held_bytes() == short.connection().held_bytes()
            && long.counters() == short.counters()
    }
    check(3_000, come_to_the_same as fn(Case) -> bool);
}

#[test]
fn every_script_ends_in_order_and_wakes_for_nothing() {
    fn property(case: Case) -> Result<bool, String> {
        let mut script = case.run();
        if !script.is_cut() {
            return Err(format!("not at its end after its lifetime; it waits {:?}", script.wait()));
        }
        is_disciplined(&script.seen()).map(|()| true)
    }
    check(2_000, property as fn(Case) -> Result<bool, String>);
}

/// [C:TargetExited] [C:TargetFailed] [C:Commanded] [C:ClientClosed] [C:Lost] [C:Fault] [C:Unresponsive] [C:Stalled]
/// [C:Expired] [C:SlowClient] [C:TargetBusy] [C:LinkedCrash] [C:Cancelled] [C:Killed] [C:Drained] The properties
/// prove nothing about what their scripts never reach.
#[test]
fn the_scripts_reach_every_end() {
    let mut g = Gen::from_size_and_seed(48, 0);
    let mut reached = BTreeMap::new();
    for _ in 0..4_000 {
        let case = Case::arbitrary(&mut g);
        let is_sound = std::panic::catch_unwind(|| {
            let mut notes = Vec::new();
            let script = case.run().drain_notes(&mut notes);
            (notes, script.counters())
        });
        let Ok((notes, counters)) = is_sound else { continue };
        for note in notes {
            let name = format!("{note:?}");
            let name = name.split_inclusive(['(', '{', ' ']).take(2).collect::<String>();
            *reached.entry(name).or_insert(0) += 1;
        }
        *reached.entry("transfers".into()).or_insert(0) += counters.transfers;
        *reached.entry("dropped".into()).or_insert(0) += counters.messages_dropped;
    }
    let ends = [
        "TargetExited",
        "TargetFailed",
        "Commanded",
        "ClientClosed",
        "Lost",
        "Fault",
        "Unresponsive",
        "Stalled",
        "Expired",
        "SlowClient",
        "TargetBusy",
        "LinkedCrash",
        "Cancelled",
        "Killed",
        "Drained",
    ];
    for end in ends {
        let times: u64 = reached.iter().filter(|(name, _)| name.contains(end)).map(|(_, times)| times).sum();
        assert!(times > 0, "{end} is never reached: {reached:#?}");
    }
    for what in ["transfers", "dropped"] {
        assert!(reached.get(what).is_some_and(|times| *times > 10), "{what}: {reached:#?}");
    }
}

/// [R8] Nothing of the system's own reaches a client: no PID, no reason of another process's end.
#[test]
fn nothing_of_the_systems_own_reaches_a_client() {
    fn property(case: Case) -> bool {
        case.run().seen().iter().all(|seen| match seen {
            Seen::Sent(frame) => {
                let text = String::from_utf8_lossy(&frame.payload);
                !text.contains("5eed5eed") && !text.contains("nobody's business")
            }
            Seen::Replied(_)
            | Seen::Requested(..)
            | Seen::Attach(_)
            | Seen::Told(..)
            | Seen::Signalled(..)
            | Seen::StopReading
            | Seen::ResumeReading
            | Seen::Shutdown
            | Seen::Cut
            | Seen::Exited(_) => true,
        })
    }
    check(1_000, property as fn(Case) -> bool);
}

/// [R5] Every `ref` of a command is answered at most once.
#[test]
fn no_ref_is_answered_twice() {
    fn property(case: Case) -> bool {
        let (mut asked, mut answered) = (BTreeMap::new(), BTreeMap::new());
        for step in &case.steps {
            if let Step::Told(_, _, payload) = step
                && let Some(reference) = payload["ref"].as_u64()
            {
                *asked.entry(reference).or_insert(0) += 1;
            }
        }
        for seen in case.run().seen() {
            if let Seen::Told(_, topic, payload) = seen
                && topic == "ws.ack"
            {
                *answered.entry(payload["ref"].as_u64().unwrap_or_default()).or_insert(0) += 1;
            }
        }
        answered.iter().all(|(reference, count)| asked.get(reference).is_some_and(|asked| count <= asked))
    }
    check(1_000, property as fn(Case) -> bool);
}

/// [T:message] [T:outbox] What is held stays within what the limits promise.
#[test]
fn what_is_held_stays_within_the_limits() {
    fn property(case: Case) -> bool {
        let setup = case.setup();
        let memory_max = setup.memory_max();
        let mut script = setup.join();
        case.steps.iter().all(|step| {
            script = step.apply(std::mem::replace(&mut script, open()));
            script.is_cut() || script.connection().held_bytes() <= memory_max
        })
    }
    check(500, property as fn(Case) -> bool);
}

/// [T:drain] [R2] The same script, the same outputs: they depend on nothing but the inputs and the seed.
#[test]
fn a_script_runs_the_same_way_twice() {
    fn property(case: Case) -> bool {
        case.run().seen() == case.run().seen()
    }
    check(300, property as fn(Case) -> bool);
}

/// Everything a client may send on one connection, from the request to the close, and where it is cut.
#[derive(Clone, Debug)]
struct Stream {
    frames: Vec<Step>,
    cuts: Vec<u16>,
}

impl Arbitrary for Stream {
    fn arbitrary(g: &mut Gen) -> Self {
        let frames =
            (0..below(g, 60)).map(|_| Step::arbitrary(g)).filter(|step| !step.sent_bytes().is_empty());
        Self { frames: frames.collect(), cuts: Vec::arbitrary(g) }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let stream = self.clone();
        let cuts = self.cuts.clone();
        Box::new(
            self.cuts
                .shrink()
                .map(move |cuts| Self { cuts, ..stream.clone() })
                .chain(self.frames.shrink().map(move |frames| Self { frames, cuts: cuts.clone() })),
        )
    }
}

impl Stream {
    fn bytes(&self) -> Vec<u8> {
        self.frames.iter().flat_map(Step::sent_bytes).collect()
    }

    fn pieces<'a>(&self, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        for cut in &self.cuts {
            let (piece, rest) = bytes.split_at(usize::from(*cut) % 64 % (bytes.len() + 1));
            pieces.push(piece);
            bytes = rest;
        }
        pieces.push(bytes);
        pieces.into_iter().filter(|piece| !piece.is_empty()).collect()
    }
}

/// What is the same however a stream is cut: what everybody is told, in order for each of them. Stops of reading
/// between two turns are not.
fn told(mut script: Script) -> (Vec<Seen>, Vec<Seen>) {
    script
        .seen()
        .into_iter()
        .filter(|seen| !matches!(seen, Seen::StopReading | Seen::ResumeReading))
        .partition(|seen| matches!(seen, Seen::Sent(_) | Seen::Shutdown | Seen::Cut))
}

/// [R3] [R4] How a client's frames are cut into reads changes nothing.
#[test]
fn how_a_stream_of_frames_is_cut_changes_nothing() {
    fn property(stream: Stream) -> bool {
        let setup = || {
            Setup::default().limits(|limits| {
                limits.message_bytes_max = 700;
                limits.fragments_max = 6;
                limits.turn_messages_max = 4;
            })
        };
        let bytes = stream.bytes();
        let whole = setup().join().bytes(&bytes).turns();
        let cut = stream
            .pieces(&bytes)
            .into_iter()
            .fold(setup().join(), |script, piece| script.bytes(piece).turns());
        told(whole) == told(cut)
    }
    check(2_000, property as fn(Stream) -> bool);
}

/// [H1] [R4] How a request and the frames right behind it are cut changes nothing either.
#[test]
fn how_a_request_is_cut_changes_nothing() {
    fn property(stream: Stream) -> bool {
        let mut bytes = UPGRADE.as_bytes().to_vec();
        bytes.extend(stream.bytes());
        let header = serde_json::json!({"target_pid": target().to_string(), "metadata": {"user": 7}});
        let run = |pieces: Vec<&[u8]>| {
            let mut script = open();
            let mut is_asked = false;
            for piece in pieces {
                script = script.bytes(piece);
                if !is_asked && script.connection().session().is_none() && script.is_asked() {
                    is_asked = true;
                    script = script.respond(relay_to(&header)).attach_ok(target());
                }
                script = script.turns();
            }
            script
        };
        told(run(vec![&bytes])) == told(run(stream.pieces(&bytes)))
    }
    check(500, property as fn(Stream) -> bool);
}

/// [P8] A target that is full now and then loses nothing and doubles nothing.
#[test]
fn a_full_target_loses_nothing() {
    fn property(stops: Vec<bool>) -> bool {
        let mut script = joined();
        for (number, stop) in stops.iter().enumerate() {
            let input = if *stop { Input::TargetFull(target()) } else { Input::TargetRoom(target()) };
            script = script.input(input).client(&number.to_string());
        }
        script = script.input(Input::TargetRoom(target()));
        let told: Vec<_> = script.seen().into_iter().filter(|seen| matches!(seen, Seen::Told(..))).collect();
        told == (0..stops.len()).map(|number| message(text(&number.to_string()))).collect::<Vec<_>>()
    }
    check(500, property as fn(Vec<bool>) -> bool);
}
