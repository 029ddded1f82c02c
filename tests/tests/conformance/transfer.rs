//! Handing a connection to another target (R7).

use crate::support::{
    Act, NodeAct, Saw, Scenario, Setup, Who, join_with, leave_with, message, message_on, told,
};
use serde_json::{Value, json};
use wsrelay_core::process::ExitReason;
use wsrelay_core::relay::Authority;
use wsrelay_tests::*;

fn joined() -> Scenario {
    Scenario::joined(Setup::default())
}

fn user() -> Value {
    json!({"user": 7})
}

/// The leave of whoever hands the client over.
fn handed_on(metadata: &Value) -> Saw {
    leave_with(&Value::Null, "transfer", true, metadata)
}

/// A client of the other process says goodbye; who has had it before sees the exit as well.
fn bye_to_other(scenario: Scenario, metadata: &Value) -> Scenario {
    scenario
        .client(close(1000, "bye"))
        .client_is_closed(1000, "")
        .sees(Who::Other, leave_with(&json!(1000), "bye", true, metadata))
        .sees_exit(Who::Other, Who::Client, ExitReason::Normal)
}

/// [R7] Leave, then join, and everything changes together; the old target's end is nothing to the client then.
fn target_topic_and_metadata_change_together() -> Scenario {
    let control = json!({
        "target_pid": "<other>", "message_topic": "room.said", "metadata": {"room": 9}, "ref": 1,
    });
    let room = json!({"room": 9});
    let scenario = joined()
        .client(text("before"))
        .sees(Who::Target, message("before"))
        .sends(Who::Target, Who::Client, "ws.control", control)
        .sees(Who::Target, handed_on(&user()))
        .sees(Who::Target, told("ws.ack", json!({"ref": 1, "ok": true})))
        .sees(Who::Other, join_with(&room, None))
        .client(text("after"))
        .sees(Who::Other, message_on("room.said", "text", "after", &room))
        .watches(Who::Watcher, Who::Target)
        .acts(Who::Target, Act::Exits(ExitReason::crashed("x")))
        .sees_exit(Who::Watcher, Who::Target, ExitReason::crashed("x"))
        .client(text("still there"))
        .sees(Who::Other, message_on("room.said", "text", "still there", &room));
    bye_to_other(scenario, &room)
}

/// [R7] Absent fields stay as they are.
fn a_transfer_keeps_what_it_does_not_name() -> Scenario {
    let setup = Setup::default().field("message_topic", json!("said"));
    let scenario = Scenario::joined(setup)
        .commands(Who::Watcher, "ws.control", json!({"target_pid": "<other>"}))
        .sees(Who::Target, handed_on(&user()))
        .sees(Who::Other, join_with(&user(), None))
        .client(text("hi"))
        .sees(Who::Other, message_on("said", "text", "hi", &user()));
    bye_to_other(scenario, &user()).sees_exit(Who::Target, Who::Client, ExitReason::Normal)
}

/// [R7] On failure nothing has changed, and the sender is told.
fn a_transfer_to_a_dead_process_changes_nothing() -> Scenario {
    let control = json!({"target_pid": "<other>", "message_topic": "new", "metadata": {"a": 1}});
    joined()
        .watches(Who::Watcher, Who::Other)
        .acts(Who::Other, Act::Exits(ExitReason::Normal))
        .sees_exit(Who::Watcher, Who::Other, ExitReason::Normal)
        .commands_in_vain(Who::Watcher, "ws.control", control, "the new target is not alive")
        .commands_in_vain(
            Who::Watcher,
            "ws.control",
            json!({"target_pid": "a name that nobody holds"}),
            "the new target is not alive",
        )
        .client(text("hi"))
        .sees(Who::Target, message("hi"))
        .bye()
}

/// [R7] The same target is an update: no leave, no join.
fn the_same_target_is_an_update() -> Scenario {
    let room = json!({"room": 9});
    joined()
        .commands(
            Who::Watcher,
            "ws.control",
            json!({"target_pid": "<target>", "message_topic": "said", "metadata": room}),
        )
        .client(text("hi"))
        .sees(Who::Target, message_on("said", "text", "hi", &room))
        .client(close(1000, ""))
        .client_is_closed(1000, "")
        .sees(Who::Target, leave_with(&json!(1000), "", true, &room))
        .sees_exit(Who::Target, Who::Client, ExitReason::Normal)
}

/// [R7] `null`, `{}` and `[]` clear the metadata, an absent field does not.
fn null_or_empty_metadata_clears() -> Scenario {
    let empties = [Value::Null, json!({}), json!([])];
    let scenario = empties.into_iter().fold(joined(), |scenario, empty| {
        scenario
            .commands(Who::Other, "ws.control", json!({"metadata": user()}))
            .commands(Who::Other, "ws.control", json!({}))
            .client(text("full"))
            .sees(Who::Target, message("full"))
            .commands(Who::Other, "ws.control", json!({"metadata": empty}))
            .client(text("empty"))
            .sees(Who::Target, message_on("ws.message", "text", "empty", &json!({})))
    });
    scenario.commands(Who::Other, "ws.control", json!({"metadata": user()})).bye()
}

/// [R7] [P6] A name works wherever a PID does.
fn a_connection_may_be_handed_to_a_name() -> Scenario {
    let scenario = joined()
        .node(NodeAct::Registers("lobby", Who::Other))
        .commands(Who::Watcher, "ws.control", json!({"target_pid": "lobby"}))
        .sees(Who::Target, handed_on(&user()))
        .sees(Who::Other, join_with(&user(), None))
        // Called by its name, the present target is the present target.
        .commands(Who::Watcher, "ws.control", json!({"target_pid": "lobby", "metadata": {"a": 1}}))
        .client(text("hi"))
        .sees(Who::Other, message_on("ws.message", "text", "hi", &json!({"a": 1})));
    bye_to_other(scenario, &json!({"a": 1})).sees_exit(Who::Target, Who::Client, ExitReason::Normal)
}

/// [R7] And back again, at once; no message is lost, doubled, or in the wrong hands.
fn transfers_follow_each_other_and_commands_wait_for_them() -> Scenario {
    joined()
        .sends(Who::Watcher, Who::Client, "ws.control", json!({"target_pid": "<other>"}))
        .sends(Who::Watcher, Who::Client, "ws.send", json!({"type": "text", "data": "1"}))
        .sends(Who::Watcher, Who::Client, "ws.control", json!({"target_pid": "<target>"}))
        .sends(Who::Watcher, Who::Client, "ws.send", json!({"type": "text", "data": "2"}))
        .client_sees(text("1"))
        .client_sees(text("2"))
        .sees(Who::Target, handed_on(&user()))
        .sees(Who::Target, crate::support::join())
        .sees(Who::Other, join_with(&user(), None))
        .sees(Who::Other, handed_on(&user()))
        .client(text("hi"))
        .sees(Who::Target, message("hi"))
        .bye()
        // It was the target once, and watches the client still.
        .sees_exit(Who::Other, Who::Client, ExitReason::Normal)
}

/// [R7] [R9] Who is the target may control, from the transfer on.
fn control_goes_over_with_the_connection() -> Scenario {
    let error = "only the target may control this connection";
    Scenario::joined(Setup::default().options(|options| options.control = Authority::Target))
        .sends(Who::Target, Who::Client, "ws.control", json!({"target_pid": "<other>"}))
        .sees(Who::Target, handed_on(&user()))
        .sees(Who::Other, join_with(&user(), None))
        .commands_in_vain(Who::Target, "ws.close", json!({}), error)
        .commands(Who::Other, "ws.close", json!({"code": 4000}))
        .client_agrees_to_close(4000, "")
        .sees_gone(Who::Other, (4000, "", true), ExitReason::Normal)
        .sees_exit(Who::Target, Who::Client, ExitReason::Normal)
}

/// [R7] [C:TargetFailed] From the join on it is the new target that matters.
fn the_crash_of_the_new_target_closes() -> Scenario {
    joined()
        .commands(Who::Watcher, "ws.control", json!({"target_pid": "<other>"}))
        .sees(Who::Target, handed_on(&user()))
        .sees(Who::Other, join_with(&user(), None))
        .acts(Who::Other, Act::Exits(ExitReason::crashed("secret")))
        .client_agrees_to_close(1011, "internal error")
        .sees_exit(Who::Target, Who::Client, ExitReason::crashed("target failed"))
}

crate::on_every_driver! {
    target_topic_and_metadata_change_together,
    a_transfer_keeps_what_it_does_not_name,
    a_transfer_to_a_dead_process_changes_nothing,
    the_same_target_is_an_update,
    null_or_empty_metadata_clears,
    a_connection_may_be_handed_to_a_name,
    transfers_follow_each_other_and_commands_wait_for_them,
    control_goes_over_with_the_connection,
    the_crash_of_the_new_target_closes,
}
