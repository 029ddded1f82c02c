use super::*;
use alloc::string::ToString;

fn allows(list: &str, origin: &str) -> bool {
    OriginPolicy::parse(list).unwrap().allows(Origin::parse(origin).as_ref(), None)
}

/// H2
#[test]
fn the_same_origin_is_scheme_host_and_port_in_whatever_spelling() {
    for (origin, effective, expected) in [
        ("http://a.example", "http://a.example", true),
        ("http://a.example:80", "http://a.example", true),
        ("HTTPS://A.example", "https://a.EXAMPLE:443", true),
        ("http://[::1]:8080", "http://[0:0::1]:8080", true),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]:80", true),
        ("http://a.example", "https://a.example", false),
        ("http://a.example:81", "http://a.example", false),
        ("http://b.a.example", "http://a.example", false),
        ("http://[::1]", "http://[::2]", false),
        ("https://a.example:80", "http://a.example:80", false),
    ] {
        let (origin, effective) = (Origin::parse(origin).unwrap(), Origin::parse(effective).unwrap());
        let same_origin = OriginPolicy::same_origin();
        assert_eq!(same_origin.allows(Some(&origin), Some(&effective)), expected, "{origin} and {effective}");
        let listed = OriginPolicy::parse("other.example").unwrap();
        assert_eq!(
            listed.allows(Some(&origin), Some(&effective)),
            expected,
            "a list adds to the same origin"
        );
    }
}

/// H2
#[test]
fn what_is_not_an_origin_is_allowed_by_nothing_but_the_star() {
    for text in [
        "null",
        "",
        "file://",
        "file:///etc",
        "http://",
        "http:/a",
        "a.example",
        "http://a/",
        "http://a?q",
        "http://u@a",
        "http://u:p@a",
        "http://a b",
        "http://a, http://a",
        "http://[::1",
        "http://a:x",
        "://a",
        "1http://a",
        "http://a\\b",
        "http://*",
    ] {
        assert_eq!(Origin::parse(text), None, "{text:?}");
    }
    assert!(!OriginPolicy::same_origin().allows(None, None));
    assert!(!allows("a.example, *.example", "null"));
    assert!(allows("*", "null"));
    assert!(allows("a.example, *", "https://b.example"));
}

/// H3
#[test]
fn a_pattern_allows_what_it_says_and_no_more() {
    for (list, origin, expected) in [
        ("https://app.example", "https://app.example", true),
        ("https://app.example", "https://APP.example:443", true),
        ("https://app.example", "http://app.example", false),
        ("https://app.example", "https://app.example:8443", false),
        ("https://app.example:8443", "https://app.example:8443", true),
        ("https://app.example:8443", "https://app.example", false),
        ("wss://app.example", "https://app.example", true),
        ("ws://app.example", "http://app.example", true),
        ("ws://app.example", "https://app.example", false),
        ("app.example", "http://app.example", true),
        ("app.example", "https://app.example", true),
        ("app.example", "https://app.example:80", false),
        ("app.example:8443", "http://app.example:8443", true),
        ("app.example", "https://app.example.evil", false),
        ("app.example", "https://evil-app.example", false),
        ("app.example", "app-scheme://app.example", false),
        ("*.app.example", "https://x.app.example", true),
        ("*.app.example", "https://x.y.app.example", true),
        ("*.app.example", "https://app.example", false),
        ("*.app.example", "https://xapp.example", false),
        ("*.app.example", "https://x.evilapp.example", false),
        ("https://*.app.example:8443", "https://x.app.example:8443", true),
        ("https://*.app.example:8443", "https://x.app.example", false),
        ("[::1]:3000", "http://[0::1]:3000", true),
        ("a.example , b.example", "https://b.example", true),
        ("chrome-extension://abcdef", "chrome-extension://abcdef", true),
        ("chrome-extension://abcdef", "chrome-extension://abcdeg", false),
    ] {
        assert_eq!(allows(list, origin), expected, "{list} and {origin}");
    }
}

/// H3
#[test]
fn a_pattern_that_does_not_parse_is_named() {
    for pattern in [
        "https://",
        "://a",
        "a b",
        "https://a/",
        "a/path",
        "u@a",
        "**",
        "*.",
        "*a.example",
        "a.*.example",
        "*.*.a",
        "*.127.0.0.1",
        "*.[::1]",
        "a:99999",
        "*:80",
        "http://*",
        "null",
        "NULL:",
        "9p://a",
    ] {
        let fault = OriginPolicy::parse(&alloc::format!("good.example, {pattern}")).unwrap_err();
        assert_eq!(fault.pattern, pattern);
        assert!(fault.to_string().contains(pattern));
    }
    assert_eq!(OriginPolicy::parse("a,,b").unwrap_err().pattern, "");
    assert_eq!(OriginPolicy::parse("a,").unwrap_err().pattern, "");
}

/// H3
#[test]
fn the_star_is_noticed_and_a_list_prints_as_it_is_read() {
    assert!(OriginPolicy::parse("a.example, *").unwrap().is_any());
    assert!(!OriginPolicy::parse("*.example").unwrap().is_any());
    assert_eq!(OriginPolicy::parse(" \t").unwrap(), OriginPolicy::same_origin());
    assert_eq!(OriginPolicy::same_origin().to_string(), "same origin");
    let policy = OriginPolicy::parse("WSS://*.A.example:8443,b.example,*,[0::1]").unwrap();
    assert_eq!(policy.to_string(), "https://*.a.example:8443, b.example, *, [::1]");
    assert_eq!(OriginPolicy::parse(&policy.to_string()).unwrap(), policy);
}
