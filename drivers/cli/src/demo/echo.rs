//! One process that returns every message to where it came from.

use wsrelay_core::message::{Message, Payload, Topic};
use wsrelay_core::process::{Actor, Context, Event};

/// Returns each client's messages, with their type.
#[derive(Debug)]
pub struct Echo;

impl Actor for Echo {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
            context.send(client.pid, Topic::SEND, client.data);
        }
    }
}
