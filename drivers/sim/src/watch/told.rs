//! What connections tell processes.

use super::relay::{Relay, Stage};
use super::{Invariant, Letter, Watch};
use wsrelay_core::message::{Destination, Heartbeat, Join, Leave, Message, Payload};
use wsrelay_core::process::Pid;
use wsrelay_core::time::Instant;

/// What does not hold, in words.
type Wrong = Option<(Invariant, String)>;

impl Watch {
    /// A message from a connection to a process.
    pub(super) fn told(&mut self, from: Pid, to: Pid, message: &Message) {
        let now = self.now;
        let is_over = self.over.contains(&from);
        let Some(relay) = self.relays.get_mut(&from) else { return };
        let wrong = match &message.payload {
            Payload::Join(join) => {
                self.transfers += u64::from(relay.stage == Stage::Between);
                joins(relay, to, join, now)
            }
            Payload::Leave(leave) => leaves(relay, to, leave, is_over),
            Payload::Heartbeat(beat) => beats(relay, beat, now),
            Payload::Client(_) => {
                // Its target has ended: it is a dead letter.
                relay.relayed += 1;
                relay.written.pop_front();
                return;
            }
            // Looked at when it is seen: some are given in the name of a connection whose mailbox is full.
            Payload::Ack(_) => return,
            Payload::Empty
            | Payload::Data(_)
            | Payload::Json(_)
            | Payload::Term(_)
            | Payload::Abort(_)
            | Payload::Send(_)
            | Payload::Close(_)
            | Payload::Control(_) => None,
        };
        if let Some((invariant, what)) = wrong {
            self.fail(invariant, what);
        }
        if !self.over.contains(&to) {
            self.letters.entry((from, to)).or_default().push_back(Letter::Message(message.clone()));
        }
    }
}

fn joins(relay: &mut Relay, to: Pid, join: &Join, now: Instant) -> Wrong {
    let client = relay.client;
    let mut wrong = None;
    match relay.stage {
        Stage::Waiting => {
            relay.causes.open(now);
            relay.beat_at = Some(now);
        }
        Stage::Between => {
            let handover = relay.controls.iter().rev().find(|control| {
                control.metadata.as_ref().is_none_or(|metadata| *metadata == join.metadata)
                    && control.to.as_ref().is_some_and(|it| match it {
                        Destination::Pid(pid) => *pid == to,
                        Destination::Name(_) => true,
                    })
            });
            if let Some(handover) = handover {
                relay.topic = handover.topic.clone().or_else(|| relay.topic.take());
            } else {
                let what = format!("client {client} joins {to}, to which nobody has handed it");
                wrong = Some((Invariant::Membership, what));
            }
        }
        Stage::Joined | Stage::Left | Stage::Over => {
            wrong = Some((Invariant::Membership, format!("client {client} joins {to} twice")));
        }
    }
    relay.stage = Stage::Joined;
    relay.target = Some(to);
    relay.causes.targets.insert(to);
    relay.metadata = join.metadata.clone();
    wrong
}

fn leaves(relay: &mut Relay, to: Pid, leave: &Leave, is_over: bool) -> Wrong {
    let client = relay.client;
    let is_there = relay.stage == Stage::Joined && relay.target == Some(to) && !is_over;
    let is_same = relay.goes_on(None, &leave.metadata);
    relay.stage = if leave.code.is_none() { Stage::Between } else { Stage::Left };
    relay.leave = leave.code.map(|code| (code, leave.reason.to_string(), leave.clean));
    if !is_there {
        return Some((Invariant::Membership, format!("client {client} leaves {to}, where it is not")));
    }
    (!is_same).then(|| (Invariant::Membership, format!("client {client} leaves with {:?}", leave.metadata)))
}

fn beats(relay: &mut Relay, beat: &Heartbeat, now: Instant) -> Wrong {
    let client = relay.client;
    let uptime = now.since(relay.causes.opened_at);
    let since = relay.beat_at.replace(now)?;
    // The first one comes anywhere within the interval.
    let is_first = since == relay.causes.opened_at;
    if let Some(every) = relay.heartbeat
        && !is_first
        && now.since(since) < every
    {
        let after = now.since(since);
        return Some((Invariant::Heartbeats, format!("client {client} beats again after {after:?}")));
    }
    let count = relay.relayed;
    (beat.uptime != uptime || beat.message_count != count).then(|| {
        (Invariant::Heartbeats, format!("client {client}: {beat:?} after {uptime:?} and {count} messages"))
    })
}
