//! How connections end.

use super::world::*;
use async_tungstenite::accept_async;
use async_tungstenite::tungstenite::Message as Frame;
use smol::Executor;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::stream::StreamExt as _;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use wsrelay_smol::core::limits::Limits;
use wsrelay_smol::core::message::{Close, Ref, Topic};
use wsrelay_smol::core::process::ExitReason;
use wsrelay_smol::core::wire::{CloseCode, Data};
use wsrelay_smol::{ConnectOptions, Node, NodeOptions};

#[test]
fn a_close_command_reaches_the_server_with_its_code_and_reason() {
    run(async |world| {
        let (target, pid, mut server) = world.connected(options()).await;
        target.send(pid, "last words").await;
        let close = Close {
            code: CloseCode::new(4001).unwrap(),
            reason: "done".into(),
            reference: Some(Ref::from(1)),
        };
        target.close(pid, close).await;
        assert_eq!(server.next().await.unwrap().unwrap(), Frame::text("last words"));
        assert_eq!(server.next().await.unwrap().unwrap(), close_frame(4001, "done"));
        assert_eq!(target.ack().await.outcome, Ok(()));
        // The server's answer is written with its next read, which also finds the end.
        assert!(server.next().await.is_none());
        let leave = target.leave().await;
        assert_eq!((leave.code, &*leave.reason, leave.clean), (Some(4001), "done", true));
        assert_eq!(target.exit().await, (pid, ExitReason::Normal));
    });
}

#[test]
fn a_close_that_the_server_never_answers_is_not_clean() {
    run(async |world| {
        let limits = Limits { close_wait_max: Duration::from_millis(20), ..Limits::default() };
        let (target, pid, _server) = world.connected(ConnectOptions { limits, ..options() }).await;
        target.close(pid, Close::default()).await;
        let leave = target.leave().await;
        assert_eq!((leave.code, leave.clean), (Some(1000), false));
        assert_eq!(target.exit().await, (pid, ExitReason::Normal));
    });
}

#[test]
fn the_socket_is_dropped_when_the_server_has_ended_the_stream() {
    run(async |world| {
        // Longer than any test waits.
        let limits = Limits { close_wait_max: Duration::from_hours(1), ..Limits::default() };
        let (target, pid, mut server) = world.connected(ConnectOptions { limits, ..options() }).await;
        target.close(pid, Close::default()).await;
        assert_eq!(closed_with(&mut server).await, 1000);
        let mut stream = server.into_inner();
        stream.get_ref().shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        assert!(target.leave().await.clean);
    });
}

#[test]
fn the_code_and_reason_of_a_server_that_closes_are_told() {
    let reasons = [
        (1000, "bye", ExitReason::Normal),
        (4002, "", ExitReason::Normal),
        (1011, "oops", ExitReason::crashed("client closed with 1011")),
    ];
    for (code, reason, exit) in reasons {
        run(async |world| {
            let (target, pid, mut server) = world.connected(options()).await;
            server.send(Frame::text("last")).await.unwrap();
            server.send(close_frame(code, reason)).await.unwrap();
            assert_eq!(target.client().await, (pid, Data::Text("last".into())));
            let leave = target.leave().await;
            assert_eq!((leave.code, &*leave.reason, leave.clean), (Some(code), reason, true));
            assert_eq!(target.exit().await, (pid, exit));
            assert_eq!(server.next().await.unwrap().unwrap(), close_frame(code, reason));
        });
    }
}

#[test]
fn a_server_that_closes_without_a_code_is_told_as_1005() {
    run(async |world| {
        let (target, pid, mut server) = world.connected(options()).await;
        server.send(Frame::Close(None)).await.unwrap();
        let leave = target.leave().await;
        assert_eq!((leave.code, leave.clean), (Some(1005), true));
        assert_eq!(target.exit().await, (pid, ExitReason::Normal));
    });
}

#[test]
fn a_server_that_vanishes_is_told_as_1006() {
    run(async |world| {
        let (target, pid, server) = world.connected(options()).await;
        drop(server);
        let leave = target.leave().await;
        assert_eq!((leave.code, leave.clean), (Some(1006), false));
        assert_eq!(target.exit().await, (pid, ExitReason::crashed("connection lost")));
    });
}

#[test]
fn a_server_that_breaks_a_rule_is_closed_with_its_code() {
    let limits = Limits { message_bytes_max: 4, ..Limits::default() };
    let offences: [(&[u8], u16); 5] = [
        (&[0x81, 0x81, 0, 0, 0, 0, b'a'], 1002),
        (&[0x83, 0], 1002),
        (&[0x80, 0], 1002),
        (&[0x81, 1, 0xff], 1007),
        (&[0x82, 5, 1, 2, 3, 4, 5], 1009),
    ];
    for (bytes, code) in offences {
        run(async |world| {
            let options = ConnectOptions { limits: limits.clone(), ..options() };
            let (target, pid, mut server) = world.connected(options).await;
            server.get_mut().write_all(bytes).await.unwrap();
            let leave = target.leave().await;
            assert_eq!((leave.code, leave.clean), (Some(code), false));
            assert!(!target.exit().await.1.is_normal());
            assert_eq!(closed_with(&mut server).await, code);
            assert!(world.node.send(pid, Topic::SEND, "late").is_err());
        });
    }
}

#[test]
fn a_flood_of_pings_is_closed_with_1008() {
    run(async |world| {
        let limits = Limits { flood_frames_max: 2, ..Limits::default() };
        let (target, _, mut server) = world.connected(ConnectOptions { limits, ..options() }).await;
        for _ in 0..3 {
            server.send(Frame::Ping("x".into())).await.unwrap();
        }
        assert_eq!(target.leave().await.code, Some(1008));
        assert_eq!(closed_with(&mut server).await, 1008);
    });
}

#[test]
fn a_target_that_exits_normally_closes_with_1000() {
    run(async |world| {
        let (target, pid, mut server) = world.connected(options()).await;
        let watcher = world.probe();
        watcher.call(move |context| context.monitor(pid)).await.unwrap();
        target.end(ExitReason::Normal).await;
        assert_eq!(closed_with(&mut server).await, 1000);
        assert_eq!(watcher.exit().await, (pid, ExitReason::Normal));
    });
}

#[test]
fn a_target_that_crashes_closes_with_1011_and_without_its_words() {
    run(async |world| {
        let (target, pid, mut server) = world.connected(options()).await;
        let watcher = world.probe();
        watcher.call(move |context| context.monitor(pid)).await.unwrap();
        target.end(ExitReason::crashed("a secret")).await;
        assert_eq!(server.next().await.unwrap().unwrap(), close_frame(1011, "internal error"));
        assert!(server.next().await.is_none());
        assert!(!watcher.exit().await.1.is_normal());
    });
}

#[test]
fn a_cancelled_connection_goes_away_with_1001() {
    run(async |world| {
        let (target, pid, mut server) = world.connected(options()).await;
        world.node.cancel(pid, "no longer needed").unwrap();
        assert_eq!(closed_with(&mut server).await, 1001);
        let leave = target.leave().await;
        assert_eq!((leave.code, &*leave.reason, leave.clean), (Some(1001), "no longer needed", true));
        assert_eq!(target.exit().await, (pid, ExitReason::Normal));
    });
}

#[test]
fn a_terminated_connection_drops_its_socket() {
    run(async |world| {
        let (target, pid, mut server) = world.connected(options()).await;
        world.node.terminate(pid).unwrap();
        assert!(server.next().await.unwrap().is_err());
        let leave = target.leave().await;
        assert_eq!((leave.code, leave.clean), (Some(1006), false));
        assert_eq!(target.exit().await, (pid, ExitReason::Killed));
    });
}

#[test]
fn a_linked_process_that_crashes_closes_with_1011() {
    run(async |world| {
        let (target, pid, mut server) = world.connected(options()).await;
        let linked = world.probe();
        linked.call(move |context| context.link(pid)).await.unwrap();
        linked.end(ExitReason::crashed("oops")).await;
        assert_eq!(closed_with(&mut server).await, 1011);
        assert_eq!(target.leave().await.code, Some(1011));
        assert_eq!(target.exit().await, (pid, ExitReason::Linked));
    });
}

#[test]
fn a_connection_ends_with_its_executor() {
    let executor = Arc::new(Executor::new());
    let node = Node::on(&executor, NodeOptions::default());
    let (listener, url) = listen();
    let target = node.spawn(|context| async move { _ = context.event().await });
    let pid = node.connect(&url, target, options()).unwrap();
    let accept = async { accept_async(listener.accept().await.unwrap().0).await.unwrap() };
    let mut server = smol::block_on(executor.run(within(accept)));
    assert!(node.is_alive(pid));
    drop(executor);
    assert!(!node.is_alive(pid));
    assert!(smol::block_on(within(server.next())).unwrap().is_err());
}
