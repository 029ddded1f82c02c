//! From the join to the leave: what the client says, and what everybody hears (R1, R3, R4).

use crate::support::{Answer, Scenario, Setup, Who, join_with, leave_with, message, message_on, told};
use serde_json::{Value, json};
use wsrelay_core::process::ExitReason;
use wsrelay_tests::*;

fn joined() -> Scenario {
    Scenario::joined(Setup::default())
}

/// A message of the client's with the metadata of the setup.
fn said(kind: &str, data: &str) -> crate::support::Saw {
    message_on("ws.message", kind, data, &json!({"user": 7}))
}

/// [R3] [R4] The join, the message, the leave, the exit, in this order.
fn a_client_joins_speaks_and_leaves() -> Scenario {
    joined().client(text("hi")).sees(Who::Target, message("hi")).bye()
}

/// [R3] The client's data as it is; bytes in base64, since JSON holds text only.
fn text_binary_and_empty_messages_reach_the_target_as_they_are() -> Scenario {
    joined()
        .client_frames([text("grüezi"), text(""), binary(&[0, 255]), binary(&[])])
        .sees(Who::Target, said("text", "grüezi"))
        .sees(Who::Target, said("text", ""))
        .sees(Who::Target, said("binary", "AP8="))
        .sees(Who::Target, said("binary", ""))
        .bye()
}

/// [R1] [R3] The handler's topic, and its metadata on every message.
fn the_handler_chooses_topic_and_metadata() -> Scenario {
    let metadata = json!({"room": {"name": "lobby", "seats": [1, 2]}, "admin": null});
    let header = json!({"target_pid": "<target>", "message_topic": "said", "metadata": metadata});
    heard_by_handlers_choice(&header, "said", &metadata)
}

/// [R1] Without metadata there is an empty object; Lua's empty table counts as one.
fn without_metadata_there_is_an_empty_object() -> Scenario {
    heard_by_handlers_choice(&json!({"target_pid": "<target>"}), "ws.message", &json!({}))
}

/// [R1] The same, where a language writes an empty table as a list.
fn metadata_may_be_an_empty_list() -> Scenario {
    let header = json!({"target_pid": "<target>", "metadata": [], "heartbeat_interval": "0"});
    heard_by_handlers_choice(&header, "ws.message", &json!({}))
}

fn heard_by_handlers_choice(header: &Value, topic: &str, metadata: &Value) -> Scenario {
    Scenario::connected(Setup::default().answer(Answer::relay(header)))
        .writes(UPGRADE)
        .accepted()
        .sees(Who::Target, join_with(metadata, None))
        .client(text("hi"))
        .sees(Who::Target, message_on(topic, "text", "hi", metadata))
        .client(close(1000, ""))
        .client_is_closed(1000, "")
        .sees(Who::Target, leave_with(&json!(1000), "", true, metadata))
        .sees_exit(Who::Target, Who::Client, ExitReason::Normal)
}

/// [R4] A message in pieces is one message; what comes between the pieces is answered at once.
fn a_fragmented_message_arrives_whole_and_pings_within_it_are_answered() -> Scenario {
    joined()
        .client_frames([first_of(text("gr")), ping(b"within"), continuation("üe".as_bytes(), false)])
        .client_sees(pong(b"within"))
        .client_frames([continuation(b"", false), pong(b"unasked"), continuation(b"zi", true)])
        .sees(Who::Target, message("grüezi"))
        .bye()
}

/// [R4] TCP knows no messages: request and frames may arrive byte by byte.
fn request_and_frames_may_arrive_byte_by_byte() -> Scenario {
    joined_byte_by_byte()
        .trickles(text("grüezi").encode())
        .sees(Who::Target, message("grüezi"))
        .trickles([first_of(binary(b"ab")).encode(), continuation(b"c", true).encode()].concat())
        .sees(Who::Target, said("binary", "YWJj"))
        .trickles(ping(b"p").encode())
        .client_sees(pong(b"p"))
        .trickles(close(1000, "bye").encode())
        .client_is_closed(1000, "")
        .sees_gone(Who::Target, (1000, "bye", true), ExitReason::Normal)
}

fn joined_byte_by_byte() -> Scenario {
    Scenario::connected(Setup::default())
        .trickles(UPGRADE)
        .accepted()
        .sees(Who::Target, crate::support::join())
}

/// [R4] Half a frame is nothing yet, and does not hold up what goes the other way.
fn the_second_half_of_a_frame_may_come_late() -> Scenario {
    let bytes = text("in two halves").encode();
    let (first, second) = bytes.split_at(8);
    joined()
        .writes(first)
        .sends(Who::Target, Who::Client, "ws.send", json!({"type": "text", "data": "meanwhile"}))
        .client_sees(text("meanwhile"))
        .writes(second)
        .sees(Who::Target, message("in two halves"))
        .bye()
}

/// [R4] What comes in the same piece as the request is read after the join.
fn frames_sent_along_with_the_request_are_relayed_after_the_join() -> Scenario {
    let bytes = [UPGRADE.as_bytes(), &text("early").encode(), &ping(b"p").encode()].concat();
    Scenario::connected(Setup::default())
        .writes(bytes)
        .accepted()
        .sees(Who::Target, crate::support::join())
        .sees(Who::Target, message("early"))
        .client_sees(pong(b"p"))
        .bye()
}

/// [R4] Frames that come in one piece keep their order.
fn many_messages_in_one_piece_keep_their_order() -> Scenario {
    let numbers = || (0..600).map(|number: u32| number.to_string());
    let scenario = joined().client_frames(numbers().map(|number| text(&number)));
    numbers().fold(scenario, |scenario, number| scenario.sees(Who::Target, message(&number))).bye()
}

/// [R3] [R5] Longer than any buffer on its way, to and fro.
fn long_messages_pass_in_both_directions() -> Scenario {
    [125, 126, 65_535, 65_536, 300_000]
        .into_iter()
        .fold(joined(), |scenario, len| {
            let data = "x".repeat(len);
            scenario
                .client(text(&data))
                .sees(Who::Target, message(&data))
                .sends(Who::Target, Who::Client, "ws.send", json!({"type": "text", "data": data}))
                .client_sees(text(&data))
        })
        .bye()
}

/// [R4] What many messages cause comes back in their order.
fn answers_keep_the_order_of_the_messages() -> Scenario {
    let numbers = || (0..100).map(|number: u32| number.to_string());
    let scenario = joined()
        .acts(Who::Target, crate::support::Act::Echoes)
        .sends_word(Who::Target, Who::Watcher)
        .client_frames(numbers().map(|number| text(&number)));
    numbers()
        .fold(scenario, |scenario, number| {
            scenario.sees(Who::Target, message(&number)).client_sees(text(&number))
        })
        .bye()
}

/// [R3] One target has many clients, one after the other, and each join has its leave.
fn clients_come_and_go() -> Scenario {
    (0..5).fold(Scenario::new(Setup::default()), |scenario, number: u32| {
        let data = number.to_string();
        scenario.joins().client(text(&data)).sees(Who::Target, message(&data)).bye()
    })
}

/// [R3] A message from outside any process reaches client and target alike.
fn the_node_sends_from_outside_any_process() -> Scenario {
    use crate::support::{NodeAct, Saw};
    let send = json!({"type": "text", "data": "news"});
    joined()
        .node(NodeAct::Sends(Who::Client.into(), "ws.send", send.into()))
        .client_sees(text("news"))
        .node(NodeAct::Sends(Who::Target.into(), "news", json!([1]).into()))
        .sees(Who::Target, Saw::Told(None, "news".into(), json!([1])))
        .sends(Who::Other, Who::Target, "from a process", json!("hello"))
        .sees(Who::Target, crate::support::told_by(Who::Other, "from a process", json!("hello")))
        .bye()
}

/// [R5] An answer to nobody in particular is a message like any other.
fn acknowledgements_come_behind_what_they_acknowledge() -> Scenario {
    joined()
        .client(text("hi"))
        .sees(Who::Target, message("hi"))
        .commands(Who::Target, "ws.send", json!({"type": "text", "data": "hello"}))
        .client_sees(text("hello"))
        .sends(Who::Target, Who::Client, "ws.send", json!({"type": "text", "data": "2", "ref": 17}))
        .client_sees(text("2"))
        .sees(Who::Target, told("ws.ack", json!({"ref": 17, "ok": true})))
        .bye()
}

crate::on_every_driver! {
    a_client_joins_speaks_and_leaves,
    text_binary_and_empty_messages_reach_the_target_as_they_are,
    the_handler_chooses_topic_and_metadata,
    without_metadata_there_is_an_empty_object,
    metadata_may_be_an_empty_list,
    a_fragmented_message_arrives_whole_and_pings_within_it_are_answered,
    request_and_frames_may_arrive_byte_by_byte,
    the_second_half_of_a_frame_may_come_late,
    frames_sent_along_with_the_request_are_relayed_after_the_join,
    many_messages_in_one_piece_keep_their_order,
    long_messages_pass_in_both_directions,
    answers_keep_the_order_of_the_messages,
    clients_come_and_go,
    the_node_sends_from_outside_any_process,
    acknowledgements_come_behind_what_they_acknowledge,
}
