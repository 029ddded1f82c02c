//! What a connection and its driver work with.

use crate::carrier::Carrier;
use crate::deliveries::Deliveries;
use bytes::Bytes;
use std::collections::VecDeque;
use wsrelay_core::connection::Outputs;
use wsrelay_core::upgrade::Request;

/// What a driver is to do with its socket, as of now.
#[derive(Debug, Default)]
pub struct Work {
    /// Bytes to write, in order. The driver takes them out and reports [`Port::written`](crate::Port::written).
    pub writes: VecDeque<Bytes>,
    /// A request for the handler; the driver takes it out and answers with [`Port::response`](crate::Port::response).
    pub request: Option<Box<Request>>,
    /// Whether the socket is not to be read.
    pub paused: bool,
    /// Whether our side of the stream ends once everything is written.
    pub shutdown: bool,
    /// Whether the socket is to be dropped now.
    pub cut: bool,
}

/// What a thread lends to the connection it is busy with, so that those which are idle need none: room to
/// work in, and the carrier.
#[derive(Debug)]
pub struct Desk<C> {
    pub(crate) scratch: Scratch,
    /// How the processes of this thread reach others.
    pub carrier: C,
}

impl<C: Carrier> Desk<C> {
    /// A desk with room that was used before.
    #[must_use]
    pub const fn new(scratch: Scratch, carrier: C) -> Self {
        Self { scratch, carrier }
    }

    /// The room, for the next desk.
    #[must_use]
    pub fn into_scratch(self) -> Scratch {
        self.scratch
    }

    /// Drops what somebody who panicked has left on it.
    pub fn clear(&mut self) {
        self.scratch = Scratch::default();
    }
}

/// Room to work in.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) out: Outputs,
    pub(crate) deliveries: Deliveries,
}

impl Scratch {
    /// No room yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}
