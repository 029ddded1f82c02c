//! Clients whose target has a thread of its own and reads slowly (P8).

use crate::support::{Probe, Setup, World, frame, number_of, text_of, until};
use std::io::Write as _;
use std::thread;
use wsrelay_core::message::{Payload, Topic};

fn small_mailbox() -> World {
    Setup::workers(2)
        .limits(|limits| {
            limits.mailbox_messages_max = 4;
            limits.turn_messages_max = 8;
        })
        .start()
}

fn messages_in(world: &World) -> u64 {
    world.node.connections()[0].counters.messages_in
}

/// [P8] [R4] A client floods a process that reads slowly, with room for four messages: all arrive, in order, and
/// the mailbox is overrun by one turn at most.
#[test]
fn a_flood_waits_for_a_blocking_process_and_loses_nothing() {
    const MESSAGES: u32 = 2000;
    let world = small_mailbox();
    let target = Probe::named(&world.node, "target");
    let client = world.open("target");
    let mut stream = client.stream();
    thread::spawn(move || {
        for number in 0..MESSAGES {
            stream.write_all(&frame(1, number.to_string().as_bytes())).expect("an open socket");
        }
    });
    assert_eq!(target.message().topic, Topic::JOIN);
    for number in 0..MESSAGES {
        assert_eq!(number_of(&target.message()), Some(number));
        let read = messages_in(&world);
        assert!(read <= u64::from(number) + 1 + 4 + 8 * 2, "{read} were read when {number} was taken");
    }
    client.close();
    assert!(matches!(target.message().payload, Payload::Leave(_)));
}

/// [P8] A client whose target was full is read again once the process has received, though nothing else reminds
/// the relay of it.
#[test]
fn a_client_is_read_again_when_a_blocking_process_receives() {
    let world = small_mailbox();
    let target = Probe::named(&world.node, "target");
    let mut client = world.open("target");
    assert_eq!(target.message().topic, Topic::JOIN);
    let mut sent = 0;
    for _ in 0..50 {
        for _ in 0..4 {
            client.send_text(&sent.to_string());
            sent += 1;
        }
        until("four messages", || messages_in(&world) == u64::from(sent));
        // Full by now, so that this one has to wait until half of the room is free.
        client.send_text(&sent.to_string());
        sent += 1;
        for number in sent - 5..sent {
            assert_eq!(number_of(&target.message()), Some(number));
        }
    }
}

/// [P8] [R4] A full mailbox has room for joins and leaves: clients come and go while the process is busy.
#[test]
fn joins_and_leaves_reach_a_full_blocking_process() {
    let world = small_mailbox();
    let target = Probe::named(&world.node, "target");
    let mut busy = world.open("target");
    for number in 0..4 {
        busy.send_text(&number.to_string());
    }
    until("the messages", || messages_in(&world) == 4);
    let busy_pid = world.node.connections()[0].pid;
    for _ in 0..10 {
        let mut client = world.open("target");
        let connections = world.node.connections();
        let other = connections.iter().find(|shown| shown.pid != busy_pid).expect("the new one");
        world.node.terminate(other.pid).unwrap();
        assert_eq!(client.rest(), b"");
        until("it to go", || world.node.connections().len() == 1);
    }
    assert_eq!(target.message().topic, Topic::JOIN);
    for number in 0..4 {
        assert_eq!(number_of(&target.message()), Some(number));
    }
    for _ in 0..10 {
        assert_eq!(target.message().topic, Topic::JOIN);
        assert_eq!(target.message().topic, Topic::LEAVE);
    }
}

/// [P2] [R5] A blocking process and its client talk to each other.
#[test]
fn a_blocking_process_answers_its_client() {
    let world = World::start();
    let body = |context: wsrelay_thread::Context| {
        for message in context.inbox() {
            if let (Some(client), Some(text)) = (message.from, text_of(&message)) {
                _ = context.send(client, Topic::SEND, format!("{text}!"));
            }
        }
    };
    world.node.spawn_thread_named("shouts", body).expect("a thread").unwrap();
    let mut client = world.open("shouts");
    for number in 0..100 {
        client.send_text(&number.to_string());
        assert_eq!(client.text(), format!("{number}!"));
    }
    client.close();
}
