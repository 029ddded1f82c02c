//! What has been simulated, in numbers.

use std::fmt;
use std::time::Duration;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// A kind of fault, or of behaviour that a relay has to cope with.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// All kinds.
            pub const ALL: [Self; { [$($text),*].len() }] = [$(Self::$name),*];
        }

        impl fmt::Display for Fault {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self {
                    $(Self::$name => $text,)*
                })
            }
        }
    };
}

faults! {
    /// Bytes take their time.
    Latency => "latency",
    /// A write travels in pieces.
    Chunking => "chunking",
    /// Of what could be done at once, not the first is done first.
    Reordering => "reordering",
    /// A socket takes nothing for a while.
    Stall => "stalled socket",
    /// A client reads nothing for a while.
    SlowReader => "slow reader",
    /// A client is gone, and nobody is told.
    HalfOpen => "half-open peer",
    /// A client answers neither pings nor close frames.
    Rude => "silent peer",
    /// TCP RST.
    Reset => "reset",
    /// TCP FIN without a close frame.
    Fin => "end without close",
    /// Frames that break RFC 6455.
    Malformed => "malformed frame",
    /// Text that is not UTF-8.
    Utf8 => "bad UTF-8",
    /// A message over the limit.
    Oversized => "oversized message",
    /// Fragments without end.
    Fragments => "endless fragments",
    /// Bytes that are nothing at all.
    Garbage => "garbage",
    /// Pings without end.
    PingFlood => "ping flood",
    /// Many messages at once from a client.
    Flood => "message flood",
    /// A request that two readers could read in two ways, or that is wrong otherwise.
    Smuggling => "hostile request",
    /// A request that never becomes whole.
    Slowloris => "slowloris",
    /// A handler that sets what it may not, or names a target that is not there.
    BadHandler => "bad handler",
    /// A handler that takes its time.
    LateHandler => "late handler",
    /// Many messages at once from a process.
    ProcessFlood => "process flood",
    /// A connection is handed to another process.
    Transfer => "transfer",
    /// A process panics.
    Crash => "crash",
    /// A process ends.
    Exit => "exit",
    /// A process ends with its first message.
    ExitAtOnce => "exit at once",
    /// A process is linked to somebody.
    Link => "link",
    /// A process watches somebody.
    Monitor => "monitor",
    /// A process asks somebody to end, or ends somebody.
    Kill => "cancel, terminate",
    /// A process does not look at what comes for it.
    NeverReads => "process that rests",
    /// A process sends what a connection has to refuse.
    BadCommand => "bad command",
    /// The node drains while clients are there.
    Drain => "drain",
    /// The clock jumps.
    Jump => "clock jump",
}

/// What has been simulated, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    faults: [u64; Fault::ALL.len()],
    /// Clients that connected.
    pub clients: u64,
    /// The time that all connections together were open.
    pub open: Duration,
    /// Messages of clients that reached their targets.
    pub messages_in: u64,
    /// Messages of processes that reached their clients.
    pub messages_out: u64,
    /// Messages that clients have compressed.
    pub compressed_in: u64,
    /// Messages that reached their clients compressed.
    pub compressed_out: u64,
    /// Connections that were handed to another target.
    pub transfers: u64,
    /// Turns of connections and processes, reads and writes.
    pub steps: u64,
    /// Messages that nobody got.
    pub dead_letters: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            faults: [0; Fault::ALL.len()],
            clients: 0,
            open: Duration::ZERO,
            messages_in: 0,
            messages_out: 0,
            compressed_in: 0,
            compressed_out: 0,
            transfers: 0,
            steps: 0,
            dead_letters: 0,
        }
    }
}

impl Counts {
    /// A fault was injected.
    pub(crate) const fn fault(&mut self, kind: Fault) {
        self.faults[kind as usize] += 1;
    }

    /// Bytes were put on their way, and are not all that was written, perhaps.
    pub(crate) const fn network(&mut self, latency: Duration, is_cut: bool) {
        if !latency.is_zero() {
            self.fault(Fault::Latency);
        }
        if is_cut {
            self.fault(Fault::Chunking);
        }
    }

    /// How often a fault was injected.
    #[must_use]
    pub const fn of(&self, kind: Fault) -> u64 {
        self.faults[kind as usize]
    }

    /// Both together.
    pub fn add(&mut self, other: &Self) {
        for (times, more) in self.faults.iter_mut().zip(other.faults) {
            *times += more;
        }
        self.clients += other.clients;
        self.open += other.open;
        self.messages_in += other.messages_in;
        self.messages_out += other.messages_out;
        self.compressed_in += other.compressed_in;
        self.compressed_out += other.compressed_out;
        self.transfers += other.transfers;
        self.steps += other.steps;
        self.dead_letters += other.dead_letters;
    }
}
