//! A process whose code is an ordinary function: its mailbox, sorted into messages and events.

use crate::deliveries::Deliveries;
use crate::faults::{NameFault, SendFault};
use crate::mailbox::Mailbox;
use crate::node::Node;
use crate::queue::Charge;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};
use wsrelay_core::message::{Destination, Message, Payload, Topic};
use wsrelay_core::process::{Event, ExitReason, Lifecycle, Pid, Reaction, Signal};

/// One such process, shared between its code and the runner that keeps it alive.
///
/// The runner [pumps](Self::pump) it: signals become events and messages that wait here until the code
/// takes them, and a kill or an untrapped link ends the code wherever it stands.
#[derive(Debug)]
pub struct ProcessCell {
    node: Node,
    mailbox: Arc<Mailbox>,
    /// Why the process has to end, once it has to.
    doom: OnceLock<ExitReason>,
    state: Mutex<State>,
}

/// What was in the mailbox.
enum Sorted {
    Nothing,
    /// Something, for these tasks.
    Some(Vec<Waker>),
    /// The end of the process.
    End,
}

#[derive(Debug)]
struct State {
    lifecycle: Lifecycle,
    /// Counts what arrives, so that messages and events can be taken in their common order.
    arrived: u64,
    messages: VecDeque<(u64, Message, Charge)>,
    events: VecDeque<(u64, Event)>,
    /// What arrived behind the signal that ended the process.
    late: Deliveries,
    /// The tasks that wait for a message or an event.
    readers: Vec<Waker>,
}

impl ProcessCell {
    /// A new process on `node`; signals can reach it from now on.
    #[must_use]
    pub fn new(node: &Node) -> Arc<Self> {
        let mailbox = node.open();
        let state = State {
            lifecycle: Lifecycle::new(mailbox.pid()),
            arrived: 0,
            messages: VecDeque::new(),
            events: VecDeque::new(),
            late: Deliveries::new(),
            readers: Vec::new(),
        };
        Arc::new(Self { node: node.clone(), mailbox, doom: OnceLock::new(), state: Mutex::new(state) })
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.mailbox.pid()
    }

    /// The node it runs on.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// Sorts what has arrived; `waker` is called when there is more. Why the process has to end now, if it
    /// has to.
    pub fn pump(&self, waker: &Waker) -> Option<ExitReason> {
        const ROUNDS_MAX: usize = 4;
        for _ in 0..ROUNDS_MAX {
            match self.sort(|deliveries| self.mailbox.drain(deliveries, waker)) {
                Sorted::Nothing => return None,
                Sorted::Some(readers) => {
                    readers.into_iter().filter(|reader| !reader.will_wake(waker)).for_each(Waker::wake);
                }
                Sorted::End => return self.doom.get().filter(|_| !self.is_ended()).cloned(),
            }
        }
        // Who never stops sending does not keep the process from its own work.
        waker.wake_by_ref();
        None
    }

    /// Sorts what has arrived since the last pump, for code that looks and does not wait. Whether there was something; an
    /// end is for the next pump to tell.
    fn look(&self) -> bool {
        let Sorted::Some(readers) = self.sort(|deliveries| self.mailbox.look(deliveries)) else {
            return false;
        };
        readers.into_iter().for_each(Waker::wake);
        true
    }

    fn sort(&self, take: impl FnOnce(&mut Deliveries) -> bool) -> Sorted {
        if self.doom.get().is_some() {
            return Sorted::End;
        }
        let mut deliveries = Deliveries::new();
        if !take(&mut deliveries) {
            return Sorted::Nothing;
        }
        let mut answers = Vec::new();
        let mut state = self.lock();
        if let Some(reason) = state.lifecycle.ended().cloned() {
            // Its code has come to its end on another thread meanwhile.
            drop(state);
            self.node.bury(self.pid(), &reason, deliveries.signals(), &mut self.node.clone());
            return Sorted::Nothing;
        }
        while let Some((signal, charge)) = deliveries.pop() {
            match state.lifecycle.handle(signal, &mut answers) {
                Reaction::Quiet => {}
                Reaction::Event(Event::Message(message)) => {
                    let number = state.number();
                    state.messages.push_back((number, message, charge));
                }
                Reaction::Event(event) => {
                    let number = state.number();
                    state.events.push_back((number, event));
                }
                Reaction::End(reason) => {
                    _ = self.doom.set(reason);
                    break;
                }
            }
        }
        // What lies behind the signal that ends the process is answered when it has ended.
        state.late.append(&mut deliveries);
        // Those who wait for what a process gets that has to end are told when it has ended.
        let is_doomed = self.doom.get().is_some();
        let readers = if is_doomed { Vec::new() } else { std::mem::take(&mut state.readers) };
        drop(state);
        self.post(answers);
        if is_doomed { Sorted::End } else { Sorted::Some(readers) }
    }

    /// The next message, whatever events wait before it.
    pub fn poll_message(&self, waker: &Waker) -> Poll<Message> {
        let mut state = self.lock();
        match state.messages.pop_front() {
            Some((_, message, charge)) => {
                drop(state);
                self.mailbox.release(charge);
                Poll::Ready(message)
            }
            None => state.wait(waker),
        }
    }

    /// The first message that is `wanted`, whatever waits before it: it stays, and goes on counting against the mailbox's
    /// bounds. Nobody is woken for a message that comes later but the [pump](Self::pump)'s own waker.
    pub fn take_message(&self, wanted: impl Fn(&Message) -> bool) -> Option<Message> {
        let first = || {
            let mut state = self.lock();
            let at = state.messages.iter().position(|(_, message, _)| wanted(message))?;
            let (_, message, charge) = state.messages.remove(at)?;
            drop(state);
            self.mailbox.release(charge);
            Some(message)
        };
        first().or_else(|| self.look().then(first)?)
    }

    /// The next event that is no message, if there is one. Nobody is woken for a later one but the pump's own waker.
    pub fn take_event(&self) -> Option<Event> {
        let first = || self.lock().events.pop_front().map(|(_, event)| event);
        first().or_else(|| self.look().then(first)?)
    }

    /// The next event that is no message.
    pub fn poll_event(&self, waker: &Waker) -> Poll<Event> {
        let mut state = self.lock();
        match state.events.pop_front() {
            Some((_, event)) => Poll::Ready(event),
            None => state.wait(waker),
        }
    }

    /// The next message or event, in the order of their arrival.
    pub fn poll_any(&self, waker: &Waker) -> Poll<Event> {
        let mut state = self.lock();
        let is_event_first = match (state.messages.front(), state.events.front()) {
            (Some((message, ..)), Some((event, _))) => event < message,
            (None, Some(_)) => true,
            (Some(_), None) => false,
            (None, None) => return state.wait(waker),
        };
        if is_event_first {
            return state.events.pop_front().map_or(Poll::Pending, |(_, event)| Poll::Ready(event));
        }
        let Some((_, message, charge)) = state.messages.pop_front() else { return Poll::Pending };
        drop(state);
        self.mailbox.release(charge);
        Poll::Ready(Event::Message(message))
    }

    /// Sends a message from this process.
    ///
    /// # Errors
    ///
    /// [`SendFault`], and the message is gone (P7, P8); [`SendFault::NoProcess`] also when this process itself has ended.
    pub fn send(&self, to: &Destination, topic: Topic, payload: Payload) -> Result<(), SendFault> {
        // Its code may not know yet; others do, and hear nothing more of it.
        if self.is_ended() {
            return Err(SendFault::NoProcess);
        }
        let message = Message { from: Some(self.pid()), topic, payload };
        self.node.signal(to, Signal::Message(message))
    }

    /// Watches a process: one [`Event::Exit`] when it ends, at once if it is not alive (P3).
    ///
    /// # Errors
    ///
    /// [`SendFault::NoProcess`] when `to` is a name that nobody holds.
    pub fn monitor(&self, to: &Destination) -> Result<Pid, SendFault> {
        self.relate(to, Lifecycle::monitor)
    }

    /// Stops watching.
    ///
    /// # Errors
    ///
    /// As [`ProcessCell::monitor`].
    pub fn demonitor(&self, to: &Destination) -> Result<Pid, SendFault> {
        self.relate(to, Lifecycle::demonitor)
    }

    /// Links this process and another (P4).
    ///
    /// # Errors
    ///
    /// As [`ProcessCell::monitor`].
    pub fn link(&self, to: &Destination) -> Result<Pid, SendFault> {
        self.relate(to, Lifecycle::link)
    }

    /// Takes the link away.
    ///
    /// # Errors
    ///
    /// As [`ProcessCell::monitor`].
    pub fn unlink(&self, to: &Destination) -> Result<Pid, SendFault> {
        self.relate(to, Lifecycle::unlink)
    }

    fn relate(
        &self,
        to: &Destination,
        relation: impl FnOnce(&mut Lifecycle, Pid, &mut Vec<(Pid, Signal)>),
    ) -> Result<Pid, SendFault> {
        let pid = self.node.resolve(to).ok_or(SendFault::NoProcess)?;
        let mut signals = Vec::new();
        // Posted under the lock, so that it cannot come behind the signals of this process's end.
        let mut state = self.lock();
        relation(&mut state.lifecycle, pid, &mut signals);
        self.post(signals);
        drop(state);
        Ok(pid)
    }

    /// Whether a linked process's crash becomes an event instead of this process's end (P4).
    pub fn trap_links(&self, trap: bool) {
        self.lock().lifecycle.trap_links(trap);
    }

    /// Registers a name for this process (P6).
    ///
    /// # Errors
    ///
    /// [`NameFault`], and nothing has changed.
    pub fn register(&self, name: &str) -> Result<(), NameFault> {
        self.node.register(name, self.pid())
    }

    /// Whether the process has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.lock().lifecycle.ended().is_some()
    }

    /// Ends the process and tells everybody concerned, once.
    pub fn end(&self, reason: ExitReason) {
        let mut signals = Vec::new();
        let mut state = self.lock();
        let why = reason.clone();
        state.lifecycle.end(reason, &mut signals);
        let unread = std::mem::take(&mut state.messages);
        let mut left = std::mem::take(&mut state.late);
        state.events.clear();
        let readers = std::mem::take(&mut state.readers);
        drop(state);
        readers.into_iter().for_each(Waker::wake);
        // First it is gone, with its names; then the others hear of it.
        let pid = self.pid();
        left.append(&mut self.node.retire(pid));
        self.post(signals);
        let unread = unread.into_iter().map(|(_, message, _)| Signal::Message(message));
        self.node.bury(pid, &why, unread.chain(left.signals()), &mut self.node.clone());
    }

    fn post(&self, signals: Vec<(Pid, Signal)>) {
        for (to, signal) in signals {
            self.node.deliver(to, signal);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The lifecycle and the queues are sound after every statement; a panic of the process's code
        // never happens under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.arrived += 1;
        self.arrived
    }

    fn wait<T>(&mut self, waker: &Waker) -> Poll<T> {
        if !self.readers.iter().any(|reader| reader.will_wake(waker)) {
            self.readers.push(waker.clone());
        }
        Poll::Pending
    }
}
