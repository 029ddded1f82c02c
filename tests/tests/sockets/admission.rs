//! Who gets through: live targets, places on the node, headers and subprotocols on the 101.

use crate::support::{Client, LONG, Probe, Raw, Setup, World, run, until, within};
use async_tungstenite::tungstenite::Message;
use smol::channel;
use wsrelay_core::message::Payload;
use wsrelay_core::process::ExitReason;
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::upgrade::{Response, UpgradePolicy};

fn assert_unavailable(reply: &crate::support::Reply) {
    assert_eq!(reply.status, 503, "{}", reply.head);
    assert!(reply.header("Retry-After").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    reply.assert_reveals_nothing();
}

/// [H8] A target that has ended, and a name that nobody holds: 503, and nothing is left behind.
#[test]
fn a_dead_target_is_503_with_retry_after() {
    run(async {
        let world = World::start();
        let (target, watcher) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        watcher.context.monitor(target.pid).unwrap();
        target.end(ExitReason::Normal);
        watcher.exit().await;
        world.relay("/dead", target.pid);
        world.relay("/nobody", "nobody");
        for path in ["/dead", "/nobody"] {
            assert_unavailable(&Raw::connect(&world).await.upgrade(path, &[]).await);
        }
        assert_eq!(world.node.connections(), []);
        until("the refused connections to go", || world.node.cut_connections() == 0).await;
    });
}

/// [H8] A target that dies as the join is on its way: the client is upgraded and closed with 1011, or
/// refused with 503; never anything else, and never nothing.
#[test]
fn a_target_that_dies_around_the_join_is_1011_or_503() {
    run(async {
        let world = World::start();
        let node = world.node.clone();
        world.handle("/ws", move |_| {
            let pid = node.spawn(|_| async { ExitReason::crashed("secret") });
            async move { RelayConfig::to(pid).into() }
        });
        for _ in 0..50 {
            let mut raw = Raw::connect(&world).await;
            let reply = raw.upgrade("/ws", &[]).await;
            if reply.status == 101 {
                let (opcode, payload) = raw.frame().await;
                assert_eq!((opcode, &payload[..2]), (8, &1011_u16.to_be_bytes()[..]), "{payload:?}");
            } else {
                assert_unavailable(&reply);
            }
        }
    });
}

/// [H9] A draining node refuses new clients and serves other requests, while who is connected stays.
#[test]
fn a_draining_node_refuses_upgrades_and_answers_the_rest() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        world.answer("/page", Response::text(200, "a page"));
        let mut client = Client::open(&world, "/ws").await;
        target.join().await;
        // Drawn from a window of years, its moment does not come during the test.
        world.node.drain(LONG * 24 * 365 * 10);
        // Its handler may have been asked before the connection knew; then the target gets an abort.
        let late = Probe::spawn(&world.node);
        world.relay("/late", late.pid);
        assert_unavailable(&Raw::connect(&world).await.upgrade("/late", &[]).await);
        let reply = Raw::connect(&world).await.ask("GET", "/page", &[]).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "a page"));
        assert_eq!(reply.header("Connection"), Some("close"));
        client.send_text("still relayed").await;
        assert_eq!(target.client_text().await, "still relayed");
    });
}

/// [H9] At the node's limit: 503 before the handler spawns anything; a place that is given up can be had.
#[test]
fn a_node_at_its_limit_refuses_until_somebody_leaves() {
    run(async {
        let world = Setup { connections_max: 2, ..Setup::default() }.start();
        let target = Probe::spawn(&world.node);
        let pid = target.pid;
        let (asked, calls) = channel::unbounded();
        world.handle("/ws", move |_| {
            asked.try_send(()).expect("the test");
            async move { RelayConfig::to(pid).into() }
        });
        let mut first = Client::open(&world, "/ws").await;
        let first_pid = target.join().await.pid;
        let _second = Client::open(&world, "/ws").await;
        target.join().await;
        assert_unavailable(&Raw::connect(&world).await.upgrade("/ws", &[]).await);
        assert_eq!(calls.len(), 2);
        target.context.monitor(first_pid).unwrap();
        first.close(None).await;
        target.leave().await;
        target.exit().await;
        until("the place to be free", || world.node.connections().len() == 1).await;
        until("an upgrade", || {
            smol::block_on(async { Raw::connect(&world).await.upgrade("/ws", &[]).await.status == 101 })
        })
        .await;
    });
}

/// [H10] A relay header from a client is dropped before the handler sees it.
#[test]
fn a_relay_header_in_a_request_is_not_seen_by_the_handler() {
    run(async {
        let world = World::start();
        world.handle("/ws", |request| async move {
            let names: Vec<_> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
            Response::text(200, names.join(","))
        });
        let forged = [("X-WS-Relay", "{}"), ("x-Ws-rElAy", "{}"), ("X-Other", "kept")];
        let reply = Raw::connect(&world).await.upgrade("/ws", &forged).await;
        assert!(reply.body.ends_with("x-other") && !reply.body.contains("relay"), "{}", reply.body);
    });
}

/// [H10] [H11] The handler's own headers go on the 101, but not those of the hop, the content or the
/// handshake, nor the relay header.
#[test]
fn the_101_carries_the_cookies_of_the_handler() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        let response: Response = RelayConfig::to(target.pid).into();
        let response = response
            .header("Set-Cookie", "session=1; HttpOnly")
            .header("Set-Cookie", "theme=dark")
            .header("X-Request-Id", "42")
            .header("Content-Type", "text/plain")
            .header("Transfer-Encoding", "chunked")
            .header("Keep-Alive", "timeout=5")
            .header("Sec-WebSocket-Accept", "forged");
        world.answer("/ws", response);
        let reply = Raw::connect(&world).await.upgrade("/ws", &[]).await;
        let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
                        Set-Cookie: session=1; HttpOnly\r\nSet-Cookie: theme=dark\r\nX-Request-Id: 42\r\n\r\n";
        assert_eq!(reply.head, expected);
    });
}

/// [H12] The first configured subprotocol that was offered, or the handler's choice among those; the
/// target reads it in the join. A choice that was not offered is the handler's mistake.
#[test]
fn a_subprotocol_is_agreed_on() {
    run(async {
        let subprotocols = vec!["v2.chat".to_owned(), "v1.chat".to_owned()];
        let policy = UpgradePolicy { subprotocols, ..UpgradePolicy::default() };
        let world = Setup::default().upgrade(policy).start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let chosen: Response = RelayConfig::to(target.pid).into();
        world.answer("/chosen", chosen.header("Sec-WebSocket-Protocol", "v1.chat"));
        let offers = [("Sec-WebSocket-Protocol", "v1.chat, other, v2.chat")];
        for (path, agreed) in [("/ws", "v2.chat"), ("/chosen", "v1.chat")] {
            let client = Client::open_with(&world, path, &offers).await;
            assert_eq!(client.header("Sec-WebSocket-Protocol"), Some(agreed));
            assert_eq!(target.join().await.subprotocol.as_deref(), Some(agreed));
            drop(client);
            target.leave().await;
        }
        let reply = Raw::connect(&world).await.upgrade("/ws", &[("Sec-WebSocket-Protocol", "other")]).await;
        assert_eq!((reply.status, reply.header("Sec-WebSocket-Protocol")), (101, None));
        target.join().await;
        let reply =
            Raw::connect(&world).await.upgrade("/chosen", &[("Sec-WebSocket-Protocol", "other")]).await;
        assert_eq!(reply.status, 500);
        reply.assert_reveals_nothing();
    });
}

/// [H13] [T:handler] A handler that answers when its client has long had a 503: the target it had spawned
/// is told that nobody comes.
#[test]
fn a_late_handler_has_its_target_told() {
    run(async {
        let world = Setup::limits(|limits| {
            limits.handler_wait_max = crate::support::SHORT;
            limits.close_wait_max = LONG;
        })
        .start();
        let target = Probe::spawn(&world.node);
        let pid = target.pid;
        let (go, gone) = channel::bounded::<()>(1);
        world.handle("/ws", move |_| {
            let gone = gone.clone();
            async move {
                _ = gone.recv().await;
                RelayConfig::to(pid).into()
            }
        });
        let mut raw = Raw::connect(&world).await;
        assert_unavailable(&raw.upgrade("/ws", &[]).await);
        go.send(()).await.unwrap();
        let message = target.message().await;
        let Payload::Abort(abort) = message.payload else { panic!("an abort was expected, not {message:?}") };
        assert!(!abort.reason.is_empty());
        target.nothing_more().await;
    });
}

/// [H12] [H13] [H9] Each way in which an upgrade fails after its target was named tells the target once.
#[test]
fn a_target_that_was_named_in_vain_gets_an_abort() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        let sound = || -> Response { RelayConfig::to(target.pid).into() };
        world.answer("/protocol", sound().header("Sec-WebSocket-Protocol", "not-offered"));
        world.answer("/header", sound().header("X-Bad", "two\r\nlines"));
        for (path, status) in [("/protocol", 500), ("/header", 500)] {
            let reply = Raw::connect(&world).await.upgrade(path, &[]).await;
            assert_eq!(reply.status, status, "{path}");
            assert_eq!(target.message().await.topic.as_str(), "ws.abort", "{path}");
        }
        // The node begins to drain while the handler works.
        let node = world.node.clone();
        let response = sound();
        world.handle("/drain", move |_| {
            node.drain(LONG);
            let response = response.clone();
            async move {
                smol::future::yield_now().await;
                response
            }
        });
        assert_unavailable(&Raw::connect(&world).await.upgrade("/drain", &[]).await);
        assert_eq!(target.message().await.topic.as_str(), "ws.abort");
        target.nothing_more().await;
    });
}

/// [R4] [H8] A thousand bytes of a client that is gone at once: the target sees whole conversations only.
#[test]
fn clients_that_vanish_leave_nothing_behind() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        for _ in 0..20 {
            let mut client = Client::open(&world, "/ws").await;
            client.send(Message::text("x".repeat(1000))).await;
            drop(client);
            let join = target.join().await;
            assert_eq!(target.client().await.pid, join.pid);
            let leave = target.leave().await;
            assert_eq!((leave.pid, leave.code, leave.clean), (join.pid, Some(1006), false));
        }
        within("the last connection to go", until("none", || world.node.connections().is_empty())).await;
    });
}
