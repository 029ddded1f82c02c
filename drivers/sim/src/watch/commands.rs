//! What processes want of connections.

use super::relay::{Handover, Outgoing, Stage, What};
use super::{Watch, causes};
use wsrelay_core::message::{Control, Message, MetadataChange, Payload, Ref, Send, Topic};
use wsrelay_core::process::Pid;
use wsrelay_core::relay::{Command, Envelope, Overflow, RelayOptions};
use wsrelay_core::wire::Data;

/// What stands before the messages in an outbox at most: the 101, a pong, a ping.
const OTHER_BYTES: usize = 512;

impl Watch {
    /// A message from a process, or from outside, to a connection.
    pub(super) fn command(&mut self, to: Pid, message: &Message) {
        let from = message.from.unwrap_or(self.outside);
        let Some(relay) = self.relays.get_mut(&to) else { return };
        let (data, reference) = match read(message, &self.options) {
            Asked::ToSend(data, reference) => (data, reference),
            Asked::ToClose(code, reason, reference) => {
                let is_early = relay.stage == Stage::Waiting;
                relay.causes.closes.push(causes::Command { from, code, reason, is_early });
                relay.send(from, What::Close(code), None);
                return self.expect_answer(to, message.from, reference);
            }
            Asked::ToControl(control) => {
                if control.heartbeat.is_some() {
                    // When it takes effect is not known here, and so not what is too soon.
                    relay.heartbeat = None;
                }
                let Control { target, message_topic, metadata, reference, .. } = *control;
                relay.controls.push(Handover {
                    to: target,
                    topic: message_topic,
                    metadata: match metadata {
                        MetadataChange::Keep => None,
                        MetadataChange::Set(metadata) => Some(metadata),
                    },
                });
                return self.expect_answer(to, message.from, reference);
            }
            Asked::InVain(reference) => return self.expect_answer(to, message.from, reference),
        };
        let limits = &self.options.limits;
        let is_over = self.over.contains(&to);
        // A larger one is refused as its sender's mistake. What is sent to who is over will be a dead letter.
        if data.len() <= limits.outbox_bytes_max {
            relay.send(from, What::Data(data), reference.clone());
            // What is dropped has not passed.
            if self.options.overflow == Overflow::Close && relay.stage == Stage::Joined && !is_over {
                relay.causes.message(self.now, limits);
            }
            relay.causes.overrun |= relay.waiting >= limits.outbox_messages_max
                || relay.waiting_bytes + OTHER_BYTES > limits.outbox_bytes_max;
        }
        self.expect_answer(to, message.from, reference);
    }

    /// Nobody outside is answered, and nobody in the name of who is over.
    fn expect_answer(&mut self, connection: Pid, from: Option<Pid>, reference: Option<Ref>) {
        if let (Some(from), Some(reference)) = (from, reference)
            && !self.over.contains(&connection)
            && let Some(relay) = self.relays.get_mut(&connection)
        {
            relay.refs.entry(from).or_default().push(reference);
        }
    }
}

/// What a message asks of a connection.
enum Asked {
    ToSend(Data, Option<Ref>),
    ToClose(u16, String, Option<Ref>),
    ToControl(Box<Control>),
    /// Something that is refused.
    InVain(Option<Ref>),
}

/// What a message says is the core's to read: what comes of it is not.
fn read(message: &Message, options: &RelayOptions) -> Asked {
    if let (true, Payload::Data(data)) = (message.topic == Topic::SEND, &message.payload) {
        return Asked::ToSend(data.clone(), None);
    }
    match Command::read(message.clone(), options.envelope == Envelope::On, &options.limits) {
        Ok(Command::Send(Send { data, reference })) => Asked::ToSend(data, reference.map(|boxed| *boxed)),
        Ok(Command::Close(close)) => {
            Asked::ToClose(close.code.get(), close.reason.as_str().to_owned(), close.reference)
        }
        Ok(Command::Control(control)) => Asked::ToControl(control),
        Err(refusal) => Asked::InVain(refusal.reference),
    }
}

/// What of a lane stands for this message: what the client would get of it.
pub(super) fn stands_for(one: &Outgoing, message: &Message, options: &RelayOptions) -> bool {
    match read(message, options) {
        Asked::ToSend(data, _) => one.what == What::Data(data),
        Asked::ToClose(code, ..) => one.what == What::Close(code),
        Asked::ToControl(_) | Asked::InVain(_) => false,
    }
}
