//! What is full: the outbox of a client that does not read, the mailbox of a target that takes nothing (P8, P9).

use crate::support::{Scenario, Setup, Who, leave_with, told};
use serde_json::{Value, json};
use std::time::Duration;
use wsrelay_core::message::{Ref, Send};
use wsrelay_core::process::ExitReason;
use wsrelay_core::relay::Overflow;
use wsrelay_core::wire::{Data, Text};
use wsrelay_tests::*;

/// Far more than what the buffers of a socket take whose other end does not read.
pub(crate) const LONG_MESSAGE: usize = 12 * 1024 * 1024;

fn long_text() -> String {
    "x".repeat(LONG_MESSAGE)
}

/// `ws.send` of a long text.
fn long(reference: u64) -> Send {
    let data = Data::Text(Text::from(long_text()));
    Send { data, reference: Some(Box::new(Ref::from(reference))) }
}

/// A client that does not read, and has a long message on its way.
fn choked(overflow: Overflow) -> Scenario {
    let setup = Setup::default()
        .options(|options| options.overflow = overflow)
        .limits(|limits| limits.outbox_bytes_max = LONG_MESSAGE + LONG_MESSAGE / 3);
    Scenario::joined(setup)
        .client_stops_reading()
        .sends(Who::Target, Who::Client, "ws.send", long(1))
        .sees(Who::Target, told("ws.ack", json!({"ref": 1, "ok": true})))
}

/// [C:SlowClient] [P9] [T:outbox] 1013; what is queued is skipped, what is on its way cannot be.
fn a_slow_client_closes_with_1013() -> Scenario {
    choked(Overflow::Close)
        .sends(Who::Target, Who::Client, "ws.send", long(2))
        .sees(Who::Target, told("ws.ack", json!({"ref": 2, "error": "the outbox is full"})))
        .sees_gone(Who::Target, (1013, "client too slow", false), ExitReason::crashed("client too slow"))
        .client_sees(text(&long_text()))
        .client_is_closed(1013, "client too slow")
}

/// [P9] Where the policy is to drop, the sender learns of it, and the client lives on.
fn a_message_for_a_slow_client_may_be_dropped_instead() -> Scenario {
    choked(Overflow::DropNew)
        .sends(Who::Target, Who::Client, "ws.send", long(2))
        .sees(Who::Target, told("ws.ack", json!({"ref": 2, "error": "the outbox is full"})))
        .client_sees(text(&long_text()))
        .sends(Who::Target, Who::Client, "ws.send", "there is room again")
        .client_sees(text("there is room again"))
        .bye()
}

/// [P9] A full outbox holds up neither `ws.control` nor `ws.close`.
fn a_slow_client_can_be_handed_over_and_closed() -> Scenario {
    choked(Overflow::DropNew)
        .commands(Who::Watcher, "ws.control", json!({"target_pid": "<other>"}))
        .sees(Who::Target, leave_with(&Value::Null, "transfer", true, &json!({"user": 7})))
        .sees(Who::Other, crate::support::join())
        .commands(Who::Watcher, "ws.close", json!({"code": 4000}))
        .client_sees(text(&long_text()))
        .client_agrees_to_close(4000, "")
        .sees_gone(Who::Other, (4000, "", true), ExitReason::Normal)
        .sees_exit(Who::Target, Who::Client, ExitReason::Normal)
}

/// [P9] What counts against the outbox is the message, not the JSON that it came in.
fn a_message_in_json_may_be_as_large_as_the_outbox() -> Scenario {
    let data = "x".repeat(1000);
    Scenario::joined(Setup::default().limits(|limits| limits.outbox_bytes_max = 1000))
        .commands(Who::Target, "ws.send", json!({"type": "text", "data": data}))
        .client_sees(text(&data))
        .bye()
}

/// [P9] What is larger than the outbox could never be sent.
fn a_message_larger_than_the_outbox_is_refused() -> Scenario {
    let error = "ws.send: the message is larger than the outbox";
    Scenario::joined(Setup::default().limits(|limits| limits.outbox_bytes_max = 1000))
        .commands_in_vain(Who::Target, "ws.send", json!({"type": "text", "data": "x".repeat(1001)}), error)
        .sends(Who::Target, Who::Client, "ws.send", "x".repeat(1000))
        .client_sees(text(&"x".repeat(1000)))
        .bye()
}

/// [C:TargetBusy] [P8] [T:mailbox] 1013, once the target has had no room for too long.
fn a_target_that_stays_full_closes_with_1013() -> Scenario {
    let setup = Setup::default().limits(|limits| {
        limits.mailbox_messages_max = 4;
        limits.mailbox_wait_max = Duration::from_millis(150);
    });
    Scenario::joined(setup)
        .commands(Who::Watcher, "ws.control", json!({"target_pid": "<stuck>"}))
        .sees(Who::Target, leave_with(&Value::Null, "transfer", true, &json!({"user": 7})))
        .client_frames((0..4).map(|number: u32| text(&number.to_string())))
        .passes(150)
        .client_is_closed(1013, "server busy")
        .sees_exit(Who::Target, Who::Client, ExitReason::crashed("target's mailbox full"))
}

/// [P8] Nobody is called silent whom the relay itself does not read.
fn a_client_that_waits_for_its_target_is_not_unresponsive() -> Scenario {
    use wsrelay_core::time::Timeout;
    let setup = Setup::default().limits(|limits| {
        limits.mailbox_messages_max = 4;
        limits.mailbox_wait_max = Duration::from_millis(400);
        limits.ping_interval = Timeout::After(Duration::from_millis(100));
        limits.pong_wait_max = Duration::from_millis(100);
    });
    // The frames come with the request, so that there is no silence before them.
    let frames = (0..4).flat_map(|number: u32| text(&number.to_string()).encode());
    Scenario::connected(setup.field("target_pid", json!("<stuck>")))
        .writes(UPGRADE.bytes().chain(frames).collect::<Vec<_>>())
        .accepted()
        .passes(400)
        .client_is_closed(1013, "server busy")
}

crate::on_every_driver! {
    a_slow_client_closes_with_1013,
    a_message_for_a_slow_client_may_be_dropped_instead,
    a_slow_client_can_be_handed_over_and_closed,
    a_message_larger_than_the_outbox_is_refused,
    a_message_in_json_may_be_as_large_as_the_outbox,
    a_target_that_stays_full_closes_with_1013,
    a_client_that_waits_for_its_target_is_not_unresponsive,
}
