//! The relay (R), but for R7, which has a file of its own.

use serde_json::{Value, json};
use wsrelay_core::connection::Note;
use wsrelay_core::fault::CommandFault;
use wsrelay_core::message::{Message, Payload, Topic};
use wsrelay_core::process::Signal;
use wsrelay_core::relay::{Authority, format_duration, parse_duration};
use wsrelay_core::time::Duration;
use wsrelay_core::wire::{Data, Text};
use wsrelay_tests::*;

fn typed(topic: Topic, payload: impl Into<Payload>) -> Signal {
    Signal::Message(Message { from: Some(other()), topic, payload: payload.into() })
}

fn refused_by(fault: CommandFault) -> Note {
    Note::CommandRefused { from: Some(other()), fault }
}

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

/// [R5] One message, raw.
#[test]
fn a_send_becomes_one_message() {
    joined()
        .told("ws.send", json!({"type": "text", "data": "grüezi"}))
        .expect([send(text("grüezi"))])
        .told("ws.send", json!({"type": "binary", "data": "AP8="}))
        .expect([send(binary(&[0, 255]))])
        .signal(typed(Topic::SEND, Data::Binary(vec![0, 255].into())))
        .expect([send(binary(&[0, 255]))])
        .signal(typed(Topic::SEND, Data::Text(Text::from(""))))
        .expect([send(text(""))]);
}

/// [R5] A message longer than a copy is worth leaves whole.
#[test]
fn a_long_message_leaves_in_one_frame() {
    for len in [125, 126, 4096, 4097, 65535, 65536, 1024 * 1024] {
        let data = "x".repeat(len);
        joined().told("ws.send", json!({"type": "text", "data": data})).expect([send(text(&data))]);
    }
}

/// [R5] Any of the three is acknowledged, with the sender's own mark.
#[test]
fn a_command_with_a_ref_is_acknowledged() {
    joined()
        .told("ws.send", json!({"type": "text", "data": "x", "ref": 1}))
        .expect([send(text("x")), ack(other(), 1)])
        .told("ws.control", json!({"metadata": {}, "ref": "two"}))
        .expect([to(other(), "ws.ack", json!({"ref": "two", "ok": true}))])
        .told("ws.close", json!({"ref": 3}))
        .expect([ack(other(), 3), send(close(1000, ""))]);
}

/// [R5] [R6] A refusal says why.
#[test]
fn a_refused_command_with_a_ref_is_answered_with_an_error() {
    let kinds = "ws.send: `type` must be \"text\" or \"binary\" and `data` a string";
    let heartbeat =
        "`heartbeat_interval` must be a duration string within the bounds, such as \"30s\", or \"0\" for off";
    joined()
        .told("ws.send", json!({"type": "html", "data": "x", "ref": 1}))
        .expect([refused_ack(other(), 1, kinds)])
        .told("ws.close", json!({"code": 1005, "ref": 2}))
        .expect([refused_ack(other(), 2, "ws.close: a server may not send the code 1005")])
        .told("ws.control", json!({"heartbeat_interval": "5 s", "ref": 3}))
        .expect([refused_ack(other(), 3, heartbeat)]);
}

/// [R5] [C:Commanded] What was queued goes out before the close frame.
#[test]
fn a_close_waits_for_what_was_queued_before_it() {
    Setup::default()
        .limits(|limits| limits.write_ahead_bytes = 8)
        .join()
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "a long first message"}))
        .told("ws.send", json!({"type": "text", "data": "second"}))
        .expect([send(text("a long first message"))])
        .told("ws.close", json!({"code": 4001, "reason": "done"}))
        .expect([])
        .unstick()
        .expect([send(text("second")), send(close(4001, "done"))]);
}

/// [R5] A bare reason, or nothing at all, is a normal close.
#[test]
fn a_close_without_a_code_is_a_normal_one() {
    joined().told("ws.close", json!({"reason": "bye"})).expect([send(close(1000, "bye"))]);
    joined().told("ws.close", json!({})).expect([send(close(1000, ""))]);
    joined().told("ws.close", json!(null)).expect([send(close(1000, ""))]);
    joined().signal(typed(Topic::CLOSE, Payload::Empty)).expect([send(close(1000, ""))]);
}

const METADATA: &str = "an object, as JSON no larger than a relay header may be";

/// [R6] Refused whole, counted and logged; the connection lives on.
#[test]
fn a_bad_command_is_refused_counted_and_logged() {
    let field = |name, expected| CommandFault::Field { name, expected };
    for (topic, payload, fault) in [
        ("ws.send", json!({"type": "text"}), CommandFault::SendType),
        ("ws.send", json!({"type": "text", "data": 7}), CommandFault::SendType),
        ("ws.send", json!({"data": "x"}), CommandFault::SendType),
        ("ws.send", json!("x"), CommandFault::SendType),
        ("ws.close", json!({"code": 999}), CommandFault::CloseCode(999)),
        ("ws.close", json!({"code": 1004}), CommandFault::CloseCode(1004)),
        ("ws.close", json!({"code": 1006}), CommandFault::CloseCode(1006)),
        ("ws.close", json!({"code": 1015}), CommandFault::CloseCode(1015)),
        ("ws.close", json!({"code": 2000}), CommandFault::CloseCode(2000)),
        ("ws.close", json!({"code": 5000}), CommandFault::CloseCode(5000)),
        ("ws.close", json!({"code": 66536}), CommandFault::CloseCode(66536)),
        ("ws.close", json!({"code": "1000"}), field("code", "a whole number")),
        ("ws.close", json!({"code": -1}), field("code", "a whole number")),
        ("ws.close", json!({"reason": 7}), field("reason", "a string")),
        ("ws.control", json!({"metadata": 7}), field("metadata", METADATA)),
        ("ws.control", json!({"metadata": {"a": "b".repeat(8 * 1024)}}), field("metadata", METADATA)),
        (
            "ws.send",
            json!({"type": "binary", "data": "no base64"}),
            field("data", "base64, where type is \"binary\""),
        ),
        ("ws.control", json!(7), field("payload", "a JSON object")),
        ("ws.unknown", json!({}), CommandFault::ReservedTopic),
        ("ws.join", json!({}), CommandFault::ReservedTopic),
        ("@exit", json!({}), CommandFault::ReservedTopic),
    ] {
        let script = joined().told(topic, payload).expect([]).expect_notes([refused_by(fault)]);
        assert_eq!(script.counters().commands_refused, 1);
        script.client("still here").expect([message(text("still here"))]);
    }
}

/// [R6] Every code that a server may send.
#[test]
fn every_close_code_that_may_be_sent_is_sent() {
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1010, 1011, 1012, 1014, 3000, 3999, 4000, 4999] {
        joined().told("ws.close", json!({"code": code})).expect([send(close(code, ""))]);
    }
}

/// [R6] 123 bytes, and no half character.
#[test]
fn a_long_close_reason_is_cut_between_characters() {
    joined()
        .told("ws.close", json!({"reason": "x".repeat(200)}))
        .expect([send(close(1000, &"x".repeat(123)))]);
    joined()
        .told("ws.close", json!({"reason": "ü".repeat(100)}))
        .expect([send(close(1000, &"ü".repeat(61)))]);
}

/// [R6] [R7] One bad field, and nothing of the command is done.
#[test]
fn a_control_with_one_bad_field_changes_nothing() {
    joined()
        .told(
            "ws.control",
            json!({"message_topic": "new", "metadata": {"a": 1}, "heartbeat_interval": "1ms"}),
        )
        .expect([])
        .client("hi")
        .expect([message(text("hi"))]);
}

/// [R8] Any other topic is wrapped.
#[test]
fn a_topic_of_the_applications_own_reaches_the_client_in_an_envelope() {
    let script = joined()
        .told("news", json!({"n": 1}))
        .expect([send(text(r#"{"data":{"n":1},"topic":"news"}"#))])
        .signal(typed(Topic::from("blob"), Data::Binary(vec![0, 255, 1, 2].into())))
        .expect([send(text(r#"{"data":"AP8BAg==","topic":"blob"}"#))])
        .signal(typed(Topic::from("note"), "hi"))
        .expect([send(text(r#"{"data":"hi","topic":"note"}"#))])
        .signal(typed(Topic::from("bare"), Payload::Empty))
        .expect([send(text(r#"{"data":null,"topic":"bare"}"#))]);
    assert_eq!(script.counters().commands_refused, 0);
}

/// [R8] Without the envelope it is dropped and counted.
#[test]
fn a_topic_of_the_applications_own_is_dropped_where_the_envelope_is_off() {
    let script = Setup::default()
        .without_envelope()
        .join()
        .told("news", json!(1))
        .expect([])
        .expect_notes([refused_by(CommandFault::EnvelopeOff)]);
    assert_eq!(script.counters().commands_refused, 1);
}

/// [R8] The relay's own payloads name processes.
#[test]
fn payloads_of_the_relays_own_are_not_for_clients() {
    use wsrelay_core::message::{Close, Control};
    for payload in [Payload::from(Control::default()), Payload::from(Close::default())] {
        joined()
            .signal(typed(Topic::from("news"), payload))
            .expect([])
            .expect_notes([refused_by(CommandFault::NotForClients)]);
    }
}

/// [R8] Exits, links and monitors of others are nothing to the client.
#[test]
fn signals_of_processes_do_not_reach_the_client() {
    use wsrelay_core::process::ExitReason;
    let reason = ExitReason::crashed("secret");
    joined()
        .signal(Signal::Monitor { watcher: watcher() })
        .signal(Signal::Down { from: other(), reason: reason.clone() })
        .signal(Signal::Exit { from: other(), reason })
        .signal(Signal::Link { peer: linked() })
        .expect([])
        .signal(Signal::Unlink { peer: linked() })
        .expect([Seen::Signalled(linked().into(), Signal::Unlink { peer: client() })]);
}

/// [R9] Any process may control a connection, unless only its target may.
#[test]
fn only_the_target_controls_where_the_option_says_so() {
    let script = Setup::default()
        .control(Authority::Target)
        .join()
        .told("ws.close", json!({"ref": 1}))
        .expect([refused_ack(other(), 1, "only the target may control this connection")])
        .told("ws.control", json!({"metadata": {"a": 1}}))
        .told("ws.send", json!({"type": "text", "data": "anybody may send"}))
        .expect([send(text("anybody may send"))])
        .client("hi")
        .expect([message(text("hi"))]);
    assert_eq!(script.counters().commands_refused, 2);
    script.signal(control(target(), "ws.close", json!({}))).expect([send(close(1000, ""))]);
    joined().told("ws.close", json!({})).expect([send(close(1000, ""))]);
}

/// [R9] From outside any process is not from the target.
#[test]
fn a_command_of_nobody_is_not_the_targets() {
    let close = Message { from: None, topic: Topic::CLOSE, payload: Payload::Empty };
    Setup::default()
        .control(Authority::Target)
        .join()
        .signal(Signal::Message(close))
        .expect([])
        .expect_notes([Note::CommandRefused { from: None, fault: CommandFault::NotTarget }]);
}
