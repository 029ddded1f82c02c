//! The upgrade request, and what the handler may answer to it.

use crate::support::{KEY, Probe, Raw, Reply, Setup, World, run};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wsrelay_core::message::Topic;
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::upgrade::{OriginPolicy, RELAY_HEADER, Response, UpgradePolicy};

/// A server whose handler at `/ws` counts its calls and always accepts.
fn counting(policy: UpgradePolicy) -> (World, Arc<AtomicUsize>, Probe) {
    let world = Setup::default().upgrade(policy).start();
    let target = Probe::spawn(&world.node);
    let calls = Arc::new(AtomicUsize::new(0));
    let (counter, pid) = (Arc::clone(&calls), target.pid);
    world.handle("/ws", move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move { RelayConfig::to(pid).into() }
    });
    (world, calls, target)
}

async fn ask(world: &World, method: &str, headers: &[(&str, &str)]) -> Reply {
    Raw::connect(world).await.ask(method, "/ws", headers).await
}

const SOUND: [(&str, &str); 4] = [
    ("Upgrade", "websocket"),
    ("Connection", "keep-alive, Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", KEY),
];

/// [H1] Each bad upgrade request gets its status and the header that goes with it, and the handler is
/// never asked.
#[test]
fn a_bad_upgrade_request_never_reaches_the_handler() {
    run(async {
        let policy = UpgradePolicy { relay_only: vec!["/ws".into()], ..UpgradePolicy::default() };
        let (world, calls, _target) = counting(policy);
        let without = |index: usize| -> Vec<_> {
            SOUND.into_iter().enumerate().filter(|(at, _)| *at != index).map(|(_, header)| header).collect()
        };
        let with = |index: usize, value: &'static str| {
            let mut headers = SOUND;
            headers[index].1 = value;
            headers.to_vec()
        };
        let cases = [
            ("POST", SOUND.to_vec(), 405, ("Allow", "GET")),
            ("GET", vec![], 426, ("Upgrade", "websocket")),
            ("GET", with(0, "h2c"), 426, ("Upgrade", "websocket")),
            ("GET", without(1), 426, ("Upgrade", "websocket")),
            ("GET", with(2, "8"), 426, ("Sec-WebSocket-Version", "13")),
            ("GET", without(2), 426, ("Sec-WebSocket-Version", "13")),
            ("GET", without(3), 400, ("Connection", "close")),
            ("GET", with(3, "c2hvcnQ="), 400, ("Connection", "close")),
        ];
        for (method, headers, status, (name, value)) in cases {
            let reply = ask(&world, method, &headers).await;
            assert_eq!(
                (reply.status, reply.header(name)),
                (status, Some(value)),
                "{headers:?}\n{}",
                reply.head
            );
        }
        assert_eq!(calls.load(Ordering::Relaxed), 0);
        assert_eq!(ask(&world, "GET", &SOUND).await.status, 101);
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    });
}

/// [H1] The bytes of a 101, to the letter: the accept key is the one of RFC 6455 §1.3.
#[test]
fn a_sound_upgrade_is_answered_with_exactly_these_bytes() {
    run(async {
        let (world, _, _target) = counting(UpgradePolicy::default());
        let reply = ask(&world, "GET", &SOUND).await;
        let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        assert_eq!(reply.head, expected);
    });
}

async fn with_origin(world: &World, origin: &str) -> Reply {
    let mut headers = SOUND.to_vec();
    headers.push(("Origin", origin));
    ask(world, "GET", &headers).await
}

/// [H2] Without configured origins the page has to come from the same host; what is refused gets 403, a
/// short body without the origin in it, and no handler.
#[test]
fn another_origin_is_refused_before_the_handler() {
    run(async {
        let (world, calls, _target) = counting(UpgradePolicy::default());
        for origin in ["https://evil.example", "null", "file://", "http://relay.example:81", "not an origin"]
        {
            let reply = with_origin(&world, origin).await;
            assert_eq!((reply.status, reply.body.as_str()), (403, "origin not allowed"), "{origin}");
        }
        assert_eq!(calls.load(Ordering::Relaxed), 0);
        for origin in ["http://relay.example", "HTTP://Relay.Example:80"] {
            assert_eq!(with_origin(&world, origin).await.status, 101, "{origin}");
        }
    });
}

/// [H2] [H3] Configured origins with a wildcard; `require_origin` refuses who names none; a list that does
/// not parse is refused with its text.
#[test]
fn configured_origins_decide_and_can_be_required() {
    run(async {
        let origins = OriginPolicy::parse("https://*.example.org, https://app.example:8443").unwrap();
        let policy = UpgradePolicy { origins, require_origin: true, ..UpgradePolicy::default() };
        let (world, calls, _target) = counting(policy);
        for origin in ["https://a.example.org", "https://app.example:8443"] {
            assert_eq!(with_origin(&world, origin).await.status, 101, "{origin}");
        }
        let accepted = calls.load(Ordering::Relaxed);
        for origin in ["http://a.example.org", "https://example.com", "https://app.example"] {
            assert_eq!(with_origin(&world, origin).await.status, 403, "{origin}");
        }
        assert_eq!(ask(&world, "GET", &SOUND).await.status, 403);
        assert_eq!(calls.load(Ordering::Relaxed), accepted);
        let fault = OriginPolicy::parse("https://a.example/path").unwrap_err().to_string();
        assert!(fault.contains("https://a.example/path"), "{fault}");
    });
}

/// [H4] A handler that does not relay answers an upgrade request like any other.
#[test]
fn a_response_without_the_relay_header_goes_out_untouched() {
    run(async {
        let world = World::start();
        world.answer("/ws", Response::text(401, "who are you?").header("WWW-Authenticate", "Basic"));
        let mut raw = Raw::connect(&world).await;
        let reply = raw.upgrade("/ws", &[]).await;
        assert_eq!((reply.status, reply.body.as_str()), (401, "who are you?"));
        assert_eq!(reply.header("WWW-Authenticate"), Some("Basic"));
    });
}

/// [H5] [H10] [H13] A refusal that carries the relay header goes out without it, and the target is told.
#[test]
fn a_refusal_with_the_relay_header_goes_out_without_it() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        let header = RelayConfig::to(target.pid).to_header();
        world.answer("/ws", Response::text(403, "not today").header("x-wS-rElay", header));
        let reply = Raw::connect(&world).await.upgrade("/ws", &[]).await;
        assert_eq!((reply.status, reply.body.as_str()), (403, "not today"));
        reply.assert_reveals_nothing();
        assert_eq!(target.message().await.topic.as_str(), "ws.abort");
        target.nothing_more().await;
    });
}

/// [H6] [H10] The relay header for a client that asked for no upgrade: 426 without it.
#[test]
fn the_relay_header_without_an_upgrade_request_is_426() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let reply = Raw::connect(&world).await.ask("GET", "/ws", &[]).await;
        assert_eq!((reply.status, reply.header("Upgrade")), (426, Some("websocket")));
        reply.assert_reveals_nothing();
        assert_eq!(target.message().await.topic.as_str(), "ws.abort");
    });
}

/// [H7] [H10] Whatever is wrong with the relay header, the client reads the same 500 and nothing of it.
#[test]
fn a_malformed_relay_header_is_a_500_that_tells_nothing() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        let pid = target.pid;
        let sound = RelayConfig::to(pid).to_header();
        let long = format!(r#"{{"target_pid":"{pid}","metadata":{{"secret":"{}"}}}}"#, "x".repeat(8192));
        let bad = [
            "secret".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            r#"{"target_pid":7}"#.to_owned(),
            r#"{"target_pid":"{not-a-pid}"}"#.to_owned(),
            format!(r#"{{"target_pid":"{pid}","heartbeat_interval":"soon"}}"#),
            format!(r#"{{"target_pid":"{pid}","heartbeat_interval":30}}"#),
            format!(r#"{{"target_pid":"{pid}","metadata":"secret"}}"#),
            format!(r#"{{"target_pid":"{pid}","message_topic":""}}"#),
            long,
        ];
        let mut responses: Vec<_> =
            bad.into_iter().map(|value| Response::new(200).header(RELAY_HEADER, value)).collect();
        responses.push(Response::new(200).header("X-WS-Relay", sound.clone()).header("x-ws-relay", sound));
        for response in responses {
            let what = format!("{:?}", response.headers);
            world.answer("/ws", response);
            let reply = Raw::connect(&world).await.upgrade("/ws", &[]).await;
            assert_eq!((reply.status, reply.body.as_str()), (500, "internal server error"), "{what}");
            reply.assert_reveals_nothing();
        }
        // H13: where the target could be read it is told, whatever else was wrong.
        for _ in 0..6 {
            assert_eq!(target.message().await.topic, Topic::ABORT);
        }
        target.nothing_more().await;
    });
}
