use super::super::testing::*;
use super::*;
use crate::http::Site;
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::time::Timeout;
use wsrelay_core::upgrade::Version;

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
    let mut app = app("", &["GET /a", "POST /a", "OPTIONS /a"]);
    app.routers[0].post_middleware = names(&["websocket_relay"]);
    for site in [relayed(&[]), site(&app)] {
        let refused = |fault, change: &dyn Fn(&mut Request)| {
            let mut request = upgrade("/a", &[]);
            change(&mut request);
            let response = answer(&site, request, |_| unreachable!("the handler was called"));
            assert_eq!(response, refusal(&fault));
        };
        for version in ["12", "", "8, 13"] {
            refused(HttpFault::WebSocketVersion, &|request| {
                request.headers.set("Sec-WebSocket-Version", version);
            });
        }
        for key in ["", "short", "dGhlIHNhbXBsZSBub25jZQ"] {
            refused(HttpFault::WebSocketKey, &|request| request.headers.set("Sec-WebSocket-Key", key));
        }
        refused(HttpFault::WebSocketKey, &|request| drop(request.headers.remove("Sec-WebSocket-Key")));
        refused(HttpFault::WebSocketKey, &|request| {
            request.headers.append("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        });
        refused(HttpFault::UpgradeMethod, &|request| request.method = "POST".to_owned());
        refused(HttpFault::UpgradeMethod, &|request| request.method = "HEAD".to_owned());
        refused(HttpFault::UpgradeMethod, &|request| request.method = "OPTIONS".to_owned());
        refused(HttpFault::UpgradeRequired, &|request| request.headers.set("Upgrade", "h2c"));
        refused(HttpFault::UpgradeRequired, &|request| request.headers.set("Connection", "keep-alive"));
        refused(HttpFault::UpgradeRequired, &|request| request.version = Version::Http10);
    }
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

/// H7
#[test]
fn a_malformed_relay_header_passes_untouched_and_is_malformed_still() {
    let given = [("wsrelay.heartbeat_interval", "90s")];
    let site = relayed(&given);
    let long = format!(r#"{{"target_pid":"{}"}}"#, "x".repeat(9000));
    let deep = format!(r#"{{"metadata":{}}}"#, "[".repeat(5000));
    let cases: [&[&[u8]]; 12] = [
        &[b""],
        &[b"null"],
        &[b"\"{}\""],
        &[b"{\"target_pid\":\"a\"}}"],
        &[b"{\"target_pid\":\"a\",}"],
        &[b"{target_pid:\"a\"}"],
        &[b"{\"target_pid\":\"\xff\"}"],
        &[b"\xef\xbb\xbf{\"target_pid\":\"a\"}"],
        &[b"{\"target_pid\":\"a\",\"\\u0068eartbeat_interval\":5}"],
        &[b"{\"target_pid\":\"a\"}", b"{\"target_pid\":\"a\"}"],
        &[long.as_bytes()],
        &[deep.as_bytes()],
    ];
    for values in cases {
        let mut written = Response::new(200);
        for value in values {
            written.headers.append("x-ws-relay", value.to_vec());
        }
        assert_eq!(answer(&site, upgrade("/a", &[]), |_| written.clone()), written);
        let values = written.headers.get_all(RELAY_HEADER).map(|value| &**value);
        assert!(RelayConfig::parse(values, &Limits::default()).is_err(), "{written:?}");
    }
}

#[test]
fn a_good_relay_header_does_not_become_too_long_for_its_heartbeat() {
    let site = relayed(&[("wsrelay.heartbeat_interval", "90s")]);
    let limits = Limits::default();
    let empty = r#"{"target_pid":"room","metadata":{"a":""}}"#;
    for (short_of_max, expected) in [
        (0, Timeout::Off),
        (r#""heartbeat_interval":"1m30s","#.len() - 1, Timeout::Off),
        (r#""heartbeat_interval":"1m30s","#.len(), Timeout::After(Duration::from_secs(90))),
    ] {
        let filler = "x".repeat(limits.relay_header_bytes_max - short_of_max - empty.len());
        let written = empty.replace("\"\"", &format!("\"{filler}\""));
        let response =
            answer(&site, upgrade("/a", &[]), |_| Response::new(200).header(RELAY_HEADER, written));
        let values = response.headers.get_all(RELAY_HEADER).map(|value| &**value);
        assert_eq!(RelayConfig::parse(values, &limits).unwrap().heartbeat, expected, "{short_of_max}");
    }
}
