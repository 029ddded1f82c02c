//! Pings, and how long their pongs are awaited (T).

use serde_json::json;
use wsrelay_core::process::ExitReason;
use wsrelay_core::time::Timeout;
use wsrelay_tests::*;

fn unresponsive() -> [Seen; 5] {
    [
        leave(1006, "no answer to a ping", false),
        exit(ExitReason::crashed("no answer to a ping")),
        demonitor(target()),
        send(close(1011, "no answer to a ping")),
        Seen::Shutdown,
    ]
}

/// [T:ping] 25 seconds of silence, and not one less.
#[test]
fn a_silent_client_is_pinged() {
    joined().after(millis(24_999)).expect([]).after(millis(1)).expect([send(ping(b""))]);
}

/// [T:ping] Any byte is life, also the first of a frame that is not whole.
#[test]
fn a_client_that_sends_anything_is_not_pinged() {
    joined()
        .after(secs(20))
        .client("hi")
        .expect([message(text("hi"))])
        .after(secs(20))
        .bytes(&text("split").encode()[..1])
        .after(secs(20))
        .expect([])
        .after(secs(5))
        .expect([send(ping(b""))]);
}

/// [T:ping] What the server sends is no life of the client's.
#[test]
fn a_client_that_only_listens_is_pinged() {
    joined()
        .after(secs(24))
        .told("ws.send", json!({"type": "text", "data": "x"}))
        .expect([send(text("x"))])
        .after(secs(1))
        .expect([send(ping(b""))]);
}

/// [T:ping] [T:pong] Once answered, the next comes after as long a silence; pings do not pile up.
#[test]
fn an_answered_ping_is_followed_by_the_next_after_25_seconds() {
    joined()
        .after(secs(25))
        .expect([send(ping(b""))])
        .after(secs(9))
        .frame(pong(b""))
        .after(secs(24))
        .expect([])
        .after(secs(1))
        .expect([send(ping(b""))]);
}

/// [T:pong] Any byte is an answer.
#[test]
fn any_byte_answers_a_ping() {
    joined()
        .after(secs(25))
        .expect([send(ping(b""))])
        .after(secs(9))
        .bytes(&text("split").encode()[..3])
        .after(secs(24))
        .expect([])
        .after(secs(1))
        .expect([send(ping(b""))]);
}

/// [T:pong] Ten seconds, and not one less.
#[test]
fn a_pong_is_awaited_ten_seconds() {
    joined().after(secs(25)).forget().after(millis(9_999)).expect([]).after(millis(1)).expect(unresponsive());
}

/// [T:pong] The clock starts when the ping is written, not when it is queued.
#[test]
fn the_pong_clock_starts_when_the_ping_is_written() {
    Setup::default()
        .limits(|limits| limits.write_wait_max = secs(3600))
        .join()
        .stuck_socket()
        .after(secs(25))
        .expect([send(ping(b""))])
        .after(secs(600))
        .expect([])
        .unstick()
        .after(millis(9_999))
        .expect([])
        .after(millis(1))
        .expect(unresponsive());
}

/// [T:pong] A ping in the middle of what is written is written when all before it is.
#[test]
fn a_ping_is_written_with_its_last_byte() {
    let script = Setup::default()
        .limits(|limits| limits.write_wait_max = secs(3600))
        .join()
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "abc"}))
        .after(secs(25))
        .expect([send(text("abc")), send(ping(b""))]);
    assert_eq!(script.unwritten(), 5 + 2);
    script.takes(6).after(secs(60)).expect([]).takes(1).unstick().after(secs(10)).expect(unresponsive());
}

/// [T:ping] [T:pong] Nobody is asked for life who has shown it meanwhile, nor given less time for it.
#[test]
fn a_ping_that_found_no_room_is_not_sent_after_a_sign_of_life() {
    Setup::default()
        .limits(|limits| {
            limits.write_wait_max = secs(3600);
            limits.write_ahead_bytes = 1;
        })
        .join()
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "abc"}))
        .expect([send(text("abc"))])
        .after(secs(25))
        .client("here I am")
        .expect([message(text("here I am"))])
        .unstick()
        .after(millis(24_999))
        .expect([])
        .after(millis(1))
        .expect([send(ping(b""))]);
}

/// [T:ping] Off is off.
#[test]
fn pings_can_be_turned_off() {
    Setup::default()
        .limits(|limits| limits.ping_interval = Timeout::Off)
        .join()
        .after(secs(100_000))
        .expect([]);
}
