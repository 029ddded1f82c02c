//! What a connection wants done.

use crate::fault::{CommandFault, ConfigFault, HttpFault};
use crate::message::Destination;
use crate::process::{ExitReason, Pid, Signal, SignalSink};
use crate::relay::End;
use crate::upgrade::Request;
use alloc::boxed::Box;
use alloc::vec::{self, Vec};
use bytes::{Bytes, BytesMut};

/// What a connection wants its driver to do, in the order of the outputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Ask the HTTP handler. Answered by [`Input::Response`](super::Input::Response).
    Request(Box<Request>),
    /// Find the process, deliver a monitor signal from this connection to it, and say at once
    /// whether it is alive. Answered by [`Input::Attached`](super::Input::Attached).
    Attach(Destination),
    /// Deliver a signal.
    Signal {
        /// To whom.
        to: Destination,
        /// What.
        signal: Signal,
    },
    /// Write these bytes, after all that came before. Answered by
    /// [`Input::Written`](super::Input::Written), once for several if that suits the driver.
    Write(Bytes),
    /// Read no more from the socket until told to.
    StopReading,
    /// Read again.
    ResumeReading,
    /// When everything is written, end the stream to the client (TCP FIN); reading goes on.
    Shutdown,
    /// Drop the socket now, with whatever is not written.
    Cut,
    /// The connection's process has ended: no signal can reach it any more. What follows is its last
    /// words to monitors and links, and the end of the socket.
    Exit(ExitReason),
    /// Something an operator may want to know.
    Note(Note),
}

/// Something an operator may want to know. Not for clients.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// A request was refused before its handler ran, or without asking it.
    Refused(HttpFault),
    /// The handler's response could not be honoured (H7).
    Misconfigured(ConfigFault),
    /// The handler named a target that is not alive, or the node takes no more connections.
    Unavailable(Destination),
    /// A process's command was refused (R6).
    CommandRefused {
        /// The process, if it is one.
        from: Option<Pid>,
        /// Why.
        fault: CommandFault,
    },
    /// The relay has begun.
    Opened {
        /// The process that the client was connected to.
        target: Pid,
    },
    /// The relay has ended, for this reason.
    Closed(End),
}

/// The outputs of one or several calls, in order.
///
/// Small writes that follow each other become one, so that many short messages cost the driver a
/// single buffer; large payloads are passed on uncopied.
#[derive(Debug, Default)]
pub struct Outputs {
    list: Vec<Output>,
    small: BytesMut,
    needs_answer: bool,
}

/// Payloads up to this many bytes are copied behind their header: cheaper than one more buffer in a
/// vectored write.
const COPY_BYTES_MAX: usize = 4096;

impl Outputs {
    /// No outputs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes all outputs out, in order, and keeps the room for the next.
    pub fn drain(&mut self) -> vec::Drain<'_, Output> {
        self.seal();
        self.needs_answer = false;
        self.list.drain(..)
    }

    /// Whether there is an [`Output::Attach`], which wants its answer, or an [`Output::Exit`], after which
    /// nothing is handed over: a driver that hands over many signals in a row performs these first.
    #[must_use]
    pub const fn needs_answer(&self) -> bool {
        self.needs_answer
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.small.is_empty()
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.seal();
        self.needs_answer |= matches!(output, Output::Attach(_) | Output::Exit(_));
        self.list.push(output);
    }

    /// Writes a header and its payload.
    pub(crate) fn write(&mut self, header: &[u8], payload: &Bytes) {
        self.small.extend_from_slice(header);
        if payload.len() <= COPY_BYTES_MAX {
            self.small.extend_from_slice(payload);
        } else {
            self.push(Output::Write(payload.clone()));
        }
    }

    fn seal(&mut self) {
        if !self.small.is_empty() {
            self.list.push(Output::Write(self.small.split().freeze()));
        }
    }
}

impl SignalSink for Outputs {
    fn signal(&mut self, to: Pid, signal: Signal) {
        self.push(Output::Signal { to: Destination::Pid(to), signal });
    }
}
