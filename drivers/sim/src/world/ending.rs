//! How a world comes to its end.

use super::{Client, World};
use crate::count::Counts;
use crate::watch::{Invariant, Violation};
use std::task::Waker;
use std::time::Duration;
use wsrelay_core::process::Pid;
use wsrelay_core::time::Timeout;

/// How often it is waited for what is under way, at most.
const ROUNDS_MAX: usize = 20;

impl World {
    /// How long everything takes that takes its time, one after the other.
    fn patience(&self) -> Duration {
        let limits = &self.shared.relay.limits;
        let silence = match limits.ping_interval {
            Timeout::Off => Duration::ZERO,
            Timeout::After(every) => every + limits.pong_wait_max,
        };
        silence
            + limits.handshake_wait_max
            + limits.handler_wait_max
            + limits.write_wait_max
            + limits.mailbox_wait_max
            + limits.close_wait_max * 3
            + limits.reply_wait_max
            + self.node.draining().unwrap_or_default()
            + Duration::from_secs(10)
    }

    /// Faults end, and everything comes to rest, as it must; then everybody goes, and nothing may be left over.
    ///
    /// # Errors
    ///
    /// The first invariant that did not hold, now or before.
    pub fn finish(&mut self) -> Result<Counts, Violation> {
        self.bring_to_rest();
        self.close_down();
        match &self.watch.violation {
            Some(violation) => Err(violation.clone()),
            None => Ok(self.counts()),
        }
    }

    /// What has been simulated so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = self.counts.clone();
        counts.clients = self.parties.len() as u64;
        counts.messages_in = self.watch.messages_in;
        counts.messages_out = self.watch.messages_out;
        counts.transfers = self.watch.transfers;
        counts.dead_letters = self.node.dead_letters();
        counts
    }

    fn bring_to_rest(&mut self) {
        if self.watch.violation.is_some() {
            return;
        }
        self.run_until(self.planned_until);
        let now = self.now;
        for index in 0..self.parties.len() {
            self.parties[index].deaf_until = now;
            if let Some(served) = &mut self.served[index] {
                served.stalled_until = now;
            }
            self.enlist(index);
        }
        for index in 0..self.actors.len() {
            if let Some(running) = &mut self.actors[index] {
                running.rests_until = now;
                self.actor_soon(index);
            }
        }
        self.run_for(self.patience());
        // On a slow network what was written takes longer.
        for _ in 0..ROUNDS_MAX {
            if !self.is_moving() {
                break;
            }
            self.run_for(self.patience());
        }
        self.look_around();
    }

    /// All is quiet: what there should be is there.
    fn look_around(&mut self) {
        let reading: Vec<bool> = (0..self.parties.len()).map(|index| self.is_reading(index)).collect();
        self.watch.at_rest(|index| reading[index]);
    }

    /// Whether something is under way that somebody will read.
    fn is_moving(&self) -> bool {
        self.parties.iter().enumerate().any(|(index, party)| {
            let is_open = self.served[index].is_some() && !party.is_gone;
            let is_under_way = !party.outgoing.is_empty() || !party.up.is_empty() || !party.down.is_empty();
            is_open && is_under_way
        })
    }

    fn close_down(&mut self) {
        if self.watch.violation.is_some() {
            return;
        }
        for index in 0..self.parties.len() {
            if self.dice.one_in(2) && !self.parties[index].has_closed {
                self.close(Client(index), 1000, "bye");
            }
        }
        self.run_for(self.patience());
        // While there is still somebody who could have been told.
        self.look_around();
        let pids: Vec<Pid> = self.actors.iter().flatten().map(|running| running.runner.pid()).collect();
        for pid in pids {
            // One may have ended with another, to which it was linked.
            _ = self.terminate(pid);
        }
        self.run_for(self.patience());
        self.begin_drain(Duration::from_secs(5));
        self.run_for(self.patience());
        self.watch.at_the_end();
        let (observer, processes) = (self.observer.pid(), self.node.processes());
        let left: Vec<_> = processes.into_iter().filter(|pid| *pid != observer).collect();
        let served = self.served.iter().flatten().count();
        let names = self.node.names();
        if !left.is_empty() || served > 0 || !names.is_empty() || !self.node.is_idle(Waker::noop()) {
            let what = format!("processes {left:?}, {served} sockets and names {names:?} are left over");
            self.watch.fail(Invariant::Leftovers, what);
        }
    }
}
