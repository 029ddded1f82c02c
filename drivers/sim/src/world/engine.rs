//! What happens, one thing after the other.

use super::served::Served;
use super::{Due, Handler, Ready, Running, Worker, World};
use crate::count::Fault;
use crate::roaming::Who;
use crate::watch::Invariant;
use std::time::Duration;
use wsrelay_core::process::Pid;
use wsrelay_core::time::{Instant, Wake};
use wsrelay_core::upgrade::{RELAY_HEADER, Request, Response};
use wsrelay_host::{Carrier as _, Next};

/// Most things that are done at one moment: who does more does so for ever.
const STEPS_MAX: u64 = 2_000_000;

impl World {
    /// Time passes, and with it everything that happens meanwhile; until an invariant does not hold, after which nothing
    /// happens any more. The end of time is never reached while somebody is connected, who is pinged now and then.
    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.now + span);
    }

    pub(crate) fn run_until(&mut self, until: Instant) {
        self.run_ready();
        while let Some(at) = self.timeline.next()
            && at <= until
            && self.watch.violation.is_none()
        {
            self.go_to(at);
            while let Some(due) = self.timeline.due(self.now) {
                self.due(due);
            }
            self.run_ready();
        }
        self.go_to(until);
    }

    /// The clock jumps: nothing happens meanwhile, and what was due is late.
    pub fn jump(&mut self, span: Duration) {
        self.counts.fault(Fault::Jump);
        self.note(|| format!("the clock jumps by {span:?}"));
        self.go_to(self.now + span);
    }

    fn go_to(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.clock.set(self.now);
        self.watch.now = self.now;
    }

    fn due(&mut self, due: Due) {
        match due {
            Due::Up(index) => self.arrives_up(index),
            Due::Down(index) => self.arrives_down(index),
            Due::Port(index) => {
                if let Some(served) = &mut self.served[index] {
                    served.alarm = None;
                    self.turn_soon(index);
                }
            }
            Due::Actor(index) => {
                if let Some(running) = &mut self.actors[index] {
                    running.alarm = None;
                    self.actor_soon(index);
                }
            }
            Due::Answer(index, response) => self.respond(index, *response),
            Due::Client(index) | Due::Served(index) => self.enlist(index),
            Due::Deed(client, deed) => self.perform(client, deed),
            Due::Call(what) => what(self),
        }
    }

    /// Does everything that can be done at once, in an order that is left to chance.
    fn run_ready(&mut self) {
        let mut steps = 0;
        loop {
            self.collect();
            if self.ready.is_empty() || self.watch.violation.is_some() {
                return;
            }
            let index = self.dice.index(self.ready.len());
            if index > 0 {
                self.counts.fault(Fault::Reordering);
            }
            let next = self.ready.swap_remove(index);
            self.do_next(next);
            self.counts.steps += 1;
            steps += 1;
            if steps > STEPS_MAX {
                return self.watch.fail(Invariant::Progress, format!("{next:?} goes on for ever"));
            }
        }
    }

    /// Who has got something since this was last asked.
    fn collect(&mut self) {
        let mut woken = std::mem::take(&mut self.woken);
        for (number, worker) in self.workers.iter_mut().enumerate() {
            if worker.desk.carrier.has_mail() {
                self.ready.push(Ready::Fetch(number));
            }
            worker.desk.carrier.take_ready(&mut woken);
        }
        for who in woken.drain(..) {
            match who {
                Who::Actor(index) => self.actor_soon(index),
                Who::Connection(index) => self.turn_soon(index),
            }
        }
        self.woken = woken;
    }

    pub(super) fn turn_soon(&mut self, index: usize) {
        if let Some(served) = &mut self.served[index]
            && !std::mem::replace(&mut served.is_in_turns, true)
        {
            self.ready.push(Ready::Turn(index));
        }
    }

    pub(super) fn actor_soon(&mut self, index: usize) {
        if let Some(running) = &mut self.actors[index]
            && !std::mem::replace(&mut running.is_ready, true)
        {
            self.ready.push(Ready::Actor(index));
        }
    }

    fn do_next(&mut self, next: Ready) {
        self.announce(next);
        match next {
            Ready::Client(index) => {
                self.parties[index].is_in_reads = false;
                self.client_reads(index);
            }
            Ready::Actor(index) => self.run_actor(index),
            Ready::Read(index) => self.read(index),
            Ready::Turn(index) => self.turn(index),
            Ready::Write(index) => self.write_down(index),
            Ready::Fetch(worker) => self.workers[worker].desk.carrier.fetch(),
        }
    }

    /// Has the carrier know who is run.
    fn announce(&mut self, next: Ready) {
        match next {
            Ready::Client(_) | Ready::Fetch(_) => {}
            Ready::Actor(index) => {
                if let Some(running) = &self.actors[index] {
                    self.workers[running.worker].desk.carrier.run(Who::Actor(index));
                }
            }
            Ready::Read(index) | Ready::Turn(index) | Ready::Write(index) => {
                if let Some(served) = &self.served[index] {
                    self.workers[served.worker].desk.carrier.run(Who::Connection(index));
                }
            }
        }
    }

    fn run_actor(&mut self, index: usize) {
        let now = self.now;
        let Some(running) = &mut self.actors[index] else { return };
        running.is_ready = false;
        if running.rests_until > now {
            return;
        }
        let carrier = &mut self.workers[running.worker].desk.carrier;
        let next = running.runner.poll(now, carrier);
        self.look();
        match next {
            Next::Again => self.actor_soon(index),
            Next::Wait(wake) if wake.is_due(now) => self.actor_soon(index),
            Next::Wait(Wake::At(at)) => {
                if let Some(running) = &mut self.actors[index]
                    && running.alarm.is_none_or(|alarm| at < alarm)
                {
                    running.alarm = Some(at);
                    self.timeline.put(at, Due::Actor(index));
                }
            }
            Next::Wait(Wake::Never) => {}
            Next::Ended => {
                if let Some(running) = self.actors[index].take() {
                    let mailbox = running.runner.mailbox().clone();
                    drop(running.runner);
                    self.workers[running.worker].desk.carrier.reap(&mailbox);
                    self.look();
                }
                return;
            }
        }
        self.check_mailbox(index);
    }

    /// Has a process not look at what came for it for this long.
    pub fn rest(&mut self, process: Pid, span: Duration) {
        let until = self.now + span;
        let is_it = |running: &Option<Running>| running.as_ref().is_some_and(|it| it.runner.pid() == process);
        if let Some(index) = self.actors.iter().position(is_it)
            && let Some(running) = &mut self.actors[index]
        {
            running.rests_until = until;
            self.timeline.put(until, Due::Actor(index));
            self.counts.fault(Fault::NeverReads);
        }
    }

    /// One read of the server's from a client.
    fn read(&mut self, index: usize) {
        let now = self.now;
        let in_place = !self.dice.one_in(4);
        let Some(mut served) = self.served[index].take() else { return };
        served.is_in_reads = false;
        let party = &mut self.parties[index];
        if served.wants_read(&party.up) {
            let Worker { desk, buffer, .. } = &mut self.workers[served.worker];
            let count = served.read(now, &mut party.up, in_place, buffer, desk);
            if count > 0
                && let Some(relay) = self.watch.relay(index)
            {
                relay.causes.heard(now, &self.shared.relay.limits);
            }
        }
        let again = self.wants_turn(&served);
        self.settle(index, served, again);
        self.flush(index);
    }

    /// Handles what other processes sent to a connection, and what is due.
    fn turn(&mut self, index: usize) {
        let now = self.now;
        let Some(mut served) = self.served[index].take() else { return };
        served.is_in_turns = false;
        let desk = &mut self.workers[served.worker].desk;
        let before = (served.port.wake(), served.port.connection().held_bytes(), served.unwritten_bytes());
        served.port.tick(now, desk);
        let has_done = !self.log.borrow().is_empty() || served.port.work().cut;
        let after = (served.port.wake(), served.port.connection().held_bytes(), served.unwritten_bytes());
        if before.0.is_due(now) && before == after && !has_done {
            let what = format!("nothing came of the wake of client {index} at {:?}", before.0);
            self.watch.fail(Invariant::Progress, what);
        }
        let desk = &mut self.workers[served.worker].desk;
        let more = served.port.poll(now, desk);
        // What comes into a mailbox at home from now on has it called again anyway.
        let again = more && (self.options.roams || served.awaits_room());
        self.settle(index, served, again);
    }

    /// One write of the server's to a client.
    fn write_down(&mut self, index: usize) {
        let now = self.now;
        let Some(mut served) = self.served[index].take() else { return };
        served.is_in_writes = false;
        let party = &self.parties[index];
        if served.broken {
            served.port.work().writes.clear();
        } else if served.wants_write(now, &party.down) {
            if served.has_unwritten() {
                let chunk_max =
                    self.options.network.chunk_bytes_max.max(served.unwritten_bytes() / 32).max(16);
                let bytes = served.take_writes(chunk_max.min(party.down.room()));
                let count = bytes.len();
                served.written += count as u64;
                self.carry_down(index, bytes);
                served.port.written(now, count, &mut self.workers[served.worker].desk);
                if let Some(relay) = self.watch.relay(index) {
                    relay.causes.progress(now, &self.shared.relay.limits);
                }
            } else {
                served.shut = true;
                self.finish_down(index);
            }
        }
        let again = self.wants_turn(&served);
        self.settle(index, served, again);
    }

    /// Hands the handler's answer to the connection.
    fn hand_over(&mut self, index: usize, served: &mut Served, response: Response) {
        self.expect_heartbeats(index, &response);
        served.port.response(self.now, response, &mut self.workers[served.worker].desk);
    }

    fn respond(&mut self, index: usize, response: Response) {
        self.announce(Ready::Turn(index));
        let Some(mut served) = self.served[index].take() else { return };
        self.hand_over(index, &mut served, response);
        let again = self.wants_turn(&served);
        self.settle(index, served, again);
    }

    /// Whether a connection is to be asked once more before it is left alone.
    fn wants_turn(&self, served: &Served) -> bool {
        self.options.roams || served.awaits_room()
    }

    /// What follows from anything that was done with a connection, which wants another turn or not.
    fn settle(&mut self, index: usize, mut served: Served, mut again: bool) {
        while let Some(request) = served.port.work().request.take() {
            let (response, delay) = self.ask_handler(&request);
            if delay.is_zero() {
                self.hand_over(index, &mut served, response);
                again |= self.wants_turn(&served);
            } else {
                self.timeline.put(self.now + delay, Due::Answer(index, Box::new(response)));
            }
        }
        self.look();
        self.check(index, &mut served);
        if served.port.work().cut {
            return self.cut(index, served);
        }
        if again && !std::mem::replace(&mut served.is_in_turns, true) {
            self.ready.push(Ready::Turn(index));
        }
        if let Wake::At(at) = served.port.wake()
            && served.alarm.is_none_or(|alarm| at < alarm)
        {
            let at = at.max(self.now);
            served.alarm = Some(at);
            self.timeline.put(at, Due::Port(index));
        }
        self.served[index] = Some(served);
        self.enlist(index);
    }

    /// The handler may do anything in the world meanwhile.
    fn ask_handler(&mut self, request: &Request) -> (Response, Duration) {
        let nobody: Handler = Box::new(|_, _| (Response::text(503, "busy"), Duration::ZERO));
        let mut handler = std::mem::replace(&mut self.handler, nobody);
        let answer = handler(self, request);
        self.handler = handler;
        answer
    }

    /// The socket is dropped.
    fn cut(&mut self, index: usize, served: Served) {
        let mailbox = served.port.mailbox().clone();
        let worker = served.worker;
        if let Some(relay) = self.watch.relay(index) {
            self.counts.open += self.now.since(relay.causes.opened_at);
        }
        drop(served);
        self.workers[worker].desk.carrier.reap(&mailbox);
        self.look();
        let party = &mut self.parties[index];
        party.outgoing.clear();
        if !party.has_ended {
            self.finish_down(index);
        }
        self.note(|| format!("the socket of client {index} is cut"));
    }

    fn expect_heartbeats(&mut self, index: usize, response: &Response) {
        let header = response.headers.get(RELAY_HEADER);
        let every = header
            .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok())
            .and_then(|value| value["heartbeat_interval"].as_str()?.strip_suffix('s')?.parse().ok())
            .map(Duration::from_secs);
        if let Some(relay) = self.watch.relay(index) {
            relay.heartbeat = every;
        }
    }
}
