//! The processes that wsrelay's servers relay to, as in the demo, and the handler that names them.

use crate::scenario::Kind;
use std::collections::BTreeSet;
use wsrelay_core::message::{Message, Payload, Topic};
use wsrelay_core::process::{Actor, Context, Event, Pid};
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::upgrade::{Request, Response};

/// The answer to a request on wsrelay, whose driver does not matter: a client of either path is relayed.
pub(crate) fn answer(request: &Request, echo: Pid, broadcast: Pid) -> Response {
    let target = if request.path() == Kind::Fanout.path() { broadcast } else { echo };
    RelayConfig::to(target).into()
}

/// Returns each client's messages, with their type.
#[derive(Debug)]
pub(crate) struct Echo;

impl Actor for Echo {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
            context.send(client.pid, Topic::SEND, client.data);
        }
    }
}

/// Sends each message to everybody who is connected, its sender included.
#[derive(Debug, Default)]
pub(crate) struct Broadcast {
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
