//! From request to connection (H): what is refused before the handler is asked, and what its answer makes of
//! the request.

use crate::support::{
    Act, Answer, NodeAct, Saw, Scenario, Setup, Who, abort, join_with, relay_header, reply,
};
use serde_json::{Value, json};
use wsrelay_core::process::ExitReason;
use wsrelay_core::upgrade::OriginPolicy;
use wsrelay_tests::*;

const GET: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\n\r\n";

fn relay() -> Answer {
    Answer::relay(&relay_header())
}

fn unavailable() -> Reply {
    refused(503, "service unavailable").header("retry-after", "5")
}

/// The handler is asked, and its answer refuses the client, and with it the connection.
fn refused_by_answer(scenario: Scenario, answer: Reply) -> Scenario {
    scenario
        .sees(Who::Handler, Saw::Asked("GET /chat".into()))
        .sees(Who::Client, reply(answer))
        .sees(Who::Client, Saw::End)
}

/// [H1] What could not be upgraded never reaches the handler.
fn a_bad_upgrade_request_never_reaches_the_handler() -> Scenario {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let version = "Sec-WebSocket-Version: 13";
    let not_get = refused(405, "a WebSocket connection is opened with GET").header("allow", "GET");
    let other_version = wants_upgrade().body("WebSocket version not supported");
    let bad_key = refused(400, "malformed Sec-WebSocket-Key");
    Scenario::new(Setup::default())
        .gets_refused(&UPGRADE.replace("GET", "POST"), not_get)
        .gets_refused(&UPGRADE.replace(version, "Sec-WebSocket-Version: 8"), other_version.clone())
        .gets_refused(&UPGRADE.replace(version, "X: y"), other_version)
        .gets_refused(&UPGRADE.replace(key, "X: y"), bad_key.clone())
        .gets_refused(&UPGRADE.replace(key, "Sec-WebSocket-Key: dGhl"), bad_key)
        .gets_refused("GET / HTTP/1.1\r\n\r\n", refused(400, "malformed request: Host"))
        .joins()
        .bye()
}

/// [H1] Where nothing but WebSocket connections is served, an ordinary request is told so.
fn a_plain_request_on_a_relay_only_route_is_answered_426() -> Scenario {
    let other_token =
        "GET /chat/1 HTTP/1.1\r\nHost: example.com\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n";
    Scenario::new(Setup::default().policy(|policy| policy.relay_only = vec!["/chat".into()]))
        .gets_refused(GET, wants_upgrade())
        .gets_refused(other_token, wants_upgrade())
        .joins()
        .bye()
}

fn from_origin(origin: &str) -> String {
    upgrade_with(&format!("Origin: {origin}\r\n"))
}

fn is_let_in(scenario: Scenario, request: &str) -> Scenario {
    scenario.connects().writes(request).accepted().sees(Who::Target, crate::support::join()).bye()
}

/// [H2] Without a list, pages of the same origin, and clients that are no browsers.
fn only_the_same_origin_is_let_in_by_default() -> Scenario {
    let scenario = Scenario::new(Setup::default())
        .gets_refused(&from_origin("https://evil.example"), refused(403, "origin not allowed"))
        .gets_refused(&from_origin("http://example.com:81"), refused(403, "origin not allowed"))
        .gets_refused(&from_origin("null"), refused(403, "origin not allowed"));
    is_let_in(is_let_in(scenario, &from_origin("http://EXAMPLE.com:80")), UPGRADE)
}

/// [H2] [H3] With a list, those on it as well; and those that name no origin may be kept out.
fn listed_origins_are_let_in_and_an_origin_may_be_required() -> Scenario {
    let setup = Setup::default().policy(|policy| {
        policy.origins = OriginPolicy::parse("https://app.example.com, *.example.org").expect("patterns");
        policy.require_origin = true;
    });
    let scenario = Scenario::new(setup)
        .gets_refused(UPGRADE, refused(403, "origin not allowed"))
        .gets_refused(&from_origin("https://example.org"), refused(403, "origin not allowed"));
    let listed = ["https://app.example.com", "http://a.b.example.org", "http://example.com"];
    listed.into_iter().fold(scenario, |scenario, origin| is_let_in(scenario, &from_origin(origin)))
}

/// [H4] Without the relay header the handler's answer goes out as it is, and the client may ask again.
fn an_answer_without_a_relay_header_goes_out_untouched() -> Scenario {
    let refusal = Answer::new(401).header("WWW-Authenticate", "Basic").text("who are you?");
    let expected = wsrelay_tests::reply(401).header("www-authenticate", "Basic").kept().body("who are you?");
    Scenario::connected(Setup::default().answers([refusal, relay()]))
        .writes(UPGRADE)
        .sees(Who::Handler, Saw::Asked("GET /chat".into()))
        .sees(Who::Client, reply(expected))
        .writes(UPGRADE)
        .accepted()
        .sees(Who::Target, crate::support::join())
        .bye()
}

/// [H4] Requests in one piece are answered in their order, and an upgrade may be the last of them.
fn requests_in_one_piece_are_answered_in_order() -> Scenario {
    let page = || Answer::new(200).text("page");
    let expected = || reply(wsrelay_tests::reply(200).kept().body("page"));
    Scenario::connected(Setup::default().answers([page(), page(), relay()]))
        .writes([GET, &GET.replace("/chat", "/2"), UPGRADE].concat())
        .sees(Who::Handler, Saw::Asked("GET /chat".into()))
        .sees(Who::Handler, Saw::Asked("GET /2".into()))
        .sees(Who::Client, expected())
        .sees(Who::Client, expected())
        .accepted()
        .sees(Who::Target, crate::support::join())
        .bye()
}

/// [H5] [H10] [H13] The handler has changed its mind, and the process it had named is told.
fn a_relay_header_on_an_error_is_stripped_and_the_target_is_told() -> Scenario {
    let answer = Answer::new(402).header("X-WS-Relay", &relay_header().to_string()).text("pay first");
    Scenario::connected(Setup::default().answer(answer))
        .writes(UPGRADE)
        .sees(Who::Handler, Saw::Asked("GET /chat".into()))
        .sees(Who::Client, reply(wsrelay_tests::reply(402).kept().body("pay first")))
        .sees(Who::Target, abort("handler refused the connection"))
}

/// [H6] [H13] There is nothing to upgrade.
fn a_relay_header_for_an_ordinary_request_is_answered_426() -> Scenario {
    refused_by_answer(Scenario::connected(Setup::default()).writes(GET), wants_upgrade())
        .sees(Who::Target, abort("this resource is a WebSocket endpoint"))
}

/// [H7] [H13] Whatever is wrong with the header, the client reads the same words; a target that can be read
/// is told.
fn a_malformed_relay_header_is_answered_500() -> Scenario {
    let values = [
        "not json".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        json!({"target_pid": 7}).to_string(),
        json!({"target_pid": "{no pid}"}).to_string(),
        json!({"target_pid": "<target>", "message_topic": "ws.join"}).to_string(),
        json!({"target_pid": "<target>", "metadata": 7}).to_string(),
        json!({"target_pid": "<target>", "heartbeat_interval": 30}).to_string(),
        json!({"target_pid": "<target>", "heartbeat_interval": "1ms"}).to_string(),
        json!({"target_pid": "<target>", "metadata": {"a": "b".repeat(8 * 1024)}}).to_string(),
    ];
    let twice = relay().header("x-ws-relay", &relay_header().to_string());
    let answers = values.iter().map(|value| Answer::new(200).header("X-WS-Relay", value));
    let answers: Vec<_> = answers.chain([twice]).collect();
    let names_target = values.iter().map(|value| value.contains("<target>")).chain([true]);
    names_target.fold(Scenario::new(Setup::default().answers(answers)), |scenario, is_told| {
        let scenario = scenario.connects().writes(UPGRADE);
        let scenario = refused_by_answer(scenario, refused(500, "internal server error"));
        if is_told { scenario.sees(Who::Target, abort("internal server error")) } else { scenario }
    })
}

/// [H8] Nothing is upgraded.
fn a_target_that_is_not_alive_is_answered_503() -> Scenario {
    let name = json!({"target_pid": "a name that nobody holds"});
    let scenario = Scenario::new(Setup::default().answers([relay(), Answer::relay(&name)]))
        .watches(Who::Watcher, Who::Target)
        .acts(Who::Target, Act::Exits(ExitReason::Normal))
        .sees_exit(Who::Watcher, Who::Target, ExitReason::Normal);
    let scenario = refused_by_answer(scenario.connects().writes(UPGRADE), unavailable());
    refused_by_answer(scenario.connects().writes(UPGRADE), unavailable())
}

/// [H9] The handler is not asked for whom there is no place; other requests are served.
fn at_the_limit_of_connections_the_answer_is_503() -> Scenario {
    let page = Answer::new(200).text("page");
    Scenario::connected(Setup::default().places(0).answer(page))
        .writes(UPGRADE)
        .sees(Who::Client, reply(unavailable().without("connection").kept()))
        .writes(GET)
        .sees(Who::Handler, Saw::Asked("GET /chat".into()))
        .sees(Who::Client, reply(wsrelay_tests::reply(200).kept().body("page")))
}

/// [H9] [H13] The drain begins while the handler works.
fn a_handler_that_answers_while_the_node_drains_gets_no_upgrade() -> Scenario {
    let setup = Setup::default().answer(relay().during_a_drain());
    refused_by_answer(Scenario::connected(setup).writes(UPGRADE), unavailable())
        .sees(Who::Target, abort("service unavailable"))
}

/// [H10] Neither from a client to the handler, nor from the handler to a client, in whatever spelling.
fn the_relay_header_passes_in_neither_direction() -> Scenario {
    let answer = Answer::new(200).header("x-Ws-rElAy", &relay_header().to_string());
    let request = upgrade_with("x-WS-relay: {}\r\nX-WS-Relay: {}\r\n");
    is_let_in(Scenario::new(Setup::default().answer(answer)), &request)
}

/// [H11] But for what concerns one hop, a body, or the handshake.
fn the_handlers_other_headers_go_on_the_101() -> Scenario {
    let answer = relay()
        .header("Set-Cookie", "a=1")
        .header("Set-Cookie", "b=2")
        .header("X-Request-Id", "9")
        .header("Content-Type", "text/html")
        .header("Content-Length", "3")
        .header("Connection", "close, X-Hop")
        .header("X-Hop", "1")
        .header("Upgrade", "h2c")
        .header("Sec-WebSocket-Accept", "mine")
        .header("Sec-WebSocket-Extensions", "permessage-deflate");
    let expected =
        switched().header("set-cookie", "a=1").header("set-cookie", "b=2").header("x-request-id", "9");
    Scenario::connected(Setup::default().answer(answer))
        .writes(UPGRADE)
        .sees(Who::Handler, Saw::Asked("GET /chat".into()))
        .sees(Who::Client, reply(expected))
        .sees(Who::Target, crate::support::join())
        .bye()
}

/// [H12] The handler's choice, else the first configured one that was offered, else none.
fn a_subprotocol_is_agreed_on() -> Scenario {
    let cases = [("v1, v2", Some("v1"), Some("v1")), ("v1, v2", None, Some("v2")), ("v3", None, None)];
    let answers = cases.map(|(_, choice, _)| {
        choice.into_iter().fold(relay(), |answer, choice| answer.header("Sec-WebSocket-Protocol", choice))
    });
    cases.into_iter().fold(speaks(answers), |scenario, (offer, _, agreed)| {
        let expected = agreed
            .into_iter()
            .fold(switched(), |reply, agreed| reply.header("sec-websocket-protocol", agreed));
        offers(scenario, offer)
            .sees(Who::Client, reply(expected))
            .sees(Who::Target, join_with(&json!({"user": 7}), agreed))
            .bye()
    })
}

/// [H12] [H13] One that was not offered is the handler's mistake.
fn a_subprotocol_that_was_not_offered_is_answered_500() -> Scenario {
    let choices = ["v3", "", "v1, v2"];
    let answers = choices.map(|choice| relay().header("Sec-WebSocket-Protocol", choice));
    choices.into_iter().fold(speaks(answers), |scenario, _| {
        offers(scenario, "v1, v2")
            .sees(Who::Client, reply(refused(500, "internal server error")))
            .sees(Who::Client, Saw::End)
            .sees(Who::Target, abort("internal server error"))
    })
}

/// A server that speaks `v2` and `v1`.
fn speaks(answers: impl IntoIterator<Item = Answer>) -> Scenario {
    let policy = |policy: &mut wsrelay_core::upgrade::UpgradePolicy| {
        policy.subprotocols = vec!["v2".into(), "v1".into()];
    };
    Scenario::new(Setup::default().policy(policy).answers(answers))
}

fn offers(scenario: Scenario, offer: &str) -> Scenario {
    scenario
        .connects()
        .writes(upgrade_with(&format!("Sec-WebSocket-Protocol: {offer}\r\n")))
        .sees(Who::Handler, Saw::Asked("GET /chat".into()))
}

/// [P6] [H8] The relay header may name a process; the name is freed when its owner ends.
fn a_relay_header_may_name_a_process() -> Scenario {
    let named = |name: &str| {
        let mut header: Value = relay_header();
        header["target_pid"] = json!(name);
        Answer::relay(&header)
    };
    let scenario = Scenario::new(Setup::default().answer(named("lobby")))
        .node(NodeAct::Registers("lobby", Who::Target))
        .joins()
        .bye()
        .watches(Who::Watcher, Who::Target)
        .acts(Who::Target, Act::Exits(ExitReason::Normal))
        .sees_exit(Who::Watcher, Who::Target, ExitReason::Normal);
    refused_by_answer(scenario.connects().writes(UPGRADE), unavailable())
        .acts(Who::Other, Act::Registers("lobby"))
        .sends_word(Who::Other, Who::Watcher)
        .connects()
        .writes(UPGRADE)
        .accepted()
        .sees(Who::Other, crate::support::join())
        .client(close(1000, "bye"))
        .client_is_closed(1000, "")
        .sees_gone(Who::Other, (1000, "bye", true), ExitReason::Normal)
}

crate::on_every_driver! {
    a_bad_upgrade_request_never_reaches_the_handler,
    a_plain_request_on_a_relay_only_route_is_answered_426,
    only_the_same_origin_is_let_in_by_default,
    listed_origins_are_let_in_and_an_origin_may_be_required,
    an_answer_without_a_relay_header_goes_out_untouched,
    requests_in_one_piece_are_answered_in_order,
    a_relay_header_on_an_error_is_stripped_and_the_target_is_told,
    a_relay_header_for_an_ordinary_request_is_answered_426,
    a_malformed_relay_header_is_answered_500,
    a_target_that_is_not_alive_is_answered_503,
    at_the_limit_of_connections_the_answer_is_503,
    a_handler_that_answers_while_the_node_drains_gets_no_upgrade,
    the_relay_header_passes_in_neither_direction,
    the_handlers_other_headers_go_on_the_101,
    a_subprotocol_is_agreed_on,
    a_subprotocol_that_was_not_offered_is_answered_500,
    a_relay_header_may_name_a_process,
}
