//! Full mailboxes, slow servers, pings.

use super::world::*;
use async_tungstenite::accept_async;
use async_tungstenite::tungstenite::Message as Frame;
use smol::channel::{self};
use smol::stream::StreamExt as _;
use std::time::Duration;
use wsrelay_smol::ConnectOptions;
use wsrelay_smol::core::fault::CommandFault;
use wsrelay_smol::core::limits::Limits;
use wsrelay_smol::core::message::{Payload, Ref, Send, Topic};
use wsrelay_smol::core::process::ExitReason;
use wsrelay_smol::core::time::Timeout;
use wsrelay_smol::core::wire::Data;

#[test]
fn a_full_mailbox_stops_the_reading_and_nothing_is_lost_or_reordered() {
    const COUNT: usize = 40_000;
    const BOUND: usize = 8;
    let limits = Limits { mailbox_messages_max: BOUND, ..Limits::default() };
    run_with(limits, async |world| {
        let (listener, url) = listen();
        let (gate, opened) = channel::bounded::<()>(1);
        let (sender, received) = channel::unbounded();
        let target = world.node.spawn(|context| async move {
            opened.recv().await.unwrap();
            let mut held_max = 0;
            for expected in 0..=COUNT {
                held_max = held_max.max(context.node().mailbox(context.pid()).unwrap().len());
                let message = context.receive().await;
                if expected > 0 {
                    let Payload::Client(client) = message.payload else { panic!("{message:?}") };
                    assert_eq!(number(&client), expected - 1);
                }
            }
            sender.send(held_max).await.unwrap();
        });
        world.node.connect(&url, target, options()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut server = accept_async(stream).await.unwrap();
        let flood = world.executor.spawn(async move {
            // Together more than any socket's buffers take.
            for number in 0..COUNT {
                server.send(Frame::text(format!("{number:0512}"))).await.unwrap();
            }
            server
        });
        while world.node.mailbox(target).unwrap().has_room() {
            smol::future::yield_now().await;
        }
        assert!(!flood.is_finished());
        gate.send(()).await.unwrap();
        assert_eq!(received.recv().await, Ok(BOUND));
        let mut server = flood.await;
        assert_eq!(closed_with(&mut server).await, 1000);
    });
}

#[test]
fn a_mailbox_that_stays_full_closes_with_1013() {
    let limits = Limits { mailbox_messages_max: 1, ..Limits::default() };
    run_with(limits, async |world| {
        let (listener, url) = listen();
        let (watcher, (gate, opened)) = (world.probe(), channel::bounded::<()>(1));
        let (sender, received) = channel::unbounded();
        let target = world.node.spawn(|context| async move {
            opened.recv().await.unwrap();
            while sender.send(context.receive().await).await.is_ok() {}
        });
        let limits = Limits { mailbox_wait_max: Duration::from_millis(20), ..Limits::default() };
        let pid = world.node.connect(&url, target, ConnectOptions { limits, ..options() }).unwrap();
        watcher.call(move |context| context.monitor(pid)).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut server = accept_async(stream).await.unwrap();
        server.send(Frame::text("one")).await.unwrap();
        assert_eq!(closed_with(&mut server).await, 1013);
        assert!(!watcher.exit().await.1.is_normal());
        gate.send(()).await.unwrap();
        let topics = [Topic::JOIN, Topic::MESSAGE, Topic::LEAVE];
        for topic in topics {
            assert_eq!(received.recv().await.unwrap().topic, topic);
        }
    });
}

#[test]
fn a_server_that_does_not_read_is_given_up_with_1013() {
    run(async |world| {
        let limits = Limits { outbox_messages_max: 4, ..Limits::default() };
        let (target, pid, mut server) = world.connected(ConnectOptions { limits, ..options() }).await;
        let big = Data::Binary(vec![0; 1 << 20].into());
        let leave = loop {
            for reference in 0..8_u64 {
                let send = Send { data: big.clone(), reference: Some(Box::new(Ref::from(reference))) };
                // The connection may have ended meanwhile.
                _ = target.call(move |context| context.send(pid, Topic::SEND, send)).await;
            }
            let message = target.message().await;
            if let Payload::Leave(leave) = message.payload {
                break leave;
            }
            assert_eq!(message.topic, Topic::ACK, "{message:?}");
        };
        assert_eq!((leave.code, leave.clean), (Some(1013), false));
        assert_eq!(target.exit().await, (pid, ExitReason::crashed("client too slow")));
        assert_eq!(closed_with(&mut server).await, 1013);
    });
}

#[test]
fn a_message_larger_than_the_outbox_is_refused() {
    run(async |world| {
        let limits = Limits { outbox_bytes_max: 10, ..Limits::default() };
        let (target, pid, mut server) = world.connected(ConnectOptions { limits, ..options() }).await;
        let send = Send { data: Data::Text("eleven byte".into()), reference: Some(Box::new(Ref::from(1))) };
        target.call(move |context| context.send(pid, Topic::SEND, send)).await.unwrap();
        assert_eq!(target.ack().await.outcome, Err(CommandFault::TooBig));
        target.send(pid, "ten bytes!").await;
        assert_eq!(server.next().await.unwrap().unwrap(), Frame::text("ten bytes!"));
    });
}

#[test]
fn a_silent_server_is_pinged_and_lives_by_its_pong() {
    run(async |world| {
        let ping_interval = Timeout::After(Duration::from_millis(10));
        let limits = Limits { ping_interval, ..Limits::default() };
        let (target, pid, mut server) = world.connected(ConnectOptions { limits, ..options() }).await;
        for _ in 0..3 {
            assert_eq!(server.next().await.unwrap().unwrap(), Frame::Ping("".into()));
        }
        server.send(Frame::text("alive")).await.unwrap();
        assert_eq!(target.client().await, (pid, Data::Text("alive".into())));
    });
}

#[test]
fn a_server_that_answers_no_ping_is_told_as_1006() {
    run(async |world| {
        let limits = Limits {
            ping_interval: Timeout::After(Duration::from_millis(10)),
            pong_wait_max: Duration::from_millis(10),
            ..Limits::default()
        };
        let (target, pid, mut server) = world.connected(ConnectOptions { limits, ..options() }).await;
        let leave = target.leave().await;
        assert_eq!((leave.code, &*leave.reason, leave.clean), (Some(1006), "no answer to a ping", false));
        assert_eq!(target.exit().await, (pid, ExitReason::crashed("no answer to a ping")));
        assert_eq!(closed_with(&mut server).await, 1011);
    });
}

#[test]
fn a_ping_is_answered_while_nothing_else_is_written() {
    run(async |world| {
        let (_target, _, mut server) = world.connected(options()).await;
        server.send(Frame::Ping("abc".into())).await.unwrap();
        assert_eq!(server.next().await.unwrap().unwrap(), Frame::Pong("abc".into()));
    });
}

#[test]
fn an_idle_connection_goes_away_with_1001() {
    run(async |world| {
        let limits = Limits { idle_max: Timeout::After(Duration::from_millis(20)), ..Limits::default() };
        let (target, pid, mut server) = world.connected(ConnectOptions { limits, ..options() }).await;
        assert_eq!(closed_with(&mut server).await, 1001);
        assert_eq!(target.leave().await.code, Some(1001));
        assert_eq!(target.exit().await, (pid, ExitReason::Normal));
    });
}
