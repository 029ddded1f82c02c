//! Which origins may open a connection (H2, H3).

use wsrelay_core::connection::Note;
use wsrelay_core::fault::HttpFault;
use wsrelay_core::upgrade::OriginPolicy;
use wsrelay_tests::*;

/// What follows a refusal before the handler was asked.
fn refused_at_once(reply: Reply) -> [Seen; 2] {
    [Seen::Replied(reply), Seen::Shutdown]
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
