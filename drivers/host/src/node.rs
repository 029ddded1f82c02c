//! A node: every process on it, and the signals between them.

use crate::clock::Clock;
use crate::connections::ConnectionInfo;
use crate::dead_letters::{DeadLetter, DeadLetters};
use crate::deliveries::Deliveries;
use crate::directory::Directory;
use crate::faults::{NameFault, SendFault};
use crate::gate::Gate;
use crate::home::Home;
use crate::mailbox::{Mailbox, Owner};
use crate::names::Names;
use crate::queue::{Bounds, Room, Undelivered, WhenFull};
use crate::seeds::Seeds;
use std::fmt;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;
use wsrelay_core::fault::CommandFault;
use wsrelay_core::limits::Limits;
use wsrelay_core::message::{Destination, Message, Payload, Topic};
use wsrelay_core::process::{ExitReason, NodeId, Pid, Signal, SignalSink, answer_for_the_dead};
use wsrelay_core::relay::acknowledge_dropped;

/// What a node is built with.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// Bounds of the mailboxes: `mailbox_messages_max` and `mailbox_bytes_max`.
    pub limits: Limits,
    /// Most connections that relay at once. Default 100,000. Past it: 503 (H9).
    pub connections_max: usize,
}

impl Default for NodeOptions {
    fn default() -> Self {
        Self { limits: Limits::default(), connections_max: 100_000 }
    }
}

/// The processes of one program, and the names, mailboxes and dead letters among them.
///
/// Cheap to clone; all clones are the same node.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    directory: Directory,
    names: Names,
    clock: Clock,
    options: NodeOptions,
    seeds: Seeds,
    dead_letters: DeadLetters,
    gate: Gate,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("gate", &self.0.gate).finish_non_exhaustive()
    }
}

impl Node {
    /// Most threads with processes of their own.
    pub const HOMES_MAX: usize = Directory::HOMES_MAX;

    /// A node without processes. Its identity is drawn anew at each start (P1).
    #[must_use]
    pub fn new(options: NodeOptions) -> Self {
        Self::with_homes(options, 0)
    }

    /// The same, with so many threads that have processes of their own: their [homes](Home) are numbered
    /// from zero, at most [`Node::HOMES_MAX`].
    #[must_use]
    pub fn with_homes(options: NodeOptions, homes: usize) -> Self {
        Self::build(options, homes, Seeds::drawn(), Clock::start())
    }

    /// The same under a clock that is set by hand, and with nothing drawn but from this seed: for simulations, in
    /// which everything happens again in the same way.
    #[must_use]
    pub fn simulated(options: NodeOptions, homes: usize, seed: u64, clock: Clock) -> Self {
        Self::build(options, homes, Seeds::from(seed), clock)
    }

    fn build(options: NodeOptions, homes: usize, seeds: Seeds, clock: Clock) -> Self {
        let gate = Gate::new(options.connections_max);
        Self(Arc::new(Inner {
            directory: Directory::new(NodeId(seeds.next()), homes),
            names: Names::default(),
            clock,
            options,
            seeds,
            dead_letters: DeadLetters::default(),
            gate,
        }))
    }

    /// The node's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.0.clock.clone()
    }

    /// A number for something that is to be spread; never the same twice, and no secret: who knows one can find the next.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.seeds.next()
    }

    /// Sends a message from outside any process, such as an HTTP handler.
    ///
    /// # Errors
    ///
    /// [`SendFault`], and the message is gone.
    pub fn send(
        &self,
        to: impl Into<Destination>,
        topic: Topic,
        payload: impl Into<Payload>,
    ) -> Result<(), SendFault> {
        let message = Message { from: None, topic, payload: payload.into() };
        self.signal(&to.into(), Signal::Message(message))
    }

    /// Delivers a signal. Names are looked up now.
    ///
    /// # Errors
    ///
    /// [`SendFault`] when nobody got it. Monitors and links of the dead are answered, and are no error.
    pub fn signal(&self, to: &Destination, signal: Signal) -> Result<(), SendFault> {
        let pid = self.resolve(to).ok_or(SendFault::NoProcess)?;
        match self.push(pid, signal) {
            Ok(_) => Ok(()),
            Err(Undelivered::Closed(signal)) => {
                let is_answered = matches!(signal, Signal::Monitor { .. } | Signal::Link { .. });
                answer_for_the_dead(pid, &ExitReason::NoProcess, &signal, &mut self.clone());
                if is_answered { Ok(()) } else { Err(SendFault::NoProcess) }
            }
            Err(Undelivered::Full(_)) => Err(SendFault::Full),
            Err(Undelivered::TooBig(_)) => Err(SendFault::TooBig),
        }
    }

    /// The process that `to` names at this moment, alive or not.
    #[must_use]
    pub fn resolve(&self, to: &Destination) -> Option<Pid> {
        match to {
            Destination::Pid(pid) => Some(*pid),
            Destination::Name(name) => self.lookup(name),
        }
    }

    /// Whether the process is alive.
    #[must_use]
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.0.directory.get(pid).is_some()
    }

    /// Who holds `name` (P6).
    #[must_use]
    pub fn lookup(&self, name: &str) -> Option<Pid> {
        self.0.names.get(name)
    }

    /// Gives `name` to `pid`, until it ends. Giving it again to the same process changes nothing.
    ///
    /// # Errors
    ///
    /// [`NameFault`], and nothing has changed.
    pub fn register(&self, name: impl Into<Arc<str>>, pid: Pid) -> Result<(), NameFault> {
        let name = name.into();
        if name.is_empty() || name.starts_with('{') {
            return Err(NameFault::Malformed);
        }
        let mailbox = self.0.directory.get(pid).ok_or(NameFault::NoProcess)?;
        self.0
            .names
            .register(name, pid, || mailbox.mark_named())
            .map_err(|owner| owner.map_or(NameFault::NoProcess, NameFault::Taken))
    }

    /// Takes `name` from `pid`. Whether it held it.
    pub fn unregister(&self, name: &str, pid: Pid) -> bool {
        self.0.names.unregister(name, pid)
    }

    /// Asks a process to end (P5).
    ///
    /// # Errors
    ///
    /// [`SendFault::NoProcess`] when it is not alive.
    pub fn cancel(&self, to: impl Into<Destination>, reason: &str) -> Result<(), SendFault> {
        self.signal(&to.into(), Signal::Cancel { from: None, reason: Arc::from(reason) })
    }

    /// Ends a process without asking it (P5).
    ///
    /// # Errors
    ///
    /// [`SendFault::NoProcess`] when it is not alive.
    pub fn terminate(&self, to: impl Into<Destination>) -> Result<(), SendFault> {
        self.signal(&to.into(), Signal::Kill)
    }

    /// How many messages nobody got and no sender was told of (P7).
    #[must_use]
    pub fn dead_letters(&self) -> u64 {
        self.0.dead_letters.count()
    }

    /// Has `hook` called for each dead letter from now on, on the thread where it died. Only the first
    /// hook of a node counts; whether this is it.
    pub fn on_dead_letter(&self, hook: impl Fn(&DeadLetter) + Send + Sync + 'static) -> bool {
        self.0.dead_letters.set_hook(Box::new(hook))
    }

    /// All processes that are alive at this moment, connections among them, in no particular order.
    #[must_use]
    pub fn processes(&self) -> Vec<Pid> {
        self.0.directory.all().iter().map(|mailbox| mailbox.pid()).collect()
    }

    /// All names that are held at this moment, in their order, and by whom.
    #[must_use]
    pub fn names(&self) -> Vec<(Arc<str>, Pid)> {
        self.0.names.all()
    }

    /// The connections that relay at this moment, with their counters.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        let all = self.0.directory.all();
        all.iter().filter_map(|mailbox| mailbox.connection.get()?.info(mailbox)).collect()
    }

    /// Begins to drain: new upgrades get 503, and each connection closes at a moment of its own within
    /// `window`. A second call changes nothing.
    pub fn drain(&self, window: Duration) {
        if self.0.gate.drain(window) {
            for mailbox in self.0.directory.all() {
                mailbox.nudge();
            }
        }
    }

    /// The drain window, once the node drains; else `waker` is called when it begins to.
    pub fn poll_draining(&self, waker: &Waker) -> Poll<Duration> {
        self.0.gate.poll_draining(waker)
    }

    /// Cuts every connection at once, relaying or not. How many there were.
    pub fn cut_connections(&self) -> usize {
        let all = self.0.directory.all();
        let ports = all.iter().filter(|mailbox| mailbox.is_port());
        ports.filter(|mailbox| self.push_to(mailbox, Signal::Kill).is_ok()).count()
    }

    /// The drain window, once the node drains.
    #[must_use]
    pub fn draining(&self) -> Option<Duration> {
        self.0.gate.draining()
    }

    /// Whether no connection is open, relaying or not; else `waker` is called when the last one is gone.
    #[must_use]
    pub fn is_idle(&self, waker: &Waker) -> bool {
        self.0.gate.is_idle(waker)
    }

    /// Opens a mailbox for a process of the user's.
    #[must_use]
    pub fn open(&self) -> Arc<Mailbox> {
        self.0.directory.open(Owner::Process, self.process_bounds(), None)
    }

    /// Opens a mailbox for a process of the user's that will live at `home`. Until its thread
    /// [installs](crate::Local::install) it, signals wait.
    #[must_use]
    pub fn open_at(&self, home: &Arc<Home>) -> Arc<Mailbox> {
        self.0.directory.open(Owner::Process, self.process_bounds(), Some(home))
    }

    fn process_bounds(&self) -> Bounds {
        let limits = &self.0.options.limits;
        Bounds {
            messages_max: limits.mailbox_messages_max,
            bytes_max: limits.mailbox_bytes_max,
            overflow: WhenFull::Refuse,
        }
    }

    /// Ends a process's mailbox: frees its names, and tells those who have monitored or linked it, unseen by it, that it
    /// has ended for this reason.
    pub fn close(&self, pid: Pid, reason: &ExitReason) {
        let left = self.retire(pid);
        self.bury(pid, reason, left.signals(), &mut self.clone());
    }

    /// Ends a process's mailbox and frees its names. What is left in it comes back, to be buried.
    pub(crate) fn retire(&self, pid: Pid) -> Deliveries {
        let Some(mailbox) = self.0.directory.remove(pid) else { return Deliveries::new() };
        let (left, named) = mailbox.close();
        if named {
            self.0.names.release(pid);
        }
        left
    }

    /// Answers or counts signals that reached a process too late. What lay in its mailbox, or was taken out and not
    /// handled, learns the `reason` of its end; what comes afterwards, [`ExitReason::NoProcess`].
    pub(crate) fn bury(
        &self,
        pid: Pid,
        reason: &ExitReason,
        signals: impl IntoIterator<Item = Signal>,
        answers: &mut impl SignalSink,
    ) {
        for signal in signals {
            answer_for_the_dead(pid, reason, &signal, answers);
            if let Signal::Message(message) = signal {
                self.dead_letter(Destination::Pid(pid), message, SendFault::NoProcess);
            }
        }
    }

    /// Delivers a signal whose sender has no way to be told of a failure.
    pub fn post(&self, to: &Destination, signal: Signal) {
        match self.resolve(to) {
            Some(pid) => self.deliver(pid, signal),
            None => self.undeliverable(to, signal),
        }
    }

    /// The same, to a process.
    pub(crate) fn deliver(&self, to: Pid, signal: Signal) {
        if let Err(undelivered) = self.push(to, signal) {
            self.fail(to, undelivered, &mut self.clone());
        }
    }

    /// What becomes of a signal that was not delivered and whose sender cannot be told.
    pub(crate) fn fail(&self, to: Pid, undelivered: Undelivered, answers: &mut impl SignalSink) {
        match undelivered {
            Undelivered::Closed(signal) => self.bury(to, &ExitReason::NoProcess, [signal], answers),
            Undelivered::Full(Signal::Message(message)) => {
                self.drop_message(to, message, SendFault::Full, answers);
            }
            Undelivered::TooBig(Signal::Message(message)) => {
                self.drop_message(to, message, SendFault::TooBig, answers);
            }
            // Only messages are bounded.
            Undelivered::Full(_) | Undelivered::TooBig(_) => {}
        }
    }

    /// What becomes of a signal to a name that nobody holds.
    pub(crate) fn undeliverable(&self, to: &Destination, signal: Signal) {
        if let Signal::Message(message) = signal {
            self.dead_letter(to.clone(), message, SendFault::NoProcess);
        }
    }

    fn dead_letter(&self, to: Destination, message: Message, why: SendFault) {
        self.0.dead_letters.add(&DeadLetter { to, message, why });
    }

    pub(crate) fn push(&self, pid: Pid, signal: Signal) -> Result<Room, Undelivered> {
        match self.0.directory.get(pid) {
            Some(mailbox) => self.push_to(&mailbox, signal),
            None => Err(Undelivered::Closed(signal)),
        }
    }

    /// Puts a signal into a mailbox that was looked up before.
    pub(crate) fn push_to(&self, mailbox: &Mailbox, signal: Signal) -> Result<Room, Undelivered> {
        let mut evicted = Vec::new();
        let result = mailbox.push(signal, &mut evicted);
        self.drop_evicted(mailbox.pid(), evicted, &mut self.clone());
        result
    }

    /// These messages had to make room for another one.
    pub(crate) fn drop_evicted(&self, pid: Pid, evicted: Vec<Message>, answers: &mut impl SignalSink) {
        for message in evicted {
            self.drop_message(pid, message, SendFault::Full, answers);
        }
    }

    /// A message found no room and its sender has no other way to learn of it than the acknowledgement it
    /// may have asked for (P9).
    fn drop_message(&self, pid: Pid, message: Message, why: SendFault, answers: &mut impl SignalSink) {
        let fault = match why {
            SendFault::TooBig => CommandFault::TooBig,
            SendFault::Full | SendFault::NoProcess => CommandFault::OutboxFull,
        };
        if let Some((sender, ack)) = acknowledge_dropped(pid, &message, fault) {
            // Acknowledgements always have room, so this cannot come back here.
            answers.signal(sender, Signal::Message(ack));
        }
        self.dead_letter(Destination::Pid(pid), message, why);
    }

    /// The mailbox of a process, while it is alive: for a driver whose own processes relay from a socket,
    /// and have to stop reading when their target has no room (P8).
    #[must_use]
    pub fn mailbox(&self, pid: Pid) -> Option<Arc<Mailbox>> {
        self.0.directory.get(pid)
    }

    /// Opens a mailbox for a connection.
    pub(crate) fn open_port(&self, bounds: Bounds, home: Option<&Arc<Home>>) -> Arc<Mailbox> {
        self.0.gate.open();
        self.0.directory.open(Owner::Port, bounds, home)
    }

    /// The place that a process has at its home, if it has one and is this node's.
    #[inline]
    pub(crate) const fn place_of(pid: Pid) -> usize {
        Directory::slot_of(pid)
    }

    /// Who may come in, and who is in.
    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }
}

impl SignalSink for Node {
    /// Delivers at once; a failure has nobody to be told.
    fn signal(&mut self, to: Pid, signal: Signal) {
        self.deliver(to, signal);
    }
}
