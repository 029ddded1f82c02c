//! From request to connection (H).

use serde_json::json;
use wsrelay_core::connection::{Input, Note, Refused};
use wsrelay_core::fault::{ConfigFault, HttpFault};
use wsrelay_core::message::Destination;
use wsrelay_core::process::{ExitReason, Signal};
use wsrelay_core::time::Timeout;
use wsrelay_core::upgrade::{OriginPolicy, Response};
use wsrelay_tests::*;

/// What follows a refusal before the handler was asked.
fn refused_at_once(reply: Reply) -> [Seen; 2] {
    [Seen::Replied(reply), Seen::Shutdown]
}

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

fn wants_upgrade() -> Reply {
    refused(426, "this resource is a WebSocket endpoint")
        .header("sec-websocket-version", "13")
        .without("connection")
        .header("connection", "Upgrade, close")
        .header("upgrade", "websocket")
}

/// [H1] [R4] A sound request reaches the handler, whose answer makes it a connection. The socket is read again
/// only after the join.
#[test]
fn an_upgrade_goes_from_request_to_handler_to_target_to_101() {
    open()
        .bytes(UPGRADE)
        .expect([requested("GET", "/chat", ""), Seen::StopReading])
        .respond(relay())
        .expect([attach(target())])
        .attach_ok(target())
        .expect([Seen::Replied(switched()), join(), Seen::ResumeReading]);
}

/// [H1] An upgrade with another method never reaches the handler.
#[test]
fn an_upgrade_that_is_not_a_get_is_answered_405_with_allow() {
    let reply = refused(405, "a WebSocket connection is opened with GET").header("allow", "GET");
    open().bytes(UPGRADE.replace("GET", "POST")).expect(refused_at_once(reply));
}

/// [H1] A plain request on a route that serves nothing else never reaches the handler.
#[test]
fn a_plain_request_on_a_relay_only_route_is_answered_426_with_upgrade() {
    Setup::default()
        .policy(|policy| policy.relay_only = vec!["/chat".into()])
        .open()
        .bytes("GET /chat/1 HTTP/1.1\r\nHost: example.com\r\n\r\n")
        .expect(refused_at_once(wants_upgrade()));
}

/// [H1] Another token in `Upgrade` is no upgrade.
#[test]
fn another_upgrade_token_on_a_relay_only_route_is_answered_426() {
    Setup::default()
        .policy(|policy| policy.relay_only = vec!["/chat".into()])
        .open()
        .bytes("GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
        .expect(refused_at_once(wants_upgrade()));
}

/// [H1] RFC 9110 §9.3.2: no response to HEAD has content, a refusal neither.
#[test]
fn a_head_request_on_a_relay_only_route_is_refused_without_a_body() {
    let mut script = Setup::default()
        .policy(|policy| policy.relay_only = vec!["/chat".into()])
        .open()
        .bytes("HEAD /chat HTTP/1.1\r\nHost: example.com\r\n\r\n");
    let seen = script.seen();
    let Some(Seen::Replied(reply)) = seen.first() else { panic!("no reply in {seen:?}") };
    assert_eq!((reply.status, &*reply.body), (426, ""));
}

/// [H1] Elsewhere a request with another token goes to the handler as an ordinary one.
#[test]
fn another_upgrade_token_on_another_route_is_an_ordinary_request() {
    open()
        .bytes("GET /page HTTP/1.1\r\nHost: example.com\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
        .expect([requested("GET", "/page", ""), Seen::StopReading]);
}

/// [H1] RFC 6455 §4.4
#[test]
fn another_version_is_answered_426_with_the_one_that_is_spoken() {
    for version in ["Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13, 8", "X: y"] {
        let reply = refused(426, "WebSocket version not supported")
            .header("sec-websocket-version", "13")
            .without("connection")
            .header("connection", "Upgrade, close")
            .header("upgrade", "websocket");
        open().bytes(UPGRADE.replace("Sec-WebSocket-Version: 13", version)).expect(refused_at_once(reply));
    }
}

/// [H1] A key that is missing, short, or not base64.
#[test]
fn a_missing_or_malformed_key_is_answered_400() {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    for instead in ["X: y", "Sec-WebSocket-Key: dGhl", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!=="] {
        open()
            .bytes(UPGRADE.replace(key, instead))
            .expect(refused_at_once(refused(400, "malformed Sec-WebSocket-Key")));
    }
}

/// [H2] The body is short and says nothing of the list; the note holds what was sent.
#[test]
fn a_foreign_origin_is_answered_403_before_the_handler() {
    open()
        .bytes(upgrade_with("Origin: https://evil.example\r\n"))
        .expect(refused_at_once(refused(403, "origin not allowed")))
        .expect_notes([Note::Refused(HttpFault::Origin("https://evil.example".into()))]);
}

/// [H2] Scheme, host and port are compared, with the default port filled in and without case.
#[test]
fn the_same_origin_is_allowed_however_it_is_spelled() {
    for origin in ["http://example.com", "http://EXAMPLE.com:80", "HTTP://Example.Com"] {
        open()
            .bytes(upgrade_with(&format!("Origin: {origin}\r\n")))
            .expect([requested("GET", "/chat", ""), Seen::StopReading]);
    }
    for origin in ["https://example.com", "http://example.com:81", "http://example.org"] {
        open()
            .bytes(upgrade_with(&format!("Origin: {origin}\r\n")))
            .expect(refused_at_once(refused(403, "origin not allowed")));
    }
}

/// [H2] Brackets and colons of an IPv6 host are no port.
#[test]
fn an_ipv6_host_is_its_own_origin() {
    let request = |origin: &str| {
        upgrade_with(&format!("Origin: {origin}\r\n")).replace("Host: example.com", "Host: [::1]:8080")
    };
    open().bytes(request("http://[::1]:8080")).expect([requested("GET", "/chat", ""), Seen::StopReading]);
    open().bytes(request("http://[::1]:1")).expect(refused_at_once(refused(403, "origin not allowed")));
}

/// [H2] What is no origin is nobody's.
#[test]
fn null_and_file_and_nonsense_are_never_the_same_origin() {
    for origin in ["null", "file://", "example.com", "http://", "http://example.com http://example.com"] {
        open()
            .bytes(upgrade_with(&format!("Origin: {origin}\r\n")))
            .expect(refused_at_once(refused(403, "origin not allowed")));
    }
}

/// [H2] Only browsers send `Origin`.
#[test]
fn a_client_without_an_origin_is_refused_only_where_one_is_required() {
    open().bytes(UPGRADE).expect([requested("GET", "/chat", ""), Seen::StopReading]);
    Setup::default()
        .policy(|policy| policy.require_origin = true)
        .open()
        .bytes(UPGRADE)
        .expect(refused_at_once(refused(403, "origin not allowed")));
}

/// [H2] A proxy that is trusted says how the client reached it; another's word counts for nothing.
#[test]
fn forwarded_headers_count_only_from_a_trusted_proxy() {
    let request = upgrade_with(
        "Origin: https://app.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example\r\n",
    );
    let setup = |peer: [u8; 4]| {
        Setup::default()
            .peer((peer, 4000).into())
            .policy(|policy| policy.trusted_proxies = "10.0.0.0/8".parse().into_iter().collect())
    };
    setup([10, 0, 0, 1]).open().bytes(&request).expect([requested("GET", "/chat", ""), Seen::StopReading]);
    setup([11, 0, 0, 1]).open().bytes(&request).expect(refused_at_once(refused(403, "origin not allowed")));
}

/// [H2] Over TLS the scheme of the same origin is https.
#[test]
fn a_connection_over_tls_has_an_https_origin() {
    Setup::default()
        .secure()
        .open()
        .bytes(upgrade_with("Origin: https://example.com\r\n"))
        .expect([requested("GET", "/chat", ""), Seen::StopReading]);
    Setup::default()
        .secure()
        .open()
        .bytes(upgrade_with("Origin: http://example.com\r\n"))
        .expect(refused_at_once(refused(403, "origin not allowed")));
}

/// [H3] A list of patterns, with wildcards of one or more labels.
#[test]
fn listed_origins_are_allowed_and_no_others() {
    let setup = || {
        Setup::default().policy(|policy| {
            policy.origins = OriginPolicy::parse("https://app.example, *.shop.example:8443").expect("a list");
        })
    };
    for origin in ["https://app.example", "https://a.b.shop.example:8443", "http://a.shop.example:8443"] {
        setup()
            .open()
            .bytes(upgrade_with(&format!("Origin: {origin}\r\n")))
            .expect([requested("GET", "/chat", ""), Seen::StopReading]);
    }
    for origin in ["http://app.example", "https://shop.example:8443", "https://app.example.evil.example"] {
        setup()
            .open()
            .bytes(upgrade_with(&format!("Origin: {origin}\r\n")))
            .expect(refused_at_once(refused(403, "origin not allowed")));
    }
}

/// [H3] The start fails, and says which pattern it was.
#[test]
fn a_pattern_that_does_not_parse_is_named() {
    let fault = OriginPolicy::parse("https://app.example, https://*").expect_err("no host");
    assert!(fault.to_string().contains("https://*"), "{fault}");
    assert!(OriginPolicy::parse("*").is_ok_and(|policy| policy.is_any()));
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

/// [H9] The request could not be served any more.
#[test]
fn an_upgrade_request_while_draining_is_answered_503_before_the_handler() {
    let reply = refused(503, "service unavailable").header("retry-after", "5");
    open()
        .bytes(&UPGRADE[..10])
        .input(Input::Drain(secs(30)))
        .bytes(&UPGRADE[10..])
        .expect(refused_at_once(reply));
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

/// [H10] What a client sends under this name is nobody's business.
#[test]
fn a_relay_header_of_the_clients_own_does_not_reach_the_handler() {
    use bytes::BytesMut;
    use wsrelay_core::connection::{Connection, Output, Outputs};
    use wsrelay_core::time::Instant;
    let mut connection = Connection::new(Instant::ZERO, client(), 0, None, false, std::sync::Arc::default());
    let mut out = Outputs::new();
    let request = upgrade_with("x-WS-relay: {}\r\nX-WS-Relay: {}\r\n");
    connection.handle(Instant::ZERO, Input::Received(BytesMut::from(&*request)), &mut out);
    let requests: Vec<_> = out
        .drain()
        .filter_map(|output| if let Output::Request(request) = output { Some(request) } else { None })
        .collect();
    assert!(matches!(&requests[..], [request] if !request.headers.contains("X-WS-Relay")), "{requests:?}");
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
