//! Ordinary HTTP on the same connection: requests one after the other, bodies, errors.
//!
//! The promises are those of the upgrade (H) and of the handshake's time; the syntax is RFC 9112's.

use serde_json::json;
use wsrelay_core::process::{ExitReason, Signal};
use wsrelay_core::upgrade::Response;
use wsrelay_tests::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn page(text: &str) -> Reply {
    reply(200).header("content-type", "text/plain; charset=utf-8").body(text)
}

fn refused_at_once(status: u16, body: &str) -> [Seen; 2] {
    [Seen::Replied(refused(status, body)), Seen::Shutdown]
}

/// [H4] A connection is kept for the next request.
#[test]
fn a_connection_serves_one_request_after_the_other() {
    open()
        .bytes(get("/1"))
        .expect([requested("GET", "/1", ""), Seen::StopReading])
        .respond(Response::text(200, "one"))
        .expect([Seen::Replied(page("one").kept()), Seen::ResumeReading])
        .after(secs(29))
        .bytes(get("/2"))
        .expect([requested("GET", "/2", ""), Seen::StopReading])
        .respond(Response::text(200, "two"))
        .expect([Seen::Replied(page("two").kept()), Seen::ResumeReading]);
}

/// [H4] The next request is not looked at before the last response is written.
#[test]
fn pipelined_requests_are_answered_in_order() {
    open()
        .bytes([get("/1"), get("/2"), get("/3")].concat())
        .expect([requested("GET", "/1", ""), Seen::StopReading])
        .stuck_socket()
        .respond(Response::text(200, "one"))
        .expect([Seen::Replied(page("one").kept())])
        .unstick()
        .expect([requested("GET", "/2", "")])
        .respond(Response::text(200, "two"))
        .expect([Seen::Replied(page("two").kept()), requested("GET", "/3", "")])
        .respond(Response::text(200, "three"))
        .expect([Seen::Replied(page("three").kept()), Seen::ResumeReading]);
}

/// [H1] [H4] An upgrade may follow an ordinary request.
#[test]
fn an_upgrade_may_follow_an_ordinary_request() {
    open()
        .bytes(GET)
        .respond(Response::text(200, "page"))
        .forget()
        .bytes(UPGRADE)
        .respond(relay_to(&json!({"target_pid": target().to_string(), "metadata": {"user": 7}})))
        .attach_ok(target())
        .expect([
            requested("GET", "/chat", ""),
            Seen::StopReading,
            attach(target()),
            Seen::Replied(switched()),
            join(),
            Seen::ResumeReading,
        ]);
}

/// [T:handshake] Half a minute between two requests.
#[test]
fn a_kept_connection_is_closed_after_thirty_seconds() {
    open()
        .bytes(GET)
        .respond(Response::text(200, "page"))
        .forget()
        .after(millis(29_999))
        .expect([])
        .after(millis(1))
        .expect([Seen::Shutdown])
        .after(secs(5))
        .expect([exit(ExitReason::Normal), Seen::Cut]);
}

/// [T:handshake] A later request has its own time, from its first byte.
#[test]
fn a_later_request_has_ten_seconds_from_its_first_byte() {
    open()
        .bytes(GET)
        .respond(Response::text(200, "page"))
        .forget()
        .after(secs(25))
        .bytes(&GET[..5])
        .after(millis(9_999))
        .expect([])
        .after(millis(1))
        .expect(refused_at_once(408, "request not complete in time"));
}

/// [H4] A client that says so, or an old one, has the connection closed.
#[test]
fn a_connection_is_closed_where_the_client_asks_for_it() {
    for request in ["GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"] {
        open().bytes(request).forget().respond(Response::text(200, "x")).expect([
            Seen::Replied(page("x").closed()),
            Seen::Shutdown,
            Seen::ResumeReading,
        ]);
    }
    open()
        .bytes("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .forget()
        .respond(Response::text(200, "x"))
        .expect([Seen::Replied(page("x").kept()), Seen::ResumeReading]);
}

/// [H4] What comes after the last response is discarded until the stream ends.
#[test]
fn what_follows_the_last_response_is_discarded() {
    open()
        .bytes("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .respond(Response::text(200, "x"))
        .forget()
        .bytes(GET)
        .expect([])
        .eof()
        .expect([exit(ExitReason::Normal), Seen::Cut]);
}

/// [H4] RFC 9110 §9.3.2: the length that GET would have had, and no body.
#[test]
fn a_response_to_head_has_a_length_and_no_body() {
    let expected =
        reply(200).header("content-type", "text/plain; charset=utf-8").kept().header("content-length", "4");
    open()
        .bytes("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect([requested("HEAD", "/", ""), Seen::StopReading])
        .respond(Response::text(200, "page"))
        .expect([Seen::Replied(expected), Seen::ResumeReading]);
}

/// [H4] RFC 9110 §8.6: no length where there can be no body.
#[test]
fn a_204_has_neither_body_nor_length() {
    open()
        .bytes(GET)
        .forget()
        .respond(Response::new(204))
        .expect([Seen::Replied(reply(204).kept()), Seen::ResumeReading]);
}

/// [H4] A body by length and by chunks, however it is cut.
#[test]
fn a_body_reaches_the_handler_whole() {
    let by_length = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    let by_chunks = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: v\r\n\r\n";
    for request in [by_length, by_chunks] {
        open().bytes(request).expect([requested("POST", "/a", "hello"), Seen::StopReading]);
        let mut script = open();
        for byte in request.bytes() {
            script = script.bytes([byte]);
        }
        script.expect([requested("POST", "/a", "hello"), Seen::StopReading]);
    }
}

/// [H4] RFC 9110 §10.1.1: the client waits, and is told to go on.
#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    open()
        .bytes("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .expect([Seen::Replied(reply(100))])
        .bytes("hi")
        .expect([requested("POST", "/", "hi"), Seen::StopReading]);
}

/// [T:handshake] One that then does not go on has no more time than any other.
#[test]
fn a_body_that_does_not_come_after_100_continue_is_answered_408() {
    open()
        .bytes("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .forget()
        .after(secs(10))
        .expect(refused_at_once(408, "request not complete in time"));
}

/// [H1] What is not HTTP, or could be read in two ways, is refused, and the connection with it.
#[test]
fn a_request_in_doubt_is_refused_and_its_connection_closed() {
    for (request, status) in [
        ("\x16\x03\x01\x02\x00", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n", 417),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", 400),
    ] {
        let mut script = open().bytes(request);
        let seen = script.seen();
        assert!(
            matches!(&seen[..], [Seen::Replied(reply), Seen::Shutdown]
                if reply.status == status && reply.headers["connection"] == "close"),
            "{request:?}: {seen:?}"
        );
        script.bytes(GET).expect([]);
    }
}

/// [H7] A handler's header that cannot be written is its own mistake.
#[test]
fn a_response_that_cannot_be_written_is_answered_500() {
    for response in
        [Response::new(200).header("X", "a\r\nSet-Cookie: b"), Response::new(101), Response::new(700)]
    {
        open().bytes(GET).forget().respond(response).expect([
            Seen::Replied(refused(500, "internal server error")),
            Seen::ResumeReading,
            Seen::Shutdown,
        ]);
    }
}

/// [T:write] A client that does not take its response is cut.
#[test]
fn a_response_that_is_not_taken_is_cut_after_ten_seconds() {
    open()
        .bytes(GET)
        .stuck_socket()
        .respond(Response::text(200, "x"))
        .forget()
        .after(millis(9_999))
        .expect([])
        .after(millis(1))
        .expect([exit(ExitReason::crashed("client does not read")), Seen::Cut]);
}

/// [H13] A second answer of the handler's harms nobody.
#[test]
fn a_second_answer_is_ignored() {
    open().bytes(GET).respond(Response::text(200, "x")).forget().respond(Response::text(500, "y")).expect([]);
    joined().respond(Response::text(500, "y")).expect([]);
}

/// [P5] A connection may be terminated at any time.
#[test]
fn a_connection_without_a_session_may_be_terminated() {
    for script in [open(), open().bytes(GET), open().bytes(&GET[..4]), Setup::default().asked()] {
        let script = script.forget().signal(Signal::Kill).expect([exit(ExitReason::Killed), Seen::Cut]);
        assert_eq!(script.wait(), None);
    }
}

/// [H4] A client that leaves while its handler works ends the connection; the late answer is nobody's.
#[test]
fn a_client_may_leave_while_its_handler_works() {
    open()
        .bytes(GET)
        .forget()
        .eof()
        .expect([exit(ExitReason::Normal), Seen::Cut])
        .respond(Response::text(200, "x"))
        .expect([]);
}

/// [H10] On no status, in no spelling.
#[test]
fn the_relay_header_never_reaches_a_client() {
    for status in [200, 204, 301, 401, 404, 426, 500, 503] {
        for name in ["X-WS-Relay", "x-ws-relay", "X-Ws-RELAY"] {
            for value in ["{}", "nonsense", "{\"target_pid\": \"a\"}"] {
                let mut script = open()
                    .bytes(GET)
                    .respond(Response::text(status, "x").header(name, value).header(name, value));
                let seen = script.seen();
                let replies: Vec<_> = seen
                    .iter()
                    .filter_map(|seen| if let Seen::Replied(reply) = seen { Some(reply) } else { None })
                    .collect();
                assert!(
                    matches!(&replies[..], [reply] if !reply.headers.contains_key("x-ws-relay")),
                    "{seen:?}"
                );
            }
        }
    }
}
