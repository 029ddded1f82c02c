//! Every bound (T): at it nothing happens, past it what the limit says.

use serde_json::json;
use wsrelay_core::connection::Input;
use wsrelay_core::fault::ClientFault;
use wsrelay_core::process::ExitReason;
use wsrelay_core::relay::Overflow;
use wsrelay_tests::*;

fn broken(fault: ClientFault) -> [Seen; 5] {
    let (code, said, source) = (fault.close_code().get(), fault.to_string(), fault.source());
    [
        leave(code, &said, false),
        exit(ExitReason::crashed(&format!("client: {said} ({source})"))),
        demonitor(target()),
        send(close(code, &said)),
        Seen::Shutdown,
    ]
}

/// The same, once answers to what the client sent before have had their time: until then nothing is read.
fn broken_late(fault: ClientFault) -> Vec<Seen> {
    let [leave, exit, demonitor, close, shutdown] = broken(fault);
    vec![leave, exit, demonitor, close, Seen::ResumeReading, shutdown]
}

fn small() -> Setup {
    Setup::default().limits(|limits| {
        limits.message_bytes_max = 10;
        limits.fragments_max = 3;
        limits.flood_frames_max = 5;
        limits.turn_messages_max = 4;
    })
}

/// [T:message] [C:Fault] One MiB to the byte.
#[test]
fn a_message_may_be_one_mebibyte() {
    let most = "x".repeat(1024 * 1024);
    joined().client(&most).expect([message(text(&most))]);
    joined().client(&(most + "x")).expect(broken(ClientFault::MessageTooBig));
}

/// [T:message] Announced is enough: nothing has to arrive, and nothing is kept for it.
#[test]
fn a_message_that_is_announced_too_big_is_refused_at_its_header() {
    let header = &binary(&[0; 70_000]).encode()[..14];
    let setup = Setup::default().limits(|limits| limits.message_bytes_max = 65_536);
    setup.join().bytes(header).expect(broken(ClientFault::MessageTooBig));
    let script = joined().bytes(header);
    assert!(script.connection().held_bytes() < 100, "{}", script.connection().held_bytes());
}

/// [T:message] [T:fragments] The bound is of the whole message.
#[test]
fn fragments_count_together() {
    small()
        .join()
        .frames([first_of(text("12345")), continuation(b"67890", true)])
        .expect([message(text("1234567890"))]);
    small()
        .join()
        .frames([first_of(text("12345")), continuation(b"678901", true)])
        .expect(broken(ClientFault::MessageTooBig));
}

/// [T:fragments] [C:Fault]
#[test]
fn a_message_in_too_many_frames_is_refused() {
    small()
        .join()
        .frames([first_of(text("1")), continuation(b"2", false), continuation(b"3", true)])
        .expect([message(text("123"))])
        .frames([first_of(text("1")), continuation(b"2", false), continuation(b"3", false)])
        .expect([])
        .frame(continuation(b"4", true))
        .expect([Seen::StopReading])
        .after(millis(50))
        .expect(broken_late(ClientFault::TooManyFragments));
}

/// [T:flood] [C:Fault] 1008
#[test]
fn too_many_pings_are_a_flood() {
    let mut script = small().join();
    for _ in 0..5 {
        script = script.frame(ping(b"")).expect([send(pong(b""))]);
    }
    script.frame(ping(b"")).expect(broken(ClientFault::Flood));
}

/// [T:flood] Pongs and empty fragments count with them; messages do not.
#[test]
fn pings_pongs_and_empty_fragments_are_counted_together() {
    let mut script = small().limits(|limits| limits.fragments_max = 10).join();
    for _ in 0..20 {
        script = script.client("").expect([message(text(""))]);
    }
    script
        .frames([ping(b""), pong(b""), first_of(text(""))])
        .turns()
        .expect([send(pong(b""))])
        .frames([continuation(b"", false), continuation(b"", false)])
        .expect([])
        .frame(continuation(b"", false))
        .expect([Seen::StopReading])
        .after(millis(50))
        .expect(broken_late(ClientFault::Flood));
}

/// [T:flood] A new period, a new count.
#[test]
fn a_flood_is_counted_per_period() {
    let mut script = small().join();
    for _ in 0..20 {
        for _ in 0..5 {
            script = script.frame(pong(b""));
        }
        script = script.after(secs(10));
    }
    script.expect([]);
}

/// [T:flood] The defaults: 256 in ten seconds.
#[test]
fn two_hundred_fifty_six_pings_are_no_flood_yet() {
    let mut script = joined();
    for _ in 0..256 {
        script = script.frame(ping(b"")).expect([send(pong(b""))]);
    }
    script.frame(ping(b"")).expect(broken(ClientFault::Flood));
}

/// [T:head] 16 KiB to the byte, blank line included.
#[test]
fn a_request_head_may_be_as_long_as_its_limit() {
    let head = |length: usize| {
        let bare = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
        bare.replace("X: ", &format!("X: {}", "x".repeat(length - bare.len())))
    };
    open().bytes(head(16 * 1024)).expect([requested("GET", "/", ""), Seen::StopReading]);
    open()
        .bytes(head(16 * 1024 + 1))
        .expect([Seen::Replied(refused(431, "request head too large")), Seen::Shutdown]);
}

/// [T:head] A head without end is refused when it is too long, not when it ends.
#[test]
fn a_request_head_without_end_is_refused() {
    let mut endless = String::from("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    endless.push_str(&"x".repeat(16 * 1024));
    open().bytes(endless).expect([Seen::Replied(refused(431, "request head too large")), Seen::Shutdown]);
}

/// [T:head] Sixty-four fields.
#[test]
fn too_many_header_fields_are_refused() {
    let head = |fields: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(fields - 1));
    open().bytes(head(64)).expect([requested("GET", "/", ""), Seen::StopReading]);
    open().bytes(head(65)).expect([Seen::Replied(refused(431, "request head too large")), Seen::Shutdown]);
}

/// [P10] A turn decodes so many messages and no more; the next wake goes on, and meanwhile the socket is not read.
#[test]
fn a_turn_decodes_so_many_messages_and_goes_on_at_the_next_wake() {
    let texts: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let messages = |range: std::ops::Range<usize>| {
        texts[range].iter().map(|data| message(text(data))).collect::<Vec<_>>()
    };
    let script = small().join().frames(texts.iter().map(|data| text(data)));
    assert_eq!(script.wait(), Some(secs(0)));
    let mut first = messages(0..4);
    first.push(Seen::StopReading);
    let mut rest = messages(4..10);
    rest.push(Seen::ResumeReading);
    script.expect(first).turns().expect(rest);
}

/// [P10] Exactly one turn's worth leaves nothing over: the socket is read on and nobody wakes for nothing.
#[test]
fn exactly_one_turns_worth_does_not_stop_the_connection() {
    let mut script = small().join().frames([text("1"), text("2"), text("3"), text("4")]).turns();
    let seen: Vec<_> = script.seen().into_iter().filter(|seen| matches!(seen, Seen::Told(..))).collect();
    assert_eq!(seen, ["1", "2", "3", "4"].map(|data| message(text(data))));
    assert_eq!(script.wait(), Some(secs(25)), "nothing is left to do before the ping");
    script.client("5").expect([message(text("5"))]);
}

/// [P10] [P8] A turn that is left over waits for room in the target's mailbox, without being woken for it.
#[test]
fn a_left_over_turn_waits_for_a_full_target() {
    small()
        .join()
        .frames(["1", "2", "3", "4", "5"].map(text))
        .input(Input::TargetFull(target()))
        .forget()
        .after(secs(5))
        .expect([])
        .input(Input::TargetRoom(target()))
        .expect([message(text("5")), Seen::ResumeReading]);
}

/// [P10] [R7] And for a transfer.
#[test]
fn a_left_over_turn_waits_for_a_transfer() {
    small()
        .join()
        .frames(["1", "2", "3", "4", "5"].map(text))
        .told("ws.control", json!({"target_pid": other().to_string()}))
        .forget()
        .after(secs(5))
        .expect([])
        .attach_fails()
        .expect([message(text("5")), Seen::ResumeReading]);
}

/// [P10] [C:Commanded] And goes on while the connection closes.
#[test]
fn a_left_over_turn_goes_on_while_the_connection_closes() {
    let mut script = small()
        .join()
        .frames([text("1"), text("2"), text("3"), text("4"), text("5"), close(1000, "")])
        .told("ws.close", json!({}))
        .turns();
    let seen = script.seen();
    let told: Vec<_> = seen.iter().filter(|seen| matches!(seen, Seen::Told(..))).cloned().collect();
    let mut expected: Vec<_> = ["1", "2", "3", "4", "5"].iter().map(|data| message(text(data))).collect();
    expected.push(leave(1000, "", true));
    assert_eq!(told, expected, "{seen:?}");
}

/// [T:message] [T:outbox] What is held stays within what the limits promise, whatever comes at once.
#[test]
fn held_bytes_stay_within_their_promise() {
    let setup = Setup::default().overflow(Overflow::DropNew).limits(|limits| {
        limits.message_bytes_max = 4_000;
        limits.outbox_bytes_max = 4_000;
        limits.write_ahead_bytes = 500;
        limits.mailbox_bytes_max = 1;
        limits.relay_header_bytes_max = 200;
        limits.head_bytes_max = 256;
        limits.body_bytes_max = 0;
    });
    let memory_max = setup.memory_max();
    let mut script = setup.join().stuck_socket();
    for _ in 0..4 {
        script = script.frames([first_of(text("")), ping(&[b'x'; 125])]).frame(continuation(b"", true));
        script = script.frame(first_of(binary(&[0; 3_900]))).frame(continuation(&[0; 90], false));
        for _ in 0..50 {
            script = script.told("ws.send", json!({"type": "text", "data": "y".repeat(999)}));
            let held = script.connection().held_bytes();
            assert!(held <= memory_max, "{held} bytes held of {memory_max}");
        }
        script = script.frame(continuation(b"", true)).frame(ping(&[b'z'; 125]));
    }
    let held = script.connection().held_bytes();
    assert!(held > 3_000, "the test fills what it means to fill: {held}");
}

/// [T:message] Memory follows what arrived: a message of which one byte has come holds one byte.
#[test]
fn a_message_that_has_only_begun_holds_what_has_come() {
    let bytes = binary(&[7; 1024 * 1024]).encode();
    let script = joined().bytes(&bytes[..14 + 1]);
    assert!(script.connection().held_bytes() <= 16, "{}", script.connection().held_bytes());
    let script = script.bytes(&bytes[15..]).forget();
    assert_eq!(script.connection().held_bytes(), 0);
}

/// [T:head] A body is bounded before it arrives.
#[test]
fn a_body_that_is_announced_too_big_is_refused_at_its_head() {
    let setup = || Setup::default().limits(|limits| limits.body_bytes_max = 3);
    setup()
        .open()
        .bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        .expect([requested("POST", "/", "abc"), Seen::StopReading]);
    setup()
        .open()
        .bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
        .expect([Seen::Replied(refused(413, "request body too large")), Seen::Shutdown]);
}
