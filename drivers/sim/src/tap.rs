//! What passes between the processes of a world, as it is seen from outside.

use crate::roaming::{Roaming, Who};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use wsrelay_core::connection::{Outputs, Relayed};
use wsrelay_core::message::{Destination, Metadata, Run, Topic};
use wsrelay_core::process::{Actor, Context, Effects, Event, ExitReason, Letters, Pid, Signal};
use wsrelay_core::wire::Data;
use wsrelay_host::{Carrier, Charge, DeadLetter, Deliveries, Local, Mailbox, Node, Room, Undelivered};

/// One thing that was seen to pass.
#[derive(Clone, Debug)]
pub(crate) enum Fact {
    /// A signal was put into a mailbox, or answered in the name of a process that had ended when it was `late`.
    Sent { to: Pid, signal: Signal, late: bool },
    /// A message of text or bytes.
    Data { from: Pid, to: Pid, topic: Topic, data: Data },
    /// So many messages of a client's were put into its target's mailbox.
    Relayed { from: Pid, to: Pid, topic: Topic, metadata: Metadata, count: usize },
    /// Nobody holds the name that a signal was for.
    Nobody { signal: Signal },
    /// A process saw something.
    Saw { who: Pid, event: Event },
    /// A process is over: nothing reaches it any more.
    Over { who: Pid },
    /// A message that nobody got, or that had to make room for another one.
    Dead { letter: DeadLetter },
}

/// Messages that nobody got, as the node tells of them.
pub(crate) type DeadLetters = Arc<Mutex<Vec<DeadLetter>>>;

/// What was seen and not looked at yet.
pub(crate) type Log = Rc<RefCell<Vec<Fact>>>;

/// A thread's carrier that tells what it carries.
#[derive(Debug)]
pub(crate) struct Tap {
    pub(crate) way: Way,
    log: Log,
    letters: DeadLetters,
    /// How many of them were told.
    dead: u64,
}

/// How signals go.
#[derive(Debug)]
pub(crate) enum Way {
    /// Between processes that never leave their thread, without locks; and whether something has come from another one.
    Local(Local, Arc<AtomicBool>),
    /// Between processes that live nowhere in particular.
    Roaming(Roaming),
}

impl Way {
    fn carrier(&mut self) -> &mut dyn Carrier {
        match self {
            Self::Local(local, _) => local,
            Self::Roaming(roaming) => roaming,
        }
    }
}

impl Tap {
    pub(crate) const fn new(way: Way, log: Log, letters: DeadLetters) -> Self {
        Self { way, log, letters, dead: 0 }
    }

    /// From now on it is this one who is run.
    pub(crate) fn run(&mut self, who: Who) {
        match &mut self.way {
            Way::Local(..) => {}
            Way::Roaming(roaming) => roaming.run(who),
        }
    }

    /// Has a process that was opened for this thread known by this number.
    pub(crate) fn install(&mut self, mailbox: &Arc<Mailbox>, number: usize) {
        match &mut self.way {
            Way::Local(local, _) => local.install(mailbox, u32::try_from(number).unwrap_or(u32::MAX)),
            Way::Roaming(_) => {}
        }
    }

    /// Whether something has come from another thread, and is to be [fetched](Self::fetch).
    pub(crate) fn has_mail(&self) -> bool {
        match &self.way {
            Way::Local(_, knocked) => knocked.swap(false, Ordering::Relaxed),
            Way::Roaming(_) => false,
        }
    }

    /// Fetches what has come from other threads. Until then nobody of this one has it.
    pub(crate) fn fetch(&mut self) {
        if let Way::Local(local, knocked) = &mut self.way {
            local.fetch();
            if !local.home().may_sleep() {
                knocked.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Who has got something since this was last asked.
    pub(crate) fn take_ready(&mut self, ready: &mut Vec<Who>) {
        match &mut self.way {
            Way::Local(local, _) => {
                ready.extend(std::iter::from_fn(|| local.next_process()).map(|key| Who::Actor(key as usize)));
                ready.extend(
                    std::iter::from_fn(|| local.next_port()).map(|key| Who::Connection(key as usize)),
                );
            }
            Way::Roaming(roaming) => ready.append(&mut roaming.take_woken()),
        }
    }

    /// Tells of the messages that nobody has got by now.
    pub(crate) fn tell_dead(&mut self) {
        let dead = self.node().dead_letters();
        if std::mem::replace(&mut self.dead, dead) != dead {
            let letters = std::mem::take(&mut *self.letters.lock().unwrap_or_else(PoisonError::into_inner));
            self.log.borrow_mut().extend(letters.into_iter().map(|letter| Fact::Dead { letter }));
        }
    }

    fn tell(&self, fact: Fact) {
        self.log.borrow_mut().push(fact);
    }
}

impl Carrier for Tap {
    fn node(&self) -> &Node {
        match &self.way {
            Way::Local(local, _) => local.node(),
            Way::Roaming(roaming) => roaming.node(),
        }
    }

    fn push_to(&mut self, mailbox: &Mailbox, signal: Signal) -> Result<Room, Undelivered> {
        let to = mailbox.pid();
        let late = !self.node().is_alive(to);
        let result = self.way.carrier().push_to(mailbox, signal.clone());
        // What comes too late was sent nevertheless.
        if matches!(result, Ok(_) | Err(Undelivered::Closed(_))) {
            self.tell(Fact::Sent { to, signal, late });
        }
        result
    }

    fn push_run(&mut self, mailbox: &Mailbox, run: &mut Run<Relayed>, out: &mut Outputs) -> Option<Room> {
        let Relayed { to, from, topic, metadata } = run.key.clone();
        let count = run.len();
        let room = self.way.carrier().push_run(mailbox, run, out)?;
        self.tell(Fact::Relayed { from, to, topic, metadata, count });
        Some(room)
    }

    fn post(&mut self, to: Pid, signal: Signal) {
        // Told before it is carried: what becomes of it, a dead letter perhaps, is told after it.
        let late = !self.node().is_alive(to);
        self.tell(Fact::Sent { to, signal: signal.clone(), late });
        self.way.carrier().post(to, signal);
        self.tell_dead();
    }

    fn post_data(&mut self, run: &mut Run<Letters>, effects: &mut Effects) {
        let Letters { to, from, topic } = &run.key;
        self.log.borrow_mut().extend(effects.peek(run).map(|data| Fact::Data {
            from: *from,
            to: *to,
            topic: topic.clone(),
            data: data.clone(),
        }));
        self.way.carrier().post_data(run, effects);
        self.tell_dead();
    }

    fn take(&mut self, own: &Mailbox, into: &mut Deliveries) -> bool {
        self.way.carrier().take(own, into)
    }

    fn release(&mut self, own: &Mailbox, charge: Charge) {
        self.way.carrier().release(own, charge);
    }

    fn close(&mut self, own: &Mailbox) -> Deliveries {
        if self.node().is_alive(own.pid()) {
            self.tell(Fact::Over { who: own.pid() });
        }
        self.way.carrier().close(own)
    }

    fn bury(&mut self, dead: Pid, reason: &ExitReason, left: Deliveries) {
        self.way.carrier().bury(dead, reason, left);
        self.tell_dead();
    }

    fn wait_for_room(&mut self, own: &Mailbox, target: &Mailbox) -> bool {
        self.way.carrier().wait_for_room(own, target)
    }

    fn send(&mut self, to: &Destination, signal: Signal) {
        if let Some(pid) = self.node().resolve(to) {
            self.post(pid, signal);
        } else {
            self.tell(Fact::Nobody { signal: signal.clone() });
            self.way.carrier().send(to, signal);
        }
    }
}

/// An actor whose every event is told before it handles it.
pub(crate) struct Observed {
    actor: Box<dyn Actor>,
    log: Log,
}

impl Observed {
    pub(crate) const fn new(actor: Box<dyn Actor>, log: Log) -> Self {
        Self { actor, log }
    }
}

impl Actor for Observed {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        self.log.borrow_mut().push(Fact::Saw { who: context.pid(), event: event.clone() });
        self.actor.handle(event, context);
    }
}
