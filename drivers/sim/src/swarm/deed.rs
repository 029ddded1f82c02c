//! What clients do.

use super::{Broken, Head};

/// How a client connects, and how the handler takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// It asks, and is accepted.
    Open,
    /// The same, with a heartbeat of so many seconds.
    Beating(u64),
    /// The same, with so many messages right behind the request.
    Early(usize),
    /// The handler takes so many milliseconds.
    Late(u64),
    /// The target is called by its name.
    ByName,
    /// The handler says 401, and names a target nevertheless.
    Unwelcome,
    /// The handler's relay header is none.
    Misnamed,
    /// The handler sets the relay header twice.
    Doubled,
    /// The target does not exist.
    Nowhere,
    /// An ordinary request, which the handler answers with the relay header.
    Plain,
    /// The request is wrong.
    Wrong(Head),
    /// The request comes so slowly that it never becomes whole.
    Slowly,
}

impl Door {
    /// Whether a client that comes in here has something to say in frames.
    pub(super) const fn leads_in(self) -> bool {
        match self {
            Self::Open | Self::Beating(_) | Self::Early(_) | Self::Late(_) | Self::ByName => true,
            Self::Unwelcome
            | Self::Misnamed
            | Self::Doubled
            | Self::Nowhere
            | Self::Plain
            | Self::Wrong(_)
            | Self::Slowly => false,
        }
    }
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Sends a text of so many bytes.
    Says(usize),
    /// The same, binary.
    SaysBinary(usize),
    /// Sends a text of so many bytes in so many fragments, a ping and an empty fragment in between.
    SaysInPieces(usize, usize),
    /// Sends so many texts of so many bytes at once.
    Bursts(usize, usize),
    /// Sends a ping with so many bytes.
    Pings(usize),
    /// Sends a pong that nobody has asked for.
    Pongs,
    /// Sends so many pings at once.
    PingsWithoutEnd(usize),
    /// Closes with this code; 1005 says nothing.
    Leaves(u16),
    /// Ends its stream without a word.
    Finishes,
    /// The connection breaks.
    Breaks,
    /// Is gone, and nobody is told.
    Vanishes,
    /// Answers nothing from now on.
    FallsSilent,
    /// Reads nothing for so many milliseconds.
    StopsReading(u64),
    /// Sends one more byte of a request that never becomes whole.
    Trickles,
    /// Sends what it may not.
    Misbehaves(Broken),
}
