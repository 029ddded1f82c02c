use super::*;
use crate::http::testing::*;

#[test]
fn a_function_is_called_with_its_endpoint_the_request_and_decoded_parameters() {
    let site = site(&app("/api/", &["GET /users/{id}/files/{path...}"]));
    let request = get("/api/users/a%2Fb/files/x/%C3%BC/?q=1", &[]);
    let mut seen = None;
    let response = answer(&site, request.clone(), |call| {
        seen = Some(call);
        Response::new(204)
    });
    assert_eq!(response, Response::new(204));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        seen,
        Some(Call {
            function: id("f"),
            endpoint: id("GET /users/{id}/files/{path...}"),
            request,
            params: vec![pair("id", "a/b"), pair("path", "x/ü/")],
        })
    );
}

#[test]
fn what_no_route_matches_is_404_and_sees_no_middleware() {
    let site = site(&app_with(&["cors", "metrics"], &[]));
    assert_eq!(shown(&site, get("/nowhere", &[])), text(404, "not found"));
    assert_eq!(shown(&site, request("OPTIONS", "/nowhere", &[])), text(404, "not found"));
}

#[test]
fn another_method_is_405_with_those_that_are_allowed() {
    let site = site(&app("", &["PUT /a", "GET /{x}", "PATCH /b"]));
    let mut expected = text(405, "method not allowed");
    expected.headers.set("Allow", "GET, HEAD, OPTIONS, PUT");
    assert_eq!(shown(&site, request("DELETE", "/a", &[])), expected);
}

#[test]
fn get_serves_head() {
    let site = site(&app("", &["GET /a"]));
    assert_eq!(shown(&site, request("HEAD", "/a", &[])), text(200, "GET /a"));
}

#[test]
fn options_is_answered_with_what_is_allowed_unless_an_endpoint_does() {
    let site = site(&app("", &["GET /a", "POST /a", "OPTIONS /b"]));
    let allow = |methods: &str| Response::new(204).header("Allow", methods.to_owned());
    assert_eq!(shown(&site, request("OPTIONS", "/a", &[])), allow("GET, HEAD, OPTIONS, POST"));
    assert_eq!(shown(&site, request("OPTIONS", "/b", &[])), text(200, "OPTIONS /b"));
    assert_eq!(shown(&site, request("OPTIONS", "*", &[])), allow("GET, HEAD, OPTIONS, POST"));
    assert_eq!(shown(&site, request("GET", "*", &[])), text(400, "malformed path"));
}

#[test]
fn a_preflight_goes_through_the_middleware_of_the_route_that_it_asks_for() {
    let mut app = app("", &["GET /a"]);
    app.routers.push(router("s", ""));
    app.endpoints.push(endpoint("s", "PUT /a"));
    app.routers[1].middleware = names(&["cors"]);
    let site = site(&app);
    let preflight = |method| {
        let headers = [("Origin", "https://a.example"), ("Access-Control-Request-Method", method)];
        shown(&site, request("OPTIONS", "/a", &headers))
    };
    assert_eq!(preflight("GET"), Response::new(204).header("Allow", "GET, HEAD, OPTIONS, PUT"));
    assert_eq!(preflight("PUT").headers.get("Access-Control-Allow-Origin"), Some("*"));
}

#[test]
fn options_goes_through_the_outer_list_alone() {
    let mut app = app("", &["GET /a"]);
    app.routers[0].post_middleware = names(&["cors"]);
    let site = site(&app);
    let headers = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET")];
    assert_eq!(
        shown(&site, request("OPTIONS", "/a", &headers)),
        Response::new(204).header("Allow", "GET, HEAD, OPTIONS")
    );
}

#[test]
fn a_folder_without_its_slash_is_sent_there() {
    let site = site(&app("/x", &["GET /", "POST /{rest...}", "GET /y", "GET /y/"]));
    let to = |status, location: &str| Response::new(status).header("Location", location.to_owned());
    assert_eq!(shown(&site, get("/x?a=/b", &[])), to(301, "/x/?a=/b"));
    assert_eq!(shown(&site, request("POST", "/x", &[])), to(308, "/x/"));
    assert_eq!(shown(&site, get("/x/y", &[])), text(200, "GET /y"));
    assert_eq!(shown(&site, get("/x/y/", &[])), text(200, "GET /y/"));
    assert_eq!(shown(&site, upgrade("/x", &[])), text(200, "GET /"));
}

#[test]
fn a_folder_is_exact_before_a_wider_route() {
    let site = site(&app("", &["GET /{rest...}", "GET /docs/"]));
    assert_eq!(shown(&site, get("/docs", &[])), Response::new(301).header("Location", "/docs/"));
    assert_eq!(shown(&site, get("/doc", &[])), text(200, "GET /{rest...} rest=doc"));
}

#[test]
fn a_path_that_climbs_reaches_no_handler() {
    let site = site(&app("", &["GET /{rest...}", "GET /{x}"]));
    for target in ["/../a", "/%2e%2e/a", "/a/..%2f..%2fb", "//evil.example", "/\\evil.example", "/a//b", "/%"]
    {
        assert_eq!(shown(&site, get(target, &[])), text(400, "malformed path"), "{target}");
    }
}

#[test]
fn two_routes_of_which_neither_is_more_specific_are_an_error() {
    let mut app = app("", &["GET /a/{x}/c", "GET /a/b/{y}", "POST /a/{x}/d", "HEAD /a/b/{z}"]);
    let found = findings(&app);
    let expected = |method: &str, pattern: &str| {
        format!(
            "{method} {pattern}:1:1: error: `{method} {pattern}` and `GET /a/{{x}}/c` at GET /a/{{x}}/c:1:1 both match \
             some paths, and neither is the more specific one"
        )
    };
    assert_eq!(found, [expected("GET", "/a/b/{y}"), expected("HEAD", "/a/b/{z}")]);
    app.endpoints.truncate(1);
    app.routers.push(router("s", "/a"));
    app.endpoints.push(endpoint("s", "GET /{other}/c"));
    assert_eq!(
        findings(&app),
        ["GET /{other}/c:1:1: error: `GET /a/{other}/c` is the same as `GET /a/{x}/c` at GET /a/{x}/c:1:1"]
    );
}

#[test]
fn what_is_no_route_is_an_error_at_its_endpoint() {
    let mut app = app("", &["GET a", "GET /a{b}"]);
    app.routers.push(router("s", "api"));
    assert_eq!(
        findings(&app),
        [
            "GET a:1:1: error: path `a` does not begin with a slash",
            "GET /a{b}:1:1: error: in path `/a{b}`, a parameter has to be a whole segment, and `a{b}` is not",
            "s:1:1: error: prefix `api` does not begin with a slash",
        ]
    );
}

#[test]
fn only_what_belongs_to_the_server_is_served() {
    let mut app = app("", &["GET /a"]);
    app.routers.push(router("s", ""));
    app.routers[1].server = id("other");
    app.endpoints.push(endpoint("s", "GET /b"));
    let line = |method: &str, pattern: &str, entry: &str| RouteLine {
        pattern: pattern.to_owned(),
        method: method.to_owned(),
        entry: id(entry),
    };
    assert_eq!(site(&app).routes(), [line("GET", "/a", "GET /a")]);
}

#[test]
fn an_early_answer_is_seen_by_what_is_outside_of_it_alone() {
    let given = [("ratelimit.requests", "1"), ("cors.expose.headers", "X-A")];
    let site = site(&app_with(&["cors", "ratelimit", "compress"], &given));
    let request = || get("/a", &[("Accept-Encoding", "gzip;q=1, identity;q=0")]);
    assert_eq!(shown(&site, request()).headers.get("Content-Encoding"), Some("gzip"));
    let expected = response(
        429,
        &[
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Retry-After", "60"),
            ("X-RateLimit-Limit", "1"),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", "60"),
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Expose-Headers", "X-A"),
        ],
        "too many requests",
    );
    assert_eq!(shown(&site, request()), expected);
}

#[test]
fn each_list_reads_its_own_options() {
    let mut app = app("", &["GET /a"]);
    app.routers[0].middleware = names(&["metrics"]);
    app.routers[0].options = options(&[("wsrelay.relay_only", "true")]);
    app.routers[0].post_middleware = names(&["websocket_relay"]);
    app.routers[0].post_options = options(&[("wsrelay.require_origin", "true")]);
    assert_eq!(
        findings(&app),
        ["wsrelay.relay_only:1:1: warning: no middleware of this list has an option `wsrelay.relay_only`"]
    );
}

#[test]
fn a_relay_header_leaves_only_a_route_with_a_relay() {
    let value = r#"{"target_pid":"{a|0x00001}"}"#;
    let hand_over =
        |_: Call| Response::new(200).header("x-ws-relay", value).header("X-A", "b").header("X-WS-RELAY", "");
    let plain = site(&app("", &["GET /a"]));
    assert_eq!(answer(&plain, upgrade("/a", &[]), hand_over), Response::new(200).header("X-A", "b"));
    let relayed = site(&app_with(&["websocket_relay"], &[]));
    let handed_over = Response::new(200).header("x-ws-relay", value);
    assert_eq!(answer(&relayed, upgrade("/a", &[]), |_| handed_over.clone()), handed_over);
}

#[test]
fn settings_of_two_routers_that_contradict_each_other_are_errors() {
    let mut app = app_with(&["websocket_relay"], &[("wsrelay.overflow", "close")]);
    app.routers.push(router("s", "/s"));
    app.routers[1].post_middleware = names(&["websocket_relay"]);
    app.routers[1].post_options =
        options(&[("wsrelay.overflow", "drop_new"), ("wsrelay.message_form", "raw")]);
    let message = "wsrelay.overflow:1:1: error: option `wsrelay.overflow` holds for the whole server, and has another \
                   value at wsrelay.overflow:1:1";
    assert_eq!(findings(&app), [message, message]);
    app.routers[0].options.clear();
    let site = site(&app);
    assert_eq!(site.message_form(), MessageForm::Raw);
    assert_eq!(site.connection_options().relay.overflow, wsrelay_core::relay::Overflow::DropNew);
}

#[test]
fn metrics_have_a_page_below_the_routers_prefix() {
    let mut app = app("/api", &["GET /a/{x}"]);
    app.routers[0].middleware = names(&["metrics"]);
    app.routers[0].options = options(&[("metrics.path", "/metrics")]);
    let site = site(&app);
    let mut late = false;
    let clock = std::sync::atomic::AtomicU64::new(0);
    let clock = || wsrelay_core::time::Instant::from_millis(clock.fetch_add(7, Ordering::Relaxed));
    let response = smol::block_on(site.answer(&clock, get("/api/a/1", &[]), async |call| {
        late = true;
        show(call)
    }));
    assert_eq!((response, late), (text(200, "GET /a/{x} x=1"), true));
    let page = shown(&site, get("/api/metrics", &[]));
    assert_eq!(page.headers.get("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let body = std::str::from_utf8(&page.body).unwrap();
    for line in [
        "wsrelay_http_requests_total{method=\"GET\",route=\"/api/a/{x}\",status=\"2xx\"} 1",
        "wsrelay_http_request_duration_seconds_sum{method=\"GET\",route=\"/api/a/{x}\"} 0.007",
        "wsrelay_http_requests_in_flight 1",
    ] {
        assert!(body.lines().any(|other| other == line), "{line}\nis not in\n{body}");
    }
    assert!(site.metrics_text().contains("route=\"/api/metrics\""));
}

#[test]
fn the_answer_can_be_awaited_on_any_thread() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    fn is_shared<T: Send + Sync + 'static>() {}
    fn answered<F, R>(site: &Site, clock: Clock<'_>, request: Request, call: F) -> impl Future + Send
    where
        F: FnOnce(Call) -> R + Send,
        R: Future<Output = Response> + Send,
    {
        is_send(site.answer(clock, request, call))
    }
    fn is_form<T: Clone + Copy + std::fmt::Debug + Default + PartialEq + Eq>() {}
    is_shared::<Site>();
    is_form::<MessageForm>();
    let site = Arc::new(site(&app("", &["GET /a"])));
    let clock = || wsrelay_core::time::Instant::ZERO;
    drop(answered(&site, &clock, get("/a", &[]), async |call| show(call)));
    // As a server does it: the task owns everything.
    let task = is_send(async move { site.answer(&clock, get("/a", &[]), async |call| show(call)).await });
    assert_eq!(smol::block_on(smol::spawn(task)), text(200, "GET /a"));
}

#[test]
fn a_handlers_error_goes_back_through_all_middleware_with_its_headers_in_their_order() {
    let mut app = app_with(&["metrics", "cors", "ratelimit"], &[("ratelimit.requests", "9")]);
    app.routers[0].post_middleware = names(&["websocket_relay", "compress"]);
    let site = site(&app);
    let given = [("Set-Cookie", "b=2"), ("X-Z", "1"), ("Set-Cookie", "a=1"), ("x-z", "0")];
    let mut expected = given.to_vec();
    expected.extend([
        ("X-RateLimit-Limit", "9"),
        ("X-RateLimit-Remaining", "8"),
        ("X-RateLimit-Reset", "7"),
        ("Access-Control-Allow-Origin", "*"),
    ]);
    let sent = answer(&site, get("/a", &[]), |_| response(500, &given, "it broke"));
    assert_eq!(sent, response(500, &expected, "it broke"));
    let line = "wsrelay_http_requests_total{method=\"GET\",route=\"/a\",status=\"5xx\"} 1";
    assert!(site.metrics_text().lines().any(|other| other == line), "{}", site.metrics_text());
}

/// H10
#[test]
fn a_relay_header_of_no_status_and_no_method_leaves_a_route_without_a_relay() {
    let site = site(&app("", &["GET /a", "POST /a", "OPTIONS /a"]));
    for method in ["GET", "HEAD", "POST", "OPTIONS"] {
        for status in [200, 204, 302, 401, 500] {
            let hand_over = response(status, &[("X-Ws-Relay", "{}"), ("X-WS-Relay", "")], "");
            let sent = answer(&site, request(method, "/a", &[]), |_| hand_over);
            assert_eq!(sent, Response::new(status), "{method} {status}");
        }
    }
}

/// H6: the core answers 426 to it, and has to see it for that.
#[test]
fn a_relay_header_on_an_ordinary_request_is_left_for_the_core() {
    let given = [("wsrelay.heartbeat_interval", "5s"), ("wsrelay.subprotocols", "a")];
    let site = site(&app_with(&["websocket_relay", "compress"], &given));
    let hand_over = response(200, &[("X-WS-Relay", "{}"), ("Content-Type", "text/plain")], &"a".repeat(2000));
    for method in ["GET", "HEAD", "POST"] {
        let request = request(method, "/a", &[("Accept-Encoding", "gzip")]);
        assert_eq!(answer(&site, request, |_| hand_over.clone()), hand_over, "{method}");
    }
}

#[test]
fn a_client_that_is_no_proxy_cannot_choose_whom_it_counts_for() {
    let site = site(&app_with(&["real_ip", "ratelimit"], &[("ratelimit.requests", "1")]));
    let from = |peer: &str, forwarded: &str| {
        let mut request = get("/a", &[("X-Forwarded-For", forwarded), ("X-Real-IP", forwarded)]);
        request.peer = peer.parse().ok();
        shown(&site, request).status
    };
    assert_eq!((from("203.0.113.1:1", "1.1.1.1"), from("203.0.113.1:2", "2.2.2.2")), (200, 429));
    // Behind a proxy each counts for itself, whatever it claimed before the proxy added it.
    assert_eq!((from("10.0.0.1:1", "6.6.6.6, 7.7.7.7"), from("10.0.0.1:1", "8.8.8.8, 7.7.7.7")), (200, 429));
    assert_eq!(from("10.0.0.1:1", "7.7.7.8"), 200);
}

#[test]
fn what_cannot_be_done_with_lists_is_said_of_them() {
    let mut app = app_with(&["metrics"], &[]);
    app.routers[0].post_middleware = names(&["metrics"]);
    assert_eq!(
        findings(&app),
        [
            "metrics:1:1: warning: middleware `metrics` is in both lists of this router, and counts every request twice"
        ]
    );
}
