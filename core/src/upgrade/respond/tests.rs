use super::super::response::refusal;
use super::*;
use crate::fault::HttpFault;
use crate::upgrade::Extensions;
use alloc::string::String;
use alloc::vec::Vec;

fn text(bytes: Result<Bytes, ConfigFault>) -> String {
    String::from_utf8(bytes.unwrap().to_vec()).unwrap()
}

fn handshake() -> Handshake {
    Handshake { accept: "key=".into(), protocols: Vec::new(), extensions: Extensions::default() }
}

fn headers(fields: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for &(name, value) in fields {
        headers.append(name, value.to_owned());
    }
    headers
}

#[test]
fn a_response_is_written_with_its_length_and_its_connection() {
    let response = Response::text(200, "hi").header("Set-Cookie", "a").header("Set-Cookie", "b");
    assert_eq!(
        text(respond(&response, Some("GET"), true)),
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\
         Connection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
    );
    assert_eq!(
        text(respond(&Response::new(299), None, false)),
        "HTTP/1.1 299 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    );
}

#[test]
fn some_responses_have_no_body_whatever_the_handler_gave() {
    for (status, method, tail) in [
        (200, "HEAD", "Content-Length: 2\r\n\r\n"),
        (204, "GET", "Connection: close\r\n\r\n"),
        (304, "GET", "Connection: close\r\n\r\n"),
        (205, "GET", "Content-Length: 0\r\n\r\n"),
        (404, "GET", "Content-Length: 2\r\n\r\nhi"),
    ] {
        let written = text(respond(&Response::text(status, "hi"), Some(method), false));
        assert!(written.ends_with(tail), "{status}: {written}");
        assert_eq!(written.contains("Content-Length"), tail.contains("Content-Length"));
    }
    let left_out = text(respond(&Response::new(200), Some("HEAD"), false));
    assert!(!left_out.contains("Content-Length"), "it is not known what GET would give");
}

/// H10
#[test]
fn the_relay_header_never_leaves_on_any_status_and_in_any_spelling() {
    let relay = [("X-WS-Relay", "a"), ("x-ws-relay", "\r\nb"), ("X-Ws-Relay", "c"), ("X-Other", "kept")];
    for status in 200..=599 {
        let response = Response { headers: headers(&relay), ..Response::new(status) };
        let written = text(respond(&response, None, true)).to_ascii_lowercase();
        assert!(!written.contains("relay") && written.contains("x-other: kept"), "{written}");
    }
    let written = text(switching(&handshake(), None, &headers(&relay))).to_ascii_lowercase();
    assert!(!written.contains("relay") && written.contains("x-other: kept"), "{written}");
}

#[test]
fn what_concerns_one_hop_alone_is_ours_to_write() {
    let response = Response {
        headers: headers(&[
            ("connection", "keep-alive, X-Hop"),
            ("x-hop", "1"),
            ("Keep-Alive", "timeout=1"),
            ("Transfer-Encoding", "chunked"),
            ("content-length", "99"),
            ("TE", "trailers"),
            ("Trailer", "X"),
            ("Upgrade", "h2c"),
            ("X-Kept", "1"),
        ]),
        ..Response::text(200, "hi")
    };
    assert_eq!(
        text(respond(&response, Some("GET"), false)),
        "HTTP/1.1 200 OK\r\nX-Kept: 1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
    );
}

/// H11
#[test]
fn a_101_carries_the_handlers_headers_but_those_of_the_hop_the_content_and_the_handshake() {
    let handler = headers(&[
        ("Set-Cookie", "a=b"),
        ("Content-Type", "text/html"),
        ("content-length", "3"),
        ("Connection", "close, X-Hop"),
        ("X-Hop", "1"),
        ("Upgrade", "h2c"),
        ("Transfer-Encoding", "chunked"),
        ("Proxy-Authenticate", "Basic"),
        ("Sec-WebSocket-Accept", "forged"),
        ("sec-websocket-extensions", "permessage-deflate"),
        ("Sec-WebSocket-Protocol", "x"),
        ("Cont", "a name shorter than a prefix"),
    ]);
    assert_eq!(
        text(switching(&handshake(), Some("chat"), &handler)),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: key=\r\nSec-WebSocket-Protocol: chat\r\nSet-Cookie: a=b\r\n\
         Cont: a name shorter than a prefix\r\n\r\n",
    );
}

#[test]
fn a_header_cannot_split_the_response() {
    for (name, value) in [
        ("X", "a\r\nSet-Cookie: b"),
        ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "a\0"),
        ("X", "a\x7f"),
        ("X\r\nY", "a"),
        ("X Y", "a"),
        ("X:", "a"),
        ("", "a"),
        ("X-WS-Relay ", "a"),
    ] {
        let fields = headers(&[(name, value)]);
        let fault = ConfigFault::Header(name.to_owned());
        assert_eq!(switching(&handshake(), None, &fields), Err(fault.clone()), "{name:?}: {value:?}");
        let response = Response { headers: fields, ..Response::new(200) };
        assert_eq!(respond(&response, None, true), Err(fault), "{name:?}: {value:?}");
    }
    assert!(switching(&handshake(), Some("a\r\nb: c"), &Headers::new()).is_err());
    assert!(respond(&Response::new(200).header("X", "a\tü"), None, true).is_ok());
}

#[test]
fn a_status_that_does_not_end_an_exchange_cannot_be_sent() {
    for status in [0, 99, 100, 101, 199, 600, 999] {
        assert!(
            matches!(respond(&Response::new(status), None, true), Err(ConfigFault::Header(_))),
            "{status}"
        );
    }
}

/// H1
#[test]
fn every_426_says_which_protocol_is_asked_for() {
    for fault in [HttpFault::UpgradeRequired, HttpFault::WebSocketVersion] {
        let written = text(respond(&refusal(&fault), Some("GET"), true));
        for line in [
            "426 Upgrade Required",
            "Sec-WebSocket-Version: 13",
            "Upgrade: websocket",
            "Connection: Upgrade, keep-alive",
        ] {
            assert!(written.contains(line), "{written}");
        }
    }
    assert!(text(respond(&Response::new(426), None, false)).contains("\r\nConnection: Upgrade, close\r\n"));
}
