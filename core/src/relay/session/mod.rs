//! The relay session: one client, its present target, and everything between them.
//!
//! Read the states drawn above [`Session`] first. Files: `inbound` (bytes from the client), `commands` (messages from
//! processes), `transfer`, `ending` (from a reason to the cut socket), `timers`.

mod commands;
mod ending;
mod inbound;
mod timers;
mod transfer;

use super::options::RelayOptions;
use super::outbox::Outbox;
use super::{Counters, End, RelayConfig};
use crate::connection::{Input, Note, Output, Outputs};
use crate::fault::ClientFault;
use crate::message::{Join, Message, Metadata, Payload, Topic};
use crate::process::{Event, ExitReason, Lifecycle, Pid, Reaction, Signal, SignalSink};
use crate::time::{Instant, Timeout, Wake};
use crate::upgrade::Extensions;
use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::{Bytes, BytesMut};
use ending::Closing;
use inbound::Inbound;
use timers::Clocks;
use transfer::{Deferred, Transfer};

/// What a session begins with.
#[derive(Debug)]
pub struct Start {
    /// The connection's process, with the relations it has already; it watches the target.
    pub lifecycle: Lifecycle,
    /// The target; it has got our monitor.
    pub target: Pid,
    /// What the handler said.
    pub config: RelayConfig,
    /// The subprotocol that was agreed on, if any.
    pub subprotocol: Option<Arc<str>>,
    /// The client's address, if it has one.
    pub peer: Option<Arc<str>>,
    /// Options and limits.
    pub options: Arc<RelayOptions>,
    /// Spreads heartbeats and drain.
    pub seed: u64,
    /// What was agreed on beside RFC 6455.
    pub extensions: Extensions,
    /// The 101 that the client gets first; empty when somebody else has sent it.
    pub response: Bytes,
    /// Bytes that came with the request, before anybody could answer it.
    pub early: BytesMut,
}

/// One client and its target, from the join on.
///
/// ```text
///                 ws.control {target_pid}
///   join ──► Relaying ──────────────────► Transferring      attached: leave, switch, join
///              │  │  ▲───────────────────────────┘          refused: nothing has changed
///              │  │         attached, refused
///              │  └──────── the client broke the protocol ──► Failing
///              │                                               │  answers to what it sent
///   ws.close, target ended,      client closed, slow,          │  before still go out
///   idle, cancel, drain          unresponsive, busy            │
///              ▼                         ▼                     │
///           Closing ───────────────► Lingering ◄───────────────┘
///           queue out, close         leave and exit are said; the rest goes out, then FIN
///           frame out, the                │
///           peer's awaited                ▼
///              └─ nobody answers ──────► Done ◄── lost, killed, stalled: at once
///                                        socket cut
/// ```
#[derive(Debug)]
pub struct Session {
    options: Arc<RelayOptions>,
    lifecycle: Lifecycle,
    phase: Phase,
    target: Pid,
    target_alive: bool,
    message_topic: Topic,
    heartbeat: Timeout,
    metadata: Metadata,
    subprotocol: Option<Arc<str>>,
    peer: Option<Arc<str>>,
    inbound: Inbound,
    outbox: Outbox,
    clocks: Clocks,
    counters: Counters,
}

/// Where the session stands; drawn above [`Session`].
#[derive(Debug)]
enum Phase {
    /// Messages flow.
    Relaying,
    /// A control command waits for its new target; nothing is decoded meanwhile.
    Transferring(Box<Transfer>),
    /// The client broke the protocol; answers to what it had sent before may still go out, until this
    /// instant. Nothing more of it is decoded.
    Failing {
        /// What it did.
        fault: ClientFault,
        /// When the connection is closed for it.
        until: Instant,
    },
    /// The end is decided; what was queued goes out, then the close frame, then the peer's is awaited.
    Closing(Box<Closing>),
    /// The process has ended; the socket gets its last bytes until this instant.
    Lingering {
        /// When the socket is cut.
        until: Instant,
        /// Whether the client has ended its side.
        eof: bool,
        /// Whether we have ended ours.
        shut: bool,
    },
    /// The socket is cut.
    Done,
}

impl Session {
    /// Begins the relay: the target gets its join, then what the client sent early is decoded.
    #[must_use]
    pub fn begin(now: Instant, start: Start, out: &mut Outputs) -> Self {
        let Start {
            lifecycle,
            target,
            config,
            subprotocol,
            peer,
            options,
            seed,
            extensions,
            response,
            early,
        } = start;
        let codec = Extensions::codec(extensions, &options.compression);
        let clocks = Clocks::new(now, seed, config.heartbeat);
        let mut session = Self {
            inbound: Inbound::new(now, early, codec.is_some(), &options.limits),
            options,
            lifecycle,
            phase: Phase::Relaying,
            target,
            target_alive: true,
            message_topic: config.message_topic,
            heartbeat: config.heartbeat,
            metadata: config.metadata,
            subprotocol,
            peer,
            outbox: Outbox::new(codec),
            clocks,
            counters: Counters::default(),
        };
        out.push(Output::Note(Note::Opened { target }));
        session.outbox.writer.emit(now, response.len());
        out.write(&[], &response);
        // R4: the join is in the target's mailbox before the first message can be.
        session.send_join(out);
        session.decode(now, out);
        session.settle(now, out);
        session
    }

    /// Handles one input; every effect is appended, in order, before it returns.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Outputs) {
        if self.is_done() {
            return self.after_the_end(input, out);
        }
        let is_tick = matches!(input, Input::Tick);
        match input {
            Input::Received(bytes) => self.received(now, bytes),
            Input::Eof => self.eof(now, out),
            Input::Written(bytes) => self.written(now, bytes),
            Input::Signal(signal) => self.signal(now, signal, out),
            Input::Attached(result) => self.attached(now, result, out),
            Input::TargetFull(pid) => self.target_full(now, pid),
            Input::TargetRoom(pid) => self.target_room(now, pid),
            Input::Overflowed => self.overflowed(now, out),
            Input::Drain(window) => self.clocks.drain(now, window),
            Input::Tick => self.tick(now, out),
            // The handler has answered before the session began; a second answer is a driver's mistake
            // that harms nobody.
            Input::Response(_) => {}
        }
        // A left-over turn waits for its tick, so that others get theirs before it.
        if is_tick || self.inbound.next_turn == Wake::Never {
            self.decode(now, out);
        }
        self.settle(now, out);
    }

    /// Nothing is asked of a socket that is cut; processes that write too late are answered.
    fn after_the_end(&mut self, input: Input, out: &mut Outputs) {
        match input {
            Input::Signal(signal) => _ = self.lifecycle.handle(signal, out),
            Input::Attached(Ok(pid)) => {
                out.signal(pid, Signal::Demonitor { watcher: self.pid() });
            }
            Input::Attached(Err(_))
            | Input::Received(_)
            | Input::Eof
            | Input::Written(_)
            | Input::Response(_)
            | Input::TargetFull(_)
            | Input::TargetRoom(_)
            | Input::Overflowed
            | Input::Drain(_)
            | Input::Tick => {}
        }
    }

    /// When to call again if nothing happens.
    #[must_use]
    pub fn wake(&self) -> Wake {
        self.next_wake()
    }

    /// The connection's process.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.lifecycle.pid()
    }

    /// The process that the client's messages go to.
    #[must_use]
    pub const fn target(&self) -> Pid {
        self.target
    }

    /// The process in whose mailbox this session waits for room before it reads on (P8).
    #[must_use]
    pub const fn awaits_room(&self) -> Option<Pid> {
        match self.inbound.blocked_since {
            Some(_) if !self.is_done() => Some(self.target),
            Some(_) | None => None,
        }
    }

    /// The client's address, if it has one.
    #[must_use]
    pub const fn peer(&self) -> Option<&Arc<str>> {
        self.peer.as_ref()
    }

    /// When the session began.
    #[must_use]
    pub const fn opened_at(&self) -> Instant {
        self.clocks.opened_at
    }

    /// What has been counted so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        Counters {
            messages_out: self.outbox.messages_out,
            bytes_out: self.outbox.bytes_out,
            messages_dropped: self.outbox.messages_dropped,
            ..self.counters
        }
    }

    /// Whether the client's messages still go to a target.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.ended().is_none()
    }

    /// Why the connection's process has ended; `None` while it lives.
    #[must_use]
    pub const fn ended(&self) -> Option<&ExitReason> {
        self.lifecycle.ended()
    }

    /// Whether the socket is cut and nothing is left to do.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done)
    }

    /// Payload bytes held for either direction.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let deferred = match &self.phase {
            Phase::Transferring(transfer) => transfer.held_bytes(),
            Phase::Relaying
            | Phase::Failing { .. }
            | Phase::Closing(_)
            | Phase::Lingering { .. }
            | Phase::Done => 0,
        };
        self.inbound.held_bytes() + self.outbox.held_bytes() + deferred
    }

    /// How many messages wait for the client and can still be dropped, and their payload bytes.
    #[must_use]
    pub fn queued(&self) -> (usize, usize) {
        self.outbox.queued()
    }

    /// One signal from a process.
    fn signal(&mut self, now: Instant, signal: Signal, out: &mut Outputs) {
        match self.lifecycle.handle(signal, out) {
            Reaction::Quiet => {}
            Reaction::End(ExitReason::Killed) => self.end(now, End::Killed, out),
            Reaction::End(_) => self.end(now, End::LinkedCrash, out),
            Reaction::Event(Event::Message(message)) => match &self.phase {
                // Commands keep their order: they wait until the transfer before them is decided.
                Phase::Transferring(_) => self.defer(Deferred::Command(message), out),
                Phase::Relaying
                | Phase::Failing { .. }
                | Phase::Closing(_)
                | Phase::Lingering { .. }
                | Phase::Done => self.command(now, message, out),
            },
            Reaction::Event(Event::Exit { from, reason }) if from == self.target => {
                self.target_alive = false;
                self.unblock(now);
                self.end(now, if reason.is_normal() { End::TargetExited } else { End::TargetFailed }, out);
            }
            Reaction::Event(Event::Cancel { reason, .. }) => match &self.phase {
                Phase::Transferring(_) => self.defer(Deferred::Cancel(reason), out),
                Phase::Relaying
                | Phase::Failing { .. }
                | Phase::Closing(_)
                | Phase::Lingering { .. }
                | Phase::Done => self.end(now, End::Cancelled(reason), out),
            },
            // A connection watches nobody but its target and traps no links.
            Reaction::Event(Event::Exit { .. } | Event::LinkDown { .. } | Event::Started | Event::Tick) => {}
        }
    }

    /// What every input may have made possible: writing, the next step of the end, reading.
    fn settle(&mut self, now: Instant, out: &mut Outputs) {
        if self.is_done() {
            return;
        }
        self.pump(now, out);
        self.advance_ending(now, out);
        if !self.is_done() {
            self.inbound.set_reading(self.wants_reading(), out);
        }
    }

    #[inline]
    fn pump(&mut self, now: Instant, out: &mut Outputs) {
        if self.outbox.has_waiting() {
            self.pump_waiting(now, out);
        }
    }

    fn pump_waiting(&mut self, now: Instant, out: &mut Outputs) {
        let pid = self.lifecycle.pid();
        self.outbox.pump(now, &self.options.limits, out, |receipt, out| {
            commands::acknowledge(pid, receipt.to, *receipt.reference, Ok(()), out);
        });
    }

    fn send_join(&self, out: &mut Outputs) {
        let join = Join {
            pid: self.pid(),
            metadata: self.metadata.clone(),
            subprotocol: self.subprotocol.clone(),
            peer: self.peer.clone(),
        };
        self.tell_target(Topic::JOIN, Payload::Join(Box::new(join)), out);
    }

    fn tell_target(&self, topic: Topic, payload: Payload, out: &mut Outputs) {
        out.signal(self.target, Signal::Message(Message { from: Some(self.pid()), topic, payload }));
    }
}
