//! The bound in front of the client, its three policies, and what always has room (P9).
//!
//! One executor thread, and a sender that does not wait: so the messages of one burst are all in the
//! connection's mailbox before the connection looks at the first.

use crate::support::{Client, Probe, Setup, World, run, within};
use async_tungstenite::tungstenite::Message as Frame;
use serde_json::json;
use smol::channel;
use wsrelay_core::fault::CommandFault;
use wsrelay_core::message::{Message, Payload, Ref, Send, Topic};
use wsrelay_core::process::{Actor, Context, Event, Pid};
use wsrelay_core::relay::Overflow;
use wsrelay_core::wire::{Data, Text};
use wsrelay_smol::SendFault;

/// The outbox's bound, in messages.
const OUTBOX: usize = 8;
/// What a burst finds room for in front of it.
const ROOM: usize = 4 * OUTBOX;
const BURST: usize = ROOM + 12;

fn world(overflow: Overflow) -> World {
    Setup::limits(|limits| limits.outbox_messages_max = OUTBOX).overflow(overflow).threads(1).start()
}

/// A process that sends a burst to its first client in one go, and then `last`; what came of each send.
fn spawn_burst(world: &World, last: Option<Topic>) -> (Pid, channel::Receiver<Vec<Result<(), SendFault>>>) {
    let (sender, results) = channel::bounded(1);
    let pid = world.node.spawn(|context| async move {
        let Payload::Join(join) = context.receive().await.payload else { panic!("a join is first") };
        let mut sent: Vec<_> =
            (0..BURST).map(|number| context.send(join.pid, Topic::SEND, number.to_string())).collect();
        sent.extend(last.map(|topic| context.send(join.pid, topic, Payload::Empty)));
        sender.send(sent).await.expect("the test");
        // Alive for as long as the client is.
        while context.receive().await.topic != Topic::LEAVE {}
    });
    (pid, results)
}

fn numbers(range: std::ops::Range<usize>) -> Vec<Frame> {
    range.map(|number| Frame::text(number.to_string())).collect()
}

/// [P9] `drop_new`: the sender sees `Full` for what found no room, the client gets the rest, and the close
/// that came last has room and its place.
#[test]
fn dropping_new_messages_tells_the_sender_and_leaves_room_for_the_close() {
    run(async {
        let world = world(Overflow::DropNew);
        let (pid, results) = spawn_burst(&world, Some(Topic::CLOSE));
        world.relay("/ws", pid);
        let mut client = Client::open(&world, "/ws").await;
        let sent = within("the burst", results.recv()).await.unwrap();
        let mut expected = vec![Ok(()); ROOM];
        expected.resize(BURST, Err(SendFault::Full));
        expected.push(Ok(()));
        assert_eq!(sent, expected);
        let (messages, close) = client.until_closed().await;
        assert_eq!((messages, close.0), (numbers(0..ROOM), 1000));
    });
}

/// [P9] `drop_old`: every send is taken, the client gets the last ones, and the close is not evicted.
#[test]
fn dropping_old_messages_keeps_the_latest_and_the_close() {
    run(async {
        let world = world(Overflow::DropOld);
        let (pid, results) = spawn_burst(&world, Some(Topic::CLOSE));
        world.relay("/ws", pid);
        let mut client = Client::open(&world, "/ws").await;
        let sent = within("the burst", results.recv()).await.unwrap();
        assert_eq!(sent, vec![Ok(()); BURST + 1]);
        let (messages, close) = client.until_closed().await;
        assert_eq!((messages, close.0), (numbers(BURST - ROOM..BURST), 1000));
    });
}

/// [P9] What `drop_old` drops is counted, wherever in front of the client it waited.
#[test]
fn messages_that_make_room_are_counted() {
    run(async {
        let world = world(Overflow::DropOld);
        let (pid, results) = spawn_burst(&world, None);
        world.relay("/ws", pid);
        let mut client = Client::open(&world, "/ws").await;
        within("the burst", results.recv()).await.unwrap();
        for expected in numbers(BURST - ROOM..BURST) {
            assert_eq!(client.message().await, expected);
        }
        let counters = world.node.connections()[0].counters;
        assert_eq!(counters.messages_out, ROOM as u64);
        assert_eq!(counters.messages_dropped, (BURST - ROOM) as u64);
    });
}

/// [P9] [C:SlowClient] `close`: the first message that finds no room ends the connection with 1013.
#[test]
fn closing_on_overflow_is_1013() {
    run(async {
        let world = world(Overflow::Close);
        let (pid, results) = spawn_burst(&world, None);
        world.relay("/ws", pid);
        let mut client = Client::open(&world, "/ws").await;
        let sent = within("the burst", results.recv()).await.unwrap();
        assert_eq!(sent[ROOM], Err(SendFault::Full));
        let (_, close) = client.until_closed().await;
        assert_eq!(close, (1013, "client too slow".to_owned()));
    });
}

/// Sends a burst with references, and tells the test of each answer.
struct Bursting(channel::Sender<(Ref, Result<(), CommandFault>)>);

impl Actor for Bursting {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        let Event::Message(Message { payload, .. }) = event else { return };
        if let Payload::Join(join) = payload {
            for number in 0..BURST as u64 {
                let data = Data::Text(Text::from(number.to_string()));
                let reference = Some(Box::new(Ref::from(number)));
                context.send(join.pid, Topic::SEND, Send { data, reference });
            }
        } else if let Payload::Ack(ack) = payload {
            self.0.try_send((ack.reference, ack.outcome)).expect("the test");
        }
    }
}

async fn assert_all_acknowledged(overflow: Overflow, expected: impl Fn(usize) -> bool) {
    let world = world(overflow);
    let (sender, acks) = channel::unbounded();
    world.relay("/ws", world.node.spawn_actor(Bursting(sender)));
    let mut client = Client::open(&world, "/ws").await;
    for _ in 0..ROOM {
        client.message().await;
    }
    let mut outcomes = [None; BURST];
    for _ in 0..BURST {
        let (reference, outcome) =
            within("an answer to every reference", acks.recv()).await.expect("the actor");
        let Ref::Number(number) = reference else { panic!("a number") };
        let number = usize::try_from(number.as_u64().expect("a small number")).expect("a small number");
        assert_eq!(outcomes[number].replace(outcome.is_ok()), None, "{number} was answered twice");
    }
    for (number, is_ok) in outcomes.into_iter().enumerate() {
        assert_eq!(is_ok, Some(expected(number)), "message {number}");
    }
}

/// [P9] [R5] An actor, whose sends return nothing, learns of every message with a `ref` what became of it:
/// under `drop_new` the first ones went.
#[test]
fn every_reference_is_answered_when_new_messages_are_dropped() {
    run(assert_all_acknowledged(Overflow::DropNew, |number| number < ROOM));
}

/// [P9] [R5] The same under `drop_old`: the last ones went.
#[test]
fn every_reference_is_answered_when_old_messages_are_dropped() {
    run(assert_all_acknowledged(Overflow::DropOld, |number| number >= BURST - ROOM));
}

/// [P9] [R7] `ws.control` has room behind a full outbox, and keeps its place among the messages.
#[test]
fn a_control_command_has_room_in_a_full_mailbox() {
    run(async {
        let world = world(Overflow::DropNew);
        let next = Probe::spawn(&world.node);
        let to = next.pid.to_string();
        let (sender, results) = channel::bounded(1);
        let pid = world.node.spawn(|context| async move {
            let Payload::Join(join) = context.receive().await.payload else { panic!("a join is first") };
            for number in 0..BURST {
                _ = context.send(join.pid, Topic::SEND, number.to_string());
            }
            let sent = context.send(join.pid, Topic::CONTROL, json!({"target_pid": to}));
            sender.send(sent).await.expect("the test");
            context.receive().await;
        });
        world.relay("/ws", pid);
        let mut client = Client::open(&world, "/ws").await;
        assert_eq!(within("the burst", results.recv()).await.unwrap(), Ok(()));
        next.join().await;
        for expected in numbers(0..ROOM) {
            assert_eq!(client.message().await, expected);
        }
        client.send_text("hello").await;
        assert_eq!(next.client_text().await, "hello");
    });
}

/// [P9] [R5] A message larger than the whole outbox is refused with an answer, under every policy, and the
/// connection lives on.
#[test]
fn a_message_larger_than_the_outbox_is_refused() {
    run(async {
        for overflow in [Overflow::Close, Overflow::DropNew, Overflow::DropOld] {
            let setup = Setup::limits(|limits| limits.outbox_bytes_max = 1000).overflow(overflow);
            let world = setup.start();
            let target = Probe::spawn(&world.node);
            world.relay("/ws", target.pid);
            let mut client = Client::open(&world, "/ws").await;
            let pid = target.join().await.pid;
            assert_eq!(target.send_ref(pid, &"x".repeat(1001), 1), Err(SendFault::TooBig));
            target.send_ref(pid, &"x".repeat(1000), 2).unwrap();
            assert_eq!(client.text().await.len(), 1000);
            assert_eq!(target.ack().await.outcome, Ok(()));
        }
    });
}
