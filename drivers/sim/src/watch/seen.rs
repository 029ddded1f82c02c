//! What processes see.

use super::{Invariant, Letter, Relay, Watch};
use wsrelay_core::fault::CommandFault;
use wsrelay_core::message::{Ack, ClientMessage, Message, Payload};
use wsrelay_core::process::{Event, Pid};
use wsrelay_core::wire::Data;

impl Watch {
    /// A process has seen something.
    pub(super) fn saw(&mut self, who: Pid, event: &Event) {
        match event {
            Event::Message(message) => self.saw_message(who, message),
            Event::Exit { from, reason } => {
                let ended = self.ended.get(from);
                let is_over = self.over.contains(from) || !self.known.contains(from);
                let wrong = self.relations.saw_exit(who, *from, reason, ended, is_over);
                if let Some(what) = wrong {
                    self.fail(Invariant::Monitors, what);
                }
                let left = self.letters.get(&(*from, who)).map_or(0, std::collections::VecDeque::len);
                if left > 0 && self.relays.contains_key(from) {
                    let what = format!("{who} sees the exit of {from} before {left} messages of it");
                    self.fail(Invariant::Membership, what);
                }
            }
            Event::LinkDown { from, reason } => {
                let wrong = self.relations.saw_link_down(who, *from, reason, self.ended.get(from));
                if let Some(what) = wrong {
                    self.fail(Invariant::Links, what);
                }
            }
            Event::Started | Event::Cancel { .. } | Event::Tick => {}
        }
    }

    fn saw_message(&mut self, who: Pid, message: &Message) {
        let Some(from) = message.from else { return };
        if let Payload::Client(ClientMessage { pid, data, .. }) = &message.payload {
            return self.saw_client_message(who, *pid, data);
        }
        if let Payload::Ack(ack) = &message.payload {
            if let Some(what) = self.relays.get_mut(&from).and_then(|relay| acknowledged(relay, who, ack)) {
                self.fail(Invariant::Acks, what);
            }
            return;
        }
        let expected = self.letters.entry((from, who)).or_default().pop_front();
        if !matches!(&expected, Some(Letter::Message(expected)) if expected == message) {
            let is_relay = self.relays.contains_key(&from);
            let invariant = if is_relay { Invariant::Membership } else { Invariant::Letters };
            self.fail(invariant, format!("{who} got {message:?} of {from} instead of {expected:?}"));
        }
    }

    fn saw_client_message(&mut self, who: Pid, pid: Pid, data: &Data) {
        self.messages_in += 1;
        let Some(relay) = self.relays.get(&pid) else { return };
        let client = relay.client;
        let expected = self.letters.entry((pid, who)).or_default().pop_front();
        let invariant = match &expected {
            Some(Letter::Client(expected)) if expected == data => return,
            Some(Letter::Message(_)) => Invariant::Membership,
            Some(Letter::Client(_)) | None => Invariant::Delivery,
        };
        self.fail(invariant, format!("{who} got {data:?} of client {client} instead of {expected:?}"));
    }
}

/// What is wrong with an acknowledgement, in words.
fn acknowledged(relay: &mut Relay, to: Pid, ack: &Ack) -> Option<String> {
    let refs = relay.refs.entry(to).or_default();
    let Some(index) = refs.iter().position(|one| *one == ack.reference) else {
        return Some(format!("client {} answers {ack:?} to {to}, who did not ask", relay.client));
    };
    refs.remove(index);
    let lane = relay.outgoing.get_mut(&to)?;
    let index = lane.iter().position(|one| one.reference.as_ref() == Some(&ack.reference))?;
    match &ack.outcome {
        Ok(()) => lane[index].is_promised = true,
        // It may have been on its way already.
        Err(CommandFault::Closing) => {}
        Err(_) => {
            let refused = lane.remove(index);
            refused.iter().for_each(|one| relay.settle(one));
        }
    }
    None
}
