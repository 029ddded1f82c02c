//! What processes tell a connection: commands (R5, R6), other topics (R8), and who may (R9). R7 is in
//! `transfer.rs`.

use serde_json::json;
use wsrelay_core::connection::Note;
use wsrelay_core::fault::CommandFault;
use wsrelay_core::message::{Close, Message, Payload, Topic};
use wsrelay_core::process::Signal;
use wsrelay_core::relay::Authority;
use wsrelay_core::wire::{Data, Text};
use wsrelay_tests::*;

fn typed(topic: Topic, payload: impl Into<Payload>) -> Signal {
    Signal::Message(Message { from: Some(other()), topic, payload: payload.into() })
}

fn refused_by(fault: CommandFault) -> Note {
    Note::CommandRefused { from: Some(other()), fault }
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

/// [R5] [R6] There is no client yet that anything could be sent to, and whoever asked is told so.
#[test]
fn a_command_to_a_connection_that_is_not_open_yet_is_refused() {
    let error = "the connection is not open yet";
    let close = Close { reference: Some(3.into()), ..Close::default() };
    open()
        .told("ws.send", json!({"type": "text", "data": "x", "ref": 1}))
        .expect([refused_ack(other(), 1, error)])
        .told("ws.control", json!({"target_pid": "elsewhere", "ref": 2}))
        .expect([refused_ack(other(), 2, error)])
        .signal(typed(Topic::CLOSE, close))
        .expect([refused_ack(other(), 3, error)])
        .signal(typed(Topic::CONTROL, "{\"ref\": 4}"))
        .expect([refused_ack(other(), 4, error)])
        // What is no command has no `ref`, as it has none on an open connection.
        .told("news", json!({"ref": 5}))
        .signal(typed(Topic::SEND, Close { reference: Some(6.into()), ..Close::default() }))
        .expect([])
        .expect_notes(std::iter::repeat_n(refused_by(CommandFault::NotOpen), 6));
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
