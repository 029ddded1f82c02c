//! What processes tell a connection (R5, R6), other topics (R8), and who may (R9).

use crate::support::{Act, NodeAct, Scenario, Setup, Who, message, told};
use serde_json::{Value, json};
use std::time::Duration;
use wsrelay_core::message::Payload;
use wsrelay_core::process::ExitReason;
use wsrelay_core::relay::{Authority, Envelope};
use wsrelay_core::wire::Data;
use wsrelay_tests::*;

fn joined() -> Scenario {
    Scenario::joined(Setup::default())
}

fn said(data: &str) -> Value {
    json!({"type": "text", "data": data})
}

/// [R5] One text or binary message, raw; from the target or from anybody.
fn a_send_becomes_one_message() -> Scenario {
    joined()
        .sends(Who::Target, Who::Client, "ws.send", said("grüezi"))
        .client_sees(text("grüezi"))
        .sends(Who::Target, Who::Client, "ws.send", json!({"type": "binary", "data": "AP8="}))
        .client_sees(binary(&[0, 255]))
        .sends(Who::Other, Who::Client, "ws.send", Data::Binary(vec![1, 2].into()))
        .client_sees(binary(&[1, 2]))
        .sends(Who::Other, Who::Client, "ws.send", "")
        .client_sees(text(""))
        .bye()
}

/// [R5] Any of the three is acknowledged, with the sender's own mark.
fn a_command_with_a_ref_is_acknowledged() -> Scenario {
    joined()
        .sends(Who::Other, Who::Client, "ws.send", json!({"type": "text", "data": "x", "ref": 1}))
        .sees(Who::Other, told("ws.ack", json!({"ref": 1, "ok": true})))
        .client_sees(text("x"))
        .sends(Who::Other, Who::Client, "ws.control", json!({"metadata": {"user": 7}, "ref": "two"}))
        .sees(Who::Other, told("ws.ack", json!({"ref": "two", "ok": true})))
        .sends(Who::Other, Who::Client, "ws.close", json!({"code": 4000, "ref": 3}))
        .sees(Who::Other, told("ws.ack", json!({"ref": 3, "ok": true})))
        .client_agrees_to_close(4000, "")
        .sees_gone(Who::Target, (4000, "", true), ExitReason::Normal)
}

/// [R6] A bad command is refused whole, its sender learns why, and the connection lives on.
fn a_bad_command_is_refused_whole_and_the_connection_lives_on() -> Scenario {
    let kinds = "ws.send: `type` must be \"text\" or \"binary\" and `data` a string";
    let heartbeat =
        "`heartbeat_interval` must be a duration string within the bounds, such as \"30s\", or \"0\" for off";
    let code = |code: u64| format!("ws.close: a server may not send the code {code}");
    let whole = "`code` must be a whole number";
    let cases = [
        ("ws.send", json!({"type": "html", "data": "x"}), kinds),
        ("ws.send", json!({"type": "text", "data": 7}), kinds),
        ("ws.send", json!({"data": "x"}), kinds),
        (
            "ws.send",
            json!({"type": "binary", "data": "no base64"}),
            "`data` must be base64, where type is \"binary\"",
        ),
        ("ws.close", json!({"code": 999}), &code(999)),
        ("ws.close", json!({"code": 1005}), &code(1005)),
        ("ws.close", json!({"code": 1006}), &code(1006)),
        ("ws.close", json!({"code": 1015}), &code(1015)),
        ("ws.close", json!({"code": 2999}), &code(2999)),
        ("ws.close", json!({"code": 5000}), &code(5000)),
        ("ws.close", json!({"code": "1000"}), whole),
        ("ws.close", json!({"reason": 7}), "`reason` must be a string"),
        ("ws.control", json!({"heartbeat_interval": "5 s", "metadata": {"a": 1}}), heartbeat),
        ("ws.control", json!({"heartbeat_interval": 30, "message_topic": "new"}), heartbeat),
        ("ws.control", json!({"heartbeat_interval": "-30s"}), heartbeat),
        ("ws.control", json!({"target_pid": "<client>"}), "`target_pid` must be another process"),
        ("ws.control", json!({"target_pid": 7}), "`target_pid` must be the PID or the name of a process"),
    ];
    cases
        .into_iter()
        .fold(joined(), |scenario, (topic, command, error)| {
            scenario.commands_in_vain(Who::Other, topic, command, error)
        })
        .client(text("still here"))
        .sees(Who::Target, message("still here"))
        .bye()
}

/// [R6] What has no `ref` that could be read is refused without a word.
fn a_command_that_cannot_be_answered_is_refused_in_silence() -> Scenario {
    joined()
        .sends(Who::Other, Who::Client, "ws.send", json!("no object"))
        .sends(Who::Other, Who::Client, "ws.close", json!(7))
        .sends(Who::Other, Who::Client, "ws.control", json!([]))
        .sends(Who::Other, Who::Client, "ws.send", json!({"type": "text", "data": "x", "ref": {}}))
        .sends(Who::Other, Who::Client, "ws.send", said("after all that"))
        .client_sees(text("after all that"))
        .bye()
}

/// [C:Commanded] [R5] Its code and its reason, to the client and to the target.
fn a_close_command_has_its_own_code_and_reason() -> Scenario {
    joined()
        .sends(Who::Target, Who::Client, "ws.close", json!({"code": 4001, "reason": "done"}))
        .client_agrees_to_close(4001, "done")
        .sees_gone(Who::Target, (4001, "done", true), ExitReason::Normal)
}

/// [C:Commanded] [R5] Nothing said, or a bare reason, is a normal close.
fn a_close_command_without_a_code_is_a_normal_one() -> Scenario {
    let cases = [
        (json!({}).into(), ""),
        (json!(null).into(), ""),
        (Payload::Empty, ""),
        (Payload::from("enough"), "enough"),
        (json!({"reason": "bye"}).into(), "bye"),
    ];
    cases.into_iter().fold(Scenario::new(Setup::default()), |scenario, (payload, reason)| {
        scenario
            .joins()
            .sends(Who::Other, Who::Client, "ws.close", payload)
            .client_agrees_to_close(1000, reason)
            .sees_gone(Who::Target, (1000, reason, true), ExitReason::Normal)
    })
}

/// [R6] At most 123 bytes, and no half character.
fn a_long_close_reason_is_cut_between_characters() -> Scenario {
    let reason = "ü".repeat(61);
    joined()
        .sends(Who::Target, Who::Client, "ws.close", json!({"code": 3000, "reason": "ü".repeat(100)}))
        .client_agrees_to_close(3000, &reason)
        .sees_gone(Who::Target, (3000, &reason, true), ExitReason::Normal)
}

/// [R5] What was sent before a close goes out before it, and nothing after it.
fn what_was_sent_before_a_close_goes_out_before_it() -> Scenario {
    joined()
        .sends(Who::Target, Who::Client, "ws.send", said("1"))
        .sends(Who::Target, Who::Client, "ws.send", said("2"))
        .sends(Who::Target, Who::Client, "ws.close", json!({"code": 4000}))
        .commands_in_vain(Who::Target, "ws.send", said("3"), "the connection is closing")
        .client_sees(text("1"))
        .client_sees(text("2"))
        .client_agrees_to_close(4000, "")
        .sees_gone(Who::Target, (4000, "", true), ExitReason::Normal)
}

/// [R5] [C:Commanded] Until the client has closed too, what it says is relayed.
fn what_a_client_says_before_it_agrees_to_close_is_relayed() -> Scenario {
    joined()
        .sends(Who::Target, Who::Client, "ws.close", json!({"code": 4000}))
        .client_sees(close(4000, ""))
        .client_frames([text("last words"), close(4000, "agreed"), text("too late")])
        .sees(Who::Client, crate::support::Saw::End)
        .sees(Who::Target, message("last words"))
        .sees_gone(Who::Target, (4000, "", true), ExitReason::Normal)
}

/// [R5] [T:close] A client that does not agree to close is cut.
fn a_client_that_does_not_agree_to_close_is_cut() -> Scenario {
    let setup = Setup::default().limits(|limits| limits.close_wait_max = Duration::from_millis(150));
    Scenario::joined(setup)
        .sends(Who::Target, Who::Client, "ws.close", json!({"code": 4000, "reason": "done"}))
        .client_sees(close(4000, "done"))
        .passes(150)
        .sees(Who::Client, crate::support::Saw::End)
        .sees_gone(Who::Target, (4000, "done", false), ExitReason::Normal)
}

/// [R8] A topic of the application's own is wrapped.
fn other_topics_reach_the_client_in_an_envelope() -> Scenario {
    joined()
        .sends(Who::Other, Who::Client, "news", json!({"n": 1}))
        .client_sees(text(r#"{"data":{"n":1},"topic":"news"}"#))
        .sends(Who::Other, Who::Client, "blob", Data::Binary(vec![0, 255, 1, 2].into()))
        .client_sees(text(r#"{"data":"AP8BAg==","topic":"blob"}"#))
        .sends(Who::Other, Who::Client, "note", "hi")
        .client_sees(text(r#"{"data":"hi","topic":"note"}"#))
        .sends(Who::Other, Who::Client, "bare", Payload::Empty)
        .client_sees(text(r#"{"data":null,"topic":"bare"}"#))
        .bye()
}

/// [R8] Unless the envelope is off.
fn other_topics_are_dropped_where_the_envelope_is_off() -> Scenario {
    Scenario::joined(Setup::default().options(|options| options.envelope = Envelope::Off))
        .sends(Who::Other, Who::Client, "news", json!({"n": 1}))
        .sends(Who::Other, Who::Client, "ws.send", said("and now the weather"))
        .client_sees(text("and now the weather"))
        .bye()
}

/// [R8] The system's own topics are no way to the client.
fn reserved_topics_are_refused() -> Scenario {
    let topics = ["ws.unknown", "ws.join", "ws.message", "ws.leave", "@exit", "@"];
    topics
        .into_iter()
        .fold(joined(), |scenario, topic| scenario.sends(Who::Other, Who::Client, topic, json!({"n": 1})))
        .sends(Who::Other, Who::Client, "ws.send", said("after all that"))
        .client_sees(text("after all that"))
        .bye()
}

/// [R8] Exits and links of processes are nothing to the client.
fn nothing_of_the_systems_own_reaches_the_client() -> Scenario {
    joined()
        .relates(Who::Other, Act::Monitors(Who::Client))
        .relates(Who::Other, Act::Links(Who::Client))
        .relates(Who::Other, Act::Unlinks(Who::Client))
        .watches(Who::Watcher, Who::Other)
        .acts(Who::Other, Act::Exits(ExitReason::crashed("secret")))
        .sees_exit(Who::Watcher, Who::Other, ExitReason::crashed("secret"))
        .client(text("hi"))
        .sees(Who::Target, message("hi"))
        .bye()
}

/// [R9] Where only the target controls, others may send and no more.
fn only_the_target_controls_where_the_option_says_so() -> Scenario {
    let error = "only the target may control this connection";
    Scenario::joined(Setup::default().options(|options| options.control = Authority::Target))
        .commands_in_vain(Who::Other, "ws.close", json!({}), error)
        .commands_in_vain(Who::Other, "ws.control", json!({"target_pid": "<other>"}), error)
        .commands_in_vain(Who::Other, "ws.control", json!({"metadata": {}}), error)
        .node(NodeAct::Sends(Who::Client.into(), "ws.close", Payload::Empty))
        .node(NodeAct::Sends(Who::Client.into(), "ws.send", said("from outside").into()))
        .client_sees(text("from outside"))
        .commands(Who::Other, "ws.send", said("hello"))
        .client_sees(text("hello"))
        .client(text("hi"))
        .sees(Who::Target, message("hi"))
        .commands(Who::Target, "ws.close", json!({}))
        .client_agrees_to_close(1000, "")
        .sees_gone(Who::Target, (1000, "", true), ExitReason::Normal)
}

/// [R9] By default anybody controls, also from outside any process.
fn anybody_controls_by_default() -> Scenario {
    joined()
        .node(NodeAct::Sends(Who::Client.into(), "ws.close", json!({"code": 4000, "reason": "x"}).into()))
        .client_agrees_to_close(4000, "x")
        .sees_gone(Who::Target, (4000, "x", true), ExitReason::Normal)
}

crate::on_every_driver! {
    a_send_becomes_one_message,
    a_command_with_a_ref_is_acknowledged,
    a_bad_command_is_refused_whole_and_the_connection_lives_on,
    a_command_that_cannot_be_answered_is_refused_in_silence,
    a_close_command_has_its_own_code_and_reason,
    a_close_command_without_a_code_is_a_normal_one,
    a_long_close_reason_is_cut_between_characters,
    what_was_sent_before_a_close_goes_out_before_it,
    what_a_client_says_before_it_agrees_to_close_is_relayed,
    a_client_that_does_not_agree_to_close_is_cut,
    other_topics_reach_the_client_in_an_envelope,
    other_topics_are_dropped_where_the_envelope_is_off,
    reserved_topics_are_refused,
    nothing_of_the_systems_own_reaches_the_client,
    only_the_target_controls_where_the_option_says_so,
    anybody_controls_by_default,
}
