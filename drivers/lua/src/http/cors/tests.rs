use super::super::testing::*;
use crate::http::Site;
use wsrelay_core::upgrade::Response;

fn cors(given: &[(&str, &str)]) -> Site {
    site(&app_with(&["cors"], given))
}

fn from(origin: &str) -> [(&str, &str); 1] {
    [("Origin", origin)]
}

fn shown_with(headers: &[(&str, &str)]) -> Response {
    let mut expected = text(200, "GET /a");
    for &(name, value) in headers {
        expected.headers.append(name, value.to_owned());
    }
    expected
}

fn preflight(site: &Site, headers: &[(&str, &str)]) -> Response {
    let mut all = vec![("Access-Control-Request-Method", "POST")];
    all.extend(headers);
    shown(site, request("OPTIONS", "/a", &all))
}

#[test]
fn without_options_every_page_may_read() {
    let expected = shown_with(&[("Access-Control-Allow-Origin", "*")]);
    assert_eq!(shown(&cors(&[]), get("/a", &from("https://a.example"))), expected);
    assert_eq!(shown(&cors(&[]), get("/a", &[])), expected);
}

#[test]
fn a_preflight_is_answered_without_the_handler() {
    let expected = response(
        204,
        &[
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS, PATCH"),
            ("Access-Control-Allow-Headers", "Origin, Content-Type, Accept, Authorization, X-Requested-With"),
            ("Access-Control-Max-Age", "86400"),
        ],
        "",
    );
    assert_eq!(preflight(&cors(&[]), &from("https://a.example")), expected);
}

#[test]
fn listed_origins_are_echoed_and_others_get_nothing() {
    let site =
        cors(&[("cors.allow.origins", "https://a.example, *.b.example"), ("cors.expose.headers", "X-A,X-B")]);
    for origin in ["https://a.example", "http://x.b.example"] {
        let expected = shown_with(&[
            ("Vary", "Origin"),
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Expose-Headers", "X-A, X-B"),
        ]);
        assert_eq!(shown(&site, get("/a", &from(origin))), expected);
    }
    let expected = shown_with(&[("Vary", "Origin")]);
    for origin in ["https://evil.example", "null", "https://a.example.evil.example", "\n"] {
        assert_eq!(shown(&site, get("/a", &from(origin))), expected, "{origin}");
    }
    assert_eq!(shown(&site, get("/a", &[])), expected);
    let twice = [("Origin", "https://a.example"), ("Origin", "https://evil.example")];
    assert_eq!(shown(&site, get("/a", &twice)), expected);
    assert_eq!(preflight(&site, &from("https://evil.example")), response(204, &[("Vary", "Origin")], ""));
}

#[test]
fn credentials_never_go_with_a_star() {
    let given = [("cors.allow.credentials", "true")];
    assert_eq!(
        findings(&app_with(&["cors"], &given)),
        [
            "cors.allow.credentials:1:1: warning: with credentials and any origin, any page on the web may read what its \
             visitor may read"
        ]
    );
    let expected = shown_with(&[
        ("Vary", "Origin"),
        ("Access-Control-Allow-Origin", "https://a.example"),
        ("Access-Control-Allow-Credentials", "true"),
    ]);
    assert_eq!(shown(&cors(&given), get("/a", &from("https://a.example"))), expected);
    assert_eq!(shown(&cors(&given), get("/a", &from("null"))), shown_with(&[("Vary", "Origin")]));
}

#[test]
fn a_preflight_says_what_the_options_say_in_their_older_spelling_too() {
    let site = cors(&[
        ("allow_origins", "https://a.example"),
        ("allow_methods", "GET,PUT"),
        ("allow_headers", "*"),
        ("allow_credentials", "true"),
        ("cors.max.age", "10m"),
        ("cors.allow.private.network", "true"),
    ]);
    let headers = [
        ("Origin", "https://a.example"),
        ("Access-Control-Request-Headers", "X-A, X-B"),
        ("Access-Control-Request-Private-Network", "true"),
    ];
    let expected = response(
        204,
        &[
            ("Vary", "Origin"),
            ("Access-Control-Allow-Origin", "https://a.example"),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Allow-Methods", "GET, PUT"),
            ("Vary", "Access-Control-Request-Headers"),
            ("Access-Control-Allow-Headers", "X-A, X-B"),
            ("Access-Control-Allow-Private-Network", "true"),
            ("Access-Control-Max-Age", "600"),
        ],
        "",
    );
    assert_eq!(preflight(&site, &headers), expected);
}

#[test]
fn headers_that_a_preflight_asks_for_and_are_none_are_not_repeated() {
    let site = cors(&[("cors.allow.headers", "*")]);
    let headers = [("Origin", "https://a.example"), ("Access-Control-Request-Headers", "X-A, b c")];
    assert_eq!(preflight(&site, &headers).headers.get("Access-Control-Allow-Headers"), None);
}

#[test]
fn a_star_among_methods_is_the_one_that_was_asked_for() {
    let site = cors(&[
        ("cors.allow.origins", "https://a.example"),
        ("cors.allow.methods", "*"),
        ("cors.allow.headers", ""),
        ("cors.allow.credentials", "true"),
    ]);
    let expected = response(
        204,
        &[
            ("Vary", "Origin"),
            ("Access-Control-Allow-Origin", "https://a.example"),
            ("Access-Control-Allow-Credentials", "true"),
            ("Vary", "Access-Control-Request-Method"),
            ("Access-Control-Allow-Methods", "POST"),
            ("Access-Control-Max-Age", "86400"),
        ],
        "",
    );
    assert_eq!(preflight(&site, &from("https://a.example")), expected);
}

#[test]
fn what_the_handler_says_of_origins_is_replaced() {
    let handler = |_| Response::new(200).header("access-control-allow-origin", "https://b.example");
    let expected = Response::new(200).header("Access-Control-Allow-Origin", "*");
    assert_eq!(answer(&cors(&[]), get("/a", &[]), handler), expected);
}

#[test]
fn an_origin_or_header_that_does_not_parse_is_an_error() {
    let found =
        findings(&app_with(&["cors"], &[("cors.allow.origins", "a b"), ("cors.allow.headers", "X A")]));
    assert_eq!(
        found,
        [
            "cors.allow.origins:1:1: error: option `cors.allow.origins`: allowed origin \"a b\" is not of the form \
             [scheme://]host[:port]",
            "cors.allow.headers:1:1: error: option `cors.allow.headers`: `X A` is not a token of HTTP",
        ]
    );
}
