//! Runs a pure actor on a node.

use crate::mailbox::{Charge, Delivery, Mailbox};
use crate::node::Node;
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;
use wsrelay_core::process::{Actor, ActorInput, ActorProcess, Effect, ExitReason, Pid, Signal};
use wsrelay_core::time::{Instant, Wake};

/// Most events and effects of an actor in a row, before others get their turn.
const TURN_MAX: usize = 512;

/// An actor, its mailbox, and the effects of what it does.
#[derive(Debug)]
pub struct ActorRunner<A: Actor> {
    process: ActorProcess<A>,
    node: Node,
    mailbox: Arc<Mailbox>,
    pending: VecDeque<Delivery>,
    effects: Vec<Effect>,
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
        let mailbox = node.open();
        Self {
            process: ActorProcess::new(mailbox.pid(), actor),
            node: node.clone(),
            mailbox,
            pending: VecDeque::new(),
            effects: Vec::new(),
            started: false,
        }
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.mailbox.pid()
    }

    /// Handles what has come, one turn's worth.
    pub fn poll(&mut self, now: Instant, waker: &Waker) -> Next {
        if !self.started {
            self.started = true;
            self.handle(now, ActorInput::Start);
        }
        if self.process.wake().is_due(now) {
            self.handle(now, ActorInput::Tick);
        }
        let mut charge = Charge::default();
        let mut turn = 0;
        while turn < TURN_MAX && self.process.ended().is_none() {
            if self.pending.is_empty() && !self.mailbox.drain(&mut self.pending, waker) {
                self.mailbox.release(charge);
                return Next::Wait(self.process.wake());
            }
            if let Some(Delivery { signal, charge: one }) = self.pending.pop_front() {
                charge.add(one);
                turn += 1 + self.handle(now, ActorInput::Signal(signal));
            }
        }
        self.mailbox.release(charge);
        if self.process.ended().is_some() {
            self.retire();
            return Next::Ended;
        }
        Next::Again
    }

    /// One input, its effects performed; how many there were. A panic of the actor's ends that process
    /// alone (P5).
    fn handle(&mut self, now: Instant, input: ActorInput) -> usize {
        let Self { process, effects, .. } = self;
        let result = catch_unwind(AssertUnwindSafe(|| process.handle(now, input, effects)));
        if let Err(panic) = result {
            let why = panic_text(&*panic);
            tracing::error!(pid = %self.pid(), %why, "process panicked");
            self.process.handle(now, ActorInput::Crash(Arc::from(why)), &mut self.effects);
        }
        let effects = self.effects.len();
        if self.process.ended().is_some() {
            // First it is gone, with its names; then the others hear of it.
            self.node.close(self.pid());
        }
        self.perform();
        effects
    }

    fn perform(&mut self) {
        let pid = self.pid();
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Signal { to, signal } => self.node.post(&to, signal),
                Effect::Register(name) => {
                    if let Err(fault) = self.node.register(Arc::clone(&name), pid) {
                        tracing::warn!(%pid, %name, %fault, "name not registered");
                    }
                }
                Effect::Unregister(name) => _ = self.node.unregister(&name, pid),
            }
        }
    }

    fn retire(&mut self) {
        let pid = self.pid();
        self.node.close(pid);
        self.node.bury_pending(pid, std::mem::take(&mut self.pending));
    }
}

impl<A: Actor> Drop for ActorRunner<A> {
    /// A driver that gives up on a live actor tells its monitors and links.
    fn drop(&mut self) {
        self.process.handle(Instant::ZERO, ActorInput::Signal(Signal::Kill), &mut self.effects);
        self.perform();
        self.retire();
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
