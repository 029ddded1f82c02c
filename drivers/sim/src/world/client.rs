//! The client's end of a connection.

use crate::deflate::Terms;
use crate::pipe::Pipe;
use crate::wire::{ClientReader, Frame, Reply};
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;
use wsrelay_core::process::Pid;
use wsrelay_core::time::Instant;

/// A client of a [`World`](super::World).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Client(pub(crate) usize);

/// One thing that a client has seen.
#[derive(Clone, PartialEq, Eq)]
pub enum Heard {
    /// A response.
    Reply(Reply),
    /// A frame.
    Frame(Frame),
    /// The stream has ended.
    End,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(reply) => reply.fmt(f),
            Self::Frame(frame) => frame.fmt(f),
            Self::End => f.write_str("end of the stream"),
        }
    }
}

impl PartialEq<Frame> for Heard {
    fn eq(&self, frame: &Frame) -> bool {
        matches!(self, Self::Frame(heard) if heard == frame)
    }
}

/// What a client has, and what it is like.
#[derive(Debug)]
pub(crate) struct Party {
    /// To the server, and from it.
    pub(crate) up: Pipe,
    pub(crate) down: Pipe,
    /// Written, while the pipe has no room for it.
    pub(crate) outgoing: VecDeque<Bytes>,
    /// Whether the stream ends behind that.
    pub(crate) finishing: bool,
    pub(crate) reader: ClientReader,
    /// Bytes of the server's that were read to the end of a frame, counted from the first frame on.
    pub(crate) read: u64,
    /// Until when it does not read.
    pub(crate) deaf_until: Instant,
    /// Whether it answers pings and close frames, and ends its stream when the server has ended.
    pub(crate) is_polite: bool,
    /// Whether it has vanished without a word: it neither reads nor writes.
    pub(crate) is_gone: bool,
    pub(crate) has_closed: bool,
    /// Whether its request had the key to which the answer is known.
    pub(crate) has_known_key: bool,
    pub(crate) has_ended: bool,
    pub(crate) heard: Vec<Heard>,
    /// How messages are compressed if its request is granted.
    pub(crate) terms: Option<Terms>,
    /// The statuses that its request may be answered with.
    pub(crate) allowed: Vec<u16>,
    /// The target that it asks for, if that is known.
    pub(crate) wanted: Option<Pid>,
    pub(crate) is_in_reads: bool,
    /// How much it has said.
    pub(crate) said: u64,
}

impl Party {
    pub(crate) fn new(socket_bytes: usize) -> Self {
        Self {
            up: Pipe::new(socket_bytes),
            down: Pipe::new(socket_bytes),
            outgoing: VecDeque::new(),
            finishing: false,
            reader: ClientReader::default(),
            read: 0,
            deaf_until: Instant::ZERO,
            is_polite: true,
            is_gone: false,
            has_closed: false,
            has_known_key: false,
            has_ended: false,
            heard: Vec::new(),
            terms: None,
            allowed: Vec::new(),
            wanted: None,
            is_in_reads: false,
            said: 0,
        }
    }

    /// Whether it can still write something.
    pub(crate) const fn may_write(&self) -> bool {
        !self.is_gone && !self.has_ended && !self.finishing
    }

    pub(crate) fn wants_read(&self, now: Instant) -> bool {
        !self.is_gone
            && !self.has_ended
            && self.deaf_until <= now
            && (self.down.is_readable() || self.down.is_at_end())
    }
}
