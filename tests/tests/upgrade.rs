//! From request to connection (H): what is decided before the handler is asked. Whose `Origin` may come is in
//! `origins.rs`, what the handler's answer does in `handler.rs`.

use serde_json::json;
use wsrelay_core::connection::Input;
use wsrelay_core::upgrade::Response;
use wsrelay_tests::*;

/// What follows a refusal before the handler was asked.
fn refused_at_once(reply: Reply) -> [Seen; 2] {
    [Seen::Replied(reply), Seen::Shutdown]
}

fn relay() -> Response {
    relay_to(&json!({"target_pid": target().to_string(), "metadata": {"user": 7}}))
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
