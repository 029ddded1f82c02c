//! How a process that is being run reaches its own mailbox and those of others.

use crate::deliveries::Deliveries;
use crate::mailbox::Mailbox;
use crate::node::Node;
use crate::queue::{Charge, Room, Undelivered};
use std::task::Waker;
use wsrelay_core::connection::{Outputs, Relayed};
use wsrelay_core::message::{Destination, Run};
use wsrelay_core::process::{Effects, ExitReason, Letters, Pid, Signal, SignalSink};

/// How a process that is being run reaches its own mailbox and those of others.
///
/// [`Anywhere`] is for processes that run now on one thread and now on another; [`Local`](crate::Local)
/// for those that stay, and reach each other without a lock.
pub trait Carrier {
    /// The node.
    fn node(&self) -> &Node;

    /// Puts a signal into a mailbox that was looked up before.
    ///
    /// # Errors
    ///
    /// The signal comes back when the process has ended, or there is no room for it.
    fn push_to(&mut self, mailbox: &Mailbox, signal: Signal) -> Result<Room, Undelivered>;

    /// Puts all messages of a client's run into a mailbox, past the bounds if need be. `None` when the process
    /// has ended, and nothing was taken.
    fn push_run(&mut self, mailbox: &Mailbox, run: &mut Run<Relayed>, out: &mut Outputs) -> Option<Room>;

    /// Delivers a signal whose sender has no way to be told of a failure.
    fn post(&mut self, to: Pid, signal: Signal);

    /// The same for messages of text or bytes in a row.
    fn post_data(&mut self, run: &mut Run<Letters>, effects: &mut Effects) {
        while let Some(data) = effects.next_data(run) {
            self.post(run.key.to, Signal::Message(run.key.message(data)));
        }
    }

    /// Takes everything out of the process's own mailbox, in order. Whether there was something; if not, the
    /// process is run again once there is.
    fn take(&mut self, own: &Mailbox, into: &mut Deliveries) -> bool;

    /// Gives back what consumed signals took of the bounds of the process's own mailbox.
    fn release(&mut self, own: &Mailbox, charge: Charge);

    /// Ends the process's own mailbox and frees its names. What is left in it comes back, to be [buried](Self::bury)
    /// behind the last words of the process.
    #[must_use]
    fn close(&mut self, own: &Mailbox) -> Deliveries;

    /// Answers whoever wrote to a process in vain before it ended, for this reason.
    fn bury(&mut self, dead: Pid, reason: &ExitReason, left: Deliveries) {
        let node = self.node().clone();
        node.bury(dead, reason, left.signals(), &mut Posting(self));
    }

    /// Clears away what is left at its home of a process that was dropped, if anything is.
    fn reap(&mut self, own: &Mailbox) {
        let left = self.close(own);
        self.bury(own.pid(), &ExitReason::Killed, left);
    }

    /// Has the process, whose own mailbox this is, run again once `target` has room. Whether there is none
    /// at present.
    fn wait_for_room(&mut self, own: &Mailbox, target: &Mailbox) -> bool;

    /// Delivers a signal to a process or to whoever holds a name now.
    fn send(&mut self, to: &Destination, signal: Signal) {
        match self.node().resolve(to) {
            Some(pid) => self.post(pid, signal),
            None => self.node().undeliverable(to, signal),
        }
    }
}

/// A carrier as a sink for a state machine's signals.
pub(crate) struct Posting<'a, C: ?Sized>(pub(crate) &'a mut C);

impl<C: Carrier + ?Sized> SignalSink for Posting<'_, C> {
    fn signal(&mut self, to: Pid, signal: Signal) {
        self.0.post(to, signal);
    }
}

/// For a process that may run on any thread: every mailbox is behind its lock, and `waker` runs the
/// process again.
#[derive(Debug)]
pub struct Anywhere<'a> {
    node: &'a Node,
    waker: &'a Waker,
}

impl<'a> Anywhere<'a> {
    /// A carrier for the process that `waker` wakes.
    #[must_use]
    pub const fn new(node: &'a Node, waker: &'a Waker) -> Self {
        Self { node, waker }
    }
}

impl Carrier for Anywhere<'_> {
    fn node(&self) -> &Node {
        self.node
    }

    fn push_to(&mut self, mailbox: &Mailbox, signal: Signal) -> Result<Room, Undelivered> {
        self.node.push_to(mailbox, signal)
    }

    fn push_run(&mut self, mailbox: &Mailbox, run: &mut Run<Relayed>, out: &mut Outputs) -> Option<Room> {
        mailbox.push_run(run, out)
    }

    fn post(&mut self, to: Pid, signal: Signal) {
        self.node.deliver(to, signal);
    }

    fn take(&mut self, own: &Mailbox, into: &mut Deliveries) -> bool {
        own.drain(into, self.waker)
    }

    fn release(&mut self, own: &Mailbox, charge: Charge) {
        own.release(charge);
    }

    fn close(&mut self, own: &Mailbox) -> Deliveries {
        self.node.retire(own.pid())
    }

    fn wait_for_room(&mut self, own: &Mailbox, target: &Mailbox) -> bool {
        target.wait_for_room(own.pid(), self.waker)
    }
}
