//! What the handler's answer makes of a request (H4 to H13): a response, a refusal, or a connection.

use serde_json::json;
use wsrelay_core::connection::{Input, Note, Refused};
use wsrelay_core::fault::{ConfigFault, HttpFault};
use wsrelay_core::message::Destination;
use wsrelay_core::process::{ExitReason, Signal};
use wsrelay_core::time::Timeout;
use wsrelay_core::upgrade::Response;
use wsrelay_tests::*;

/// What follows a refusal after the handler was asked: what the client still sends is read and discarded.
fn refused_after(reply: Reply) -> [Seen; 3] {
    [Seen::Replied(reply), Seen::ResumeReading, Seen::Shutdown]
}

fn aborted(reason: &str) -> Seen {
    to(target(), "ws.abort", json!({"reason": reason}))
}

fn relay() -> Response {
    relay_to(&json!({"target_pid": target().to_string(), "metadata": {"user": 7}}))
}

fn server_error() -> Reply {
    refused(500, "internal server error")
}

/// [H4] Whatever the handler says to an upgrade request, without the relay header it is just said.
#[test]
fn a_response_without_the_relay_header_goes_out_untouched() {
    let response = Response::text(401, "who are you?").header("WWW-Authenticate", "Basic");
    let expected = reply(401)
        .header("content-type", "text/plain; charset=utf-8")
        .header("www-authenticate", "Basic")
        .kept()
        .body("who are you?");
    Setup::default().asked().respond(response).expect([Seen::Replied(expected), Seen::ResumeReading]);
}

/// [H5] [H10] [H13] The handler has changed its mind: no upgrade, and its process is told.
#[test]
fn a_relay_header_on_an_error_is_stripped_and_the_target_is_told() {
    let response = Response::text(402, "pay first")
        .header("X-WS-Relay", json!({"target_pid": target().to_string()}).to_string());
    let expected = reply(402).header("content-type", "text/plain; charset=utf-8").kept().body("pay first");
    Setup::default().asked().respond(response).expect([
        aborted("handler refused the connection"),
        Seen::Replied(expected),
        Seen::ResumeReading,
    ]);
}

/// [H6] [H13] There is nothing to upgrade.
#[test]
fn a_relay_header_for_an_ordinary_request_is_answered_426() {
    open().bytes("GET /chat HTTP/1.1\r\nHost: example.com\r\n\r\n").forget().respond(relay()).expect(
        [aborted("this resource is a WebSocket endpoint")].into_iter().chain(refused_after(wants_upgrade())),
    );
}

/// [H7] [R1] [R2] [T:header] Whatever is wrong with the header, the client reads the same three words.
#[test]
fn a_malformed_relay_header_is_answered_500_and_explained_in_the_log_alone() {
    let pid = target().to_string();
    for (value, word) in [
        ("not json".to_owned(), "JSON"),
        ("[]".to_owned(), "JSON"),
        ("{}".to_owned(), "target_pid"),
        (json!({"target_pid": 7}).to_string(), "target_pid"),
        (json!({"target_pid": ""}).to_string(), "target_pid"),
        (json!({"target_pid": "{no pid}"}).to_string(), "target_pid"),
        (json!({"target_pid": pid, "message_topic": ""}).to_string(), "message_topic"),
        (json!({"target_pid": pid, "message_topic": "ws.join"}).to_string(), "message_topic"),
        (json!({"target_pid": pid, "message_topic": "@exit"}).to_string(), "message_topic"),
        (json!({"target_pid": pid, "metadata": 7}).to_string(), "metadata"),
        (json!({"target_pid": pid, "metadata": [1]}).to_string(), "metadata"),
        (json!({"target_pid": pid, "heartbeat_interval": 30}).to_string(), "heartbeat_interval"),
        (json!({"target_pid": pid, "heartbeat_interval": "30"}).to_string(), "heartbeat_interval"),
        (json!({"target_pid": pid, "heartbeat_interval": "-30s"}).to_string(), "heartbeat_interval"),
        (json!({"target_pid": pid, "heartbeat_interval": ""}).to_string(), "heartbeat_interval"),
        (json!({"target_pid": pid, "heartbeat_interval": "999ms"}).to_string(), "heartbeat_interval"),
        (json!({"target_pid": pid, "heartbeat_interval": "24h1ns"}).to_string(), "heartbeat_interval"),
        (json!({"target_pid": pid, "heartbeat_interval": "9999999999h"}).to_string(), "heartbeat_interval"),
        (json!({"target_pid": pid, "metadata": {"a": "b".repeat(8 * 1024)}}).to_string(), "too long"),
    ] {
        let script = Setup::default().asked().respond(Response::new(200).header("X-WS-Relay", value.clone()));
        let mut notes = Vec::new();
        // H13: a target that can be read is told, whatever else is wrong.
        let told = value.contains(&pid).then(|| aborted("internal server error"));
        script.expect(told.into_iter().chain(refused_after(server_error()))).drain_notes(&mut notes);
        assert!(
            matches!(&notes[..], [Note::Misconfigured(fault), Note::Refused(HttpFault::Handler)]
                if fault.to_string().contains(word)),
            "{value}: {notes:?}"
        );
    }
}

/// [H7] [T:header] Eight KiB to the byte.
#[test]
fn a_relay_header_may_be_as_long_as_its_limit() {
    let bare = json!({"target_pid": target().to_string(), "metadata": {"a": ""}}).to_string();
    let padding = "b".repeat(8 * 1024 - bare.len());
    let header = json!({"target_pid": target().to_string(), "metadata": {"a": padding}});
    Setup::default().asked().respond(relay_to(&header)).expect([attach(target())]);
}

/// [H7] [H10] Two headers are no header, in whatever spelling.
#[test]
fn a_relay_header_that_is_set_twice_is_answered_500() {
    let header = json!({"target_pid": target().to_string()}).to_string();
    Setup::default()
        .asked()
        .respond(relay().header("x-ws-relay", header))
        .expect([aborted("internal server error")].into_iter().chain(refused_after(server_error())))
        .expect_notes([Note::Misconfigured(ConfigFault::Twice), Note::Refused(HttpFault::Handler)]);
}

/// [H8] Nothing is upgraded, nobody is told.
#[test]
fn a_target_that_is_not_alive_is_answered_503_with_retry_after() {
    let reply = refused(503, "service unavailable").header("retry-after", "5");
    Setup::default()
        .attaching()
        .attach_fails()
        .expect(refused_after(reply))
        .expect_notes([Note::Unavailable(Destination::Pid(target())), Note::Refused(HttpFault::Unavailable)]);
}

/// [H8] [C:TargetFailed] Between the check and the join there is room for an end.
#[test]
fn a_target_that_dies_right_after_the_check_closes_the_client_with_1011() {
    Setup::default()
        .join()
        .signal(Signal::Down { from: target(), reason: ExitReason::NoProcess })
        .expect([send(close(1011, "internal error"))]);
}

/// [H9] [H13] The drain began while the handler worked.
#[test]
fn a_handler_that_answers_while_draining_gets_no_upgrade() {
    let reply = refused(503, "service unavailable").header("retry-after", "5");
    Setup::default()
        .asked()
        .input(Input::Drain(secs(30)))
        .respond(relay())
        .expect([aborted("service unavailable")].into_iter().chain(refused_after(reply)));
}

/// [H9] [T:drain] [C:Drained] The drain began while the target was looked for: whichever of the two promises
/// is kept, a connection is not left over when the window has passed.
#[test]
fn a_connection_that_is_attaching_when_the_drain_begins_does_not_outlive_its_window() {
    let script = Setup::default()
        .limits(|limits| limits.ping_interval = Timeout::Off)
        .attaching()
        .input(Input::Drain(secs(30)))
        .attach_ok(target())
        .after(secs(30) + secs(5) + secs(5));
    assert!(script.is_cut(), "the connection is still open after the drain window");
}

/// [H9] [H13] The target is alive, and is told that its client does not come.
#[test]
fn at_the_limit_of_connections_the_answer_is_503_and_the_target_is_told() {
    let reply = refused(503, "service unavailable").header("retry-after", "5");
    Setup::default()
        .attaching()
        .input(Input::Attached(Err(Refused::AtLimit)))
        .expect([aborted("no place for the connection")].into_iter().chain(refused_after(reply)));
}

/// [H10] On a 101, in any spelling.
#[test]
fn the_relay_header_is_not_on_the_101() {
    let header = json!({"target_pid": target().to_string(), "metadata": {"user": 7}}).to_string();
    Setup::default()
        .asked()
        .respond(Response::new(200).header("x-Ws-rElAy", header))
        .attach_ok(target())
        .expect([attach(target()), Seen::Replied(switched()), join(), Seen::ResumeReading]);
}

/// [H11] The rest of what the handler said is said, but for what concerns one hop, a body, or the handshake.
#[test]
fn the_handlers_other_headers_go_on_the_101() {
    let response = relay()
        .header("Set-Cookie", "a=1")
        .header("Set-Cookie", "b=2")
        .header("X-Request-Id", "9")
        .header("Content-Type", "text/html")
        .header("Content-Length", "3")
        .header("Connection", "close, X-Hop")
        .header("X-Hop", "1")
        .header("Keep-Alive", "1")
        .header("Transfer-Encoding", "chunked")
        .header("Upgrade", "h2c")
        .header("Sec-WebSocket-Accept", "mine")
        .header("Sec-WebSocket-Extensions", "permessage-deflate");
    let expected =
        switched().header("set-cookie", "a=1").header("set-cookie", "b=2").header("x-request-id", "9");
    Setup::default().asked().respond(response).forget().attach_ok(target()).expect([
        Seen::Replied(expected),
        join(),
        Seen::ResumeReading,
    ]);
}

fn offering(offer: &str) -> Offer {
    Offer(upgrade_with(&format!("Sec-WebSocket-Protocol: {offer}\r\n")))
}

/// A request that offers subprotocols to a server that speaks `v2` and `v1`.
struct Offer(String);

impl Offer {
    fn answered(self, response: Response) -> Script {
        Setup::default()
            .policy(|policy| policy.subprotocols = vec!["v2".into(), "v1".into()])
            .open()
            .bytes(self.0)
            .forget()
            .respond(response)
    }
}

fn join_with(subprotocol: &str) -> Seen {
    let payload = json!({
        "client_pid": client().to_string(), "metadata": {"user": 7}, "subprotocol": subprotocol, "peer": null,
    });
    to(target(), "ws.join", payload)
}

/// [H12] [R3] The handler's choice wins over the configured order.
#[test]
fn the_handler_may_choose_a_subprotocol_that_was_offered() {
    offering("v1, v2")
        .answered(relay().header("Sec-WebSocket-Protocol", "v1"))
        .forget()
        .attach_ok(target())
        .expect([
            Seen::Replied(switched().header("sec-websocket-protocol", "v1")),
            join_with("v1"),
            Seen::ResumeReading,
        ]);
}

/// [H12] The server's order counts, not the client's.
#[test]
fn without_a_choice_the_first_configured_subprotocol_that_was_offered_is_taken() {
    offering("v1, v2").answered(relay()).forget().attach_ok(target()).expect([
        Seen::Replied(switched().header("sec-websocket-protocol", "v2")),
        join_with("v2"),
        Seen::ResumeReading,
    ]);
    offering("v3").answered(relay()).forget().attach_ok(target()).expect([
        Seen::Replied(switched()),
        join(),
        Seen::ResumeReading,
    ]);
}

/// [H12] [H13] The handler's mistake, and its process is told.
#[test]
fn a_subprotocol_that_was_not_offered_is_answered_500() {
    for choice in ["v3", "", "v1, v2", "V1"] {
        let script = offering("v1, v2").answered(relay().header("Sec-WebSocket-Protocol", choice));
        script.expect([aborted("internal server error")].into_iter().chain(refused_after(server_error())));
    }
}

/// [H12] What is no text was not offered either.
#[test]
fn a_subprotocol_that_is_no_text_is_answered_500() {
    offering("v1, v2")
        .answered(relay().header("Sec-WebSocket-Protocol", &b"\xff"[..]))
        .expect([aborted("internal server error")].into_iter().chain(refused_after(server_error())));
}

/// [H13] The handler's header cannot be written.
#[test]
fn a_header_that_cannot_be_written_on_the_101_is_answered_500_and_the_target_is_told() {
    Setup::default()
        .asked()
        .respond(relay().header("X-Bad", "a\r\nb"))
        .expect([aborted("internal server error")].into_iter().chain(refused_after(server_error())));
}

/// [H13] The client has had its 503 long ago.
#[test]
fn a_handler_that_answers_too_late_has_its_target_told() {
    Setup::default()
        .asked()
        .after(secs(30))
        .forget()
        .respond(relay())
        .expect([aborted("handler answered too late")]);
}

/// [H13] The client leaves while its target is looked for.
#[test]
fn a_client_that_leaves_before_its_target_is_attached_has_it_told() {
    let mut script = Setup::default().attaching().eof();
    let seen = script.seen();
    let abort = seen.iter().find(|seen| matches!(seen, Seen::Told(_, topic, _) if topic == "ws.abort"));
    assert!(abort.is_some(), "no ws.abort in {seen:?}");
}

/// [H13] The connection is terminated while its target is looked for.
#[test]
fn a_connection_terminated_before_its_target_is_attached_has_it_told() {
    let mut script = Setup::default().attaching().signal(Signal::Kill);
    let seen = script.seen();
    let abort = seen.iter().find(|seen| matches!(seen, Seen::Told(_, topic, _) if topic == "ws.abort"));
    assert!(abort.is_some(), "no ws.abort in {seen:?}");
}

/// [H8] [H13] The monitor of a connection that is gone is taken back: nothing is leaked.
#[test]
fn a_target_that_is_attached_too_late_is_not_watched_any_more() {
    Setup::default().attaching().eof().forget().attach_ok(target()).expect([demonitor(target())]);
}
