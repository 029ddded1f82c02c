//! What time brings about (T).

use serde_json::json;
use wsrelay_core::connection::Input;
use wsrelay_core::process::ExitReason;
use wsrelay_core::time::Timeout;
use wsrelay_core::upgrade::Response;
use wsrelay_tests::*;

fn stalled() -> [Seen; 4] {
    [
        leave(1006, "client does not read", false),
        exit(ExitReason::crashed("client does not read")),
        demonitor(target()),
        Seen::Cut,
    ]
}

/// [T:write] Ten seconds without progress.
#[test]
fn a_write_that_makes_no_progress_is_cut_after_ten_seconds() {
    joined()
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "x"}))
        .forget()
        .after(millis(9_999))
        .expect([])
        .after(millis(1))
        .expect(stalled());
}

/// [T:write] A writer that makes progress is not cut, however slowly it goes.
#[test]
fn progress_keeps_a_slow_writer_alive() {
    let mut script = Setup::default()
        .limits(|limits| limits.ping_interval = Timeout::Off)
        .join()
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "x".repeat(20)}))
        .forget();
    for _ in 0..20 {
        script = script.after(secs(9)).takes(1).expect([]);
    }
    script.after(secs(10)).expect(stalled());
}

/// [T:write] More to write is no progress.
#[test]
fn queueing_more_does_not_put_off_a_stall() {
    joined()
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "x"}))
        .after(secs(9))
        .told("ws.send", json!({"type": "text", "data": "y"}))
        .forget()
        .after(secs(1))
        .expect(stalled());
}

/// [T:write] A write of nothing is no progress.
#[test]
fn a_write_of_nothing_is_no_progress() {
    joined()
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "x"}))
        .after(secs(9))
        .input(Input::Written(0))
        .forget()
        .after(secs(1))
        .expect(stalled());
}

/// [T:write] With nothing to write there is no stall.
#[test]
fn an_empty_outbox_cannot_stall() {
    Setup::default()
        .limits(|limits| limits.ping_interval = Timeout::Off)
        .join()
        .stuck_socket()
        .after(secs(1000))
        .expect([])
        .told("ws.send", json!({"type": "text", "data": "x"}))
        .forget()
        .after(millis(9_999))
        .expect([]);
}

/// [T:handshake] A request has ten seconds from the connection's start.
#[test]
fn a_request_that_does_not_arrive_whole_is_answered_408() {
    open()
        .after(secs(5))
        .bytes(&UPGRADE[..40])
        .after(millis(4_999))
        .expect([])
        .after(millis(1))
        .expect([Seen::Replied(refused(408, "request not complete in time")), Seen::Shutdown]);
}

/// [T:handshake] A client that never says anything is not answered.
#[test]
fn a_connection_without_a_request_is_closed() {
    open().after(secs(10)).expect([Seen::Shutdown]).eof().expect([exit(ExitReason::Normal), Seen::Cut]);
}

/// [T:handshake] One byte a second does not help.
#[test]
fn a_request_that_trickles_in_has_no_more_time() {
    let mut script = open();
    for byte in UPGRADE.bytes().take(9) {
        script = script.after(secs(1)).bytes([byte]).expect([]);
    }
    script
        .after(secs(1))
        .expect([Seen::Replied(refused(408, "request not complete in time")), Seen::Shutdown]);
}

/// [T:handshake] A handler that does not answer within half a minute.
#[test]
fn a_handler_that_does_not_answer_is_answered_for_with_503() {
    let reply = refused(503, "no answer in time").header("retry-after", "5");
    Setup::default().asked().after(millis(29_999)).expect([]).after(millis(1)).expect([
        Seen::Replied(reply),
        Seen::ResumeReading,
        Seen::Shutdown,
    ]);
}

/// [T:handshake] The time of the handshake does not run in a session.
#[test]
fn an_open_connection_has_no_deadline_of_the_handshake() {
    joined().after(secs(24)).expect([]);
}

/// [T:close] First the queue has five seconds, then the client has.
#[test]
fn a_close_waits_five_seconds_for_the_queue_and_five_for_the_client() {
    Setup::default()
        .limits(|limits| limits.write_ahead_bytes = 1)
        .join()
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "x"}))
        .told("ws.close", json!({}))
        .forget()
        .after(secs(4))
        .unstick()
        .expect([send(close(1000, ""))])
        .after(millis(4_999))
        .expect([])
        .after(millis(1))
        .expect([leave(1000, "", false), exit(ExitReason::Normal), demonitor(target()), Seen::Cut]);
}

/// [T:close] A queue that does not get out within five seconds is cut.
#[test]
fn a_close_behind_a_stuck_queue_is_cut_after_five_seconds() {
    Setup::default()
        .limits(|limits| limits.write_ahead_bytes = 1)
        .join()
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "x"}))
        .told("ws.close", json!({"code": 4000}))
        .forget()
        .after(secs(5))
        .expect([leave(4000, "", false), exit(ExitReason::Normal), demonitor(target()), Seen::Cut]);
}

/// [T:idle] A message in either direction is none of idleness; pings are.
#[test]
fn messages_keep_a_connection_from_being_idle_and_pings_do_not() {
    Setup::default()
        .limits(|limits| {
            limits.idle_max = Timeout::After(secs(20));
            limits.ping_interval = Timeout::Off;
        })
        .join()
        .after(secs(15))
        .client("hi")
        .expect([message(text("hi"))])
        .after(secs(15))
        .told("ws.send", json!({"type": "text", "data": "x"}))
        .expect([send(text("x"))])
        .after(secs(15))
        .frame(ping(b""))
        .expect([send(pong(b""))])
        .after(secs(5))
        .expect([send(close(1001, "idle too long"))]);
}

/// [T:idle] [T:lifetime] Off by default.
#[test]
fn a_connection_may_be_silent_and_old() {
    let mut script = joined();
    for _ in 0..5_000 {
        script = script.after(secs(20)).frame(pong(b""));
    }
    script.expect([]);
}

/// [R2] [R3] The first beat is somewhere within the interval, and each later one an interval after it.
#[test]
fn heartbeats_keep_their_interval_after_a_first_one_at_random() {
    let mut firsts = Vec::new();
    for seed in 0..200 {
        let script = Setup::default()
            .limits(|limits| limits.ping_interval = Timeout::Off)
            .field("heartbeat_interval", json!("10s"))
            .seed(seed)
            .join();
        let first = script.wait().expect("a first beat");
        assert!(!first.is_zero() && first <= secs(10), "{first:?}");
        let mut script = script.after(first);
        assert_eq!((script.seen().len(), script.wait()), (1, Some(secs(10))));
        let mut script = script.after(secs(100));
        assert_eq!((script.seen().len(), script.wait()), (10, Some(secs(10))));
        firsts.push(first);
    }
    firsts.sort_unstable();
    firsts.dedup();
    assert!(firsts.len() > 190, "beats align: {} different ones", firsts.len());
    assert!(firsts.first().is_some_and(|first| *first < secs(1)), "none is early");
    assert!(firsts.last().is_some_and(|last| *last > secs(9)), "none is late");
}

/// [R2] The same seed, the same beat.
#[test]
fn the_jitter_depends_on_nothing_but_the_seed() {
    let first = |seed| Setup::default().field("heartbeat_interval", json!("20s")).seed(seed).join().wait();
    assert_eq!(first(7), first(7));
    assert_ne!(first(7), first(8));
}

/// [T:ping] [R3] A heartbeat is for the target; the client's silence is none of its business.
#[test]
fn heartbeats_do_not_replace_pings() {
    let mut script = Setup::default().field("heartbeat_interval", json!("5s")).join().after(secs(25));
    let seen = script.seen();
    assert_eq!(seen.iter().filter(|seen| **seen == send(ping(b""))).count(), 1);
    assert_eq!(
        seen.iter().filter(|seen| matches!(seen, Seen::Told(_, topic, _) if topic == "ws.heartbeat")).count(),
        5
    );
}

/// [R2] [R7] An interval that was changed begins anew, and one of "0" ends it.
#[test]
fn a_control_changes_and_ends_the_heartbeat() {
    let mut script = joined().told("ws.control", json!({"heartbeat_interval": "2s"})).after(secs(10));
    assert_eq!(script.seen().len(), 5);
    script.told("ws.control", json!({"heartbeat_interval": "0"})).after(secs(14)).expect([]);
}

/// [T:drain] [C:Drained] Connections close spread over the window, each at a moment of its own.
#[test]
fn a_drain_is_spread_over_its_window() {
    let mut moments = Vec::new();
    for seed in 0..200 {
        let script = Setup::default().seed(seed).join().input(Input::Drain(secs(10)));
        let moment = script.wait().expect("a moment");
        assert!(moment <= secs(10), "{moment:?}");
        script.after(moment).expect([send(close(1012, "server restarting"))]);
        moments.push(moment);
    }
    moments.sort_unstable();
    moments.dedup();
    assert!(moments.len() > 190, "moments align: {} different ones", moments.len());
    assert!(moments.first().is_some_and(|first| *first < secs(1)));
    assert!(moments.last().is_some_and(|last| *last > secs(9)));
}

/// [T:drain] A second drain does not put the moment off.
#[test]
fn a_second_drain_puts_nothing_off() {
    let script = Setup::default().limits(|limits| limits.ping_interval = Timeout::Off).join();
    let script = script.input(Input::Drain(secs(30)));
    let first = script.wait();
    let mut script = script.input(Input::Drain(secs(3600)));
    assert!(script.wait() <= first);
    script = script.input(Input::Drain(secs(0)));
    script.turns().expect([send(close(1012, "server restarting"))]);
}

/// [T:drain] Between two requests there is nothing to wait for; a request under way is served.
#[test]
fn a_drain_closes_a_connection_between_requests_at_once() {
    open()
        .bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .respond(Response::text(200, "hi"))
        .forget()
        .input(Input::Drain(secs(30)))
        .turns()
        .expect([Seen::Shutdown]);
    let reply = reply(200).header("content-type", "text/plain; charset=utf-8").closed().body("hi");
    open()
        .bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .forget()
        .input(Input::Drain(secs(30)))
        .turns()
        .expect([])
        .respond(Response::text(200, "hi"))
        .expect([Seen::Replied(reply), Seen::Shutdown, Seen::ResumeReading]);
}

/// [T:drain] A response that was promised as not the last is the last, when the drain begins before it is written.
#[test]
fn a_drain_during_a_response_makes_it_the_last() {
    open()
        .bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .stuck_socket()
        .respond(Response::new(204))
        .forget()
        .input(Input::Drain(secs(30)))
        .unstick()
        .expect([Seen::Shutdown, Seen::ResumeReading]);
}
