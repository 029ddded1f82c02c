use super::super::testing::request;
use super::*;
use alloc::format;
use alloc::vec;

const SOUND: [(&str, &str); 5] = [
    ("Host", "example.com"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// A sound upgrade request where `change` replaces headers; an empty value leaves the header out.
fn upgrade(line: &str, change: &[(&str, &str)]) -> Request {
    let mut text = format!("{line}\r\n");
    let is_changed = |name: &str| change.iter().any(|(changed, _)| *changed == name);
    let kept = SOUND.iter().filter(|(name, _)| !is_changed(name));
    for (name, value) in kept.chain(change).filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    request(&format!("{text}\r\n"))
}

fn check(change: &[(&str, &str)], policy: &UpgradePolicy) -> Result<Option<Handshake>, HttpFault> {
    check_upgrade(&upgrade("GET / HTTP/1.1", change), policy)
}

#[test]
fn a_sound_handshake_is_accepted_with_the_key_of_rfc_6455() {
    let changes: [&[(&str, &str)]; 3] = [
        &[],
        &[("Upgrade", "h2c, WebSocket"), ("Connection", "keep-alive, upgrade")],
        &[("Sec-WebSocket-Protocol", "b, a"), ("Sec-WebSocket-Protocol", "c")],
    ];
    for (change, protocols) in changes.into_iter().zip([&[][..], &[], &["b", "a", "c"]]) {
        let handshake = check(change, &UpgradePolicy::default()).unwrap().unwrap();
        assert_eq!(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(handshake.protocols, protocols);
    }
}

/// H1
#[test]
fn an_upgrade_request_that_breaks_a_rule_is_refused_for_that_rule() {
    let cases: [(&[(&str, &str)], HttpFault); 16] = [
        (&[("Upgrade", "")], HttpFault::UpgradeRequired),
        (&[("Upgrade", "h2c")], HttpFault::UpgradeRequired),
        (&[("Upgrade", "websocket/13")], HttpFault::UpgradeRequired),
        (&[("Connection", "")], HttpFault::UpgradeRequired),
        (&[("Connection", "keep-alive")], HttpFault::UpgradeRequired),
        (&[("Sec-WebSocket-Version", "")], HttpFault::WebSocketVersion),
        (&[("Sec-WebSocket-Version", "8")], HttpFault::WebSocketVersion),
        (&[("Sec-WebSocket-Version", "13, 8")], HttpFault::WebSocketVersion),
        (&[("Sec-WebSocket-Version", "013")], HttpFault::WebSocketVersion),
        (&[("Sec-WebSocket-Key", "")], HttpFault::WebSocketKey),
        (&[("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j")], HttpFault::WebSocketKey),
        (&[("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQAA")], HttpFault::WebSocketKey),
        (&[("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ")], HttpFault::WebSocketKey),
        (&[("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j!Q==")], HttpFault::WebSocketKey),
        (
            &[
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ],
            HttpFault::WebSocketKey,
        ),
        (&[("Sec-WebSocket-Protocol", "a b")], HttpFault::Malformed("Sec-WebSocket-Protocol")),
    ];
    for (change, fault) in cases {
        assert_eq!(check(change, &UpgradePolicy::default()), Err(fault), "{change:?}");
    }
    let post = upgrade("POST / HTTP/1.1", &[("Sec-WebSocket-Version", "8")]);
    assert_eq!(check_upgrade(&post, &UpgradePolicy::default()), Err(HttpFault::UpgradeMethod));
    let old = upgrade("GET / HTTP/1.0", &[]);
    assert_eq!(check_upgrade(&old, &UpgradePolicy::default()), Err(HttpFault::UpgradeRequired));
}

/// H1
#[test]
fn an_ordinary_request_is_refused_only_below_a_relay_only_path() {
    let policy =
        UpgradePolicy { relay_only: vec!["/chat".into(), "/ws/".into()], ..UpgradePolicy::default() };
    for (target, is_refused) in [
        ("/chat", true),
        ("/chat?x", true),
        ("/chat/1", true),
        ("/ws", true),
        ("/ws/", true),
        ("/chatter", false),
        ("/", false),
        ("/a/chat", false),
    ] {
        let ordinary = request(&format!("GET {target} HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n"));
        let expected = if is_refused { Err(HttpFault::UpgradeRequired) } else { Ok(None) };
        assert_eq!(check_upgrade(&ordinary, &policy), expected, "{target}");
    }
    assert!(matches!(check_upgrade(&upgrade("GET /chat HTTP/1.1", &[]), &policy), Ok(Some(_))));
}

/// H2
#[test]
fn only_a_page_of_the_same_origin_may_connect_unless_others_are_listed() {
    let listed = OriginPolicy::parse("https://app.example.org").unwrap();
    let listed = UpgradePolicy { origins: listed, ..UpgradePolicy::default() };
    for (origin, by_default, by_list) in [
        ("http://example.com", true, true),
        ("http://EXAMPLE.com:80", true, true),
        ("https://example.com", false, false),
        ("http://example.com:8080", false, false),
        ("https://app.example.org", false, true),
        ("null", false, false),
        ("file://", false, false),
        ("http://example.com/", false, false),
        ("http://u@example.com", false, false),
        ("http://example.com http://example.com", false, false),
    ] {
        for (policy, is_allowed) in [(&UpgradePolicy::default(), by_default), (&listed, by_list)] {
            let result = check(&[("Origin", origin)], policy);
            if is_allowed {
                assert!(matches!(result, Ok(Some(_))), "{origin}");
            } else {
                assert_eq!(result, Err(HttpFault::Origin(origin.into())));
            }
        }
    }
}

/// H2
#[test]
fn two_origins_or_an_empty_one_or_bytes_are_never_the_same() {
    let mut doubled = upgrade("GET / HTTP/1.1", &[("Origin", "http://example.com")]);
    doubled.headers.append("origin", "http://example.com");
    let fault = HttpFault::Origin("http://example.com, http://example.com".into());
    assert_eq!(check_upgrade(&doubled, &UpgradePolicy::default()), Err(fault));
    for value in [&b""[..], b"\xff"] {
        let mut odd = upgrade("GET / HTTP/1.1", &[]);
        odd.headers.append("Origin", value);
        assert!(matches!(check_upgrade(&odd, &UpgradePolicy::default()), Err(HttpFault::Origin(_))));
    }
}

/// H2
#[test]
fn a_client_without_an_origin_is_allowed_unless_one_is_required() {
    assert!(matches!(check(&[], &UpgradePolicy::default()), Ok(Some(_))));
    let any = OriginPolicy::parse("*").unwrap();
    let strict = UpgradePolicy { require_origin: true, origins: any, ..UpgradePolicy::default() };
    assert_eq!(check(&[], &strict), Err(HttpFault::Origin(String::new())));
    assert!(matches!(check(&[("Origin", "null")], &strict), Ok(Some(_))));
}

/// H2
#[test]
fn behind_a_trusted_proxy_the_same_origin_is_the_one_the_client_sees() {
    let policy = UpgradePolicy { trusted_proxies: vec!["::1".parse().unwrap()], ..UpgradePolicy::default() };
    let change = [
        ("Origin", "https://outer.example"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "outer.example"),
    ];
    let mut request = upgrade("GET / HTTP/1.1", &change);
    request.peer = "[::1]:5".parse().ok();
    assert!(matches!(check_upgrade(&request, &policy), Ok(Some(_))));
    request.peer = "[::2]:5".parse().ok();
    assert!(matches!(check_upgrade(&request, &policy), Err(HttpFault::Origin(_))));
}

/// H12
#[test]
fn the_handler_chooses_the_subprotocol_and_else_the_first_configured_one_that_was_offered() {
    let offer = |names: &[&str]| Handshake {
        extensions: Extensions::default(),
        accept: String::new(),
        protocols: names.iter().map(|&name| name.to_owned()).collect(),
    };
    let policy = UpgradePolicy { subprotocols: vec!["x".into(), "y".into()], ..UpgradePolicy::default() };
    for (offered, handler, expected) in [
        (&["y", "x"][..], None, Ok(Some("x"))),
        (&["y"], None, Ok(Some("y"))),
        (&["z", "X"], None, Ok(None)),
        (&[], None, Ok(None)),
        (&["y", "z"], Some("z"), Ok(Some("z"))),
        (&["y"], Some("z"), Err("z")),
        (&["y"], Some("Y"), Err("Y")),
        (&["y"], Some(""), Err("")),
        (&[], Some("x"), Err("x")),
    ] {
        let expected = expected
            .map(|name| name.map(str::to_owned))
            .map_err(|name| ConfigFault::Subprotocol(name.to_owned()));
        assert_eq!(
            choose_subprotocol(&offer(offered), &policy, handler),
            expected,
            "{offered:?} {handler:?}"
        );
    }
}
