//! Actors with a queue each, and how a signal finds its way.

use super::CoreAlone;
use crate::support::probe::Probe;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wsrelay_core::message::Destination;
use wsrelay_core::process::{
    ActorInput, ActorProcess, Effect, Effects, ExitReason, Pid, Signal, SignalSink, answer_for_the_dead,
};

/// An actor and its mailbox.
pub(super) struct Process {
    pub(super) actor: ActorProcess<Probe>,
    pub(super) mailbox: VecDeque<Signal>,
}

/// Signals, to be delivered.
#[derive(Default)]
struct Answers(Vec<(Pid, Signal)>);

impl SignalSink for Answers {
    fn signal(&mut self, to: Pid, signal: Signal) {
        self.0.push((to, signal));
    }
}

impl CoreAlone {
    pub(super) fn run_process(&mut self, pid: Pid, input: ActorInput) {
        let mut effects = Effects::new();
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let run = || process.actor.handle(self.now, input, &mut effects);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            let words = panic.downcast_ref::<&str>().copied().unwrap_or_default();
            let crash = ActorInput::Crash(Arc::from(format!("panicked: {words}")));
            process.actor.handle(self.now, crash, &mut effects);
        }
        // First it is gone, with its names; then the others hear of it.
        let mut dead = None;
        if process.actor.ended().is_some() {
            dead = self.processes.remove(&pid);
            self.registered.retain(|_, owner| *owner != pid);
        }
        for effect in effects.drain() {
            match effect {
                Effect::Signal { to, signal } => self.post(&to, signal),
                Effect::Register(name) => _ = self.registered.entry(name).or_insert(pid),
                Effect::Unregister(name) => {
                    self.registered.retain(|other, owner| *other != name || *owner != pid);
                }
            }
        }
        if let Some(Process { actor, mailbox }) = dead
            && let Some(reason) = actor.ended()
        {
            for signal in mailbox {
                self.answer(pid, reason, &signal);
            }
        }
    }

    /// In the name of a process that has ended.
    fn answer(&mut self, dead: Pid, reason: &ExitReason, signal: &Signal) {
        let mut answers = Answers::default();
        answer_for_the_dead(dead, reason, signal, &mut answers);
        for (to, answer) in answers.0 {
            self.deliver(to, answer);
        }
    }

    pub(super) fn resolve(&self, to: &Destination) -> Option<Pid> {
        match to {
            Destination::Pid(pid) => Some(*pid),
            Destination::Name(name) => self.registered.get(name).copied(),
        }
    }

    pub(super) fn is_alive(&self, pid: Pid) -> bool {
        let is_client =
            self.client.as_ref().is_some_and(|client| client.alive && client.connection.pid() == pid);
        is_client || pid == self.stuck.0 || self.processes.contains_key(&pid)
    }

    pub(super) fn post(&mut self, to: &Destination, signal: Signal) {
        if let Some(pid) = self.resolve(to) {
            self.deliver(pid, signal);
        }
    }

    pub(super) fn deliver(&mut self, pid: Pid, signal: Signal) {
        if pid == self.stuck.0 {
            self.stuck.1.push(signal);
        } else if let Some(process) = self.processes.get_mut(&pid) {
            process.mailbox.push_back(signal);
        } else if let Some(client) = &mut self.client
            && client.alive
            && client.connection.pid() == pid
        {
            client.mailbox.push_back(signal);
        } else {
            self.answer(pid, &ExitReason::NoProcess, &signal);
        }
    }
}
