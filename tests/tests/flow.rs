//! Flow control both ways (P8, P9), and what goes ahead of data.

use serde_json::{Value, json};
use wsrelay_core::connection::{Input, Note};
use wsrelay_core::fault::CommandFault;
use wsrelay_core::process::{ExitReason, Signal};
use wsrelay_core::relay::Overflow;
use wsrelay_core::time::Timeout;
use wsrelay_tests::*;

/// A connection whose outbox holds two messages or twenty bytes, and whose socket is stuck with one message
/// in flight.
fn tight(overflow: Overflow) -> Script {
    Setup::default()
        .overflow(overflow)
        .limits(|limits| {
            limits.outbox_messages_max = 2;
            limits.outbox_bytes_max = 20;
            limits.write_ahead_bytes = 1;
        })
        .join()
        .stuck_socket()
        .signal(send_command(target(), "in flight", None))
        .expect([send(text("in flight"))])
}

fn say(data: &str, reference: u64) -> Signal {
    send_command(other(), data, Some(reference))
}

fn payload_of(seen: &Seen) -> Option<&Value> {
    if let Seen::Told(_, _, payload) = seen { Some(payload) } else { None }
}

const FULL: &str = "the outbox is full";

/// [P8] A full target stops the socket, and room starts it again; what was read already is not decoded meanwhile.
#[test]
fn a_full_target_stops_the_reading() {
    joined()
        .input(Input::TargetFull(target()))
        .expect([Seen::StopReading])
        .client("read already")
        .expect([])
        .input(Input::TargetRoom(target()))
        .expect([message(text("read already")), Seen::ResumeReading]);
}

/// [P8] The mailbox of somebody else is of no concern.
#[test]
fn only_the_targets_mailbox_counts() {
    joined().input(Input::TargetFull(other())).expect([]).client("hi").expect([message(text("hi"))]);
}

/// [P8] [T:mailbox] The deadline counts from when it became full, and anew after there was room.
#[test]
fn room_restarts_the_deadline_of_a_full_target() {
    joined()
        .input(Input::TargetFull(target()))
        .after(secs(9))
        .input(Input::TargetFull(target()))
        .input(Input::TargetRoom(target()))
        .input(Input::TargetFull(target()))
        .forget()
        .after(secs(9))
        .expect([])
        .after(secs(1))
        .expect([
            leave(1013, "mailbox full", false),
            exit(ExitReason::crashed("target's mailbox full")),
            demonitor(target()),
            send(close(1013, "server busy")),
            Seen::ResumeReading,
            Seen::Shutdown,
        ]);
}

/// [P8] [T:ping] No pings, no deaths: the client's answer could not be read.
#[test]
fn nobody_is_declared_dead_while_the_relay_does_not_read() {
    let setup = || Setup::default().limits(|limits| limits.mailbox_wait_max = secs(3600));
    setup().join().input(Input::TargetFull(target())).forget().after(secs(600)).expect([]);
    setup()
        .join()
        .after(secs(25))
        .expect([send(ping(b""))])
        .input(Input::TargetFull(target()))
        .forget()
        .after(secs(600))
        .expect([]);
}

/// [P8] [T:pong] Not even when something else is due after the pong was.
#[test]
fn a_heartbeat_does_not_declare_anybody_dead_while_the_relay_does_not_read() {
    let mut script = Setup::default()
        .limits(|limits| limits.mailbox_wait_max = secs(3600))
        .field("heartbeat_interval", json!("5s"))
        .join()
        .after(secs(25))
        .input(Input::TargetFull(target()))
        .forget()
        .after(secs(100));
    let seen = script.seen();
    assert_eq!(seen.len(), 20);
    assert!(
        seen.iter().all(|seen| matches!(seen, Seen::Told(_, topic, _) if topic == "ws.heartbeat")),
        "{seen:?}"
    );
}

/// [P8] [T:pong] When it reads again the client has all the time it had.
#[test]
fn the_silence_begins_anew_when_the_relay_reads_again() {
    Setup::default()
        .limits(|limits| limits.mailbox_wait_max = secs(3600))
        .join()
        .after(secs(25))
        .input(Input::TargetFull(target()))
        .after(secs(600))
        .input(Input::TargetRoom(target()))
        .forget()
        .after(millis(9_999))
        .expect([])
        .after(millis(1))
        .expect([
            leave(1006, "no answer to a ping", false),
            exit(ExitReason::crashed("no answer to a ping")),
            demonitor(target()),
            send(close(1011, "no answer to a ping")),
            Seen::Shutdown,
        ]);
}

/// [P8] [T:idle] A client whose messages are not read is not idle.
#[test]
fn nobody_is_idle_while_the_relay_does_not_read() {
    Setup::default()
        .limits(|limits| limits.idle_max = Timeout::After(secs(5)))
        .join()
        .input(Input::TargetFull(target()))
        .forget()
        .after(secs(8))
        .expect([]);
}

/// [P8] Messages to the client go on while the relay does not read.
#[test]
fn a_full_target_does_not_stop_the_writing() {
    joined()
        .input(Input::TargetFull(target()))
        .forget()
        .told("ws.send", json!({"type": "text", "data": "x"}))
        .expect([send(text("x"))]);
}

/// [P8] [C:Lost] An end of the stream is seen also then.
#[test]
fn a_client_may_leave_while_the_target_is_full() {
    joined().input(Input::TargetFull(target())).forget().eof().expect([
        leave(1006, "connection lost", false),
        exit(ExitReason::crashed("connection lost")),
        demonitor(target()),
        Seen::Cut,
    ]);
}

/// [P8] [R7] A transfer away from a full target reads on.
#[test]
fn a_transfer_away_from_a_full_target_reads_on() {
    let mut script = joined()
        .input(Input::TargetFull(target()))
        .client("waiting")
        .told("ws.control", json!({"target_pid": other().to_string()}))
        .forget()
        .attach_ok(other());
    let seen = script.seen();
    assert!(matches!(&seen[..], [_, _, Seen::Told(..), Seen::Told(..), Seen::ResumeReading]), "{seen:?}");
    assert_eq!(
        seen.iter().filter_map(payload_of).filter_map(|payload| payload["data"].as_str()).collect::<Vec<_>>(),
        ["waiting"]
    );
}

/// [P8] [T:mailbox] A close that is decided while the target is full does not fill it further.
#[test]
fn a_commanded_close_reads_on_once_the_target_has_room() {
    joined()
        .input(Input::TargetFull(target()))
        .forget()
        .told("ws.close", json!({}))
        .expect([send(close(1000, ""))])
        .input(Input::TargetRoom(target()))
        .expect([Seen::ResumeReading])
        .frame(close(1000, ""))
        .expect([leave(1000, "", true), exit(ExitReason::Normal), demonitor(target()), Seen::Shutdown]);
}

/// [P9] [C:SlowClient] Policy close.
#[test]
fn policy_close_closes_when_one_message_is_too_many() {
    tight(Overflow::Close)
        .signal(say("1", 1))
        .signal(say("2", 2))
        .expect([])
        .signal(send_command(other(), "3", None))
        .forget()
        .unstick()
        .expect([send(close(1013, "client too slow")), Seen::Shutdown]);
}

/// [P9] [R5] The sender can learn the outcome, also that of the message that was too many.
#[test]
fn policy_close_answers_every_ref() {
    let mut script = tight(Overflow::Close).signal(say("1", 1)).signal(say("2", 2)).signal(say("3", 3));
    let seen = script.seen();
    let mut refs: Vec<_> =
        seen.iter().filter_map(payload_of).filter_map(|payload| payload["ref"].as_u64()).collect();
    refs.sort_unstable();
    assert_eq!(refs, [1, 2, 3], "{seen:?}");
}

/// [P9] Policy drop new: the new message is refused and the connection lives on.
#[test]
fn policy_drop_new_refuses_the_new_message() {
    let script = tight(Overflow::DropNew)
        .signal(say("1", 1))
        .signal(say("2", 2))
        .signal(say("3", 3))
        .expect([refused_ack(other(), 3, FULL)])
        .expect_notes([Note::CommandRefused { from: Some(other()), fault: CommandFault::OutboxFull }])
        .unstick()
        .expect([send(text("1")), ack(other(), 1), send(text("2")), ack(other(), 2)]);
    assert_eq!((script.counters().messages_dropped, script.counters().messages_out), (1, 3));
}

/// [P9] Bytes count as well as messages.
#[test]
fn the_outbox_is_bounded_in_bytes() {
    tight(Overflow::DropNew)
        .signal(say("a message", 1))
        .signal(say("a message", 2))
        .expect([refused_ack(other(), 2, FULL)])
        .signal(say("", 3))
        .unstick()
        .expect([send(text("a message")), ack(other(), 1), send(text("")), ack(other(), 3)]);
}

/// [P9] Policy drop old: the oldest make room.
#[test]
fn policy_drop_old_makes_room() {
    let script = tight(Overflow::DropOld)
        .signal(send_command(other(), "1", None))
        .signal(send_command(other(), "2", None))
        .signal(send_command(other(), "3", None))
        .unstick()
        .expect([send(text("2")), send(text("3"))]);
    assert_eq!(script.counters().messages_dropped, 1);
}

/// [P9] [R5] The sender of a message that had to make room learns of it.
#[test]
fn policy_drop_old_tells_the_sender_of_the_old_message() {
    tight(Overflow::DropOld)
        .signal(say("1", 1))
        .signal(say("2", 2))
        .signal(say("3", 3))
        .expect([refused_ack(other(), 1, FULL)]);
}

/// [P9] What would not fit anyway costs nobody a place.
#[test]
fn policy_drop_old_drops_nothing_for_a_message_that_does_not_fit_anyway() {
    Setup::default()
        .overflow(Overflow::DropOld)
        .limits(|limits| {
            limits.outbox_bytes_max = 20;
            limits.write_ahead_bytes = 1;
        })
        .join()
        .stuck_socket()
        .signal(send_command(target(), "eighteen bytes now", None))
        .forget()
        .signal(send_command(target(), "x", None))
        .signal(say("nineteen bytes here", 2))
        .expect([refused_ack(other(), 2, FULL)])
        .unstick()
        .expect([send(text("x"))]);
}

/// [P9] Larger than the whole outbox: refused under every policy, and no reason to close.
#[test]
fn a_message_larger_than_the_outbox_is_refused() {
    for overflow in [Overflow::Close, Overflow::DropNew, Overflow::DropOld] {
        tight(overflow)
            .signal(say("x", 1))
            .signal(say(&"x".repeat(21), 2))
            .expect([refused_ack(other(), 2, "ws.send: the message is larger than the outbox")])
            .unstick()
            .expect([send(text("x")), ack(other(), 1)]);
    }
}

/// [P9] A message as large as the outbox has room while the last one is still on its way.
#[test]
fn a_message_as_large_as_the_outbox_is_taken() {
    let data = "x".repeat(1024 * 1024);
    joined()
        .stuck_socket()
        .signal(say("small", 1))
        .expect([send(text("small")), ack(other(), 1)])
        .signal(say(&data, 2))
        .expect([send(text(&data)), ack(other(), 2)]);
}

/// [P9] A close passes a full outbox: it is neither refused nor does it evict, and the order holds.
#[test]
fn a_close_passes_a_full_outbox() {
    for overflow in [Overflow::Close, Overflow::DropNew, Overflow::DropOld] {
        tight(overflow)
            .signal(say("1", 1))
            .signal(say("2", 2))
            .told("ws.close", json!({"code": 4000, "ref": 3}))
            .expect([ack(other(), 3)])
            .unstick()
            .expect([
                send(text("1")),
                ack(other(), 1),
                send(text("2")),
                ack(other(), 2),
                send(close(4000, "")),
            ]);
    }
}

/// [P9] [R7] So does a control.
#[test]
fn a_control_passes_a_full_outbox() {
    tight(Overflow::Close)
        .signal(say("1", 1))
        .signal(say("2", 2))
        .told("ws.control", json!({"metadata": {}, "ref": 3}))
        .expect([ack(other(), 3)])
        .unstick()
        .expect([send(text("1")), ack(other(), 1), send(text("2")), ack(other(), 2)]);
}

/// [P9] And so does the end of the target.
#[test]
fn an_exit_signal_passes_a_full_outbox() {
    tight(Overflow::DropNew)
        .signal(say("1", 1))
        .signal(say("2", 2))
        .signal(Signal::Down { from: target(), reason: ExitReason::Normal })
        .expect([])
        .unstick()
        .expect([send(text("1")), ack(other(), 1), send(text("2")), ack(other(), 2), send(close(1000, ""))]);
}

/// [P9] [R5] An acknowledgement says that the message is on its way, not that it waits.
#[test]
fn a_message_that_waits_is_not_acknowledged_yet() {
    tight(Overflow::Close)
        .signal(say("1", 1))
        .expect([])
        .unstick()
        .expect([send(text("1")), ack(other(), 1)]);
}

/// [R5] [P9] A message that was taken and then skipped is answered too.
#[test]
fn a_message_that_is_skipped_at_the_end_is_answered() {
    for end in [Signal::Kill, Signal::Exit { from: linked(), reason: ExitReason::Killed }] {
        let mut script = tight(Overflow::Close)
            .signal(Signal::Link { peer: linked() })
            .signal(say("1", 1))
            .expect([])
            .signal(end);
        let seen = script.seen();
        let answers = seen.iter().filter(|seen| payload_of(seen).is_some_and(|payload| payload["ref"] == 1));
        assert_eq!(answers.count(), 1, "{seen:?}");
    }
}

/// [T:auto-pong] A pong has the ping's payload, and is written at once also when nothing else happens.
#[test]
fn a_ping_is_answered_with_its_own_payload() {
    joined().frame(ping(b"abc")).expect([send(pong(b"abc"))]);
    joined().frame(ping(&[7; 125])).expect([send(pong(&[7; 125]))]);
    joined().frames([ping(b"1"), text("x"), ping(b"2")]).expect([
        send(pong(b"1")),
        message(text("x")),
        send(pong(b"2")),
    ]);
}

/// [T:auto-pong] Ahead of data that waits.
#[test]
fn a_pong_goes_ahead_of_data() {
    tight(Overflow::Close)
        .signal(send_command(other(), "waiting", None))
        .frame(ping(b"?"))
        .expect([])
        .unstick()
        .expect([send(pong(b"?")), send(text("waiting"))]);
}

/// [T:auto-pong] Of several pings that could not be answered, the latest.
#[test]
fn only_the_latest_ping_is_answered_when_the_socket_is_stuck() {
    tight(Overflow::Close)
        .frames([ping(b"1"), ping(b"2")])
        .frame(ping(b"3"))
        .expect([])
        .unstick()
        .expect([send(pong(b"3"))]);
}

/// [T:auto-pong] A pong of the client's is no ping.
#[test]
fn a_pong_that_nobody_asked_for_is_nothing() {
    joined().frame(pong(b"hello")).expect([]);
}

/// [T:auto-pong] [T:close] While a close is awaited, pings are not answered: nothing follows a close frame.
#[test]
fn nothing_is_sent_after_a_close_frame() {
    joined().told("ws.close", json!({})).forget().frame(ping(b"?")).expect([]);
}

/// [P10] A connection that waits for its socket still hears its processes, and its client.
#[test]
fn a_stuck_socket_blocks_neither_commands_nor_messages() {
    tight(Overflow::DropNew)
        .client("hi")
        .expect([message(text("hi"))])
        .told("ws.control", json!({"metadata": {"a": 1}, "ref": 1}))
        .expect([ack(other(), 1)]);
}
