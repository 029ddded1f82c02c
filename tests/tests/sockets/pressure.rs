//! Slow processes and slow clients: who waits, who is closed, and who notices nothing (P8, P10).

use crate::support::{Client, Gated, Probe, Raw, SHORT, Setup, World, frame, run, until, within};
use async_tungstenite::tungstenite::Message as Frame;
use smol::stream::StreamExt as _;
use std::thread;
use wsrelay_core::message::{Payload, Topic};
use wsrelay_core::process::ExitReason;
use wsrelay_core::relay::Overflow;
use wsrelay_core::time::Timeout;
use wsrelay_smol::SendFault;

/// [P8] [R4] A client floods a process that reads slowly, with room for four messages: all arrive, in
/// order, and the mailbox is overrun by one turn at most.
#[test]
fn a_flood_waits_for_a_slow_process_and_loses_nothing() {
    const MESSAGES: u64 = 2000;
    run(async {
        let world = Setup::limits(|limits| {
            limits.mailbox_messages_max = 4;
            limits.turn_messages_max = 8;
        })
        .start();
        let target = Gated::spawn(&world.node);
        world.relay("/ws", target.pid);
        let (mut sender, _receiver) = Client::open(&world, "/ws").await.split();
        let send = async {
            for number in 0..MESSAGES {
                let message = Frame::text(number.to_string());
                within("a message to be sent", sender.send(message)).await.expect("an open socket");
            }
        };
        let take = async {
            assert_eq!(target.take().await.topic, Topic::JOIN);
            for number in 0..MESSAGES {
                assert_eq!(target.take_text().await, number.to_string());
                let read = world.node.connections()[0].counters.messages_in;
                assert!(read <= number + 1 + 4 + 8 * 2, "{read} were read when {number} was taken");
            }
        };
        within("the flood", smol::future::zip(send, take)).await;
    });
}

/// [P8] A client whose target was full is read again once there is room, though it had sent nothing
/// meanwhile that could remind the relay of it.
#[test]
fn a_client_is_read_again_once_its_target_has_room() {
    run(async {
        let world = Setup::limits(|limits| limits.mailbox_messages_max = 4).start();
        let target = Gated::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        assert_eq!(target.take().await.topic, Topic::JOIN);
        let mut sent = 0;
        for round in 1..=10 {
            while sent < round * 4 {
                client.send_text(&sent.to_string()).await;
                sent += 1;
            }
            until("four messages", || world.node.connections()[0].counters.messages_in == sent).await;
            for number in sent - 4..sent {
                assert_eq!(target.take_text().await, number.to_string());
            }
        }
    });
}

/// [P10] [T:turn] As many messages in one write as are decoded in one turn, to the last: what comes
/// afterwards is read.
#[test]
fn a_write_of_exactly_one_turn_does_not_end_the_reading() {
    run(async {
        let world = Setup::limits(|limits| limits.turn_messages_max = 4).start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut raw = Raw::open(&world, "/ws").await;
        target.join().await;
        for _ in 0..10 {
            raw.write(frame(1, b"x").repeat(4)).await;
            for _ in 0..4 {
                assert_eq!(target.client_text().await, "x");
            }
        }
    });
}

/// [P8] [C:TargetBusy] [T:mailbox] A process that never reads: past the deadline the client is closed with
/// 1013, and what the relay had read is still there, with the leave behind it.
#[test]
fn a_target_that_stays_full_past_the_deadline_is_1013() {
    run(async {
        let world = Setup::limits(|limits| {
            limits.mailbox_messages_max = 4;
            limits.mailbox_wait_max = SHORT;
        })
        .start();
        let (target, watcher) = (Gated::spawn(&world.node), Probe::spawn(&world.node));
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.take().await.from.expect("a connection");
        watcher.watch(pid).await;
        for number in 0..4 {
            client.send_text(&number.to_string()).await;
        }
        assert_eq!(client.closed().await, (1013, "server busy".to_owned()));
        let (_, reason) = watcher.exit().await;
        assert!(matches!(reason, ExitReason::Crashed(_)), "{reason:?}");
        for number in 0..4 {
            assert_eq!(target.take_text().await, number.to_string());
        }
        let Payload::Leave(leave) = target.take().await.payload else { panic!("a leave is last") };
        assert_eq!(leave.code, Some(1013));
    });
}

/// [P8] [R4] A full mailbox has room for joins and leaves: clients come and go while nobody reads.
#[test]
fn joins_and_leaves_reach_a_full_mailbox() {
    run(async {
        let world = Setup::limits(|limits| limits.mailbox_messages_max = 1).start();
        let target = Gated::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut busy = Client::open(&world, "/ws").await;
        busy.send_text("full").await;
        until("the message", || world.node.connections()[0].counters.messages_in == 1).await;
        let busy_pid = world.node.connections()[0].pid;
        for _ in 0..10 {
            let mut client = Client::open(&world, "/ws").await;
            let connections = world.node.connections();
            let other = connections.iter().find(|shown| shown.pid != busy_pid).expect("the new one");
            world.node.terminate(other.pid).unwrap();
            client.cut().await;
            until("it to go", || world.node.connections().len() == 1).await;
        }
        assert_eq!(target.take().await.topic, Topic::JOIN);
        assert_eq!(target.take_text().await, "full");
        for _ in 0..10 {
            assert_eq!(target.take().await.topic, Topic::JOIN);
            assert_eq!(target.take().await.topic, Topic::LEAVE);
        }
    });
}

/// [P8] [T:ping] While the relay does not read, because the target is full, a client that could not be heard
/// is neither pinged nor declared dead.
#[test]
fn nobody_is_declared_dead_while_the_relay_does_not_read() {
    run(async {
        let world = Setup::limits(|limits| {
            limits.mailbox_messages_max = 1;
            limits.mailbox_wait_max = SHORT * 10;
            limits.ping_interval = Timeout::After(SHORT / 10);
            limits.pong_wait_max = SHORT / 10;
        })
        .start();
        let target = Gated::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut raw = Raw::open(&world, "/ws").await;
        raw.write(frame(1, b"full")).await;
        // A ping may have gone out before the message came; what ends the connection is the mailbox.
        let payload = loop {
            let (opcode, payload) = raw.frame().await;
            if opcode == 8 {
                break payload;
            }
        };
        assert_eq!(payload[..2], 1013_u16.to_be_bytes(), "{payload:?}");
    });
}

/// Small enough a bound that a client which does not read reaches it, large enough that one which reads
/// does not.
fn slow_setup() -> Setup {
    Setup::limits(|limits| {
        limits.outbox_messages_max = 64;
        limits.outbox_bytes_max = 4 << 20;
        limits.write_ahead_bytes = 64 << 10;
        limits.close_wait_max = SHORT;
    })
}

/// [P9] [P10] [C:SlowClient] A client that does not read is closed with 1013, or cut when not even that can
/// be written; meanwhile and afterwards its neighbour, with the same target, is served.
#[test]
fn a_slow_client_costs_its_neighbour_nothing() {
    run(async {
        let world = slow_setup().start();
        let (target, watcher) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        world.relay("/ws", target.pid);
        let mut slow = Raw::open(&world, "/ws").await;
        let slow_pid = target.join().await.pid;
        let mut quick = Client::open(&world, "/ws").await;
        let quick_pid = target.join().await.pid;
        watcher.watch(slow_pid).await;
        let chunk = "x".repeat(60_000);
        let mut sent = 0;
        while world.node.is_alive(slow_pid) {
            // A full mailbox or a closed one is the end that is waited for.
            _ = target.send_text(slow_pid, &chunk);
            sent += 1;
            target.send_text(quick_pid, "tick").unwrap();
            assert_eq!(quick.text().await, "tick");
            assert!(sent < 10_000, "600 MB did not fill the outbox");
        }
        let leave = target.leave().await;
        assert_eq!((leave.pid, leave.code, leave.clean), (slow_pid, Some(1013), false));
        assert!(matches!(watcher.exit().await, (pid, ExitReason::Crashed(_)) if pid == slow_pid));
        // Nothing behind the close frame, if there is one at all.
        let rest = slow.rest().await;
        let close = [&[0x88, 17][..], &1013_u16.to_be_bytes(), b"client too slow"].concat();
        assert!(rest.ends_with(&close) || rest.len() < sent * 60_000, "neither closed nor cut");
        target.send_text(quick_pid, "well").unwrap();
        assert_eq!(quick.text().await, "well");
    });
}

/// [T:write] [C:Stalled] A client that takes nothing at all, though its outbox is within its bound, is cut
/// with 1006 after the time without progress.
#[test]
fn a_client_that_takes_nothing_is_cut() {
    run(async {
        let world = Setup::limits(|limits| {
            limits.outbox_bytes_max = 64 << 20;
            limits.mailbox_bytes_max = 64 << 20;
            limits.write_wait_max = SHORT;
        })
        .start();
        let (target, watcher) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        world.relay("/ws", target.pid);
        let mut raw = Raw::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        watcher.watch(pid).await;
        let chunk = "x".repeat(1 << 20);
        for _ in 0..32 {
            // On a busy machine the connection may be cut before the last one is sent.
            _ = target.send_text(pid, &chunk);
        }
        let leave = target.leave().await;
        assert_eq!((leave.code, leave.clean), (Some(1006), false));
        assert!(matches!(watcher.exit().await.1, ExitReason::Crashed(_)));
        assert!(raw.rest().await.len() < 32 << 20);
    });
}

/// [T:write] A writer that makes progress is not cut, however slow its client reads: 32 MiB in many times
/// the limit for no progress at all.
#[test]
fn a_client_that_reads_slowly_but_steadily_gets_everything() {
    const BYTES: usize = 32 << 20;
    run(async {
        let world = Setup::limits(|limits| {
            limits.outbox_bytes_max = BYTES;
            limits.ping_interval = Timeout::After(SHORT);
            limits.write_wait_max = SHORT * 50;
        })
        .start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        for number in 0..32_u8 {
            target.context.send(pid, Topic::SEND, bytes::Bytes::from(vec![number; BYTES / 32])).unwrap();
        }
        let mut number = 0;
        while number < 32 {
            let message = client.message().await;
            if message.is_binary() {
                assert_eq!(message, Frame::binary(vec![number; BYTES / 32]));
                number += 1;
            }
        }
    });
}

/// [P10] A process that sends to a client without pause, and a client that floods its own target, leave
/// room for others on the same thread.
#[test]
fn busy_connections_leave_others_their_turn() {
    run(async {
        let world = Setup::default().overflow(Overflow::DropOld).threads(1).start();
        let (flooded, calm) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        world.relay("/flood", flooded.pid);
        world.relay("/calm", calm.pid);
        let (mut sender, mut receiver) = Client::open(&world, "/flood").await.split();
        let flooded_pid = flooded.join().await.pid;
        // Threads of their own, so that the test is not what keeps the others waiting.
        thread::spawn(move || {
            let message = Frame::binary(vec![0; 1000]);
            smol::block_on(async { while sender.send(message.clone()).await.is_ok() {} });
        });
        thread::spawn(move || smol::block_on(async { while let Some(Ok(_)) = receiver.next().await {} }));
        let node = world.node.clone();
        thread::spawn(move || {
            // A message that finds no room evicts another; the end of the connection is the end of this.
            while node.send(flooded_pid, Topic::SEND, "answer") != Err(SendFault::NoProcess) {}
        });
        let mut client = Client::open(&world, "/calm").await;
        let pid = calm.join().await.pid;
        for number in 0..50 {
            client.send_text(&number.to_string()).await;
            assert_eq!(calm.client_text().await, number.to_string());
            calm.send_text(pid, "ok").unwrap();
            assert_eq!(client.text().await, "ok");
        }
        assert!(world.node.is_alive(flooded_pid), "the flooding client was closed");
    });
}

/// [P8] A process that is told `Full` by a full mailbox can send again once there is room.
#[test]
fn a_full_process_tells_its_senders() {
    run(async {
        let world = Setup::limits(|limits| limits.mailbox_messages_max = 4).start();
        let (target, sender) = (Gated::spawn(&world.node), Probe::spawn(&world.node));
        for _ in 0..4 {
            sender.context.send(target.pid, Topic::from("x"), Payload::Empty).unwrap();
        }
        let fifth = sender.context.send(target.pid, Topic::from("x"), Payload::Empty);
        assert_eq!(fifth, Err(SendFault::Full));
        target.take().await;
        sender.context.send(target.pid, Topic::from("x"), Payload::Empty).unwrap();
        assert_eq!(world.node.dead_letters(), 0);
        drop(world);
    });
}

/// [P9] [P10] Broadcasting to twenty-one clients of which one does not read: everybody else gets everything.
#[test]
fn a_broadcast_goes_on_without_the_slow_one() {
    run(async {
        let world: World = slow_setup().start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let _slow = Raw::open(&world, "/ws").await;
        let slow_pid = target.join().await.pid;
        let mut clients = Vec::new();
        for _ in 0..20 {
            let client = Client::open(&world, "/ws").await;
            clients.push((target.join().await.pid, client));
        }
        let chunk = bytes::Bytes::from(vec![b'x'; 60_000]);
        let mut rounds = 0;
        while world.node.is_alive(slow_pid) {
            _ = target.context.send(slow_pid, Topic::SEND, chunk.clone());
            for (pid, client) in &mut clients {
                target.context.send(*pid, Topic::SEND, chunk.clone()).unwrap();
                assert_eq!(client.message().await.len(), 60_000);
            }
            rounds += 1;
            assert!(rounds < 1000, "60 MB did not fill the outbox");
        }
        assert_eq!(target.leave().await.pid, slow_pid);
    });
}
