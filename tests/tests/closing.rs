//! How a connection ends gracefully: the rows of table C in which queued messages and the close frame go out,
//! and the client's own close is waited for. The other rows are in `ending.rs`.

use serde_json::json;
use wsrelay_core::connection::{Input, Note};
use wsrelay_core::process::{ExitReason, Signal};
use wsrelay_core::relay::End;
use wsrelay_core::time::Timeout;
use wsrelay_tests::*;

/// [`gone`] when the target is not there any more.
fn gone_without_a_leave(why: ExitReason) -> Vec<Seen> {
    vec![exit(why.clone()), down(watcher(), why)]
}

fn quiet() -> Setup {
    Setup::default().limits(|limits| limits.ping_interval = Timeout::Off)
}

fn crashed(why: &str) -> ExitReason {
    ExitReason::crashed(why)
}

/// [C:TargetExited] [R4] 1000, and nobody is told who is not there.
#[test]
fn a_target_that_comes_to_its_end_closes_with_1000() {
    for reason in [ExitReason::Normal, ExitReason::Shutdown] {
        watched(Setup::default())
            .signal(Signal::Down { from: target(), reason })
            .expect([send(close(1000, ""))])
            .frame(close(1000, ""))
            .expect(and(gone_without_a_leave(ExitReason::Normal), [Seen::Shutdown]))
            .expect_notes([Note::Closed(End::TargetExited)])
            .eof()
            .expect([Seen::Cut]);
    }
}

/// [C:TargetFailed] [R8] 1011, and never the error's text.
#[test]
fn a_target_that_fails_closes_with_1011() {
    for reason in [
        crashed("password is hunter2"),
        ExitReason::Killed,
        ExitReason::NodeLost,
        ExitReason::NoProcess,
        ExitReason::Linked,
    ] {
        watched(Setup::default())
            .signal(Signal::Down { from: target(), reason })
            .expect([send(close(1011, "internal error"))])
            .frame(close(1011, ""))
            .expect(and(gone_without_a_leave(crashed("target failed")), [Seen::Shutdown]));
    }
}

/// [C:TargetExited] [R4] What the target sent before its end is still said.
#[test]
fn the_last_words_of_a_target_reach_the_client() {
    joined()
        .stuck_socket()
        .signal(send_command(target(), "goodbye", None))
        .signal(Signal::Down { from: target(), reason: ExitReason::Normal })
        .unstick()
        .expect([send(text("goodbye")), send(close(1000, ""))]);
}

/// [C:Commanded] [R5] [R4] Its code and reason; the leave only when the client has answered.
#[test]
fn a_commanded_close_waits_for_the_clients_own() {
    watched(Setup::default())
        .told("ws.close", json!({"code": 4005, "reason": "lunch"}))
        .expect([send(close(4005, "lunch"))])
        .frame(close(4005, "lunch"))
        .expect(and(gone(4005, "lunch", true, ExitReason::Normal), [Seen::Shutdown]))
        .eof()
        .expect([Seen::Cut]);
}

/// [C:Commanded] [T:close] A client that does not answer is cut after five seconds, and was not clean.
#[test]
fn a_commanded_close_that_is_not_answered_is_cut() {
    watched(Setup::default())
        .told("ws.close", json!({}))
        .expect([send(close(1000, ""))])
        .after(millis(4_999))
        .expect([])
        .after(millis(1))
        .expect(and(gone(1000, "", false, ExitReason::Normal), [Seen::Cut]));
}

/// [C:Commanded] A client that just leaves was not clean.
#[test]
fn a_commanded_close_that_ends_in_eof_is_not_clean() {
    watched(Setup::default())
        .told("ws.close", json!({"code": 3000}))
        .forget()
        .eof()
        .expect(and(gone(3000, "", false, ExitReason::Normal), [Seen::Cut]));
}

/// [C:Commanded] [R4] Until the client has closed, what it says is relayed.
#[test]
fn messages_that_cross_a_close_are_relayed_before_the_leave() {
    joined().told("ws.close", json!({})).forget().frames([text("crossing"), close(1000, "")]).expect([
        message(text("crossing")),
        leave(1000, "", true),
        exit(ExitReason::Normal),
        demonitor(target()),
        Seen::Shutdown,
    ]);
}

/// [C:Commanded] [R4] A target that ends before the client has closed is not there to be told.
#[test]
fn a_target_that_ends_during_a_close_gets_no_leave() {
    watched(Setup::default())
        .told("ws.close", json!({}))
        .forget()
        .signal(Signal::Down { from: target(), reason: crashed("x") })
        .expect([])
        .frame(close(1000, ""))
        .expect(and(gone_without_a_leave(ExitReason::Normal), [Seen::Shutdown]));
}

/// [C:Commanded] Only the first close counts; a command after it is refused.
#[test]
fn after_a_close_commands_are_refused() {
    joined()
        .told("ws.close", json!({"code": 4000}))
        .told("ws.close", json!({"code": 4001, "ref": 1}))
        .told("ws.send", json!({"type": "text", "data": "x", "ref": 2}))
        .told("ws.control", json!({"metadata": {}, "ref": 3}))
        .expect([
            send(close(4000, "")),
            refused_ack(other(), 1, "the connection is closing"),
            refused_ack(other(), 2, "the connection is closing"),
            refused_ack(other(), 3, "the connection is closing"),
        ]);
}

/// [C:Idle] [T:idle] 1001
#[test]
fn an_idle_connection_closes_with_1001() {
    watched(quiet().limits(|limits| limits.idle_max = Timeout::After(secs(60))))
        .after(secs(60))
        .expect([send(close(1001, "idle too long"))])
        .frame(close(1001, ""))
        .expect(and(gone(1001, "idle too long", true, ExitReason::Normal), [Seen::Shutdown]));
}

/// [C:Expired] [T:lifetime] 1001
#[test]
fn an_old_connection_closes_with_1001() {
    watched(quiet().limits(|limits| limits.lifetime_max = Timeout::After(secs(60))))
        .after(secs(30))
        .client("busy")
        .expect([message(text("busy"))])
        .after(secs(30))
        .expect([send(close(1001, "open too long"))])
        .frame(close(1001, ""))
        .expect(and(gone(1001, "open too long", true, ExitReason::Normal), [Seen::Shutdown]));
}

/// [C:Cancelled] [P5] 1001; the words are for the target.
#[test]
fn a_cancelled_connection_closes_with_1001() {
    watched(Setup::default())
        .signal(Signal::Cancel { from: Some(other()), reason: "moving house".into() })
        .expect([send(close(1001, "going away"))])
        .frame(close(1001, ""))
        .expect(and(gone(1001, "moving house", true, ExitReason::Normal), [Seen::Shutdown]));
}

/// [C:Drained] [T:drain] 1012, normal, reason shutdown.
#[test]
fn a_drained_connection_closes_with_1012() {
    let script = watched(quiet()).input(Input::Drain(secs(30)));
    let moment = script.wait().expect("a moment within the window");
    script
        .after(moment)
        .expect([send(close(1012, "server restarting"))])
        .frame(close(1012, ""))
        .expect(and(gone(1012, "shutdown", true, ExitReason::Shutdown), [Seen::Shutdown]));
}
