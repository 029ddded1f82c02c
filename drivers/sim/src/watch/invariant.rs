//! What has to hold in every world.

use std::fmt;
use std::str::FromStr;

/// What has to hold in every world, whatever its clients, its processes and its network do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// A client's messages reach its targets in order; none is lost, doubled or invented, transfers or not (R4, R7).
    Delivery,
    /// What processes send reaches the client in order for each of them; none is doubled or invented, and lost is only
    /// what the outbox's policy or the end of the connection explains (R5, P9).
    Sending,
    /// Messages between processes arrive in order, and none is lost, doubled or invented (P2).
    Letters,
    /// Join before message before leave; one leave a join; nothing of a connection after its exit (R4).
    Membership,
    /// A connection ends for a reason that there was, and client, target and monitors are told of it as table C says.
    Ending,
    /// Every command with a `ref` is answered once (R5).
    Acks,
    /// Heartbeats come no sooner than they should, and tell the truth (R3).
    Heartbeats,
    /// What the client gets is RFC 6455: legal frames, nothing after a close frame.
    Wire,
    /// A pong goes ahead of data, and answers a ping (T).
    Pongs,
    /// Responses are those that the request and the handler's answer call for (H); of a user's requests, that the handshake
    /// is answered as RFC 6455 has it.
    Handshake,
    /// Nothing of the system's own reaches a client (R8, H10): not the relay header, and in random worlds no words that were
    /// for processes alone.
    Secrecy,
    /// Every monitor is answered once, with the truth (P3).
    Monitors,
    /// Crashes go over links and normal ends do not (P4).
    Links,
    /// Mailboxes and outboxes stay within their bounds (P8, P9).
    Bounds,
    /// A connection holds no more than `Limits::memory_max` (T).
    Memory,
    /// Every wake brings something about.
    Progress,
    /// Without faults everything comes to rest: what was sent has arrived, what has a reason to end has ended.
    Settling,
    /// At the end nothing is left over: no process, timer or name.
    Leftovers,
    /// No code panics, but that of a process which may (`World::may_panic`).
    Panics,
    /// The same seed gives the same world.
    Determinism,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Delivery,
        Self::Sending,
        Self::Letters,
        Self::Membership,
        Self::Ending,
        Self::Acks,
        Self::Heartbeats,
        Self::Wire,
        Self::Pongs,
        Self::Handshake,
        Self::Secrecy,
        Self::Monitors,
        Self::Links,
        Self::Bounds,
        Self::Memory,
        Self::Progress,
        Self::Settling,
        Self::Leftovers,
        Self::Panics,
        Self::Determinism,
    ];
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl FromStr for Invariant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|invariant| invariant.to_string() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(Self::to_string).collect();
            format!("no invariant is called {text:?}; there are {}", names.join(", "))
        })
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What was seen instead, in words.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}
