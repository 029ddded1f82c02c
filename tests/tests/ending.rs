//! How a connection ends without waiting for the client: those rows of table C, and what comes after any end.
//! The graceful rows are in `closing.rs`.

use serde_json::json;
use wsrelay_core::connection::{Input, Note};
use wsrelay_core::fault::ClientFault;
use wsrelay_core::process::{ExitReason, Signal};
use wsrelay_core::relay::End;
use wsrelay_tests::*;

fn crashed(why: &str) -> ExitReason {
    ExitReason::crashed(why)
}

/// [C:ClientClosed] The code is echoed, the reason is not; the leave has both.
#[test]
fn a_client_that_closes_is_echoed() {
    watched(Setup::default())
        .frame(close(1000, "bye"))
        .expect(and(gone(1000, "bye", true, ExitReason::Normal), [send(close(1000, "")), Seen::Shutdown]))
        .expect_notes([Note::Closed(End::ClientClosed(Some(wsrelay_core::wire::CloseFrame {
            code: wsrelay_core::wire::CloseCode::NORMAL,
            reason: "bye".into(),
        })))])
        .eof()
        .expect([Seen::Cut]);
}

/// [C:ClientClosed] No code is 1005 to the target, and an empty frame to the client.
#[test]
fn a_client_that_closes_without_a_code_gets_an_empty_close() {
    watched(Setup::default())
        .frame(empty_close())
        .expect(and(gone(1005, "", true, ExitReason::Normal), [send(empty_close()), Seen::Shutdown]));
}

/// [C:ClientClosed] Which codes are a normal end.
#[test]
fn the_clients_code_decides_whether_the_end_was_normal() {
    for (code, normal) in
        [(1000, true), (1001, true), (3000, true), (4999, true), (1002, false), (1011, false), (1008, false)]
    {
        let why = if normal { ExitReason::Normal } else { crashed(&format!("client closed with {code}")) };
        watched(Setup::default())
            .frame(close(code, ""))
            .expect(and(gone(code, "", true, why), [send(close(code, "")), Seen::Shutdown]));
    }
}

/// [C:ClientClosed] [R5] What was queued goes out before the echo.
#[test]
fn a_closing_client_gets_what_was_queued_for_it() {
    Setup::default()
        .limits(|limits| limits.write_ahead_bytes = 1)
        .join()
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "1"}))
        .told("ws.send", json!({"type": "text", "data": "2"}))
        .forget()
        .frame(close(1000, ""))
        .unstick()
        .expect([
            leave(1000, "", true),
            exit(ExitReason::Normal),
            demonitor(target()),
            send(text("2")),
            send(close(1000, "")),
            Seen::Shutdown,
        ]);
}

/// [C:Lost] 1006, not clean, abnormal.
#[test]
fn a_stream_that_ends_without_a_close_is_lost() {
    watched(Setup::default())
        .eof()
        .expect(and(gone(1006, "connection lost", false, crashed("connection lost")), [Seen::Cut]))
        .expect_notes([Note::Closed(End::Lost)]);
}

/// [C:Lost] In the midst of a message, what was there of it is nothing.
#[test]
fn half_a_message_is_not_relayed() {
    watched(Setup::default())
        .frame(first_of(text("half")))
        .eof()
        .expect(and(gone(1006, "connection lost", false, crashed("connection lost")), [Seen::Cut]));
}

/// [C:Fault] 1002, with a reason about the client's own bytes.
#[test]
fn a_protocol_error_closes_with_1002() {
    let reserved = Frame { reserved: 4, ..text("x") };
    for (frame, fault) in [
        (unmasked(text("x")), ClientFault::Unmasked),
        (reserved, ClientFault::ReservedBits),
        (Frame::new(3, b""), ClientFault::ReservedOpcode(3)),
        (Frame::new(11, b""), ClientFault::ReservedOpcode(11)),
        (first_of(ping(b"")), ClientFault::FragmentedControl),
        (ping(&[b'x'; 126]), ClientFault::LongControl),
        (continuation(b"", true), ClientFault::UnexpectedContinuation),
        (Frame::new(8, b"x"), ClientFault::ShortClose),
        (close(1005, ""), ClientFault::CloseCode(1005)),
        (close(2999, ""), ClientFault::CloseCode(2999)),
    ] {
        let (said, source) = (fault.to_string(), fault.source());
        watched(Setup::default())
            .frame(frame)
            .expect(and(
                gone(1002, &said, false, crashed(&format!("client: {said} ({source})"))),
                [send(close(1002, &said)), Seen::Shutdown],
            ))
            .expect_notes([Note::Closed(End::Fault(fault))]);
    }
}

/// [C:Fault] 1007
#[test]
fn text_that_is_not_utf8_closes_with_1007() {
    for frame in [Frame::new(1, b"a\xff"), first_of(Frame::new(1, b"\xed\xa0"))] {
        watched(Setup::default()).frame(frame).expect(and(
            gone(1007, "text not UTF-8", false, crashed("client: text not UTF-8 (RFC 6455 §8.1)")),
            [send(close(1007, "text not UTF-8")), Seen::Shutdown],
        ));
    }
}

/// [C:Fault] [R4] What was whole before the fault is relayed and may be answered; nothing after it is.
#[test]
fn messages_before_a_fault_are_relayed_and_answered_and_none_after() {
    joined()
        .frames([text("good"), unmasked(text("bad")), text("late")])
        .expect([message(text("good")), Seen::StopReading])
        .told("ws.send", json!({"type": "text", "data": "answer"}))
        .expect([send(text("answer"))])
        .after(millis(50))
        .expect([
            leave(1002, "frame not masked", false),
            exit(crashed("client: frame not masked (RFC 6455 §5.1)")),
            demonitor(target()),
            send(close(1002, "frame not masked")),
            Seen::ResumeReading,
            Seen::Shutdown,
        ]);
}

/// [C:Fault] Nobody parts politely from a client that broke the protocol, whatever comes meanwhile.
#[test]
fn a_close_command_after_a_fault_does_not_change_the_verdict() {
    joined()
        .frames([text("quit"), unmasked(text("bad"))])
        .expect([message(text("quit")), Seen::StopReading])
        .told("ws.close", json!({"code": 1000}))
        .expect([
            leave(1002, "frame not masked", false),
            exit(crashed("client: frame not masked (RFC 6455 §5.1)")),
            demonitor(target()),
            send(close(1002, "frame not masked")),
            Seen::ResumeReading,
            Seen::Shutdown,
        ]);
}

/// [C:Unresponsive] [T:pong] Best effort 1011 to the client, 1006 to the target.
#[test]
fn a_client_that_does_not_answer_a_ping_is_unresponsive() {
    watched(Setup::default())
        .after(secs(25))
        .expect([send(ping(b""))])
        .after(secs(10))
        .expect(and(
            gone(1006, "no answer to a ping", false, crashed("no answer to a ping")),
            [send(close(1011, "no answer to a ping")), Seen::Shutdown],
        ))
        .after(secs(5))
        .expect([Seen::Cut]);
}

/// [C:Stalled] [T:write] Nothing is written any more, so nothing is said.
#[test]
fn a_socket_that_takes_nothing_is_cut() {
    watched(Setup::default())
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "x"}))
        .forget()
        .after(secs(10))
        .expect(and(gone(1006, "client does not read", false, crashed("client does not read")), [Seen::Cut]));
}

/// [C:SlowClient] [P9] [T:outbox] 1013; queued data is skipped, what is in flight cannot be.
#[test]
fn a_slow_client_closes_with_1013() {
    watched(Setup::default().limits(|limits| {
        limits.outbox_messages_max = 2;
        limits.write_ahead_bytes = 1;
    }))
    .stuck_socket()
    .told("ws.send", json!({"type": "text", "data": "in flight"}))
    .told("ws.send", json!({"type": "text", "data": "1"}))
    .told("ws.send", json!({"type": "text", "data": "2"}))
    .expect([send(text("in flight"))])
    .told("ws.send", json!({"type": "text", "data": "3"}))
    .expect(gone(1013, "client too slow", false, crashed("client too slow")))
    .unstick()
    .expect([send(close(1013, "client too slow")), Seen::Shutdown]);
}

/// [C:TargetBusy] [P8] [T:mailbox] 1013, and the leave has room.
#[test]
fn a_target_that_stays_full_closes_with_1013() {
    watched(Setup::default())
        .input(Input::TargetFull(target()))
        .expect([Seen::StopReading])
        .after(secs(10))
        .expect(and(
            gone(1013, "mailbox full", false, crashed("target's mailbox full")),
            [send(close(1013, "server busy")), Seen::ResumeReading, Seen::Shutdown],
        ));
}

/// [C:LinkedCrash] [P4] 1011
#[test]
fn the_crash_of_a_linked_process_closes_with_1011() {
    watched(Setup::default())
        .signal(Signal::Link { peer: linked() })
        .signal(Signal::Exit { from: linked(), reason: crashed("secret") })
        .expect(and(
            gone(1011, "linked process failed", false, ExitReason::Linked),
            [send(close(1011, "internal error")), Seen::Shutdown],
        ));
}

/// [C:LinkedCrash] The client is told 1011, whatever close was waiting to be written.
#[test]
fn a_linked_crash_during_a_close_tells_client_and_target_the_same() {
    let mut script = Setup::default()
        .limits(|limits| limits.write_ahead_bytes = 1)
        .join()
        .signal(Signal::Link { peer: linked() })
        .stuck_socket()
        .told("ws.send", json!({"type": "text", "data": "x"}))
        .told("ws.close", json!({"code": 4000}))
        .forget()
        .signal(Signal::Exit { from: linked(), reason: ExitReason::Killed })
        .unstick();
    let seen = script.seen();
    let told = seen.iter().find_map(|seen| {
        if let Seen::Told(_, topic, payload) = seen {
            (topic == "ws.leave").then(|| payload["code"].clone())
        } else {
            None
        }
    });
    let closes = seen.contains(&send(close(1011, "internal error")));
    assert_eq!((told, closes), (Some(json!(1011)), true), "{seen:?}");
}

/// [C:Killed] [P5] The socket is cut, and everybody is told.
#[test]
fn a_terminated_connection_is_cut() {
    watched(Setup::default())
        .signal(Signal::Kill)
        .expect(and(gone(1006, "terminated", false, ExitReason::Killed), [Seen::Cut]))
        .expect_notes([Note::Closed(End::Killed)]);
}

/// [C:Killed] Also while it waits for the client's close.
#[test]
fn a_connection_may_be_terminated_while_it_closes() {
    watched(Setup::default())
        .told("ws.close", json!({"code": 4000}))
        .forget()
        .signal(Signal::Kill)
        .expect(and(gone(1006, "terminated", false, ExitReason::Killed), [Seen::Cut]));
}

/// [R4] [P3] Linked processes learn of an abnormal end, and are let go at a normal one.
#[test]
fn links_of_a_connection_are_told_of_its_end() {
    joined().signal(Signal::Link { peer: linked() }).eof().expect([
        leave(1006, "connection lost", false),
        exit(crashed("connection lost")),
        demonitor(target()),
        signal(linked(), Signal::Exit { from: client(), reason: crashed("connection lost") }),
        Seen::Cut,
    ]);
    joined().signal(Signal::Link { peer: linked() }).frame(close(1000, "")).expect([
        leave(1000, "", true),
        exit(ExitReason::Normal),
        demonitor(target()),
        signal(linked(), Signal::Unlink { peer: client() }),
        send(close(1000, "")),
        Seen::Shutdown,
    ]);
}

/// [P3] After the end a monitor is answered at once.
#[test]
fn a_monitor_that_comes_after_the_end_is_told_noproc() {
    joined()
        .frame(close(1000, ""))
        .forget()
        .signal(Signal::Monitor { watcher: watcher() })
        .expect([down(watcher(), ExitReason::NoProcess)]);
}

/// [T:close] A client that neither reads on nor leaves after the closing handshake is cut.
#[test]
fn a_client_that_does_not_end_its_stream_is_cut_after_five_seconds() {
    joined()
        .frame(close(1000, ""))
        .forget()
        .after(millis(4_999))
        .expect([])
        .after(millis(1))
        .expect([Seen::Cut]);
}

/// [T:close] Bytes after the client's close are discarded.
#[test]
fn what_comes_after_the_close_is_discarded() {
    joined()
        .frame(close(1000, ""))
        .forget()
        .client("late")
        .bytes(b"\xff\xff\xff")
        .expect([])
        .eof()
        .expect([Seen::Cut]);
}

/// [C:Lost] [C:Killed] [C:Stalled] After the socket is cut there is nothing to do with it.
#[test]
fn nothing_is_asked_of_a_socket_that_is_cut() {
    let scripts = [
        joined().eof(),
        joined().signal(Signal::Kill),
        joined().stuck_socket().frame(ping(b"x")).after(secs(10)),
        joined().frame(close(1000, "")).eof(),
        joined().told("ws.close", json!({})).eof(),
        Setup::default().asked().eof(),
        open().eof(),
        open().after(secs(60)),
    ];
    for script in scripts {
        assert!(script.is_cut() && script.connection().is_done());
        assert_eq!(script.after_cut(), []);
        assert_eq!(script.wait(), None);
    }
}

/// [P8] [C:Lost] What had arrived whole when the stream ended is relayed, once the target has room.
#[test]
fn messages_that_wait_for_room_outlive_the_end_of_the_stream() {
    joined()
        .input(Input::TargetFull(target()))
        .client("waiting")
        .eof()
        .expect([Seen::StopReading])
        .input(Input::TargetRoom(target()))
        .expect([
            message(text("waiting")),
            leave(1006, "connection lost", false),
            exit(crashed("connection lost")),
            demonitor(target()),
            Seen::Cut,
        ]);
}

/// [C:ClientClosed] A close frame that waits for its turn when the stream ends is still a close.
#[test]
fn a_close_frame_that_waits_for_its_turn_outlives_the_end_of_the_stream() {
    let script = Setup::default().limits(|limits| limits.turn_messages_max = 1).join();
    script.frames([text("1"), close(1000, "")]).eof().turns().expect([
        message(text("1")),
        Seen::StopReading,
        leave(1000, "", true),
        exit(ExitReason::Normal),
        demonitor(target()),
        send(close(1000, "")),
        Seen::Cut,
    ]);
}
