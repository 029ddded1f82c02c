//! What has happened, for people and as a number.

use crate::tap::Fact;
use wsrelay_core::message::{ClientMessage, Message, Payload, Send};
use wsrelay_core::process::{Event, Pid, Signal};
use wsrelay_core::time::Instant;
use wsrelay_core::wire::Data;

/// The trace of a world: a number always, lines where they are wanted.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: Option<Vec<String>>,
    /// What PIDs are called in lines.
    names: Vec<(String, String)>,
    hash: u64,
}

impl Trace {
    pub(crate) fn record(&mut self) {
        self.lines = Some(Vec::new());
    }

    /// What a process is called from now on.
    pub(crate) fn name(&mut self, pid: Pid, name: impl FnOnce() -> String) {
        if self.lines.is_some() {
            self.names.push((pid.to_string(), format!("<{}>", name())));
        }
    }

    fn push(&mut self, now: Instant, mut line: String) {
        for (pid, name) in &self.names {
            if line.contains(&**pid) {
                line = line.replace(&**pid, name);
            }
        }
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>13} {line}", Millis(now)));
        }
    }

    pub(crate) fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    /// Something that is told in a line of its own.
    pub(crate) fn note(&mut self, now: Instant, line: impl FnOnce() -> String) {
        self.mix(now.as_nanos());
        if self.lines.is_some() {
            self.push(now, line());
        }
    }

    /// Bytes that go into the number alone.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.mix(bytes.len() as u64);
        let (eights, rest) = bytes.as_chunks::<8>();
        // The beginning tells messages apart.
        for eight in eights.iter().take(4) {
            self.mix(u64::from_le_bytes(*eight));
        }
        for byte in rest {
            self.mix(u64::from(*byte));
        }
    }

    pub(crate) fn fact(&mut self, now: Instant, fact: &Fact) {
        self.mix(now.as_nanos());
        match fact {
            Fact::Data { from, to, data, .. } => {
                self.pids(1, *from, *to);
                self.bytes(data.as_bytes());
            }
            Fact::Sent { to, signal, .. } => {
                self.pids(2, *to, *to);
                self.signal(signal);
            }
            Fact::Relayed { from, to, count, .. } => {
                self.pids(3, *from, *to);
                self.mix(*count as u64);
            }
            Fact::Nobody { signal } => self.signal(signal),
            Fact::Saw { who, event } => {
                self.pids(4, *who, *who);
                match event {
                    Event::Message(message) => self.message(message),
                    Event::Started => self.mix(1),
                    Event::Exit { from, .. } => self.pids(2, *from, *from),
                    Event::LinkDown { from, .. } => self.pids(3, *from, *from),
                    Event::Cancel { .. } => self.mix(4),
                    Event::Tick => self.mix(5),
                }
            }
            Fact::Over { who } => self.pids(5, *who, *who),
            Fact::Dead { letter } => self.message(&letter.message),
        }
        if self.lines.is_some() {
            self.push(now, line(fact));
        }
    }

    fn signal(&mut self, signal: &Signal) {
        match signal {
            Signal::Message(message) => self.message(message),
            Signal::Monitor { watcher: pid } | Signal::Demonitor { watcher: pid } => self.pids(6, *pid, *pid),
            Signal::Link { peer: pid } | Signal::Unlink { peer: pid } => self.pids(7, *pid, *pid),
            Signal::Exit { from, reason } | Signal::Down { from, reason } => {
                self.pids(8, *from, *from);
                self.bytes(reason.to_string().as_bytes());
            }
            Signal::Cancel { .. } => self.mix(9),
            Signal::Kill => self.mix(10),
        }
    }

    fn message(&mut self, message: &Message) {
        self.bytes(message.topic.as_str().as_bytes());
        if let Payload::Client(client) = &message.payload {
            self.bytes(client.data.as_bytes());
        } else {
            self.mix(message.payload.len() as u64);
        }
    }

    fn pids(&mut self, kind: u64, one: Pid, other: Pid) {
        self.mix(kind);
        self.mix(one.serial().get());
        self.mix(other.serial().get());
    }

    const fn mix(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}

/// An instant in milliseconds of the world's time.
struct Millis(Instant);

impl std::fmt::Display for Millis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = self.0.as_nanos() / 1_000;
        f.pad(&format!("{}.{:03}", micros / 1_000, micros % 1_000))
    }
}

fn line(fact: &Fact) -> String {
    match fact {
        Fact::Data { from, to, topic, data } => format!("{from} → {to} {topic} {}", Short(data)),
        Fact::Sent { to, signal: Signal::Message(message), .. } => {
            let from = message.from.map_or_else(|| "outside".to_owned(), |from| from.to_string());
            format!("{from} → {to} {} {}", message.topic, payload(&message.payload))
        }
        Fact::Sent { to, signal, .. } => format!("→ {to} {signal:?}"),
        Fact::Relayed { from, to, topic, count, .. } => format!("{from} → {to} {topic}: {count} messages"),
        Fact::Nobody { signal } => format!("→ nobody {signal:?}"),
        Fact::Saw { who, event: Event::Message(message) } => {
            format!("{who} sees {} {}", message.topic, payload(&message.payload))
        }
        Fact::Saw { who, event } => format!("{who} sees {event:?}"),
        Fact::Over { who } => format!("{who} is over"),
        Fact::Dead { letter } => format!("dead letter to {} ({})", letter.to, letter.why),
    }
}

fn payload(payload: &Payload) -> String {
    if let Payload::Client(ClientMessage { data, .. }) | Payload::Data(data) = payload {
        Short(data).to_string()
    } else if let Payload::Send(Send { data, reference }) = payload {
        format!("{} ref {reference:?}", Short(data))
    } else {
        format!("{payload:?}")
    }
}

/// A payload, cut where it becomes long.
struct Short<'a>(&'a Data);

impl std::fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const BYTES_MAX: usize = 40;
        let bytes = self.0.as_bytes();
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(BYTES_MAX)]);
        write!(f, "{} {start:?}", self.0.kind().as_str())?;
        if bytes.len() > BYTES_MAX { write!(f, "… ({} bytes)", bytes.len()) } else { Ok(()) }
    }
}
