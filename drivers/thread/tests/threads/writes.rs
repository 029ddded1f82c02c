//! Many small writes to one client.

use crate::support::{Setup, act, channel, topic};
use std::sync::mpsc;
use wsrelay_core::message::{Message, Payload, Topic};
use wsrelay_core::process::{Context, Event, Pid};

/// More than one vectored write takes.
const PUBLISHERS: usize = 100;

/// [P9] [P10] Everybody publishes while the worker is busy, so that a client which only listens is told again and again in
/// one round, and more buffers wait for it than one write takes: it gets them all, though its socket never had
/// too little room and nothing else wakes it.
#[test]
fn a_client_that_only_listens_gets_what_one_round_has_left_for_it() {
    let world = Setup::workers(1).start();
    let mut listener: Option<Pid> = None;
    let hub = act(move |event, context: &mut Context<'_>| {
        let Event::Message(Message { payload, .. }) = event else { return };
        if let Payload::Join(join) = payload {
            listener.get_or_insert(join.pid);
        } else if let (Payload::Client(client), Some(listener)) = (payload, listener) {
            context.send(listener, Topic::SEND, client.data);
        }
    });
    world.node.spawn_actor_named("hub", hub).unwrap();
    let (begins, begun) = channel();
    let (release, released) = mpsc::channel::<()>();
    let gate = world.node.spawn_actor(act(move |event, _: &mut Context<'_>| {
        if let Event::Message(_) = event {
            _ = begins.send(());
            // Holds the worker up until the test has written everything.
            _ = released.recv();
        }
    }));
    let mut listener = world.open("hub");
    let mut publishers: Vec<_> = (0..PUBLISHERS).map(|_| world.open("hub")).collect();
    world.node.send(gate, topic(), Payload::Empty).unwrap();
    begun.next("the gate to be shut");
    for (number, publisher) in publishers.iter_mut().enumerate() {
        publisher.send_text(&format!("{number} is longer than a text that is held in place"));
    }
    drop(release);
    let mut heard: Vec<usize> = (0..PUBLISHERS)
        .map(|_| {
            let text = listener.text();
            text.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
        })
        .collect();
    heard.sort_unstable();
    assert_eq!(heard, (0..PUBLISHERS).collect::<Vec<_>>());
}
