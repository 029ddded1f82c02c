//! A connection between the socket that a driver owns and the processes of a node.
//!
//! (In Erlang/OTP a *port* is the process-like end of something outside; this is one.)

use crate::carrier::{Anywhere, Carrier, Posting};
use crate::connections::LiveConnection;
use crate::desk::{Desk, Scratch, Work};
use crate::home::Home;
use crate::mailbox::Mailbox;
use crate::node::Node;
use crate::queue::{Bounds, Charge, Room, WhenFull};
use crate::stream::ReadBuffer;
use bytes::{Buf as _, BytesMut};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use wsrelay_core::connection::{Connection, ConnectionOptions, Input, Note, Output, Outputs};
use wsrelay_core::fault::HttpFault;
use wsrelay_core::message::{Destination, Entry};
use wsrelay_core::process::{ExitReason, Signal};
use wsrelay_core::relay::{Overflow, Session};
use wsrelay_core::time::{Instant, Wake};
use wsrelay_core::upgrade::Response;

mod delivery;

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
    work: Work,
}

impl Port {
    /// A connection that a client has just opened; it lives at `home`, if it never leaves its thread.
    #[must_use]
    pub fn open(
        node: &Node,
        home: Option<&Arc<Home>>,
        peer: Option<SocketAddr>,
        secure: bool,
        options: &Arc<ConnectionOptions>,
    ) -> Self {
        let limits = &options.relay.limits;
        let bounds = Bounds {
            // Between two turns of this connection a process may send more than the outbox holds, although
            // the client takes all of it.
            messages_max: limits.outbox_messages_max.saturating_mul(4),
            bytes_max: limits.outbox_bytes_max,
            overflow: match options.relay.overflow {
                Overflow::Close => WhenFull::RefuseAndTellOwner,
                Overflow::DropNew => WhenFull::Refuse,
                Overflow::DropOld => WhenFull::DropOldest,
            },
        };
        let mailbox = node.open_port(bounds, home);
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

    /// The mailbox of the connection's process.
    #[must_use]
    pub const fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// Bytes arrived.
    pub fn received(&mut self, now: Instant, bytes: BytesMut, desk: &mut Desk<impl Carrier>) {
        // Ask before decoding, so that a full mailbox is overrun by one turn at most.
        if self.target.as_ref().is_some_and(|target| !target.has_room()) {
            self.block(now, &mut desk.scratch.out);
        }
        self.input(now, Input::Received(bytes), desk);
    }

    /// The same for what the thread's buffer holds.
    pub fn arrived(&mut self, now: Instant, buffer: &mut ReadBuffer, desk: &mut Desk<impl Carrier>) {
        let has_room = self.target.as_ref().is_some_and(|target| target.has_room());
        let len = buffer.filled().len();
        let mut taken = 0;
        if has_room {
            taken = self.connection.receive(now, buffer.filled(), &mut desk.scratch.out);
            self.perform(now, desk);
            self.stow(desk);
        }
        if taken < len {
            self.received(now, buffer.take_from(taken), desk);
            if let Some(room) = buffer.take_long(self.connection.wants_room()) {
                self.connection.lend(room);
            }
        }
    }

    /// The client ended its side, or the socket failed.
    pub fn eof(&mut self, now: Instant, desk: &mut Desk<impl Carrier>) {
        self.input(now, Input::Eof, desk);
    }

    /// The socket took this many bytes.
    pub fn written(&mut self, now: Instant, bytes: usize, desk: &mut Desk<impl Carrier>) {
        self.input(now, Input::Written(bytes), desk);
    }

    /// The handler's answer.
    pub fn response(&mut self, now: Instant, response: Response, desk: &mut Desk<impl Carrier>) {
        // An answer that is given during a drain says so, however lately the drain has begun.
        self.notice_drain(now, desk);
        self.input(now, Input::Response(response), desk);
    }

    /// Calls the core when its wake is due.
    pub fn tick(&mut self, now: Instant, desk: &mut Desk<impl Carrier>) {
        if self.wake().is_due(now) {
            // Woken up is who waits for room once half of it is free; who runs out of patience is content
            // with less.
            if let Some(pid) = self.connection.session().and_then(Session::awaits_room)
                && self.target.as_ref().is_some_and(|target| target.is_below_bounds())
            {
                self.input(now, Input::TargetRoom(pid), desk);
            }
            self.input(now, Input::Tick, desk);
        }
    }

    /// Handles what other processes sent, and what the node wants. The carrier has it called again when
    /// there is more. To be called once more before the driver waits, whatever it did. Whether to call again
    /// soon, because there is more and others should have their turn first.
    pub fn poll(&mut self, now: Instant, desk: &mut Desk<impl Carrier>) -> bool {
        let more = self.poll_without_write(now, desk);
        self.stow(desk);
        more
    }

    fn poll_without_write(&mut self, now: Instant, desk: &mut Desk<impl Carrier>) -> bool {
        let mut more = self.poll_mailbox(now, desk);
        more |= self.poll_room(now, desk);
        // After the mailbox was asked: a drain that begins now has us called again.
        self.notice_drain(now, desk);
        more
    }

    /// As [`Port::poll`], for a socket that may take something: where that is all there is to write, a few bytes are
    /// given to `write` at once. What it does not take, and everything else, is [work](Port::work).
    pub fn poll_and_write(
        &mut self,
        now: Instant,
        desk: &mut Desk<impl Carrier>,
        write: impl FnOnce(&[u8]) -> io::Result<usize>,
    ) -> bool {
        let more = self.poll_without_write(now, desk);
        let bytes = desk.scratch.out.last_write();
        if !bytes.is_empty()
            && self.work.writes.is_empty()
            && let Ok(written @ 1..) = write(bytes)
        {
            bytes.advance(written);
            self.stow(desk);
            self.written(now, written, desk);
        } else {
            self.stow(desk);
        }
        more
    }

    /// Keeps what is to be written last for later: the room it lies in is for the next connection.
    #[inline]
    fn stow(&mut self, desk: &mut Desk<impl Carrier>) {
        if !desk.scratch.out.last_write().is_empty()
            && let Some(Entry::One(Output::Write(bytes))) = desk.scratch.out.pop()
        {
            self.work.writes.push_back(bytes);
        }
    }

    fn notice_drain(&mut self, now: Instant, desk: &mut Desk<impl Carrier>) {
        if !self.drained
            && let Some(window) = self.node.draining()
        {
            self.drained = true;
            self.input(now, Input::Drain(window), desk);
        }
    }

    /// Handles what the mailbox holds, once: a process that never stops sending does not keep this
    /// connection's socket, nor the other connections of its thread, from being served.
    fn poll_mailbox(&mut self, now: Instant, desk: &mut Desk<impl Carrier>) -> bool {
        let mut deliveries = std::mem::take(&mut desk.scratch.deliveries);
        let any = desk.carrier.take(&self.mailbox, &mut deliveries);
        if any {
            let mut charge = Charge::default();
            while let Some(next) = deliveries.pop_whole() {
                match next {
                    Entry::One((signal, one)) => {
                        charge.add(one);
                        self.signal(now, signal, &mut charge, desk);
                    }
                    Entry::Run(mut run) => {
                        while let Some((data, one)) = deliveries.next_data(&mut run) {
                            charge.add(one);
                            if run.key.can_be_sent(&self.connection, &data) {
                                self.connection.send(now, data, &mut desk.scratch.out);
                            } else {
                                let message = run.key.message(data);
                                self.signal(now, Signal::Message(message), &mut charge, desk);
                            }
                        }
                    }
                }
            }
            // Before anybody is answered: who waits for answers before sending more finds room then.
            desk.carrier.release(&self.mailbox, charge);
            self.perform(now, desk);
        }
        desk.scratch.deliveries = deliveries;
        if self.mailbox.take_overflowed() {
            self.input(now, Input::Overflowed, desk);
        }
        any
    }

    fn signal(&mut self, now: Instant, signal: Signal, charge: &mut Charge, desk: &mut Desk<impl Carrier>) {
        if let Some(reason) = self.connection.ended().cloned() {
            // It lay in the mailbox when the connection's process ended, and is answered behind its last words.
            self.perform(now, desk);
            let posting = &mut Posting(&mut desk.carrier);
            return self.node.bury(self.mailbox.pid(), &reason, [signal], posting);
        }
        self.connection.handle(now, Input::Signal(signal), &mut desk.scratch.out);
        // Only a command that looks for a process needs its answer before the next signal; the
        // outputs of the others are performed together.
        if desk.scratch.out.needs_answer() {
            desk.carrier.release(&self.mailbox, std::mem::take(charge));
            self.perform(now, desk);
        }
    }

    /// Where the session waits for room in its target's mailbox, it hears of it.
    /// Whether it did: then there may be more to read, or the room may be gone again.
    fn poll_room(&mut self, now: Instant, desk: &mut Desk<impl Carrier>) -> bool {
        let Some(pid) = self.connection.session().and_then(Session::awaits_room) else { return false };
        let own = &self.mailbox;
        let waits = self.target.as_ref().is_some_and(|target| desk.carrier.wait_for_room(own, target));
        if !waits {
            self.input(now, Input::TargetRoom(pid), desk);
        }
        !waits
    }

    /// Tells the session that its target has no room; that it knows already harms nobody.
    fn block(&mut self, now: Instant, out: &mut Outputs) {
        if let Some(target) = &self.target {
            let pid = target.pid();
            self.connection.handle(now, Input::TargetFull(pid), out);
        }
    }

    fn input(&mut self, now: Instant, input: Input, desk: &mut Desk<impl Carrier>) {
        self.connection.handle(now, input, &mut desk.scratch.out);
        self.perform(now, desk);
        self.stow(desk);
    }

    /// Does what the core wants, until it wants nothing more but perhaps a last write.
    fn perform(&mut self, now: Instant, desk: &mut Desk<impl Carrier>) {
        let mut pressed = false;
        while desk.scratch.out.has_listed() {
            while let Some(next) = desk.scratch.out.pop_listed() {
                match next {
                    Entry::One(output) => self.effect(now, output, desk),
                    Entry::Run(run) => {
                        let Desk { scratch: Scratch { out, .. }, carrier } = desk;
                        pressed |= self.relay(run, out, carrier) == Room::None;
                    }
                }
            }
            if std::mem::take(&mut pressed) {
                self.block(now, &mut desk.scratch.out);
            }
        }
    }

    /// Shows what was counted to whoever asks the node; to be called once a round.
    pub fn publish(&self) {
        if let (Some(live), Some(session)) = (self.mailbox.connection.get(), self.connection.session()) {
            live.publish(session);
        }
    }

    /// The one match from the core's outputs to effects.
    fn effect(&mut self, now: Instant, output: Output, desk: &mut Desk<impl Carrier>) {
        let Desk { scratch: Scratch { out, .. }, carrier } = desk;
        match output {
            Output::Write(bytes) => self.work.writes.push_back(bytes),
            Output::Signal { to: Destination::Pid(pid), signal } => self.deliver(pid, signal, carrier),
            Output::Signal { to, signal } => carrier.send(&to, signal),
            Output::Request(request) => self.work.request = self.admit(now, request, out),
            Output::Attach(target) => {
                let result = self.attach(&target, carrier);
                self.connection.handle(now, Input::Attached(result), out);
            }
            Output::StopReading => self.work.paused = true,
            Output::ResumeReading => self.work.paused = false,
            Output::Shutdown => self.work.shutdown = true,
            Output::Cut => self.work.cut = true,
            Output::Exit(reason) => {
                tracing::debug!(pid = %self.mailbox.pid(), %reason, "connection ended");
                self.retire(carrier);
            }
            Output::Note(note) => self.note(&note),
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
    fn retire(&mut self, carrier: &mut impl Carrier) {
        if let Some(target) = self.target.take() {
            target.forget_waiting(self.mailbox.pid());
        }
        let left = carrier.close(&self.mailbox);
        let reason = self.connection.ended().unwrap_or(&ExitReason::Killed);
        carrier.bury(self.mailbox.pid(), reason, left);
        if std::mem::take(&mut self.relaying) {
            self.node.gate().leave();
        }
    }
}

impl Drop for Port {
    /// A driver that gives up, or panics, leaves no process behind.
    fn drop(&mut self) {
        let node = self.node.clone();
        let mut desk = Desk::new(Scratch::new(), Anywhere::new(&node, Waker::noop()));
        if !self.connection.is_done() {
            let now = node.clock().now();
            self.input(now, Input::Signal(Signal::Kill), &mut desk);
        }
        self.retire(&mut desk.carrier);
        node.gate().close();
    }
}
