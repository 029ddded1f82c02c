//! What happens before there is a connection.

use super::world::*;
use async_tungstenite::accept_async;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use std::time::Duration;
use wsrelay_smol::core::limits::Limits;
use wsrelay_smol::core::message::Topic;
use wsrelay_smol::core::process::ExitReason;
use wsrelay_smol::{ConnectFault, ConnectOptions};

#[test]
fn a_refused_dial_is_aborted_and_a_crash() {
    run(async |world| {
        let (listener, url) = listen();
        drop(listener);
        let target = world.probe();
        let pid = target.connect(&url, options()).await;
        let abort = target.abort().await;
        assert!(abort.reason.starts_with("not connected"), "{abort:?}");
        assert_eq!(target.exit().await, (pid, ExitReason::Crashed(abort.reason)));
    });
}

#[test]
fn a_server_that_answers_with_another_status_is_aborted_with_it() {
    run(async |world| {
        let (listener, url) = listen();
        let target = world.probe();
        let pid = target.connect(&url, options()).await;
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        assert_eq!(&*target.abort().await.reason, "the server answered with status 403");
        assert!(!target.exit().await.1.is_normal());
        assert!(world.node.send(pid, Topic::SEND, "late").is_err());
    });
}

#[test]
fn a_server_that_does_not_answer_is_aborted_in_time() {
    run(async |world| {
        let (_listener, url) = listen();
        let target = world.probe();
        let options = ConnectOptions { dial_wait_max: Duration::from_millis(20), ..options() };
        target.connect(&url, options).await;
        assert_eq!(&*target.abort().await.reason, "no connection in time");
        assert!(!target.exit().await.1.is_normal());
    });
}

#[test]
fn a_server_that_chooses_no_subprotocol_is_aborted() {
    run(async |world| {
        let (listener, url) = listen();
        let target = world.probe();
        let options = ConnectOptions { protocols: vec!["v1".to_owned()], ..options() };
        target.connect(&url, options).await;
        let (stream, _) = listener.accept().await.unwrap();
        _ = accept_async(stream).await;
        let abort = target.abort().await;
        assert!(abort.reason.contains("subprotocol"), "{abort:?}");
    });
}

#[test]
fn a_dial_that_is_cancelled_or_terminated_is_aborted() {
    run(async |world| {
        let (_listener, url) = listen();
        let target = world.probe();
        let cancelled = target.connect(&url, options()).await;
        world.node.cancel(cancelled, "changed my mind").unwrap();
        assert_eq!(&*target.abort().await.reason, "changed my mind");
        assert_eq!(target.exit().await, (cancelled, ExitReason::Normal));

        let killed = target.connect(&url, options()).await;
        world.node.terminate(killed).unwrap();
        assert_eq!(&*target.abort().await.reason, "terminated");
        assert_eq!(target.exit().await, (killed, ExitReason::Killed));
    });
}

#[test]
fn a_target_that_ends_while_its_connection_dials_ends_it() {
    run(async |world| {
        let (listener, url) = listen();
        let (target, watcher) = (world.probe(), world.probe());
        let pid = target.connect(&url, options()).await;
        watcher.call(move |context| context.monitor(pid)).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        target.end(ExitReason::crashed("oops")).await;
        assert_eq!(watcher.exit().await, (pid, ExitReason::crashed("target failed")));
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    });
}

#[test]
fn what_cannot_be_dialed_is_refused_at_once() {
    run(async |world| {
        let target = world.probe().pid;
        let connect = |url: &str, options| world.node.connect(url, target, options).unwrap_err();
        let urls =
            ["", "localhost", "http://localhost", "ws://", "ws://a b", "ws://h/#x", "ws://u:p@h", "ws://h:"];
        for url in urls {
            assert!(matches!(connect(url, options()), ConnectFault::Url(_)), "{url}");
        }
        for name in ["Host", "sec-websocket-key", "a b"] {
            let headers = vec![(name.to_owned(), "x".to_owned())];
            let fault = connect("ws://h", ConnectOptions { headers, ..options() });
            assert_eq!(fault, ConnectFault::Header(name.to_owned()));
        }
        for names in [["a b", "c"], ["c", ""], ["c", "c"]] {
            let protocols = names.map(str::to_owned).to_vec();
            let fault = connect("ws://h", ConnectOptions { protocols, ..options() });
            assert!(matches!(fault, ConnectFault::Subprotocol(_)), "{names:?}");
        }
        let limits = Limits { message_bytes_max: 0, ..Limits::default() };
        assert!(matches!(connect("ws://h", ConnectOptions { limits, ..options() }), ConnectFault::Limits(_)));
        assert_eq!(world.node.connect("ws://h", "nobody", options()), Err(ConnectFault::NoProcess));
        let dead = world.node.spawn(|_| async {});
        world.node.terminate(dead).unwrap();
        let watcher = world.probe();
        watcher.call(move |context| context.monitor(dead)).await.unwrap();
        watcher.exit().await;
        assert_eq!(world.node.connect("ws://h", dead, options()), Err(ConnectFault::NoProcess));
    });
}
