//! What happens because time passes (T). In the core alone time is virtual; elsewhere the times are short, and
//! nothing is said about when something happens, only that it does.

use crate::support::{Answer, Saw, Scenario, Setup, Who, message, reply, told};
use serde_json::json;
use std::time::Duration;
use wsrelay_core::limits::Limits;
use wsrelay_core::process::ExitReason;
use wsrelay_core::time::Timeout;
use wsrelay_tests::*;

/// Short, for times that run out.
const SHORT: Duration = Duration::from_millis(100);

fn setup(change: impl FnOnce(&mut Limits)) -> Setup {
    Setup::default().limits(change)
}

fn heartbeat(count: u64) -> Saw {
    let payload = json!({
        "client_pid": "<client>", "uptime": "<uptime>", "uptime_ms": "<uptime>", "message_count": count,
        "metadata": {"user": 7},
    });
    told("ws.heartbeat", payload)
}

/// [R2] [R3] As often as the handler asked for, with the number of messages so far.
fn heartbeats_tell_of_the_messages_so_far() -> Scenario {
    let setup = setup(|limits| limits.heartbeat_min = SHORT / 2).field("heartbeat_interval", json!("50ms"));
    Scenario::joined(setup)
        .passes(50)
        .sees(Who::Target, heartbeat(0))
        .client_frames([text("1"), text("2")])
        .sees(Who::Target, message("1"))
        .sees(Who::Target, message("2"))
        .passes(50)
        .sees(Who::Target, heartbeat(2))
        .bye()
}

/// [R2] [R5] [R7] A command begins or ends them.
fn heartbeats_begin_and_end_by_command() -> Scenario {
    Scenario::joined(setup(|limits| limits.heartbeat_min = SHORT / 2))
        .commands(Who::Other, "ws.control", json!({"heartbeat_interval": "50ms"}))
        .passes(50)
        .sees(Who::Target, heartbeat(0))
        .commands(Who::Other, "ws.control", json!({"heartbeat_interval": "0"}))
        .client(text("hi"))
        .sees(Who::Target, message("hi"))
        .passes(100)
        .bye()
}

/// [T:ping] Who answers pings, or says anything at all, lives on.
fn a_silent_client_is_pinged_and_lives_while_it_answers() -> Scenario {
    Scenario::joined(setup(|limits| limits.ping_interval = Timeout::After(SHORT)))
        .passes(100)
        .client_sees(ping(b""))
        .client(pong(b""))
        .sends(Who::Target, Who::Client, "ws.send", "still there?")
        .client_sees(text("still there?"))
        .client(pong(b""))
        .passes(100)
        .client_sees(ping(b""))
        .client(text("yes"))
        .sees(Who::Target, message("yes"))
        .bye()
}

/// [C:Unresponsive] [T:pong] Best effort 1011 to the client, 1006 to the target.
fn a_client_that_does_not_answer_a_ping_is_unresponsive() -> Scenario {
    let setup = setup(|limits| {
        limits.ping_interval = Timeout::After(SHORT);
        limits.pong_wait_max = SHORT;
    });
    Scenario::joined(setup)
        .passes(100)
        .client_sees(ping(b""))
        .passes(100)
        .client_is_closed(1011, "no answer to a ping")
        .sees_gone(
            Who::Target,
            (1006, "no answer to a ping", false),
            ExitReason::crashed("no answer to a ping"),
        )
}

/// [C:Idle] [T:idle] 1001
fn a_client_without_messages_is_idle() -> Scenario {
    Scenario::joined(setup(|limits| limits.idle_max = Timeout::After(SHORT * 2)))
        .passes(200)
        .client_agrees_to_close(1001, "idle too long")
        .sees_gone(Who::Target, (1001, "idle too long", true), ExitReason::Normal)
}

/// [C:Expired] [T:lifetime] 1001, whatever is said meanwhile.
fn a_connection_past_its_lifetime_is_closed() -> Scenario {
    Scenario::joined(setup(|limits| limits.lifetime_max = Timeout::After(SHORT * 2)))
        .client(text("hi"))
        .sees(Who::Target, message("hi"))
        .passes(200)
        .client_agrees_to_close(1001, "open too long")
        .sees_gone(Who::Target, (1001, "open too long", true), ExitReason::Normal)
}

/// [C:Stalled] [T:write] Nothing is taken any more, so nothing is said.
fn a_client_that_does_not_read_is_cut() -> Scenario {
    let setup = setup(|limits| {
        limits.write_wait_max = SHORT * 2;
        limits.outbox_bytes_max = crate::pressure::LONG_MESSAGE;
    });
    Scenario::joined(setup)
        .client_stops_reading()
        .sends(Who::Target, Who::Client, "ws.send", "x".repeat(crate::pressure::LONG_MESSAGE))
        .passes(200)
        .sees_gone(
            Who::Target,
            (1006, "client does not read", false),
            ExitReason::crashed("client does not read"),
        )
        .sees(Who::Client, Saw::EndWithin)
}

/// [T:handshake] A request that does not become whole in time.
fn half_a_request_is_answered_408_in_the_end() -> Scenario {
    Scenario::connected(setup(|limits| limits.handshake_wait_max = SHORT))
        .writes(&UPGRADE[..40])
        .passes(100)
        .sees(Who::Client, reply(refused(408, "request not complete in time")))
        .sees(Who::Client, Saw::End)
}

/// [T:handshake] Who says nothing is told nothing.
fn a_client_that_asks_for_nothing_is_closed_without_a_word() -> Scenario {
    Scenario::connected(setup(|limits| limits.handshake_wait_max = SHORT))
        .passes(100)
        .sees(Who::Client, Saw::End)
}

/// [T:handshake] Between two requests there is time, but not for ever.
fn a_kept_connection_is_closed_in_the_end() -> Scenario {
    let setup = setup(|limits| limits.keep_alive_wait_max = SHORT);
    Scenario::connected(setup.answer(Answer::new(204)))
        .writes("GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n")
        .sees(Who::Handler, Saw::Asked("GET /page".into()))
        .sees(Who::Client, reply(wsrelay_tests::reply(204).kept()))
        .passes(100)
        .sees(Who::Client, Saw::End)
}

crate::on_every_driver! {
    heartbeats_tell_of_the_messages_so_far,
    heartbeats_begin_and_end_by_command,
    a_silent_client_is_pinged_and_lives_while_it_answers,
    a_client_that_does_not_answer_a_ping_is_unresponsive,
    a_client_without_messages_is_idle,
    a_connection_past_its_lifetime_is_closed,
    a_client_that_does_not_read_is_cut,
    half_a_request_is_answered_408_in_the_end,
    a_client_that_asks_for_nothing_is_closed_without_a_word,
    a_kept_connection_is_closed_in_the_end,
}
