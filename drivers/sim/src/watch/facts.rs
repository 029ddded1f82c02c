//! What passes between processes.

use super::causes::Ended;
use super::commands::stands_for;
use super::relay::{Stage, What};
use super::{Invariant, Letter, Watch};
use crate::tap::Fact;
use wsrelay_core::message::{Destination, Message, Metadata, Payload, Topic};
use wsrelay_core::process::{ExitReason, Pid, Signal};
use wsrelay_core::relay::Command;
use wsrelay_host::DeadLetter;

impl Watch {
    /// Something was seen to pass.
    pub(crate) fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Data { from, to, topic, data } => {
                let payload = Payload::Data(data.clone());
                self.message(*to, &Message { from: Some(*from), topic: topic.clone(), payload });
            }
            Fact::Sent { to, signal: Signal::Message(message), .. } => self.message(*to, message),
            Fact::Sent { to, signal, late } => self.signal(*to, signal, *late),
            Fact::Relayed { from, to, topic, metadata, count } => {
                self.relayed(*from, *to, topic, metadata, *count);
            }
            // Commands go to PIDs; what goes to a name that nobody holds concerns nobody.
            Fact::Nobody { .. } => {}
            Fact::Saw { who, event } => self.saw(*who, event),
            Fact::Dead { letter } => self.dead(letter),
            Fact::Over { who } => self.is_gone(*who),
        }
    }

    /// Messages of a client's were put into a target's mailbox.
    fn relayed(&mut self, from: Pid, to: Pid, topic: &Topic, metadata: &Metadata, count: usize) {
        let Some(relay) = self.relays.get_mut(&from) else { return };
        relay.relayed += count as u64;
        relay.causes.message(self.now, &self.options.limits);
        let is_its =
            relay.stage == Stage::Joined && relay.target == Some(to) && relay.goes_on(Some(topic), metadata);
        let there = relay.written.len();
        let lane = self.letters.entry((from, to)).or_default();
        lane.extend(relay.written.drain(..there.min(count)).map(Letter::Client));
        let client = relay.client;
        if count > there {
            self.fail(Invariant::Delivery, format!("client {client} sent {there} messages, not {count}"));
        }
        if !is_its {
            let what = format!("messages of client {client} on {topic} to {to}, which it has not joined so");
            self.fail(Invariant::Membership, what);
        }
    }

    fn is_gone(&mut self, who: Pid) {
        self.over.insert(who);
        self.letters.retain(|(_, to), _| *to != who);
        let Some(relay) = self.relays.get_mut(&who) else { return };
        let target = relay.target.filter(|target| !self.over.contains(target));
        if relay.stage == Stage::Waiting {
            return;
        }
        let has_stayed = std::mem::replace(&mut relay.stage, Stage::Over) == Stage::Joined;
        let client = relay.client;
        if let (true, Some(target)) = (has_stayed, target) {
            self.fail(Invariant::Membership, format!("client {client} is gone and has not left {target}"));
        }
    }

    /// A message that nobody got.
    fn dead(&mut self, letter: &DeadLetter) {
        let Destination::Pid(to) = letter.to else { return };
        let message = &letter.message;
        let from = message.from.unwrap_or(self.outside);
        if let Some(relay) = self.relays.get_mut(&to) {
            if self.over.contains(&to)
                && let Some(reference) = Command::reference(message)
                && let Some(refs) = relay.refs.get_mut(&from)
            {
                // What was sent to a process that is over is not answered.
                refs.retain(|one| *one != reference);
            }
            let options = &self.options;
            if let Some(lane) = relay.outgoing.get_mut(&from)
                && let Some(index) = lane.iter().rposition(|one| stands_for(one, message, options))
                && let Some(one) = lane.remove(index)
            {
                relay.settle(&one);
            }
        } else if let Some(lane) = self.letters.get_mut(&(from, to))
            && let Some(index) =
                lane.iter().rposition(|one| matches!(one, Letter::Message(one) if one == message))
        {
            lane.remove(index);
        }
    }

    /// A message was put into a mailbox.
    fn message(&mut self, to: Pid, message: &Message) {
        if self.relays.contains_key(&to) {
            return self.command(to, message);
        }
        if let Some(from) = message.from
            && self.relays.contains_key(&from)
        {
            return self.told(from, to, message);
        }
        if let Some(from) = message.from
            && !self.over.contains(&to)
        {
            self.letters.entry((from, to)).or_default().push_back(Letter::Message(message.clone()));
        }
    }

    /// Another signal was put into a mailbox.
    fn signal(&mut self, to: Pid, signal: &Signal, late: bool) {
        self.relations.signal(to, signal, late);
        if let Some(relay) = self.relays.get_mut(&to) {
            match signal {
                Signal::Cancel { from, reason } => {
                    relay.causes.cancels.push((*from, reason.to_string()));
                    if let Some(from) = from {
                        relay.send(*from, What::Close(1001), None);
                    }
                }
                Signal::Kill => relay.causes.killed = true,
                Signal::Exit { reason, .. } if !reason.is_normal() => relay.causes.link_crashed = true,
                Signal::Message(_)
                | Signal::Monitor { .. }
                | Signal::Demonitor { .. }
                | Signal::Link { .. }
                | Signal::Unlink { .. }
                | Signal::Exit { .. }
                | Signal::Down { .. } => {}
            }
        }
        if let Signal::Down { from, reason } = signal {
            self.ends(*from, reason);
        }
    }

    /// A process outside has learned how another one ended.
    fn ends(&mut self, who: Pid, reason: &ExitReason) {
        if *reason == ExitReason::NoProcess || self.ended.contains_key(&who) {
            return;
        }
        self.ended.insert(who, reason.clone());
        if let ExitReason::Crashed(why) = reason
            && why.starts_with("panicked: ")
            && !self.may_panic.contains(&who)
        {
            self.fail(Invariant::Panics, format!("{who} {why}"));
        }
        let Some(relay) = self.relays.get_mut(&who) else { return };
        if relay.stage == Stage::Waiting {
            return;
        }
        let ended = Ended { leave: relay.leave.clone(), exit: reason.clone(), at: self.now };
        relay.ended = Some(ended.clone());
        let Some(relay) = self.relays.get(&who) else { return };
        let rows = self.rows(relay, &ended);
        let client = relay.client;
        if rows.is_empty() {
            let causes = format!("{:?}", relay.causes);
            return self
                .fail(Invariant::Ending, format!("client {client}: {ended:?} for no reason of {causes}"));
        }
        if let Some(code) = relay.closed_with
            && !relay.causes.explain(&rows, code)
        {
            self.fail(Invariant::Ending, format!("client {client} was closed with {code}, not as {rows:?}"));
        }
    }
}
