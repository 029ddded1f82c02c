//! One process that sends every message to all its clients.

use std::collections::BTreeSet;
use wsrelay_core::message::{Message, Payload, Topic};
use wsrelay_core::process::{Actor, Context, Event, Pid};

/// Sends each message to everybody who is connected, its sender included.
#[derive(Debug, Default)]
pub struct Broadcast {
    clients: BTreeSet<Pid>,
}

impl Actor for Broadcast {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        let Event::Message(Message { payload, .. }) = event else { return };
        if let Payload::Join(join) = payload {
            self.clients.insert(join.pid);
        } else if let Payload::Leave(leave) = payload {
            self.clients.remove(&leave.pid);
        } else if let Payload::Client(client) = payload {
            for pid in &self.clients {
                context.send(*pid, Topic::SEND, client.data.clone());
            }
        }
    }
}
