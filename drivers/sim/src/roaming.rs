//! Processes that live nowhere in particular, as on a driver with an executor.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};
use wsrelay_core::connection::{Outputs, Relayed};
use wsrelay_core::message::Run;
use wsrelay_core::process::{Pid, Signal};
use wsrelay_host::{Anywhere, Carrier, Charge, Deliveries, Mailbox, Node, Room, Undelivered};

/// Who is run, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Actor(usize),
    Connection(usize),
}

/// The carrier of whoever is being run: every mailbox is behind its lock, and wakers tell who has got something.
#[derive(Debug)]
pub(crate) struct Roaming {
    node: Node,
    waker: Waker,
    woken: Arc<Mutex<Vec<Who>>>,
}

struct Alarm {
    who: Who,
    woken: Arc<Mutex<Vec<Who>>>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).push(self.who);
    }
}

impl Roaming {
    pub(crate) fn new(node: Node) -> Self {
        Self { node, waker: Waker::noop().clone(), woken: Arc::default() }
    }

    /// From now on it is this one who is run.
    pub(crate) fn run(&mut self, who: Who) {
        self.waker = Waker::from(Arc::new(Alarm { who, woken: Arc::clone(&self.woken) }));
    }

    /// Who has got something, in order.
    pub(crate) fn take_woken(&self) -> Vec<Who> {
        std::mem::take(&mut *self.woken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    const fn anywhere(&self) -> Anywhere<'_> {
        Anywhere::new(&self.node, &self.waker)
    }
}

impl Carrier for Roaming {
    fn node(&self) -> &Node {
        &self.node
    }

    fn push_to(&mut self, mailbox: &Mailbox, signal: Signal) -> Result<Room, Undelivered> {
        self.anywhere().push_to(mailbox, signal)
    }

    fn push_run(&mut self, mailbox: &Mailbox, run: &mut Run<Relayed>, out: &mut Outputs) -> Option<Room> {
        self.anywhere().push_run(mailbox, run, out)
    }

    fn post(&mut self, to: Pid, signal: Signal) {
        self.anywhere().post(to, signal);
    }

    fn take(&mut self, own: &Mailbox, into: &mut Deliveries) -> bool {
        self.anywhere().take(own, into)
    }

    fn release(&mut self, own: &Mailbox, charge: Charge) {
        self.anywhere().release(own, charge);
    }

    fn close(&mut self, own: &Mailbox) -> Deliveries {
        self.anywhere().close(own)
    }

    fn wait_for_room(&mut self, own: &Mailbox, target: &Mailbox) -> bool {
        self.anywhere().wait_for_room(own, target)
    }
}
