use super::super::testing::{read, request};
use super::*;

fn status(text: &str) -> u16 {
    match read(text) {
        Err(fault) => fault.status(),
        other => panic!("{text:?} was read as {other:?}"),
    }
}

fn get(headers: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n")
}

#[test]
fn names_and_values_arrive_as_they_were_sent() {
    let request = request(&get("X-Thing:  \ta b\t \r\nx-thing:\r\n"));
    let fields: alloc::vec::Vec<_> = request.headers.iter().map(|(name, value)| (name, &**value)).collect();
    assert_eq!(fields, [("Host", &b"a"[..]), ("X-Thing", b"a b"), ("x-thing", b"")]);
}

/// H10
#[test]
fn a_relay_header_from_a_client_is_dropped_in_every_spelling() {
    let request = request(&get("X-WS-Relay: {}\r\nx-ws-relay: {}\r\nX-Ws-ReLaY: {}\r\nX_WS_Relay: kept\r\n"));
    assert!(!request.headers.contains(RELAY_HEADER));
    assert_eq!(request.headers.get("x_ws_relay"), Some("kept"), "an underscore makes it another header");
}

#[test]
fn a_head_that_two_readers_could_read_in_two_ways_is_refused() {
    for headers in [
        "X : y\r\n",
        "X\t: y\r\n",
        "X: y\r\n z\r\n",
        "X: y\r\n\tz\r\n",
        " X: y\r\n",
        ": y\r\n",
        "X\r\n",
        "X: y\rz\r\n",
        "X: y\nZ: a\r\n",
        "X: y\0z\r\n",
        "X: y\x07\r\n",
        "X(: y\r\n",
        "Xü: y\r\n",
    ] {
        assert_eq!(status(&get(headers)), 400, "{headers:?}");
    }
    assert_eq!(status("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400);
}

#[test]
fn a_request_line_is_method_target_and_version() {
    for (line, expected) in [
        ("GET /", 400),
        ("GET  / HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        ("GET /a b HTTP/1.1", 400),
        ("GET / HTTP/1", 400),
        ("GET / http/1.1", 400),
        ("GET / HTTP/1.10", 400),
        ("GET / HTTP/1.2", 505),
        ("GET / HTTP/0.9", 505),
        ("PRI * HTTP/2.0", 505),
    ] {
        assert_eq!(status(&format!("{line}\r\nHost: a\r\n\r\n")), expected, "{line:?}");
    }
}

#[test]
fn there_is_exactly_one_sound_host() {
    for headers in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host:\r\n",
        "Host: a b\r\n",
        "Host: a,b\r\n",
        "Host: u@a\r\n",
        "Host: a/\r\n",
    ] {
        assert_eq!(status(&format!("GET / HTTP/1.1\r\n{headers}\r\n")), 400, "{headers:?}");
    }
    assert_eq!(request("GET / HTTP/1.0\r\n\r\n").version, Version::Http10);
    assert_eq!(status("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    assert_eq!(status("GET / HTTP/1.0\r\nHost: a b\r\n\r\n"), 400);
}

#[test]
fn an_absolute_target_names_the_host_and_becomes_a_path() {
    for (line, target, host) in [
        ("GET http://B.example:8080/p?q HTTP/1.1", "/p?q", "B.example:8080"),
        ("GET HTTPS://b HTTP/1.1", "/", "b"),
        ("GET http://b?q=/x HTTP/1.1", "/?q=/x", "b"),
        ("OPTIONS http://b HTTP/1.1", "*", "b"),
        ("OPTIONS * HTTP/1.1", "*", "a"),
        ("GET //b/c HTTP/1.1", "//b/c", "a"),
    ] {
        let request = request(&format!("{line}\r\nHost: a\r\n\r\n"));
        assert_eq!((&*request.target, request.headers.get("Host")), (target, Some(host)), "{line}");
    }
    assert_eq!(status("GET http://b/ HTTP/1.1\r\n\r\n"), 400, "a host is still asked for");
}

#[test]
fn a_target_of_another_form_is_refused() {
    for line in [
        "GET * HTTP/1.1",
        "CONNECT a:80 HTTP/1.1",
        "GET a:80 HTTP/1.1",
        "GET a HTTP/1.1",
        "GET ftp://a/ HTTP/1.1",
        "GET http:///p HTTP/1.1",
        "GET http://u@a/ HTTP/1.1",
        "GET http://a#f HTTP/1.1",
        "GET /#f HTTP/1.1",
        "GET /ü HTTP/1.1",
        "GET /\x7f HTTP/1.1",
    ] {
        assert_eq!(status(&format!("{line}\r\nHost: a\r\n\r\n")), 400, "{line:?}");
    }
}

#[test]
fn there_are_as_many_headers_as_the_limit_says() {
    let limits = Limits { headers_max: 3, ..Limits::default() };
    assert!(parse(get("A: 1\r\nB: 2\r\n").as_bytes(), &limits).is_ok());
    assert_eq!(parse(get("A: 1\r\nB: 2\r\nC: 3\r\n").as_bytes(), &limits), Err(HttpFault::HeadTooBig));
}
