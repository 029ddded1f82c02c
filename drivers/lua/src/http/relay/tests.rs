use super::super::testing::*;
use super::*;
use crate::http::Site;
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::time::Timeout;

fn relayed(given: &[(&str, &str)]) -> Site {
    site(&app_with(&["websocket_relay"], given))
}

/// The status for an upgrade with these headers, and whether the handler was reached.
fn status(site: &Site, headers: &[(&str, &str)]) -> (u16, bool) {
    let mut reached = false;
    let response = answer(site, upgrade("/a", headers), |_| {
        reached = true;
        Response::new(200)
    });
    (response.status, reached)
}

/// H1
#[test]
fn a_bad_upgrade_never_reaches_the_handler() {
    let site = relayed(&[]);
    let mut request = upgrade("/a", &[]);
    request.headers.set("Sec-WebSocket-Version", "12");
    let expected = refusal(&HttpFault::WebSocketVersion);
    assert_eq!(answer(&site, request, |_| unreachable!("the handler was called")), expected);
    let mut request = upgrade("/a", &[]);
    request.method = "POST".to_owned();
    let expected = refusal(&HttpFault::UpgradeMethod);
    assert_eq!(answer(&site, request, |_| unreachable!("the handler was called")), expected);
}

/// H2
#[test]
fn an_origin_that_is_not_allowed_is_refused_before_the_handler() {
    let site = relayed(&[("wsrelay.allowed.origins", "https://app.example, *.example.org")]);
    for (origin, expected) in [
        ("https://app.example", (200, true)),
        ("http://a.example.org", (200, true)),
        ("http://here.example", (200, true)),
        ("https://evil.example", (403, false)),
        ("https://app.example.evil.example", (403, false)),
        ("null", (403, false)),
    ] {
        assert_eq!(status(&site, &[("Origin", origin)]), expected, "{origin}");
    }
    assert_eq!(status(&site, &[]), (200, true));
    let request = upgrade("/a", &[("Origin", "null")]);
    let expected = refusal(&HttpFault::Origin("null".to_owned()));
    assert_eq!(answer(&site, request, |_| unreachable!("the handler was called")), expected);
}

#[test]
fn without_a_list_only_the_same_origin_connects() {
    let site = relayed(&[]);
    assert_eq!(status(&site, &[("Origin", "http://here.example")]), (200, true));
    assert_eq!(status(&site, &[("Origin", "https://here.example")]), (403, false));
}

#[test]
fn the_older_names_of_the_list_are_read() {
    for name in ["allow_origins", "allowed_origins"] {
        let site = relayed(&[(name, "https://app.example")]);
        assert_eq!(status(&site, &[("Origin", "https://app.example")]), (200, true), "{name}");
    }
}

#[test]
fn each_route_has_its_own_list() {
    let mut app = app_with(&["websocket_relay"], &[("wsrelay.allowed.origins", "https://app.example")]);
    app.routers.push(router("s", "/s"));
    app.endpoints.push(endpoint("s", "GET /a"));
    app.routers[1].post_middleware = names(&["websocket_relay"]);
    let site = site(&app);
    let origin = [("Origin", "https://app.example")];
    assert_eq!(shown(&site, upgrade("/a", &origin)).status, 200);
    assert_eq!(shown(&site, upgrade("/s/a", &origin)).status, 403);
}

/// H3
#[test]
fn a_pattern_that_does_not_parse_fails_the_start_and_any_origin_is_a_warning() {
    let found = |list| findings(&app_with(&["websocket_relay"], &[("wsrelay.allowed.origins", list)]));
    assert_eq!(
        found("https://app.example, https://a b"),
        [
            "wsrelay.allowed.origins:1:1: error: option `wsrelay.allowed.origins`: allowed origin \"https://a b\" is not \
             of the form [scheme://]host[:port]"
        ]
    );
    assert_eq!(
        found("*"),
        [
            "wsrelay.allowed.origins:1:1: warning: with `*`, any page on the web may connect, with its visitor's cookies"
        ]
    );
}

#[test]
fn an_origin_can_be_required() {
    let site = relayed(&[("wsrelay.require_origin", "true")]);
    assert_eq!(status(&site, &[]), (403, false));
    assert_eq!(status(&site, &[("Origin", "http://here.example")]), (200, true));
}

#[test]
fn an_ordinary_request_on_a_relay_only_router_is_told_to_upgrade() {
    let site = relayed(&[("wsrelay.relay_only", "true")]);
    let expected = refusal(&HttpFault::UpgradeRequired);
    assert_eq!(shown(&site, get("/a", &[])), expected);
    assert_eq!(shown(&site, request("OPTIONS", "/a", &[])).status, 204);
    assert_eq!(status(&site, &[]), (200, true));
    assert_eq!(shown(&relayed(&[]), get("/a", &[])), text(200, "GET /a"));
}

#[test]
fn a_trusted_proxy_is_believed_also_behind_real_ip() {
    let given = [("wsrelay.trusted_proxies", "10.0.0.0/8")];
    let site = site(&app_with(&["real_ip", "websocket_relay"], &given));
    let headers = [
        ("Origin", "https://outer.example"),
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "outer.example"),
    ];
    let mut request = upgrade("/a", &headers);
    assert_eq!(shown(&site, request.clone()).status, 403);
    request.peer = Some("10.0.0.1:77".parse().unwrap());
    let mut peer = None;
    let response = answer(&site, request, |call| {
        peer = call.request.peer;
        Response::new(200)
    });
    assert_eq!((response.status, peer), (200, Some("203.0.113.9:0".parse().unwrap())));
}

/// H12
#[test]
fn the_first_configured_subprotocol_that_was_offered_is_chosen_unless_the_handler_did() {
    let site = relayed(&[("wsrelay.subprotocols", "b, a")]);
    let offer = || upgrade("/a", &[("Sec-WebSocket-Protocol", "a, b, c")]);
    let hand_over = Response::new(200).header(RELAY_HEADER, "{}");
    let chosen = |protocol| hand_over.clone().header("Sec-WebSocket-Protocol", protocol);
    assert_eq!(answer(&site, offer(), |_| hand_over.clone()), chosen("b"));
    assert_eq!(answer(&site, offer(), |_| chosen("c")), chosen("c"));
    assert_eq!(answer(&site, upgrade("/a", &[]), |_| hand_over.clone()), hand_over);
    assert_eq!(answer(&site, offer(), |_| Response::new(200)), Response::new(200));
}

#[test]
fn the_default_heartbeat_stands_in_for_one_that_the_handler_did_not_name() {
    let site = relayed(&[("wsrelay.heartbeat_interval", "90s")]);
    let long = format!("{{\"target_pid\":\"{}\"}}", "x".repeat(9000));
    for (written, sent) in [
        ("{}", r#"{"heartbeat_interval":"1m30s"}"#),
        (
            r#" {"target_pid":"{a|b}","x":1.50}"#,
            r#" {"heartbeat_interval":"1m30s","target_pid":"{a|b}","x":1.50}"#,
        ),
        (r#"{"heartbeat_interval":"5s"}"#, r#"{"heartbeat_interval":"5s"}"#),
        (r#"{"heartbeat_interval":null}"#, r#"{"heartbeat_interval":null}"#),
        (
            r#"{"metadata":{"heartbeat_interval":1}}"#,
            r#"{"heartbeat_interval":"1m30s","metadata":{"heartbeat_interval":1}}"#,
        ),
        ("[]", "[]"),
        ("{", "{"),
        (&long, &long),
    ] {
        let response = answer(&site, upgrade("/a", &[]), |_| {
            Response::new(200).header(RELAY_HEADER, written.to_owned())
        });
        assert_eq!(response, Response::new(200).header(RELAY_HEADER, sent.to_owned()));
    }
    let room = Response::new(200).header(RELAY_HEADER, r#"{"target_pid":"room"}"#);
    let response = answer(&site, upgrade("/a", &[]), |_| room);
    let values = response.headers.get_all(RELAY_HEADER).map(|value| &**value);
    let config = RelayConfig::parse(values, &Limits::default()).unwrap();
    assert_eq!(config.heartbeat, Timeout::After(Duration::from_secs(90)));
    let refused = Response::new(401).header(RELAY_HEADER, "{}");
    assert_eq!(answer(&site, upgrade("/a", &[]), |_| refused.clone()), refused);
}

#[test]
fn a_heartbeat_out_of_bounds_is_an_error() {
    let found = |text| findings(&app_with(&["websocket_relay"], &[("wsrelay.heartbeat_interval", text)]));
    assert_eq!(
        found("10ms"),
        [
            "wsrelay.heartbeat_interval:1:1: error: option `wsrelay.heartbeat_interval`: expected 0, or from 1s to 24h, \
             found `10ms`"
        ]
    );
    assert_eq!(found("0"), [""; 0]);
}
