//! What a target is told of its client, and when (R1 to R4). What processes tell a connection is in `commands.rs`.

use serde_json::{Value, json};
use wsrelay_core::limits::Limits;
use wsrelay_core::relay::{RelayConfig, format_duration, parse_duration};
use wsrelay_core::time::Duration;
use wsrelay_tests::*;

/// [R1] Topic, heartbeat and metadata have their defaults.
#[test]
fn a_header_with_a_target_alone_is_enough() {
    let client_pid = client().to_string();
    Setup::default()
        .asked()
        .respond(relay_to(&json!({"target_pid": target().to_string()})))
        .attach_ok(target())
        .forget()
        .client("hi")
        .expect([to(
            target(),
            "ws.message",
            json!({"client_pid": client_pid, "type": "text", "data": "hi", "metadata": {}}),
        )])
        .after(secs(24))
        .expect([]);
}

/// [R1] Stock Lua encodes an empty table as an array.
#[test]
fn an_empty_array_counts_as_empty_metadata() {
    for empty in [json!([]), json!({}), Value::Null] {
        Setup::default().field("metadata", empty).attaching().attach_ok(target()).expect([
            Seen::Replied(switched()),
            to(
                target(),
                "ws.join",
                json!({"client_pid": client().to_string(), "metadata": {}, "subprotocol": null, "peer": null}),
            ),
            Seen::ResumeReading,
        ]);
    }
}

/// [R1] To the last digit: numbers that a quick conversion gets wrong by one.
#[test]
fn numbers_in_metadata_arrive_as_the_handler_wrote_them() {
    let pid = target();
    for number in ["1.7095516844674407e25", "0.1", "9007199254740993", "-2.2250738585072014e-308"] {
        let header = format!(r#"{{"target_pid": "{pid}", "metadata": {{"a": {number}}}}}"#);
        let config = RelayConfig::parse([header.as_bytes()], &Limits::default()).expect("a sound header");
        let once = config.metadata.to_json()["a"].to_string();
        assert_eq!(once.parse::<f64>(), number.parse::<f64>());
        let again = RelayConfig::parse([config.to_header().as_bytes()], &Limits::default());
        assert_eq!(again, Ok(config));
    }
}

/// [R1] RFC 9110 §5.5: a field's value has no control characters, and JSON escapes all of them but one.
#[test]
fn a_relay_header_that_is_written_can_stand_in_a_response() {
    let config = RelayConfig::to("room\u{7f}\u{1f}");
    let header = config.to_header();
    assert!(header.bytes().all(|byte| byte >= b' ' && byte != 0x7f), "{header:?}");
    assert_eq!(RelayConfig::parse([header.as_bytes()], &Limits::default()), Ok(config));
}

/// [R1] Any JSON object, with all that is in it.
#[test]
fn metadata_is_attached_to_every_message_to_the_target() {
    let metadata = json!({"user": {"id": 7, "tags": ["a", null]}, "ü": 1.5});
    let client_pid = client().to_string();
    Setup::default().field("metadata", metadata.clone()).join().client("hi").eof().expect([
        to(
            target(),
            "ws.message",
            json!({"client_pid": client_pid, "type": "text", "data": "hi", "metadata": metadata}),
        ),
        to(
            target(),
            "ws.leave",
            json!({"client_pid": client_pid, "reason": "connection lost", "code": 1006, "clean": false,
                    "metadata": metadata}),
        ),
        exit(wsrelay_core::process::ExitReason::crashed("connection lost")),
        demonitor(target()),
        Seen::Cut,
    ]);
}

/// [R1] [P6] A name works wherever a PID does.
#[test]
fn a_target_may_be_named() {
    Setup::default()
        .asked()
        .respond(relay_to(&json!({"target_pid": "lobby", "metadata": {"user": 7}})))
        .expect([attach("lobby")])
        .attach_ok(target())
        .expect([Seen::Replied(switched()), join(), Seen::ResumeReading]);
}

/// [R1] The handler's own topic.
#[test]
fn client_messages_go_out_on_the_topic_that_the_handler_chose() {
    let client_pid = client().to_string();
    Setup::default().field("message_topic", json!("chat.said")).join().client("hi").expect([to(
        target(),
        "chat.said",
        json!({"client_pid": client_pid, "type": "text", "data": "hi", "metadata": {"user": 7}}),
    )]);
}

/// [R2] Go's `ParseDuration`.
#[test]
fn durations_are_read_as_go_reads_them() {
    for (text, nanos) in [
        ("0", 0),
        ("1h30m", 5_400_000_000_000),
        ("1.5s", 1_500_000_000),
        (".5m", 30_000_000_000),
        ("1us1µs1μs1ns", 3_001),
        ("300ms", 300_000_000),
    ] {
        assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
    }
    for text in ["", "30", "-1s", "1 s", "s", "1d", ".s", "1s ", "9999999999h", "1e3s"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
}

/// [R2] A heartbeat of "0" is none.
#[test]
fn a_heartbeat_of_zero_is_off() {
    for off in ["0", "0s", "0h0m"] {
        Setup::default().field("heartbeat_interval", json!(off)).join().after(secs(24)).expect([]);
    }
}

/// [R3] Binary data is base64 where JSON is spoken.
#[test]
fn a_binary_message_reaches_the_target_as_binary() {
    let client_pid = client().to_string();
    joined().frame(binary(&[0, 255, 1, 2])).expect([to(
        target(),
        "ws.message",
        json!({"client_pid": client_pid, "type": "binary", "data": "AP8BAg==", "metadata": {"user": 7}}),
    )]);
}

/// [R3] An empty message is a message.
#[test]
fn an_empty_message_is_relayed() {
    joined().client("").expect([message(text(""))]);
}

/// [R3] A message in pieces is one message, with a ping in its midst.
#[test]
fn a_fragmented_message_is_relayed_once_it_is_whole() {
    joined()
        .frames([first_of(text("he")), ping(b"?")])
        .expect([send(pong(b"?"))])
        .frames([continuation(b"", false), continuation(b"llo", true)])
        .expect([message(text("hello"))]);
}

/// [R3] The client's address and the subprotocol stand in the join.
#[test]
fn the_join_names_the_peer() {
    Setup::default().peer(([192, 0, 2, 7], 5000).into()).attaching().attach_ok(target()).expect([
        Seen::Replied(switched()),
        to(
            target(),
            "ws.join",
            json!({"client_pid": client().to_string(), "metadata": {"user": 7}, "subprotocol": null,
                "peer": "192.0.2.7:5000"}),
        ),
        Seen::ResumeReading,
    ]);
}

/// [R3] Uptime is a duration, with its milliseconds beside it; the count is of the client's messages.
#[test]
fn a_heartbeat_tells_uptime_and_messages() {
    let script = Setup::default()
        .field("heartbeat_interval", json!("10s"))
        .join()
        .client("one")
        .client("two")
        .told("ws.send", json!({"type": "text", "data": "three"}))
        .forget();
    let first = script.wait().expect("a first beat");
    let beat = |uptime: Duration| {
        let millis = u64::try_from(uptime.as_millis()).expect("a short time");
        let payload = json!({
            "client_pid": client().to_string(), "uptime": format_duration(uptime), "uptime_ms": millis,
            "message_count": 2, "metadata": {"user": 7},
        });
        to(target(), "ws.heartbeat", payload)
    };
    script.after(first).expect([beat(first)]).after(secs(10)).expect([beat(first + secs(10))]);
}

/// [R4] What the client sent before anybody could answer is relayed after the join, and the socket read after that.
#[test]
fn early_messages_come_after_the_join() {
    let mut early = UPGRADE.as_bytes().to_vec();
    early.extend(text("early").encode());
    early.extend(text("bird").encode());
    open()
        .bytes(early)
        .respond(relay_to(&json!({"target_pid": target().to_string(), "metadata": {"user": 7}})))
        .expect([requested("GET", "/chat", ""), Seen::StopReading, attach(target())])
        .attach_ok(target())
        .expect([
            Seen::Replied(switched()),
            join(),
            message(text("early")),
            message(text("bird")),
            Seen::ResumeReading,
        ]);
}

/// [R4] First in, first out.
#[test]
fn messages_keep_their_order_both_ways() {
    joined()
        .frames([text("a"), text("b"), text("c")])
        .expect([message(text("a")), message(text("b")), message(text("c"))])
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "1"}))
        .told("ws.send", json!({"type": "text", "data": "2"}))
        .unstick()
        .told("ws.send", json!({"type": "text", "data": "3"}))
        .expect([send(text("1")), send(text("2")), send(text("3"))]);
}

/// [R4] A message in the same read as the close frame comes before the leave; what follows the close is nothing.
#[test]
fn the_leave_comes_after_the_last_message() {
    joined().frames([text("last"), close(1000, ""), text("never")]).expect([
        message(text("last")),
        leave(1000, "", true),
        exit(wsrelay_core::process::ExitReason::Normal),
        demonitor(target()),
        send(close(1000, "")),
        Seen::Shutdown,
    ]);
}
