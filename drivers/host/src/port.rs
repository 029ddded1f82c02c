//! A connection between the socket that a driver owns and the processes of a node.
//!
//! (In Erlang/OTP a *port* is the process-like end of something outside; this is one.)

use crate::connections::LiveConnection;
use crate::mailbox::{Bounds, Charge, Delivery, Mailbox, Room, Undelivered, WhenFull};
use crate::node::Node;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use wsrelay_core::connection::{Connection, ConnectionOptions, Input, Note, Output, Outputs, Refused};
use wsrelay_core::fault::HttpFault;
use wsrelay_core::message::{Destination, Payload};
use wsrelay_core::process::{Pid, Signal};
use wsrelay_core::relay::{Overflow, Session};
use wsrelay_core::time::{Instant, Wake};
use wsrelay_core::upgrade::{Request, Response, refusal};

/// What a driver is to do with its socket, as of now.
#[derive(Debug, Default)]
pub struct Work {
    /// Bytes to write, in order. The driver takes them out and reports [`Port::written`].
    pub writes: VecDeque<Bytes>,
    /// A request for the handler; the driver takes it out and answers with [`Port::response`].
    pub request: Option<Box<Request>>,
    /// Whether the socket is not to be read.
    pub paused: bool,
    /// Whether our side of the stream ends once everything is written.
    pub shutdown: bool,
    /// Whether the socket is to be dropped now.
    pub cut: bool,
}

/// One connection: the core's state machine, its mailbox, and the one place where its outputs become
/// effects. A driver owns the socket and the timer, and does what [`Port::work`] says.
#[derive(Debug)]
pub struct Port {
    connection: Connection,
    /// What the log names when it tells of a refusal.
    options: Arc<ConnectionOptions>,
    node: Node,
    mailbox: Arc<Mailbox>,
    /// The target's mailbox, so that the data path looks nothing up.
    target: Option<Arc<Mailbox>>,
    drained: bool,
    relaying: bool,
    /// Whether the connection's process is over.
    retired: bool,
    out: Outputs,
    work: Work,
}

impl Port {
    /// A connection that a client has just opened.
    #[must_use]
    pub fn open(
        node: &Node,
        peer: Option<SocketAddr>,
        secure: bool,
        options: &Arc<ConnectionOptions>,
    ) -> Self {
        let limits = &options.relay.limits;
        let mailbox = node.open_port(Bounds {
            // Between two turns of this connection a process may send more than the outbox holds, although
            // the client takes all of it.
            messages_max: limits.outbox_messages_max.saturating_mul(4),
            bytes_max: limits.outbox_bytes_max,
            overflow: match options.relay.overflow {
                Overflow::Close => WhenFull::RefuseAndTellOwner,
                Overflow::DropNew => WhenFull::Refuse,
                Overflow::DropOld => WhenFull::DropOldest,
            },
        });
        let now = node.clock().now();
        let connection = Connection::new(now, mailbox.pid(), node.seed(), peer, secure, Arc::clone(options));
        Self {
            connection,
            options: Arc::clone(options),
            node: node.clone(),
            mailbox,
            target: None,
            drained: false,
            relaying: false,
            retired: false,
            out: Outputs::new(),
            work: Work::default(),
        }
    }

    /// What the driver is to do now.
    pub const fn work(&mut self) -> &mut Work {
        &mut self.work
    }

    /// When to call [`Port::tick`] if nothing happens.
    #[must_use]
    pub fn wake(&self) -> Wake {
        self.connection.wake()
    }

    /// The connection, to look at.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Bytes arrived.
    pub fn received(&mut self, now: Instant, bytes: BytesMut) {
        // Ask before decoding, so that a full mailbox is overrun by one turn at most.
        if self.target.as_ref().is_some_and(|target| !target.has_room()) {
            self.block(now);
        }
        self.input(now, Input::Received(bytes));
    }

    /// The client ended its side, or the socket failed.
    pub fn eof(&mut self, now: Instant) {
        self.input(now, Input::Eof);
    }

    /// The socket took this many bytes.
    pub fn written(&mut self, now: Instant, bytes: usize) {
        self.input(now, Input::Written(bytes));
    }

    /// The handler's answer.
    pub fn response(&mut self, now: Instant, response: Response) {
        // An answer that is given during a drain says so, however lately the drain has begun.
        self.notice_drain(now);
        self.input(now, Input::Response(response));
    }

    /// Calls the core when its wake is due.
    pub fn tick(&mut self, now: Instant) {
        if self.wake().is_due(now) {
            // Woken up is who waits for room once half of it is free; who runs out of patience is content
            // with less.
            if let Some(pid) = self.connection.session().and_then(Session::awaits_room)
                && self.target.as_ref().is_some_and(|target| target.is_below_bounds())
            {
                self.input(now, Input::TargetRoom(pid));
            }
            self.input(now, Input::Tick);
        }
    }

    /// Handles what other processes sent, and what the node wants. `waker` is called when there is more.
    /// To be called once more before the driver waits, whatever it did. Whether to call again soon, because
    /// there is more and others should have their turn first.
    pub fn poll(&mut self, now: Instant, waker: &Waker) -> bool {
        let mut more = self.poll_mailbox(now, waker);
        more |= self.poll_room(now, waker);
        // After the waker is in place: a drain that begins now calls it.
        self.notice_drain(now);
        if !more {
            // Whoever waits keeps no room for what it might have to do next.
            self.out = Outputs::new();
        }
        more
    }

    fn notice_drain(&mut self, now: Instant) {
        if !self.drained
            && let Some(window) = self.node.draining()
        {
            self.drained = true;
            self.input(now, Input::Drain(window));
        }
    }

    /// Handles what the mailbox holds, once: a process that never stops sending does not keep this
    /// connection's socket, nor the other connections of its thread, from being served.
    fn poll_mailbox(&mut self, now: Instant, waker: &Waker) -> bool {
        let mut deliveries = VecDeque::new();
        let any = self.mailbox.drain(&mut deliveries, waker);
        if any {
            let mut charge = Charge::default();
            for Delivery { signal, charge: one } in deliveries.drain(..) {
                charge.add(one);
                if self.retired {
                    self.node.bury(self.mailbox.pid(), [signal]);
                    continue;
                }
                self.connection.handle(now, Input::Signal(signal), &mut self.out);
                // Only a command that looks for a process needs its answer before the next signal; the
                // outputs of the others are performed together.
                if self.out.needs_answer() {
                    self.mailbox.release(std::mem::take(&mut charge));
                    self.perform(now);
                }
            }
            // Before anybody is answered: who waits for answers before sending more finds room then.
            self.mailbox.release(charge);
            self.perform(now);
        }
        if self.mailbox.take_overflowed() {
            self.input(now, Input::Overflowed);
        }
        any
    }

    /// Where the session waits for room in its target's mailbox, it hears of it.
    /// Whether it did: then there may be more to read, or the room may be gone again.
    fn poll_room(&mut self, now: Instant, waker: &Waker) -> bool {
        let Some(pid) = self.connection.session().and_then(Session::awaits_room) else { return false };
        let waits =
            self.target.as_ref().is_some_and(|target| target.wait_for_room(self.mailbox.pid(), waker));
        if !waits {
            self.input(now, Input::TargetRoom(pid));
        }
        !waits
    }

    /// Tells the session that its target has no room; that it knows already harms nobody.
    fn block(&mut self, now: Instant) {
        if let Some(target) = &self.target {
            let pid = target.pid();
            self.connection.handle(now, Input::TargetFull(pid), &mut self.out);
        }
    }

    fn input(&mut self, now: Instant, input: Input) {
        self.connection.handle(now, input, &mut self.out);
        self.perform(now);
    }

    /// Does what the core wants, until it wants nothing more.
    fn perform(&mut self, now: Instant) {
        while !self.out.is_empty() {
            let mut out = std::mem::take(&mut self.out);
            let mut pressed = false;
            for output in out.drain() {
                pressed |= self.effect(now, output);
            }
            // Keep the allocation, unless an answer has begun a new list meanwhile.
            if self.out.is_empty() {
                self.out = out;
            }
            if pressed {
                self.block(now);
            }
        }
        if let (Some(live), Some(session)) = (self.mailbox.connection.get(), self.connection.session()) {
            live.publish(session);
        }
    }

    /// The one match from the core's outputs to effects. Whether the target's mailbox is full now.
    fn effect(&mut self, now: Instant, output: Output) -> bool {
        match output {
            Output::Write(bytes) => self.work.writes.push_back(bytes),
            Output::Signal { to: Destination::Pid(pid), signal } => return self.deliver(pid, signal),
            Output::Signal { to, signal } => self.node.post(&to, signal),
            Output::Request(request) => self.work.request = self.admit(now, request),
            Output::Attach(target) => {
                let result = self.attach(&target);
                self.connection.handle(now, Input::Attached(result), &mut self.out);
            }
            Output::StopReading => self.work.paused = true,
            Output::ResumeReading => self.work.paused = false,
            Output::Shutdown => self.work.shutdown = true,
            Output::Cut => self.work.cut = true,
            Output::Exit(reason) => {
                tracing::debug!(pid = %self.mailbox.pid(), %reason, "connection ended");
                self.retire();
            }
            Output::Note(note) => self.note(&note),
        }
        false
    }

    /// H9: at its limit a node refuses before the handler has spawned anything for the client.
    fn admit(&mut self, now: Instant, request: Box<Request>) -> Option<Box<Request>> {
        if !request.is_upgrade() || self.node.gate().has_place() {
            return Some(request);
        }
        tracing::warn!("no place for another connection");
        let response = refusal(&HttpFault::Unavailable);
        self.connection.handle(now, Input::Response(response), &mut self.out);
        None
    }

    /// Finds the process and puts our monitor into its mailbox.
    fn attach(&mut self, target: &Destination) -> Result<Pid, Refused> {
        let mailbox =
            self.node.resolve(target).and_then(|pid| self.node.mailbox(pid)).ok_or(Refused::NoProcess)?;
        if !self.relaying && !self.node.gate().enter() {
            return Err(Refused::AtLimit);
        }
        let watcher = self.mailbox.pid();
        if self.node.push_to(&mailbox, Signal::Monitor { watcher }).is_err() {
            if !self.relaying {
                self.node.gate().leave();
            }
            return Err(Refused::NoProcess);
        }
        self.relaying = true;
        Ok(mailbox.pid())
    }

    /// Delivers a signal of the connection's. Whether the target's mailbox is full now.
    fn deliver(&mut self, pid: Pid, signal: Signal) -> bool {
        if self.connection.session().is_some_and(|session| session.target() == pid)
            && self.target.as_ref().is_none_or(|target| target.pid() != pid)
        {
            if let Some(old) = self.target.take() {
                old.forget_waiting(self.mailbox.pid());
            }
            self.target = self.node.mailbox(pid);
        }
        let target = match &self.target {
            Some(target) if target.pid() == pid => target,
            Some(_) | None => {
                self.node.post(&Destination::Pid(pid), signal);
                return false;
            }
        };
        let is_relayed =
            matches!(&signal, Signal::Message(message) if matches!(message.payload, Payload::Client(_)));
        let result = if is_relayed { target.push_relayed(signal) } else { self.node.push_to(target, signal) };
        match result {
            Ok(room) => is_relayed && room == Room::None,
            Err(Undelivered::Closed(signal)) => {
                self.node.bury(pid, [signal]);
                false
            }
            // Only a heartbeat can find no room; the next one will tell the same.
            Err(Undelivered::Full(_) | Undelivered::TooBig(_)) => false,
        }
    }

    fn note(&self, note: &Note) {
        let pid = self.mailbox.pid();
        match note {
            Note::Refused(HttpFault::Origin(origin)) => {
                let allowed = &self.options.upgrade.origins;
                tracing::warn!(%pid, origin, %allowed, "request refused: origin not allowed");
            }
            Note::Refused(fault) => tracing::info!(%pid, %fault, "request refused"),
            Note::Misconfigured(fault) => tracing::error!(%pid, %fault, "handler's response refused"),
            Note::Unavailable(target) => {
                tracing::warn!(%pid, %target, "target not alive, or no place for another connection");
            }
            Note::CommandRefused { from, fault } => {
                let from = from.map(tracing::field::display);
                tracing::warn!(%pid, from, %fault, "command refused");
            }
            Note::Opened { target } => {
                tracing::debug!(%pid, %target, "relay opened");
                if let Some(session) = self.connection.session() {
                    _ = self.mailbox.connection.set(LiveConnection::new(session));
                }
            }
            Note::Closed(end) => tracing::debug!(%pid, ?end, "relay closed"),
        }
    }

    /// The connection's process is over; its socket may linger.
    fn retire(&mut self) {
        self.retired = true;
        if let Some(target) = self.target.take() {
            target.forget_waiting(self.mailbox.pid());
        }
        self.node.close(self.mailbox.pid());
        if std::mem::take(&mut self.relaying) {
            self.node.gate().leave();
        }
    }
}

impl Drop for Port {
    /// A driver that gives up, or panics, leaves no process behind.
    fn drop(&mut self) {
        if !self.connection.is_done() {
            let now = self.node.clock().now();
            self.input(now, Input::Signal(Signal::Kill));
        }
        self.retire();
        self.node.gate().close();
    }
}
