//! Whoever never stops leaves others on the same worker their turn (P10).

use crate::support::{Client, Echo, Setup, World, act, channel, forward, frame, topic};
use std::io::Write as _;
use std::net::Shutdown;
use std::thread;
use wsrelay_core::message::{Destination, Payload, Topic};
use wsrelay_core::process::{Actor, Context, Event};
use wsrelay_core::relay::Overflow;
use wsrelay_thread::SendFault;

/// One worker and an echo.
fn world() -> World {
    let world = Setup::workers(1).overflow(Overflow::DropNew).start();
    world.node.spawn_actor_named("echo", Echo).unwrap();
    world
}

/// A client that comes now is let in and served.
fn is_served(world: &World) {
    let mut client = world.open("echo");
    for number in 0..50 {
        client.echo(&number.to_string());
    }
    client.close();
}

/// An actor that answers whatever comes by as many messages to whoever has this name.
fn answers(to: &'static str, times: u32) -> impl Actor + Send + 'static {
    act(move |event, context: &mut Context<'_>| {
        if let Event::Message(_) = event {
            for _ in 0..times {
                context.send(to, topic(), Payload::Empty);
            }
        }
    })
}

/// [P10] Two actors that send to each other for ever.
#[test]
fn actors_that_never_stop_talking_leave_a_client_its_turn() {
    let world = world();
    let one = world.node.spawn_actor_named("one", answers("other", 1)).unwrap();
    world.node.spawn_actor_named("other", answers("one", 1)).unwrap();
    for _ in 0..100 {
        world.node.send(one, topic(), Payload::Empty).unwrap();
    }
    is_served(&world);
}

/// [P10] An actor that sends to itself for ever.
#[test]
fn an_actor_that_never_stops_leaves_a_client_its_turn() {
    let world = world();
    let one = world.node.spawn_actor_named("one", answers("one", 1)).unwrap();
    world.node.send(one, topic(), Payload::Empty).unwrap();
    is_served(&world);
}

/// [P8] [P10] An actor that floods another, whose mailbox is full all the time: a third is served as well, and so
/// is what the flooded one gets in between.
#[test]
fn an_actor_that_floods_another_leaves_others_their_turn() {
    let world = world();
    let (mut counted, flood) = (0_u64, Destination::from("flood"));
    let mut answer = answers("flooded", 5000);
    let flooder = act(move |event, context: &mut Context<'_>| {
        answer.handle(event, context);
        context.send(flood.clone(), topic(), "again");
    });
    let (seen, heard) = channel();
    let flooded = act(move |event, _| {
        if let Event::Message(_) = event {
            counted += 1;
            if counted.is_multiple_of(1000) {
                _ = seen.send(counted);
            }
        }
    });
    world.node.spawn_actor_named("flooded", flooded).unwrap();
    world.node.spawn_actor_named("flood", flooder).unwrap();
    is_served(&world);
    for thousand in 1..=10 {
        assert_eq!(heard.next("a thousand messages"), thousand * 1000);
    }
    is_served(&world);
    assert!(world.node.dead_letters() > 0, "the mailbox was to be full");
}

/// [P10] A thread that is no worker sends to an actor without pause.
#[test]
fn a_flood_from_outside_leaves_others_their_turn() {
    let world = world();
    let (target, heard) = forward();
    let target = world.node.spawn_actor(target);
    let node = world.node.clone();
    // Until the actor has ended with its runtime.
    thread::spawn(move || while node.send(target, topic(), "again") != Err(SendFault::NoProcess) {});
    is_served(&world);
    for _ in 0..1000 {
        heard.next("a message of the flood");
    }
}

/// Floods without pause until its socket is shut down, which is its own end.
struct Flood(Client);

impl Flood {
    fn begin(client: Client) -> Self {
        let mut stream = client.stream();
        thread::spawn(move || {
            let many = frame(1, b"flood").repeat(1000);
            while stream.write_all(&many).is_ok() {}
        });
        Self(client)
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        // The server may have been first.
        _ = self.0.stream().shutdown(Shutdown::Both);
    }
}

/// [P9] [P10] A client that writes without pause and reads nothing, so that its outbox is full all the time, of
/// which new messages are dropped.
#[test]
fn a_client_that_floods_and_never_reads_leaves_another_its_turn() {
    let world = world();
    let floods: Vec<_> = (0..3).map(|_| Flood::begin(world.open("echo"))).collect();
    is_served(&world);
    crate::support::until("a full outbox", || {
        world.node.connections().iter().any(|connection| connection.counters.messages_dropped > 0)
    });
    is_served(&world);
    drop(floods);
}

/// [P8] [P10] A client that floods a target which is always busy: that one and its other clients are served.
#[test]
fn a_client_that_floods_leaves_its_target_to_others() {
    let world = Setup::workers(1)
        .overflow(Overflow::DropNew)
        .limits(|limits| limits.mailbox_messages_max = 4)
        .start();
    world.node.spawn_actor_named("echo", Echo).unwrap();
    let mut calm = world.open("echo");
    let flood = Flood::begin(world.open("echo"));
    for number in 0..50 {
        calm.echo(&number.to_string());
    }
    drop(flood);
    calm.echo("after");
}

/// [P9] [P10] An actor sends without pause to a client that reads nothing: its other client is served.
#[test]
fn an_actor_that_floods_a_client_leaves_others_their_turn() {
    let world = world();
    let flooder = act(|event, context: &mut Context<'_>| {
        if let Event::Message(message) = event
            && let Some(client) = message.from
            && client != context.pid()
        {
            // For ever: this message comes back to itself, as if the client had sent it again.
            context.monitor(client);
            for _ in 0..1000 {
                context.send(client, Topic::SEND, "flood");
            }
        }
        context.send(context.pid(), topic(), Payload::Empty);
    });
    world.node.spawn_actor_named("flood", flooder).unwrap();
    let slow = world.open("flood");
    is_served(&world);
    let mut stays = slow;
    assert_eq!(stays.text(), "flood");
}

/// [P10] All of it at once, and a crowd of clients that come, are served, and go.
#[test]
fn a_crowd_is_served_beside_every_kind_of_flood() {
    let world = world();
    for (name, other) in [("one", "other"), ("other", "one")] {
        world.node.spawn_actor_named(name, answers(other, 1)).unwrap();
        world.node.send(name, topic(), Payload::Empty).unwrap();
    }
    let flood = Flood::begin(world.open("echo"));
    let crowd: Vec<_> = (0..20_u32)
        .map(|number| {
            let mut client = world.open("echo");
            client.send_text(&number.to_string());
            client
        })
        .collect();
    for (number, mut client) in (0..20_u32).zip(crowd) {
        assert_eq!(client.text(), number.to_string());
        client.close();
    }
    drop(flood);
}
