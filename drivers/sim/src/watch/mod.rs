//! The watch over a world: a reference model of every relay and of what processes are to each other, and what has to
//! hold between that and what is seen.
//!
//! Nothing here looks into the relay: it knows what each client wrote and read, what each process was told and did, and
//! when. (How much a connection holds, and whether it waits, is asked in `world/check.rs`.)

mod at_client;
mod causes;
mod commands;
mod facts;
mod invariant;
mod relations;
mod relay;
mod seen;
mod told;

pub use invariant::{Invariant, Violation};
pub(crate) use relay::Relay;

use crate::options::Options;
use causes::{Ended, Row};
use relations::Relations;
use relay::Stage;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use wsrelay_core::message::Message;
use wsrelay_core::process::{ExitReason, Pid};
use wsrelay_core::relay::{Overflow, RelayOptions};
use wsrelay_core::time::Instant;
use wsrelay_core::wire::Data;

/// What one process was sent by another.
#[derive(Clone, Debug)]
enum Letter {
    Message(Message),
    /// A client's message, by its connection.
    Client(Data),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Watch {
    options: Arc<RelayOptions>,
    /// Stands for whoever is no process.
    outside: Pid,
    /// Every process that there ever was.
    known: BTreeSet<Pid>,
    /// Processes that may panic.
    may_panic: BTreeSet<Pid>,
    /// What is not looked at.
    without: Vec<Invariant>,
    pub(crate) violation: Option<Violation>,
    pub(crate) now: Instant,
    relays: BTreeMap<Pid, Relay>,
    clients: Vec<Option<Pid>>,
    /// Messages from one process to another that were not handled yet.
    letters: BTreeMap<(Pid, Pid), VecDeque<Letter>>,
    relations: Relations,
    /// Processes that are over, connections among them.
    over: BTreeSet<Pid>,
    /// How they ended.
    ended: BTreeMap<Pid, ExitReason>,
    /// Messages of clients that reached their targets, and of processes that reached clients.
    pub(crate) messages_in: u64,
    pub(crate) messages_out: u64,
    pub(crate) transfers: u64,
}

impl Watch {
    pub(crate) fn new(options: &Options, outside: Pid) -> Self {
        Self {
            options: Arc::new(options.relay.clone()),
            outside,
            known: BTreeSet::new(),
            may_panic: BTreeSet::new(),
            without: Vec::new(),
            violation: None,
            now: Instant::ZERO,
            relays: BTreeMap::new(),
            clients: Vec::new(),
            letters: BTreeMap::new(),
            relations: Relations::default(),
            over: BTreeSet::new(),
            ended: BTreeMap::new(),
            messages_in: 0,
            messages_out: 0,
            transfers: 0,
        }
    }

    /// Does not look at this one.
    pub(crate) fn leave_out(&mut self, invariant: Invariant) {
        self.without.push(invariant);
    }

    /// Whether somebody has cancelled this client's connection.
    pub(crate) fn is_cancelled(&self, client: usize) -> bool {
        let pid = self.clients.get(client).copied().flatten();
        pid.and_then(|pid| self.relays.get(&pid)).is_some_and(|relay| !relay.causes.cancels.is_empty())
    }

    /// There is such a process.
    pub(crate) fn knows(&mut self, process: Pid) {
        self.known.insert(process);
    }

    /// A panic of this process breaks nothing.
    pub(crate) fn may_panic(&mut self, process: Pid) {
        self.may_panic.insert(process);
    }

    /// An invariant did not hold. The first counts.
    pub(crate) fn fail(&mut self, invariant: Invariant, what: impl Into<String>) {
        if self.violation.is_none() && !self.without.contains(&invariant) {
            self.violation = Some(Violation { invariant, what: what.into() });
        }
    }

    /// A client has come, whose connection is this process.
    pub(crate) fn opened(&mut self, client: usize, pid: Pid) {
        if self.clients.len() <= client {
            self.clients.resize(client + 1, None);
        }
        self.clients[client] = Some(pid);
        self.relays.insert(pid, Relay::new(client, &self.options, self.now));
    }

    pub(crate) fn relay(&mut self, client: usize) -> Option<&mut Relay> {
        self.relays.get_mut(self.clients.get(client)?.as_ref()?)
    }

    /// Nothing moves any more, and no process rests: whatever was under way has arrived, except where `is_reading` says
    /// that a client does not read.
    pub(crate) fn at_rest(&mut self, is_reading: impl Fn(usize) -> bool) {
        let mut found = Vec::new();
        for relay in self.relays.values().filter(|relay| relay.is_open()) {
            let target_over = relay.target.is_some_and(|target| self.over.contains(&target));
            if relay.causes.must_end(&self.options, target_over) {
                found.push((Invariant::Settling, format!("client {} had to end: {relay:#?}", relay.client)));
            }
            // One that is being closed takes nothing more.
            let is_closing =
                relay.closed_with.is_some() || relay.causes.may_expire(self.now, &self.options.limits);
            if is_reading(relay.client) && !is_closing {
                self.look_for_losses(relay, &mut found);
            }
        }
        for (_, relay) in self.relays.iter().filter(|(pid, _)| self.over.contains(pid)) {
            self.look_for_silence(relay, &mut found);
        }
        for ((from, to), lane) in &self.letters {
            if !lane.is_empty() && !self.over.contains(to) {
                let is_relay = self.relays.contains_key(from);
                let invariant = if is_relay { Invariant::Delivery } else { Invariant::Letters };
                found.push((invariant, format!("of {from} to {to} are lost: {lane:?}")));
            }
        }
        self.relations.at_rest(&self.over, &self.ended, &mut found);
        for (invariant, what) in found {
            self.fail(invariant, what);
        }
    }

    /// The rows of the table by which a relay may have ended as it has.
    fn rows(&self, relay: &Relay, ended: &Ended) -> Vec<Row> {
        let target = relay.target.filter(|target| self.over.contains(target));
        let how = target.and_then(|target| self.ended.get(&target));
        relay.causes.rows(&self.options, ended, how, target.is_some())
    }

    /// What should have arrived of an open connection whose client reads.
    fn look_for_losses(&self, relay: &Relay, found: &mut Vec<(Invariant, String)>) {
        let client = relay.client;
        if !relay.written.is_empty() {
            let left = relay.written.len();
            found.push((Invariant::Delivery, format!("{left} messages of client {client} are lost")));
        }
        let may_drop = self.options.overflow != Overflow::Close && relay.causes.overrun;
        if relay.outgoing.values().flatten().any(|one| !one.may_be_gone(may_drop)) {
            let lost = format!("messages for client {client} are lost: {:?}", relay.outgoing);
            found.push((Invariant::Sending, lost));
        }
        if !relay.pings.is_empty() {
            let pings = &relay.pings;
            found.push((Invariant::Pongs, format!("pings of client {client} are not answered: {pings:?}")));
        }
        // Beats of many that come at once may find no room; the next ones tell the same.
        let is_roomy = self.options.limits.mailbox_messages_max > self.relays.len();
        if let (Some(every), Some(since)) = (relay.heartbeat, relay.beat_at)
            && is_roomy
            && self.now.since(since) > every * 2
        {
            let since = self.now.since(since);
            found.push((Invariant::Heartbeats, format!("client {client} has not beaten for {since:?}")));
        }
        self.look_for_silence(relay, found);
    }

    /// The commands that should have been acknowledged.
    fn look_for_silence(&self, relay: &Relay, found: &mut Vec<(Invariant, String)>) {
        let left = relay.refs.iter().find(|(from, refs)| !refs.is_empty() && !self.over.contains(from));
        if let Some((from, left)) = left {
            let what = format!("{left:?} of {from} to client {} are not acknowledged", relay.client);
            found.push((Invariant::Acks, what));
        }
    }

    /// Everybody has gone.
    pub(crate) fn at_the_end(&mut self) {
        let untold =
            self.relays.values().find(|relay| relay.stage != Stage::Waiting && relay.ended.is_none());
        if let Some(Relay { client, .. }) = untold {
            let what = format!("nobody was told of the end of client {client}");
            self.fail(Invariant::Ending, what);
        }
    }
}
