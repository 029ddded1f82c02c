//! What is done to processes from outside any process.

use super::World;
use crate::count::Fault;
use crate::tap::Fact;
use std::time::Duration;
use wsrelay_core::message::{Destination, Message, Payload, Topic};
use wsrelay_core::process::Signal;
use wsrelay_host::SendFault;

impl World {
    /// Begins to drain the node: each connection closes at some moment within this time.
    pub fn drain(&mut self, window: Duration) {
        self.counts.fault(Fault::Drain);
        self.begin_drain(window);
    }

    pub(super) fn begin_drain(&mut self, window: Duration) {
        self.note(|| format!("the node drains within {window:?}"));
        for index in 0..self.parties.len() {
            if let Some(relay) = self.watch.relay(index) {
                relay.causes.drained = true;
            }
        }
        self.node.drain(window);
    }

    /// Sends a message from outside any process.
    ///
    /// # Errors
    ///
    /// [`SendFault`], and the message is gone.
    pub fn tell(
        &mut self,
        to: impl Into<Destination>,
        topic: Topic,
        payload: impl Into<Payload>,
    ) -> Result<(), SendFault> {
        self.signal(&to.into(), Signal::Message(Message { from: None, topic, payload: payload.into() }))
    }

    /// Asks a process to end.
    ///
    /// # Errors
    ///
    /// [`SendFault::NoProcess`] when it is not alive.
    pub fn cancel(&mut self, to: impl Into<Destination>, reason: &str) -> Result<(), SendFault> {
        self.signal(&to.into(), Signal::Cancel { from: None, reason: reason.into() })
    }

    /// Ends a process without asking it.
    ///
    /// # Errors
    ///
    /// [`SendFault::NoProcess`] when it is not alive.
    pub fn terminate(&mut self, to: impl Into<Destination>) -> Result<(), SendFault> {
        self.signal(&to.into(), Signal::Kill)
    }

    /// Delivers a signal from outside, and has it seen.
    fn signal(&mut self, to: &Destination, signal: Signal) -> Result<(), SendFault> {
        let pid = self.node.resolve(to).ok_or(SendFault::NoProcess)?;
        let result = self.node.signal(to, signal.clone());
        if result.is_ok() {
            self.log.borrow_mut().push(Fact::Sent { to: pid, signal, late: false });
            self.look();
        }
        result
    }
}
