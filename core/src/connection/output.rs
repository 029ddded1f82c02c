//! What a connection wants done.

use crate::fault::{CommandFault, ConfigFault, HttpFault};
use crate::message::{ClientMessage, Destination, Entry, Message, Metadata, Payload, Run, Runs, Topic};
use crate::process::{ExitReason, Pid, Signal, SignalSink};
use crate::relay::{End, Engine};
use crate::upgrade::Request;
use crate::wire::Data;
use alloc::boxed::Box;
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
/// A driver keeps one for each thread: what its connections share to compress with lives here, too.
///
/// Small writes that follow each other become one, so that many short messages cost the driver a
/// single buffer; large payloads are passed on uncopied. Messages of the client's that follow each other are
/// held as a [`Run`].
#[derive(Debug, Default)]
pub struct Outputs {
    list: Runs<Relayed, Output>,
    /// Whether the list ends with a run that goes on.
    in_run: bool,
    small: BytesMut,
    needs_answer: bool,
    /// What all connections of a thread share to compress with, if any does.
    engine: Engine,
}

/// What messages of the client's that follow each other have in common: they are signals to its target.
#[derive(Clone, Debug)]
pub struct Relayed {
    /// To whom.
    pub to: Pid,
    /// The connection's process.
    pub from: Pid,
    /// The topic of each.
    pub topic: Topic,
    /// What is attached to each.
    pub metadata: Metadata,
}

impl Relayed {
    /// The message with this payload.
    #[must_use]
    pub fn message(&self, data: Data) -> Message {
        let message = ClientMessage { pid: self.from, data, metadata: self.metadata.clone() };
        Message { from: Some(self.from), topic: self.topic.clone(), payload: Payload::Client(message) }
    }
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

    pub(crate) const fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// Takes all outputs out, in order, and keeps the room for the next.
    pub const fn drain(&mut self) -> Drain<'_> {
        Drain(self)
    }

    /// Takes the next output out; of a run, the next message as a signal.
    fn pop_one(&mut self) -> Option<Output> {
        self.begin();
        let message = |run: &Relayed, data| Output::Signal {
            to: Destination::Pid(run.to),
            signal: Signal::Message(run.message(data)),
        };
        self.list.pop_one(message).or_else(|| self.pop_write())
    }

    /// Takes the next output out, or the next run as a whole: for drivers that have a short way for messages.
    #[inline]
    pub fn pop(&mut self) -> Option<Entry<Relayed, Output>> {
        self.pop_listed().or_else(|| self.pop_write().map(Entry::One))
    }

    /// The same, but for a last write of few bytes: it is left for [`Outputs::last_write`].
    #[inline]
    pub fn pop_listed(&mut self) -> Option<Entry<Relayed, Output>> {
        self.begin();
        self.list.pop()
    }

    /// Whether there is anything but a last write.
    #[must_use]
    #[inline]
    pub fn has_listed(&self) -> bool {
        !self.list.is_empty()
    }

    /// What is to be written after everything else was taken out, for a driver that can write it at once. It takes
    /// out what it has written.
    #[inline]
    pub fn last_write(&mut self) -> &mut BytesMut {
        debug_assert!(self.list.is_empty(), "something comes before the last write");
        &mut self.small
    }

    fn pop_write(&mut self) -> Option<Output> {
        if self.small.is_empty() {
            return None;
        }
        // Few bytes are copied out of the room in which all writes of a thread are gathered: they may have to wait for
        // long, and would keep all of it.
        if self.small.len() <= COPY_BYTES_MAX {
            let bytes = Bytes::copy_from_slice(&self.small);
            self.small.clear();
            return Some(Output::Write(bytes));
        }
        Some(Output::Write(self.small.split().freeze()))
    }

    /// The next payload of a run that was just taken out.
    #[inline]
    pub fn next_data(&mut self, run: &mut Run<Relayed>) -> Option<Data> {
        self.list.next_data(run)
    }

    /// Outputs are being taken out.
    #[inline]
    const fn begin(&mut self) {
        self.in_run = false;
        self.needs_answer = false;
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
        self.in_run = false;
        self.needs_answer |= matches!(output, Output::Attach(_) | Output::Exit(_));
        self.list.push(output);
    }

    /// Delivers a message of the client's. `key` makes what it has in common with those that follow, where it does
    /// not follow one itself.
    #[inline]
    pub(crate) fn relay(&mut self, data: Data, key: impl FnOnce() -> Relayed) {
        if !self.in_run {
            self.seal();
        }
        let goes_on = core::mem::replace(&mut self.in_run, true);
        self.list.push_data(data);
        self.list.count(1, |_| goes_on, key);
    }

    /// Whatever is sent to a target from here on may be another target's, or carry something else.
    pub(crate) const fn end_run(&mut self) {
        self.in_run = false;
    }

    /// Writes a header and its payload.
    pub(crate) fn write(&mut self, header: &[u8], payload: &Bytes) {
        if payload.len() <= COPY_BYTES_MAX {
            self.write_small(header, payload);
        } else {
            self.small.extend_from_slice(header);
            self.push(Output::Write(payload.clone()));
        }
    }

    /// Writes a header and a message.
    #[inline]
    pub(crate) fn write_data(&mut self, header: &[u8], data: Data) {
        if let Data::Text(text) = &data
            && let Some((bytes, len)) = text.as_short()
            && let &[first, second] = header
        {
            // As much as a short text can have, and then what is too much is cut off: copies of a fixed size cost
            // next to nothing.
            let end = self.small.len() + header.len() + len;
            self.small.reserve(header.len() + bytes.len());
            self.small.extend_from_slice(&[first, second]);
            self.small.extend_from_slice(bytes);
            self.small.truncate(end);
        } else if data.len() <= COPY_BYTES_MAX {
            self.write_small(header, data.as_bytes());
        } else {
            self.small.extend_from_slice(header);
            self.push(Output::Write(data.into_bytes()));
        }
    }

    #[inline]
    fn write_small(&mut self, header: &[u8], payload: &[u8]) {
        self.small.reserve(header.len() + payload.len());
        self.small.extend_from_slice(header);
        self.small.extend_from_slice(payload);
    }

    fn seal(&mut self) {
        if let Some(write) = self.pop_write() {
            self.list.push(write);
        }
    }
}

/// Takes outputs out one by one; dropped, it drops the rest.
#[derive(Debug)]
pub struct Drain<'a>(&'a mut Outputs);

impl Iterator for Drain<'_> {
    type Item = Output;

    fn next(&mut self) -> Option<Output> {
        self.0.pop_one()
    }
}

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        self.0.begin();
        self.0.list.clear();
        self.0.small.clear();
    }
}

impl SignalSink for Outputs {
    fn signal(&mut self, to: Pid, signal: Signal) {
        self.push(Output::Signal { to: Destination::Pid(to), signal });
    }
}
