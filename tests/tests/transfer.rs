//! Handing a connection to another target (R7).

use serde_json::{Value, json};
use wsrelay_core::connection::{Input, Note, Refused};
use wsrelay_core::fault::CommandFault;
use wsrelay_core::process::{ExitReason, Pid, Signal};
use wsrelay_core::relay::{Authority, Overflow};
use wsrelay_core::time::Timeout;
use wsrelay_tests::*;

fn hand_over() -> Value {
    json!({"target_pid": other().to_string()})
}

/// The leave that the old target gets.
fn handed_on() -> Seen {
    let payload = json!({
        "client_pid": client().to_string(), "reason": "transfer", "code": null, "clean": true,
        "metadata": {"user": 7},
    });
    to(target(), "ws.leave", payload)
}

fn joined_by(process: Pid, metadata: &Value) -> Seen {
    let payload = json!({
        "client_pid": client().to_string(), "metadata": metadata, "subprotocol": null, "peer": null,
    });
    to(process, "ws.join", payload)
}

fn said_to(process: Pid, topic: &str, data: &str, metadata: &Value) -> Seen {
    let payload =
        json!({"client_pid": client().to_string(), "type": "text", "data": data, "metadata": metadata});
    to(process, topic, payload)
}

/// A connection that is being handed over to [`other`].
fn transferring() -> Script {
    joined().told("ws.control", hand_over()).expect([attach(other()), Seen::StopReading])
}

/// [R7] [R4] Monitor the new one, leave the old one, join the new one, read on; and nothing of the client's is
/// between leave and join.
#[test]
fn a_transfer_is_one_step_in_the_promised_order() {
    transferring()
        .attach_ok(other())
        .expect([
            handed_on(),
            demonitor(target()),
            joined_by(other(), &json!({"user": 7})),
            Seen::ResumeReading,
        ])
        .client("hi")
        .expect([said_to(other(), "ws.message", "hi", &json!({"user": 7}))]);
}

/// [R7] The old target reads the metadata that it knows, the new one the new ones.
#[test]
fn the_leave_has_the_old_metadata_and_the_join_the_new() {
    let mut control = hand_over();
    control["metadata"] = json!({"room": 9});
    joined().told("ws.control", control).attach_ok(other()).forget().eof().expect([
        to(
            other(),
            "ws.leave",
            json!({"client_pid": client().to_string(), "reason": "connection lost", "code": 1006,
                "clean": false, "metadata": {"room": 9}}),
        ),
        exit(ExitReason::crashed("connection lost")),
        demonitor(other()),
        Seen::Cut,
    ]);
}

/// [R7] Everything changes together.
#[test]
fn target_topic_interval_and_metadata_change_together() {
    let control = json!({
        "target_pid": other().to_string(), "message_topic": "room.said", "heartbeat_interval": "5s",
        "metadata": {"room": 9},
    });
    let mut script = joined()
        .told("ws.control", control)
        .attach_ok(other())
        .expect([
            attach(other()),
            Seen::StopReading,
            handed_on(),
            demonitor(target()),
            joined_by(other(), &json!({"room": 9})),
            Seen::ResumeReading,
        ])
        .client("hi")
        .expect([said_to(other(), "room.said", "hi", &json!({"room": 9}))])
        .after(secs(5));
    let seen = script.seen();
    assert!(
        matches!(&seen[..], [Seen::Told(process, topic, _)] if *process == other().into() && topic == "ws.heartbeat"),
        "{seen:?}"
    );
}

/// [R7] An absent field is unchanged.
#[test]
fn absent_fields_stay_as_they_are() {
    Setup::default()
        .field("message_topic", json!("said"))
        .join()
        .told("ws.control", hand_over())
        .attach_ok(other())
        .forget()
        .client("hi")
        .expect([said_to(other(), "said", "hi", &json!({"user": 7}))]);
}

/// [R7] `null`, `{}`, and Lua's `[]`.
#[test]
fn null_or_empty_metadata_clears() {
    for empty in [Value::Null, json!({}), json!([])] {
        joined().told("ws.control", json!({"metadata": empty})).expect([]).client("hi").expect([said_to(
            target(),
            "ws.message",
            "hi",
            &json!({}),
        )]);
    }
}

/// [R7] A control to the same target is an update: no leave, no join.
#[test]
fn the_same_target_is_an_update() {
    joined()
        .told("ws.control", json!({"target_pid": target().to_string(), "metadata": {"a": 1}, "ref": 1}))
        .expect([ack(other(), 1)])
        .client("hi")
        .expect([said_to(target(), "ws.message", "hi", &json!({"a": 1}))]);
}

/// [R7] [P6] Also when it is called by its name.
#[test]
fn the_same_target_by_its_name_is_an_update() {
    joined()
        .told("ws.control", json!({"target_pid": "lobby", "metadata": {"a": 1}, "ref": 1}))
        .expect([attach("lobby"), Seen::StopReading])
        .attach_ok(target())
        .expect([ack(other(), 1), Seen::ResumeReading])
        .client("hi")
        .expect([said_to(target(), "ws.message", "hi", &json!({"a": 1}))]);
}

/// [R7] [R5] On failure nothing has changed, and the sender is told.
#[test]
fn a_transfer_that_fails_leaves_everything_as_it_was() {
    let control = json!({
        "target_pid": other().to_string(), "message_topic": "new", "metadata": {"a": 1}, "ref": 5,
        "heartbeat_interval": "1s",
    });
    joined()
        .told("ws.control", control)
        .expect([attach(other()), Seen::StopReading])
        .attach_fails()
        .expect([refused_ack(other(), 5, "the new target is not alive"), Seen::ResumeReading])
        .expect_notes([Note::CommandRefused { from: Some(other()), fault: CommandFault::NoProcess }])
        .client("hi")
        .expect([message(text("hi"))])
        .after(secs(20))
        .expect([]);
}

/// [R7] No message is lost, doubled, or delivered to the wrong target.
#[test]
fn what_the_client_says_during_a_transfer_goes_to_the_new_target() {
    transferring().client("during").expect([]).attach_ok(other()).expect([
        handed_on(),
        demonitor(target()),
        joined_by(other(), &json!({"user": 7})),
        said_to(other(), "ws.message", "during", &json!({"user": 7})),
        Seen::ResumeReading,
    ]);
    transferring().client("during").attach_fails().expect([message(text("during")), Seen::ResumeReading]);
}

/// [R7] [R4] What was said before the control goes to the old target, before its leave.
#[test]
fn what_the_client_said_before_a_transfer_went_to_the_old_target() {
    joined().client("before").told("ws.control", hand_over()).attach_ok(other()).client("after").expect([
        message(text("before")),
        attach(other()),
        Seen::StopReading,
        handed_on(),
        demonitor(target()),
        joined_by(other(), &json!({"user": 7})),
        Seen::ResumeReading,
        said_to(other(), "ws.message", "after", &json!({"user": 7})),
    ]);
}

/// [R7] [R4] [P2] Commands that come after it wait for it, and keep their order.
#[test]
fn commands_after_a_transfer_are_done_after_it() {
    transferring()
        .told("ws.send", json!({"type": "text", "data": "1", "ref": 1}))
        .told("ws.control", json!({"metadata": {"room": 9}}))
        .told("ws.send", json!({"type": "text", "data": "2"}))
        .expect([])
        .attach_ok(other())
        .expect([
            handed_on(),
            demonitor(target()),
            joined_by(other(), &json!({"user": 7})),
            send(text("1")),
            ack(other(), 1),
            send(text("2")),
            Seen::ResumeReading,
        ])
        .client("hi")
        .expect([said_to(other(), "ws.message", "hi", &json!({"room": 9}))]);
}

/// [R7] One transfer after the other, and back.
#[test]
fn transfers_follow_each_other() {
    transferring()
        .told("ws.control", json!({"target_pid": target().to_string()}))
        .told("ws.send", json!({"type": "text", "data": "after both"}))
        .attach_ok(other())
        .expect([handed_on(), demonitor(target()), joined_by(other(), &json!({"user": 7})), attach(target())])
        .attach_ok(target())
        .expect([
            to(
                other(),
                "ws.leave",
                json!({"client_pid": client().to_string(), "reason": "transfer", "code": null, "clean": true,
                    "metadata": {"user": 7}}),
            ),
            demonitor(other()),
            join(),
            send(text("after both")),
            Seen::ResumeReading,
        ]);
}

/// [R7] [R9] During a transfer the question who is the target waits for its outcome.
#[test]
fn the_new_target_may_control_at_once() {
    Setup::default()
        .control(Authority::Target)
        .join()
        .signal(control(target(), "ws.control", hand_over()))
        .signal(control(other(), "ws.close", json!({"code": 4000})))
        .forget()
        .attach_ok(other())
        .expect([
            handed_on(),
            demonitor(target()),
            joined_by(other(), &json!({"user": 7})),
            send(close(4000, "")),
            Seen::ResumeReading,
        ]);
}

/// [R7] A target that hands its client over and comes to its end takes nobody with it.
#[test]
fn the_end_of_the_old_target_after_a_transfer_is_nothing_to_the_connection() {
    transferring()
        .attach_ok(other())
        .forget()
        .signal(Signal::Down { from: target(), reason: ExitReason::Normal })
        .expect([])
        .client("hi")
        .expect([said_to(other(), "ws.message", "hi", &json!({"user": 7}))]);
}

/// [R7] [C:TargetFailed] From the join on it is the new target that matters.
#[test]
fn the_end_of_the_new_target_closes() {
    transferring()
        .attach_ok(other())
        .forget()
        .signal(Signal::Down { from: other(), reason: ExitReason::crashed("x") })
        .expect([send(close(1011, "internal error"))]);
}

/// [R7] [C:TargetExited] The old target ends while the new one is looked for: the new one is left in peace.
#[test]
fn the_end_of_the_old_target_during_a_transfer_closes_and_takes_the_monitor_back() {
    transferring()
        .signal(Signal::Down { from: target(), reason: ExitReason::Normal })
        .expect([send(close(1000, "")), Seen::ResumeReading])
        .attach_ok(other())
        .expect([demonitor(other())])
        .frame(close(1000, ""))
        .expect([exit(ExitReason::Normal), Seen::Shutdown]);
}

/// [R7] [C:Killed] Terminated during a transfer, the connection leaves its old target.
#[test]
fn a_connection_terminated_during_a_transfer_leaves_its_old_target() {
    transferring().signal(Signal::Kill).expect([
        leave(1006, "terminated", false),
        exit(ExitReason::Killed),
        demonitor(target()),
        Seen::Cut,
    ]);
}

/// [R7] [P3] Whatever ended the connection meanwhile, its monitor does not stay with a process that never
/// became its target.
#[test]
fn a_transfer_that_succeeds_after_the_end_takes_its_monitor_back() {
    let ends: [fn(Script) -> Script; 3] = [
        Script::eof,
        |script| script.signal(Signal::Kill),
        |script| {
            script
                .signal(Signal::Link { peer: linked() })
                .signal(Signal::Exit { from: linked(), reason: ExitReason::Killed })
        },
    ];
    for end in ends {
        end(transferring()).forget().attach_ok(other()).expect([demonitor(other())]);
    }
}

/// [R5] [R7] A command that waited for a transfer is answered, also when the connection ends instead.
#[test]
fn commands_that_waited_for_a_transfer_are_answered_when_the_connection_ends() {
    let mut script = joined()
        .told("ws.control", json!({"target_pid": other().to_string(), "ref": 1}))
        .told("ws.send", json!({"type": "text", "data": "x", "ref": 2}))
        .forget()
        .eof();
    let acks =
        script.seen().into_iter().filter(|seen| matches!(seen, Seen::Told(_, topic, _) if topic == "ws.ack"));
    assert_eq!(
        acks.collect::<Vec<_>>(),
        [
            refused_ack(other(), 1, "the connection is closing"),
            refused_ack(other(), 2, "the connection is closing"),
        ]
    );
}

/// [P2] [R7] Signals of one process arrive in order: what it sent before it asked for the end goes out before it.
#[test]
fn a_send_before_a_cancel_goes_out_even_if_a_transfer_is_under_way() {
    transferring()
        .told("ws.send", json!({"type": "text", "data": "last words"}))
        .signal(Signal::Cancel { from: Some(other()), reason: "enough".into() })
        .attach_fails()
        .expect([send(text("last words")), send(close(1001, "going away")), Seen::ResumeReading]);
}

/// [R7] A node at its limit does not lose a connection that it has.
#[test]
fn a_transfer_refused_for_the_limit_changes_nothing() {
    transferring()
        .input(Input::Attached(Err(Refused::AtLimit)))
        .expect([Seen::ResumeReading])
        .client("hi")
        .expect([message(text("hi"))]);
}

/// [R7] [P8] While the new target is looked for the socket is not read, so nobody is dead for being silent.
#[test]
fn a_slow_transfer_declares_nobody_dead() {
    joined()
        .after(secs(25))
        .expect([send(ping(b""))])
        .told("ws.control", hand_over())
        .expect([attach(other()), Seen::StopReading])
        .after(secs(60))
        .expect([])
        .attach_ok(other())
        .forget()
        .after(secs(9))
        .expect([]);
}

/// [R7] [T:mailbox] What waits behind a transfer is held, and so is counted and bounded.
#[test]
fn commands_that_wait_for_a_transfer_are_counted_as_held() {
    let data = "x".repeat(1000);
    let mut script = Setup::default().overflow(Overflow::DropNew).join().told("ws.control", hand_over());
    for _ in 0..10 {
        script = script.told("ws.send", json!({"type": "text", "data": data}));
    }
    assert!(script.connection().held_bytes() >= 10_000, "{} bytes", script.connection().held_bytes());
}

/// [R7] [R2] A new interval begins anew; an old one keeps its beat.
#[test]
fn a_transfer_without_an_interval_keeps_the_beat() {
    let script = Setup::default()
        .limits(|limits| limits.ping_interval = Timeout::Off)
        .field("heartbeat_interval", json!("10s"))
        .join();
    let before = script.wait();
    let script = script.told("ws.control", hand_over()).attach_ok(other());
    assert_eq!(script.wait(), before);
}

/// [R7] [T:ping] A command that names the present target is no sign of life of the client's.
#[test]
fn commands_do_not_keep_a_silent_client_alive() {
    let mut script = joined();
    for _ in 0..2 {
        script = script.after(secs(20)).told("ws.control", json!({"target_pid": "name"})).attach_ok(target());
    }
    assert!(script.seen().contains(&send(ping(b""))), "the client was never pinged");
}
