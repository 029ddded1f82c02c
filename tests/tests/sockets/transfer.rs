//! Handing a connection from one process to another (R7).

use crate::support::{Client, Gated, Probe, Setup, World, run, text_of, until, within};
use async_tungstenite::tungstenite::Message as Frame;
use serde_json::json;
use smol::channel::{self, Sender};
use smol::stream::StreamExt as _;
use std::cell::Cell;
use wsrelay_core::fault::CommandFault;
use wsrelay_core::message::{Control, Destination, Message, Payload, Ref, Topic};
use wsrelay_core::process::{ExitReason, Pid};
use wsrelay_smol::Node;

fn control(target: impl Into<Destination>, reference: u64) -> Control {
    Control { target: Some(target.into()), reference: Some(Ref::from(reference)), ..Control::default() }
}

/// [R7] Leave with the old metadata to the old target, join with the new to the new one, then its
/// messages on the new topic; the sender is told.
#[test]
fn a_transfer_changes_everything_at_once() {
    run(async {
        let world = World::start();
        let (old, new) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        let config = wsrelay_core::relay::RelayConfig::to(old.pid);
        let metadata = json!({"stage": "lobby"}).as_object().cloned().unwrap();
        world.answer("/ws", config.metadata(metadata).into());
        let mut client = Client::open(&world, "/ws").await;
        let pid = old.join().await.pid;
        let command = json!({
            "target_pid": new.pid.to_string(), "message_topic": "game", "metadata": {"stage": 1}, "ref": "go",
        });
        old.context.send(pid, Topic::CONTROL, command).unwrap();
        let leave = old.leave().await;
        assert_eq!((leave.pid, &*leave.reason, leave.code, leave.clean), (pid, "transfer", None, true));
        assert_eq!(leave.metadata.to_json(), json!({"stage": "lobby"}));
        assert_eq!(old.ack().await.outcome, Ok(()));
        let join = new.join().await;
        assert_eq!((join.pid, join.metadata.to_json()), (pid, json!({"stage": 1})));
        client.send_text("hello").await;
        assert_eq!(new.message().await.topic.as_str(), "game");
        // The old target's end is no concern of the connection's any more, the new one's is.
        old.nothing_more().await;
        old.end(ExitReason::crashed("gone"));
        client.send_text("still here").await;
        assert_eq!(text_of(&new.client().await), "still here");
        let info = &world.node.connections()[0];
        assert_eq!((info.target, info.counters.transfers), (new.pid, 1));
        new.end(ExitReason::Normal);
        assert_eq!(client.closed().await.0, 1000);
    });
}

/// [R7] A new target that is not alive changes nothing, and the sender is told; so does a name that
/// nobody holds. The same target is an update, without leave and join.
#[test]
fn a_transfer_to_nobody_changes_nothing() {
    run(async {
        let world = World::start();
        let (target, gone) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        target.context.monitor(gone.pid).unwrap();
        gone.end(ExitReason::Normal);
        target.exit().await;
        target.context.register("me").unwrap();
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        for to in [Destination::Pid(gone.pid), Destination::from("nobody")] {
            let command = Control { message_topic: Some(Topic::from("new")), ..control(to, 1) };
            target.context.send(pid, Topic::CONTROL, command).unwrap();
            assert_eq!(target.ack().await.outcome, Err(CommandFault::NoProcess));
            client.send_text("unchanged").await;
            assert_eq!(target.message().await.topic, Topic::MESSAGE);
        }
        for to in [Destination::Pid(target.pid), Destination::from("me")] {
            let command = Control { message_topic: Some(Topic::from("new")), ..control(to, 2) };
            target.context.send(pid, Topic::CONTROL, command).unwrap();
            assert_eq!(target.ack().await.outcome, Ok(()));
            client.send_text("updated").await;
            assert_eq!(target.message().await.topic.as_str(), "new");
        }
        assert_eq!(world.node.connections()[0].counters.transfers, 0);
    });
}

/// What one of two targets saw, and when its turns were.
enum Seen {
    Join(Pid),
    Number(Pid, u32),
    Leave(Pid),
}

/// A target that tells the test all it sees.
fn spawn_target(node: &Node, seen: Sender<Seen>) -> Pid {
    node.spawn(|context| async move {
        let me = context.pid();
        loop {
            let payload = context.receive().await.payload;
            let event = if let Payload::Join(_) = payload {
                Seen::Join(me)
            } else if let Payload::Leave(_) = payload {
                Seen::Leave(me)
            } else if let Payload::Client(client) = payload {
                let number = text_of(&client).parse();
                Seen::Number(me, number.map_err(|error| format!("not a number: {error}"))?)
            } else {
                return Err(format!("{payload:?} was not expected"));
            };
            if seen.send(event).await.is_err() {
                return Ok(());
            }
        }
    })
}

const NUMBERS: u32 = 10_000;

/// [R4] [R7] [P8] Ten thousand numbered messages while the connection is moved back and forth: none is
/// lost, doubled or out of order, and each target gets them between its join and its leave only.
#[test]
fn a_transfer_under_load_loses_doubles_and_disorders_nothing() {
    run(async {
        let world = Setup::limits(|limits| {
            limits.mailbox_messages_max = 64;
            limits.turn_messages_max = 16;
        })
        .start();
        let (seen, events) = channel::unbounded();
        let targets = [spawn_target(&world.node, seen.clone()), spawn_target(&world.node, seen)];
        world.relay("/ws", targets[0]);
        let (mut sender, mut receiver) = Client::open(&world, "/ws").await.split();
        let Ok(Seen::Join(first)) = within("the join", events.recv()).await else {
            panic!("a join is first")
        };
        assert_eq!(first, targets[0]);
        let pid = world.node.connections()[0].pid;
        let mover = Probe::spawn(&world.node);

        // On this thread alone. The sender waits for a move every so often, so that there are many.
        let moves = Cell::new(0_u32);
        let send = async {
            for number in 0..NUMBERS {
                until("the next move", || moves.get() >= number / 100).await;
                let frame = Frame::text(number.to_string());
                within("a message to be sent", sender.send(frame)).await.expect("an open socket");
            }
        };
        let move_about = async {
            while world.node.connections()[0].counters.messages_in < u64::from(NUMBERS) {
                moves.set(moves.get() + 1);
                let number = moves.get();
                let to = targets[number as usize % 2];
                mover.context.send(pid, Topic::CONTROL, control(to, u64::from(number))).unwrap();
                let ack = mover.ack().await;
                assert_eq!((ack.reference, ack.outcome), (Ref::from(u64::from(number)), Ok(())));
            }
        };
        within("all moves", smol::future::zip(move_about, send)).await;
        mover.context.send(pid, Topic::CLOSE, Payload::Empty).unwrap();
        let Some(Ok(Frame::Close(_))) = within("the close", receiver.next()).await else {
            panic!("a close was expected")
        };
        while let Some(Ok(_)) = within("the end", receiver.next()).await {}

        assert_whole(&targets, moves.get(), &events).await;
    });
}

/// The events of each target are whole turns, and the numbers of all together are whole.
async fn assert_whole(targets: &[Pid; 2], moves: u32, events: &channel::Receiver<Seen>) {
    // Two targets report independently: sort out whose turn each number fell into.
    let mut turns: [Vec<Vec<u32>>; 2] = [vec![vec![]], vec![]];
    let mut is_joined = [true, false];
    let (mut joins, mut leaves) = (1, 0);
    let index = |pid: Pid| usize::from(pid == targets[1]);
    // As many leaves as joins, and the last is the one of the close.
    while leaves <= moves {
        match within("what the targets saw", events.recv()).await.expect("live targets") {
            Seen::Join(pid) => {
                assert!(!std::mem::replace(&mut is_joined[index(pid)], true), "two joins without a leave");
                turns[index(pid)].push(vec![]);
                joins += 1;
            }
            Seen::Leave(pid) => {
                assert!(std::mem::replace(&mut is_joined[index(pid)], false), "a leave without a join");
                leaves += 1;
            }
            Seen::Number(pid, number) => {
                assert!(is_joined[index(pid)], "{number} came before the join or after the leave");
                turns[index(pid)].last_mut().expect("a turn").push(number);
            }
        }
    }
    assert_eq!((joins, leaves), (moves + 1, moves + 1));
    let [first, second] = turns;
    let mut all: Vec<u32> = Vec::new();
    for turn in 0..first.len().max(second.len()) {
        all.extend(first.get(turn).into_iter().chain(second.get(turn)).flatten());
    }
    assert_eq!(all.len(), NUMBERS as usize, "messages were lost or doubled");
    assert!(all.into_iter().eq(0..NUMBERS), "messages are out of order");
}

/// [R7] [P8] [P6] An update by the name of the present target, while that target's mailbox is full: once
/// there is room, reading goes on.
#[test]
fn an_update_by_name_while_the_target_is_full_does_not_stop_the_reading_for_good() {
    run(async {
        let world = Setup::limits(|limits| {
            limits.mailbox_messages_max = 4;
            limits.mailbox_wait_max = std::time::Duration::from_secs(5);
        })
        .start();
        let target = Gated::spawn(&world.node);
        world.node.register("busy", target.pid).unwrap();
        world.relay("/ws", "busy");
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.take().await.from.expect("a connection");
        for number in 0..4 {
            client.send_text(&number.to_string()).await;
        }
        until("four messages", || world.node.connections()[0].counters.messages_in == 4).await;
        let other = Probe::spawn(&world.node);
        other.context.send(pid, Topic::CONTROL, control("busy", 1)).unwrap();
        assert_eq!(other.ack().await.outcome, Ok(()));
        client.send_text("4").await;
        for number in 0..5 {
            assert_eq!(target.take_text().await, number.to_string());
        }
    });
}

/// [R7] [P8] A connection whose target is full is handed to another, which gets what the client sends
/// from then on; the old one keeps what it had.
#[test]
fn a_transfer_away_from_a_full_target_lets_the_client_go_on() {
    run(async {
        let world = Setup::limits(|limits| limits.mailbox_messages_max = 4).start();
        let (full, free) = (Gated::spawn(&world.node), Probe::spawn(&world.node));
        world.relay("/ws", full.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = full.take().await.from.expect("a connection");
        for number in 0..4 {
            client.send_text(&number.to_string()).await;
        }
        until("four messages", || world.node.connections()[0].counters.messages_in == 4).await;
        free.context.send(pid, Topic::CONTROL, control(free.pid, 1)).unwrap();
        free.join().await;
        assert_eq!(free.ack().await.outcome, Ok(()));
        client.send_text("4").await;
        assert_eq!(free.client_text().await, "4");
        for number in 0..4 {
            assert_eq!(full.take_text().await, number.to_string());
        }
        assert_eq!(full.take().await.topic, Topic::LEAVE);
    });
}

/// [R7] Commands behind a transfer keep their order: two moves, a message and a close sent in a row.
#[test]
fn commands_in_a_row_take_effect_in_that_order() {
    run(async {
        let world = World::start();
        let (first, second) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        world.relay("/ws", first.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = first.join().await.pid;
        let commander = Probe::spawn(&world.node);
        for (reference, to) in [(1, second.pid), (2, first.pid), (3, second.pid)] {
            commander.context.send(pid, Topic::CONTROL, control(to, reference)).unwrap();
        }
        commander.send_text(pid, "moved").unwrap();
        commander.context.send(pid, Topic::CLOSE, Payload::Empty).unwrap();
        let (messages, close) = client.until_closed().await;
        assert_eq!((messages, close.0), (vec![Frame::text("moved")], 1000));
        for reference in 1..=3_u64 {
            assert_eq!(commander.ack().await.reference, Ref::from(reference));
        }
        first.leave().await;
        first.join().await;
        first.leave().await;
        second.join().await;
        second.leave().await;
        second.join().await;
        let Message { payload: Payload::Leave(leave), .. } = second.message().await else {
            panic!("a leave was expected")
        };
        assert_eq!(leave.code, Some(1000));
    });
}
