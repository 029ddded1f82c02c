//! Processes that tell the test what they see.

use super::{Heard, PATIENCE, channel};
use std::ops::Deref;
use std::sync::mpsc::{self, Sender};
use wsrelay_core::message::{ClientMessage, Message, Payload, Topic};
use wsrelay_core::process::{Actor, Context, Event, ExitReason, Pid};
use wsrelay_core::wire::Data;
use wsrelay_thread::Node;

/// Sends every client's messages back to it.
pub(crate) struct Echo;

impl Actor for Echo {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
            context.send(client.pid, Topic::SEND, client.data);
        }
    }
}

/// An actor that is one function.
pub(crate) struct Act<F>(F);

/// An actor that is one function.
pub(crate) fn act<F: FnMut(Event, &mut Context<'_>)>(function: F) -> Act<F> {
    Act(function)
}

impl<F: FnMut(Event, &mut Context<'_>)> Actor for Act<F> {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        (self.0)(event, context);
    }
}

/// An actor that hands all its messages to the test.
pub(crate) fn forward() -> (impl Actor + Send + 'static, Heard<Message>) {
    let (seen, heard) = channel();
    let forward = move |event, _: &mut Context<'_>| {
        if let Event::Message(message) = event {
            _ = seen.send(message);
        }
    };
    (act(forward), heard)
}

/// A message of text, from a client or another process.
pub(crate) fn text_of(message: &Message) -> Option<&str> {
    let (Payload::Client(ClientMessage { data: Data::Text(text), .. }) | Payload::Data(Data::Text(text))) =
        &message.payload
    else {
        return None;
    };
    Some(text.as_str())
}

/// The same for a number.
pub(crate) fn number_of(message: &Message) -> Option<u32> {
    text_of(message)?.parse().ok()
}

/// A process on a thread of its own whose code is the test: its thread is busy as long as the probe is there.
pub(crate) struct Probe {
    pub(crate) context: wsrelay_thread::Context,
    _busy: Sender<()>,
}

impl Deref for Probe {
    type Target = wsrelay_thread::Context;

    fn deref(&self) -> &Self::Target {
        &self.context
    }
}

impl Probe {
    pub(crate) fn spawn(node: &Node) -> Self {
        let (body, probe) = Self::parts();
        node.spawn_thread(body).expect("a thread");
        probe()
    }

    pub(crate) fn named(node: &Node, name: &str) -> Self {
        let (body, probe) = Self::parts();
        node.spawn_thread_named(name, body).expect("a thread").expect("a free name");
        probe()
    }

    fn parts() -> (impl FnOnce(wsrelay_thread::Context) + Send, impl FnOnce() -> Self) {
        let (hand_over, handed) = mpsc::channel();
        let (busy, free) = mpsc::channel();
        let body = move |context| {
            _ = hand_over.send(context);
            // Until the probe is dropped.
            _ = free.recv();
        };
        let probe = move || {
            let context = handed.recv_timeout(PATIENCE).expect("a thread that begins");
            Self { context, _busy: busy }
        };
        (body, probe)
    }

    /// The next message or event, which has to come.
    pub(crate) fn next_event(&self) -> Event {
        self.next_within(PATIENCE).expect("an event for the probe")
    }

    /// The next message, which has to be next.
    pub(crate) fn message(&self) -> Message {
        let event = self.next_event();
        let Event::Message(message) = event.clone() else { panic!("a message was expected, not {event:?}") };
        message
    }

    /// The end of a watched process, which has to be next.
    pub(crate) fn exit(&self) -> (Pid, ExitReason) {
        let event = self.next_event();
        let Event::Exit { from, reason } = event.clone() else {
            panic!("an exit was expected, not {event:?}")
        };
        (from, reason)
    }
}
