//! Runs a pure actor on a node.

use crate::carrier::{Anywhere, Carrier};
use crate::deliveries::{Deliveries, Kind};
use crate::home::Home;
use crate::mailbox::Mailbox;
use crate::node::Node;
use crate::queue::Charge;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;
use wsrelay_core::message::{Destination, Entry, Run};
use wsrelay_core::process::{Actor, ActorInput, ActorProcess, Effect, Effects, ExitReason, Pid, Signal};
use wsrelay_core::time::{Instant, Wake};

/// Most events of an actor in a row, before others get their turn.
const EVENTS_MAX: usize = 512;
/// And most effects: a millisecond or two. What a turn sends to one connection goes out in one write, so that a short
/// one costs those with many receivers dear.
const EFFECTS_MAX: usize = 16 * 1024;

/// An actor, its mailbox, and the effects of what it does.
#[derive(Debug)]
pub struct ActorRunner<A: Actor> {
    process: ActorProcess<A>,
    node: Node,
    mailbox: Arc<Mailbox>,
    pending: Deliveries,
    /// The messages in a row that are being handled; their payloads are still pending.
    run: Option<Run<Kind>>,
    effects: Effects,
    started: bool,
}

/// What an actor's driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Call again soon; there is more, and others should have their turn first.
    Again,
    /// Call again when the waker is called, or at this time.
    Wait(Wake),
    /// Never call again: the process has ended.
    Ended,
}

impl<A: Actor> ActorRunner<A> {
    /// A new process on `node`, not started yet; signals can reach it from now on.
    #[must_use]
    pub fn new(node: &Node, actor: A) -> Self {
        Self::with_mailbox(node, node.open(), actor)
    }

    /// The same, for a process that will live at `home`.
    #[must_use]
    pub fn new_at(node: &Node, home: &Arc<Home>, actor: A) -> Self {
        Self::with_mailbox(node, node.open_at(home), actor)
    }

    fn with_mailbox(node: &Node, mailbox: Arc<Mailbox>, actor: A) -> Self {
        Self {
            process: ActorProcess::new(mailbox.pid(), actor),
            node: node.clone(),
            mailbox,
            pending: Deliveries::new(),
            run: None,
            effects: Effects::new(),
            started: false,
        }
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.mailbox.pid()
    }

    /// The process's mailbox.
    #[must_use]
    pub const fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// Handles what has come, one turn's worth.
    pub fn poll(&mut self, now: Instant, carrier: &mut impl Carrier) -> Next {
        let mut charge = Charge::default();
        // Around the whole turn, for there is nothing left to do in it after a panic: P5, that process alone.
        let next = catch_unwind(AssertUnwindSafe(|| self.turn(now, &mut charge, carrier)));
        let next = next.unwrap_or_else(|panic| {
            let why = panic_text(&*panic);
            tracing::error!(pid = %self.pid(), %why, "process panicked");
            self.handle(now, ActorInput::Crash(Arc::from(why)), carrier);
            Next::Ended
        });
        carrier.release(&self.mailbox, charge);
        if next == Next::Ended {
            self.retire(carrier);
        }
        next
    }

    fn turn(&mut self, now: Instant, charge: &mut Charge, carrier: &mut impl Carrier) -> Next {
        if !self.started {
            self.started = true;
            self.handle(now, ActorInput::Start, carrier);
        }
        if self.process.wake().is_due(now) {
            self.handle(now, ActorInput::Tick, carrier);
        }
        let (mut events, mut effects) = (0, 0);
        while self.process.ended().is_none() {
            if events >= EVENTS_MAX || effects >= EFFECTS_MAX {
                self.perform(carrier);
                return Next::Again;
            }
            let before = self.effects.len();
            // One at a time, and the run in our keeping: the actor's code may panic.
            if let Some(run) = &mut self.run {
                if let Some((data, one)) = self.pending.next_data(run) {
                    charge.add(one);
                    let message = run.key.message(data);
                    self.process.message(now, message, &mut self.effects);
                } else {
                    self.run = None;
                    continue;
                }
            } else {
                if self.pending.is_empty() && !carrier.take(&self.mailbox, &mut self.pending) {
                    self.perform(carrier);
                    self.tidy();
                    return Next::Wait(self.process.wake());
                }
                match self.pending.pop_whole() {
                    Some(Entry::One((signal, one))) => {
                        charge.add(one);
                        self.process.handle(now, ActorInput::Signal(signal), &mut self.effects);
                    }
                    Some(Entry::Run(run)) => {
                        self.run = Some(run);
                        continue;
                    }
                    None => continue,
                }
            }
            events += 1;
            effects += self.effects.len() - before;
            self.see_to_effects(charge, carrier);
        }
        Next::Ended
    }

    /// What a crowd has made large is not kept for quieter times.
    fn tidy(&mut self) {
        if !self.pending.is_worth_keeping() {
            self.pending = Deliveries::new();
        }
    }

    /// One input, its effects performed.
    fn handle(&mut self, now: Instant, input: ActorInput, carrier: &mut impl Carrier) {
        self.process.handle(now, input, &mut self.effects);
        self.perform(carrier);
    }

    /// Performs effects, unless they may wait for more of their kind: what goes to one process goes there at once.
    #[inline]
    fn see_to_effects(&mut self, charge: &mut Charge, carrier: &mut impl Carrier) {
        const GATHERED_MAX: usize = 64;
        let is_enough = self.effects.len() >= GATHERED_MAX || !self.effects.is_gathering();
        if is_enough {
            // Before anything is sent: who sends to itself has the room of what it has handled.
            carrier.release(&self.mailbox, std::mem::take(charge));
        }
        if is_enough || self.process.ended().is_some() {
            self.perform(carrier);
        }
    }

    fn perform(&mut self, carrier: &mut impl Carrier) {
        let pid = self.mailbox.pid();
        if self.process.ended().is_some() {
            // First it is gone, with its names; then the others hear of it.
            self.pending.append(&mut carrier.close(&self.mailbox));
        }
        while let Some(entry) = self.effects.pop() {
            match entry {
                // Most of all: text or bytes, for a client perhaps.
                Entry::Run(mut run) => carrier.post_data(&mut run, &mut self.effects),
                Entry::One(Effect::Signal { to: Destination::Pid(to), signal }) => carrier.post(to, signal),
                Entry::One(Effect::Signal { to, signal }) => carrier.send(&to, signal),
                Entry::One(Effect::Register(name)) => {
                    if let Err(fault) = self.node.register(Arc::clone(&name), pid) {
                        tracing::warn!(%pid, %name, %fault, "name not registered");
                    }
                }
                Entry::One(Effect::Unregister(name)) => _ = self.node.unregister(&name, pid),
            }
        }
    }

    fn retire(&mut self, carrier: &mut impl Carrier) {
        if let Some(run) = self.run.take() {
            self.pending.put_back(run);
        }
        let reason = self.process.ended().unwrap_or(&ExitReason::Killed);
        carrier.bury(self.mailbox.pid(), reason, std::mem::take(&mut self.pending));
    }
}

impl<A: Actor> Drop for ActorRunner<A> {
    /// A driver that gives up on a live actor tells its monitors and links.
    fn drop(&mut self) {
        self.process.handle(Instant::ZERO, ActorInput::Signal(Signal::Kill), &mut self.effects);
        let node = self.node.clone();
        let mut carrier = Anywhere::new(&node, Waker::noop());
        self.perform(&mut carrier);
        self.retire(&mut carrier);
    }
}

/// The words of a panic.
#[must_use]
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("panicked: {text}")
}

/// The end of a process whose code panicked.
#[must_use]
pub fn panic_reason(panic: &(dyn Any + Send)) -> ExitReason {
    ExitReason::Crashed(Arc::from(panic_text(panic)))
}
