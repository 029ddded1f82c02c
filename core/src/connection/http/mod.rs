//! A connection before its upgrade: requests, the handler, and the handshake's last step.
//!
//! ```text
//!   Reading ── request ──► Handling ── response ──► Responding ── written ──► Reading
//!      │                      │                                                  (keep-alive)
//!      │ fault, time          └─ X-WS-Relay ──► Attaching ── alive ──► 101, Session
//!      ▼                                            │
//!   Closing ◄──────────── 426, 500, 503 ◄───────────┘ not alive
//! ```

mod handshake;

use super::{ConnectionOptions, Input, Note, Output, Outputs};
use crate::fault::{CommandFault, HttpFault};
use crate::message::Message;
use crate::process::{Event, ExitReason, Lifecycle, Pid, Reaction, Signal, SignalSink as _};
use crate::relay::{Start, Writer, acknowledge_dropped};
use crate::time::{Instant, Wake};
use crate::upgrade::{
    Extensions, Handshake, Read, Request, RequestReader, Response, check_upgrade, keep_alive, refusal,
    respond,
};
use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::{Bytes, BytesMut};
use core::net::SocketAddr;
use handshake::Attaching;

/// The HTTP half of a connection's life.
#[derive(Debug)]
pub(super) struct Http {
    options: Arc<ConnectionOptions>,
    lifecycle: Lifecycle,
    peer: Option<SocketAddr>,
    seed: u64,
    reader: RequestReader,
    buffer: BytesMut,
    writer: Writer,
    stage: Stage,
    reading: bool,
    draining: bool,
    /// Whether a request was answered before.
    served: bool,
    /// Whether the present request is a HEAD, whose answer has no body.
    is_head: bool,
    /// Whether `buffer` is a part of the driver's.
    is_lent: bool,
}

#[derive(Debug)]
enum Stage {
    /// A request is awaited, or arrives.
    Reading { due: Instant, begun: bool },
    /// The handler works.
    Handling { asked: Asked, due: Instant },
    /// The handler's target is being looked for.
    Attaching(Box<Attaching>),
    /// A response goes out; the next request is not looked at before it is written.
    Responding { keep_alive: bool },
    /// The last response is on its way; what still arrives is discarded.
    Closing { until: Instant, shut: bool, eof: bool },
    /// The socket is cut.
    Done,
}

/// What has to be remembered of a request while the handler works.
#[derive(Debug)]
struct Asked {
    keep_alive: bool,
    handshake: Option<Handshake>,
}

impl Http {
    pub(super) fn new(
        now: Instant,
        pid: Pid,
        seed: u64,
        peer: Option<SocketAddr>,
        secure: bool,
        options: Arc<ConnectionOptions>,
    ) -> Self {
        let due = now + options.relay.limits.handshake_wait_max;
        Self {
            options,
            lifecycle: Lifecycle::new(pid),
            peer,
            seed,
            reader: RequestReader::new(peer, secure),
            buffer: BytesMut::new(),
            writer: Writer::default(),
            stage: Stage::Reading { due, begun: false },
            reading: true,
            draining: false,
            served: false,
            is_head: false,
            is_lent: false,
        }
    }

    pub(super) const fn pid(&self) -> Pid {
        self.lifecycle.pid()
    }

    pub(super) const fn ended(&self) -> Option<&ExitReason> {
        self.lifecycle.ended()
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.buffer.len() + self.reader.memory() + self.writer.in_flight()
    }

    /// Handles one input. What a session begins with comes back when the upgrade is made.
    pub(super) fn handle(&mut self, now: Instant, input: Input, out: &mut Outputs) -> Option<Box<Start>> {
        match input {
            Input::Received(bytes) => self.received(bytes),
            Input::Eof => self.eof(out),
            Input::Written(bytes) => self.written(now, bytes),
            Input::Response(response) => self.response(now, response, out),
            Input::Attached(result) => {
                if let Some(start) = self.attached(now, result, out) {
                    return Some(start);
                }
            }
            Input::Signal(signal) => match self.lifecycle.handle(signal, out) {
                Reaction::End(reason) => self.finish(reason, out),
                // To cancel a connection that does not relay yet is to drain it.
                Reaction::Event(Event::Cancel { .. }) => self.drain(now),
                Reaction::Event(Event::Message(message)) => self.refuse_command(&message, out),
                Reaction::Quiet
                | Reaction::Event(
                    Event::Started | Event::Exit { .. } | Event::LinkDown { .. } | Event::Tick,
                ) => {}
            },
            Input::TargetFull(_) | Input::TargetRoom(_) | Input::Overflowed => {}
            Input::Drain(_) => self.drain(now),
            Input::Tick => self.tick(now, out),
        }
        self.read(now, out);
        self.settle(out);
        None
    }

    /// R6: there is no client yet that anything could be sent to; its sender is told, if it asked.
    fn refuse_command(&self, message: &Message, out: &mut Outputs) {
        let fault = CommandFault::NotOpen;
        if let Some((sender, ack)) = acknowledge_dropped(self.pid(), message, fault.clone()) {
            out.signal(sender, Signal::Message(ack));
        }
        out.push(Output::Note(Note::CommandRefused { from: message.from, fault }));
    }

    pub(super) fn wake(&self) -> Wake {
        let stall = self.writer.stall(&self.options.relay.limits);
        match &self.stage {
            Stage::Reading { due, .. } | Stage::Handling { due, .. } => stall.min(Wake::At(*due)),
            Stage::Attaching(attaching) => stall.min(Wake::At(attaching.due)),
            Stage::Responding { .. } => stall,
            Stage::Closing { until, .. } => stall.min(Wake::At(*until)),
            Stage::Done => Wake::Never,
        }
    }

    fn received(&mut self, bytes: BytesMut) {
        match self.stage {
            Stage::Closing { .. } | Stage::Done => {}
            Stage::Reading { .. }
            | Stage::Handling { .. }
            | Stage::Attaching(_)
            | Stage::Responding { .. } => {
                if self.buffer.is_empty() {
                    self.buffer = bytes;
                    self.is_lent = true;
                } else {
                    self.buffer.unsplit(bytes);
                }
            }
        }
    }

    fn eof(&mut self, out: &mut Outputs) {
        match &mut self.stage {
            Stage::Closing { eof, .. } => *eof = true,
            Stage::Reading { .. }
            | Stage::Handling { .. }
            | Stage::Attaching(_)
            | Stage::Responding { .. } => self.finish(ExitReason::Normal, out),
            Stage::Done => {}
        }
    }

    fn written(&mut self, now: Instant, bytes: usize) {
        self.writer.written(now, bytes);
        if let Stage::Responding { keep_alive } = self.stage
            && self.writer.in_flight() == 0
        {
            if keep_alive && !self.draining {
                let due = now + self.options.relay.limits.keep_alive_wait_max;
                self.stage = Stage::Reading { due, begun: false };
                self.served = true;
            } else {
                self.close(now);
            }
        }
    }

    fn drain(&mut self, now: Instant) {
        self.draining = true;
        // Between two requests there is nothing to wait for; who has just come gets an answer yet.
        if let Stage::Reading { due, begun: false } = &mut self.stage
            && self.served
        {
            *due = now;
        }
    }

    fn tick(&mut self, now: Instant, out: &mut Outputs) {
        if self.writer.stall(&self.options.relay.limits).is_due(now) {
            return self.finish(ExitReason::crashed("client does not read"), out);
        }
        match &self.stage {
            Stage::Reading { due, begun } if *due <= now => {
                if *begun {
                    self.refuse(now, &HttpFault::Timeout, out);
                } else {
                    self.close(now);
                }
            }
            Stage::Handling { due, .. } if *due <= now => self.refuse(now, &HttpFault::HandlerTimeout, out),
            Stage::Attaching(attaching) if attaching.due <= now => self.give_up_attaching(now, out),
            Stage::Closing { until, .. } if *until <= now => self.finish(ExitReason::Normal, out),
            Stage::Reading { .. }
            | Stage::Handling { .. }
            | Stage::Attaching(_)
            | Stage::Responding { .. }
            | Stage::Closing { .. }
            | Stage::Done => {}
        }
    }

    /// Reads the next request, if it is time for one.
    fn read(&mut self, now: Instant, out: &mut Outputs) {
        while let Stage::Reading { due, begun } = &mut self.stage
            && !self.buffer.is_empty()
        {
            let limits = &self.options.relay.limits;
            if !*begun {
                *begun = true;
                self.is_head = false;
                // The first request's time runs since the connection was opened; that of each later one, and
                // of one that a drain finds, since its first byte.
                if self.served || self.draining {
                    *due = now + limits.handshake_wait_max;
                }
            }
            match self.reader.read(&mut self.buffer, limits) {
                Ok(None) => break,
                Ok(Some(Read::Continue)) => {
                    self.write(now, &Bytes::from_static(b"HTTP/1.1 100 Continue\r\n\r\n"), out);
                }
                Ok(Some(Read::Request(request))) => self.request(now, request, out),
                Err(fault) => self.refuse(now, &fault, out),
            }
        }
        // What is left waits for more, perhaps for long: it must not keep the driver's whole buffer.
        if core::mem::take(&mut self.is_lent) {
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
    }

    fn request(&mut self, now: Instant, request: Request, out: &mut Outputs) {
        self.is_head = request.method == "HEAD";
        let handshake = match check_upgrade(&request, &self.options.upgrade) {
            // H9: a request that could not be upgraded any more does not reach its handler.
            Ok(Some(_)) if self.draining => return self.refuse(now, &HttpFault::Unavailable, out),
            Ok(handshake) => handshake,
            Err(fault) => return self.refuse(now, &fault, out),
        };
        let handshake = handshake.map(|handshake| Handshake {
            extensions: Extensions::accept(&request.headers, &self.options.relay.compression),
            ..handshake
        });
        let keep_alive = keep_alive(&request);
        let asked = Asked { keep_alive, handshake };
        let due = now + self.options.relay.limits.handler_wait_max;
        self.stage = Stage::Handling { asked, due };
        out.push(Output::Request(Box::new(request)));
    }

    /// What `respond` has to know of the request.
    fn method(&self) -> Option<&'static str> {
        self.is_head.then_some("HEAD")
    }

    fn respond(&mut self, now: Instant, response: &Response, keep_alive: bool, out: &mut Outputs) {
        let keep_alive = keep_alive && !self.draining;
        match respond(response, self.method(), keep_alive) {
            Ok(bytes) => {
                self.write(now, &bytes, out);
                self.stage = Stage::Responding { keep_alive };
            }
            Err(fault) => {
                out.push(Output::Note(Note::Misconfigured(fault)));
                self.refuse(now, &HttpFault::Handler, out);
            }
        }
    }

    /// Refuses what was asked, and the connection with it.
    fn refuse(&mut self, now: Instant, fault: &HttpFault, out: &mut Outputs) {
        out.push(Output::Note(Note::Refused(fault.clone())));
        // The refusals are our own and can always be written.
        let bytes = respond(&refusal(fault), self.method(), false).unwrap_or_default();
        self.write(now, &bytes, out);
        self.close(now);
    }

    fn write(&mut self, now: Instant, bytes: &Bytes, out: &mut Outputs) {
        self.writer.emit(now, bytes.len());
        out.write(&[], bytes);
    }

    fn close(&mut self, now: Instant) {
        let until = now + self.options.relay.limits.close_wait_max;
        self.buffer = BytesMut::new();
        self.stage = Stage::Closing { until, shut: false, eof: false };
    }

    /// What every input may have made possible: the end of the stream, and reading.
    fn settle(&mut self, out: &mut Outputs) {
        let is_written = self.writer.in_flight() == 0;
        match &mut self.stage {
            Stage::Closing { eof: true, .. } if is_written => self.finish(ExitReason::Normal, out),
            Stage::Closing { shut, .. } if is_written && !*shut => {
                *shut = true;
                out.push(Output::Shutdown);
            }
            Stage::Reading { .. }
            | Stage::Handling { .. }
            | Stage::Attaching(_)
            | Stage::Responding { .. }
            | Stage::Closing { .. }
            | Stage::Done => {}
        }
        let wanted = match self.stage {
            Stage::Reading { .. } | Stage::Closing { eof: false, .. } => true,
            Stage::Handling { .. }
            | Stage::Attaching(_)
            | Stage::Responding { .. }
            | Stage::Closing { eof: true, .. } => false,
            Stage::Done => return,
        };
        if wanted != self.reading {
            self.reading = wanted;
            out.push(if wanted { Output::ResumeReading } else { Output::StopReading });
        }
    }

    fn finish(&mut self, reason: ExitReason, out: &mut Outputs) {
        if let Stage::Attaching(attaching) = core::mem::replace(&mut self.stage, Stage::Done) {
            self.abort(&attaching.config.target, "client gone before it was connected", out);
        }
        out.push(Output::Exit(reason.clone()));
        self.lifecycle.end(reason, out);
        out.push(Output::Cut);
    }
}
