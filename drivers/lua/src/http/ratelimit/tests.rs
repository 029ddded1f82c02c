use super::super::testing::*;
use super::*;
use crate::http::Site;
use quickcheck::quickcheck;

fn limited(given: &[(&str, &str)]) -> Site {
    site(&app_with(&["ratelimit"], given))
}

fn refused(retry: &str, limit: &str, reset: &str) -> Response {
    response(
        429,
        &[
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Retry-After", retry),
            ("X-RateLimit-Limit", limit),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", reset),
        ],
        "too many requests",
    )
}

fn passed(limit: &str, remaining: &str, reset: &str) -> Response {
    let mut expected = text(200, "GET /a");
    expected.headers.append("X-RateLimit-Limit", limit.to_owned());
    expected.headers.append("X-RateLimit-Remaining", remaining.to_owned());
    expected.headers.append("X-RateLimit-Reset", reset.to_owned());
    expected
}

#[test]
fn a_burst_passes_and_then_one_for_each_interval() {
    let site = limited(&[("ratelimit.requests", "6"), ("ratelimit.window", "1m"), ("ratelimit.burst", "2")]);
    let at = |millis| answer_at(millis, &site, get("/a", &[]), show);
    assert_eq!(at(0), passed("6", "1", "10"));
    assert_eq!(at(0), passed("6", "0", "20"));
    assert_eq!(at(1), refused("10", "6", "20"));
    assert_eq!(at(9_999), refused("1", "6", "11"));
    assert_eq!(at(10_000), passed("6", "0", "20"));
    assert_eq!(at(10_000), refused("10", "6", "20"));
    assert_eq!(at(100_000), passed("6", "1", "10"));
}

#[test]
fn without_options_twenty_at_once_pass_of_a_hundred_in_a_minute() {
    let site = limited(&[]);
    let passed = (0..30).filter(|_| shown(&site, get("/a", &[])).status == 200).count();
    assert_eq!(passed, 20);
}

#[test]
fn a_client_is_its_address_and_of_ipv6_its_network() {
    let site = limited(&[("ratelimit.requests", "1")]);
    let from = |peer: &str| {
        let mut request = get("/a", &[]);
        request.peer = peer.parse().ok();
        shown(&site, request).status
    };
    assert_eq!((from("1.2.3.4:1"), from("1.2.3.4:2"), from("[::ffff:1.2.3.4]:3")), (200, 429, 429));
    assert_eq!(
        (from("[2001:db8::1]:1"), from("[2001:db8::ffff:1]:1"), from("[2001:db8:0:1::1]:1")),
        (200, 429, 200)
    );
    assert_eq!((from("nobody"), from("nobody")), (200, 429));
}

#[test]
fn a_key_may_be_a_header_or_a_query_value_and_is_the_client_without() {
    let site = limited(&[("ratelimit.requests", "1"), ("ratelimit.key", "header:X-Key")]);
    let with = |key| shown(&site, get("/a", &[("X-Key", key)])).status;
    assert_eq!((with("a"), with("a"), with("b")), (200, 429, 200));
    assert_eq!((shown(&site, get("/a", &[])).status, shown(&site, get("/a", &[])).status), (200, 429));
    let site = limited(&[("ratelimit.requests", "1"), ("ratelimit.key", "query:k")]);
    let with = |target| shown(&site, get(target, &[])).status;
    assert_eq!((with("/a?k=1"), with("/a?k=%31"), with("/a?k=2")), (200, 429, 200));
}

#[test]
fn a_flood_of_keys_drives_out_the_stalest_and_no_more_than_fit_are_held() {
    let rate = Rate { interval: Duration::from_secs(1), burst: 1 };
    let mut buckets = Buckets::new(3);
    let mut take = |key| buckets.take(Instant::ZERO, [key, 0], rate).retry_after.is_none();
    assert!(take(1) && take(2) && take(3));
    assert!(!take(1), "its use makes it the freshest");
    assert!(take(4), "2 makes room");
    assert!(!take(1) && !take(3) && take(2));
    for key in 10..10_000 {
        assert!(take(key));
    }
    assert_eq!((buckets.by_key.len(), buckets.by_use.len()), (3, 3));
}

#[test]
fn the_bound_of_entries_is_the_options() {
    let given = [("requests", "1"), ("window", "1h"), ("max_entries", "2"), ("key", "header:K")];
    let site = limited(&given);
    let with = |key| shown(&site, get("/a", &[("K", key)])).status;
    assert_eq!((with("a"), with("b"), with("a"), with("b")), (200, 200, 429, 429));
    // The third drives out the first, who starts anew.
    assert_eq!((with("c"), with("b"), with("a")), (200, 429, 200));
}

#[test]
fn what_is_no_limit_is_an_error() {
    let given = [
        ("ratelimit.requests", "0"),
        ("ratelimit.window", "0"),
        ("ratelimit.burst", "-1"),
        ("ratelimit.key", "cookie:a"),
        ("ratelimit.max_entries", "0"),
    ];
    assert_eq!(
        findings(&app_with(&["ratelimit"], &given)),
        [
            "ratelimit.requests:1:1: error: option `ratelimit.requests`: expected a number above zero, found `0`",
            "ratelimit.window:1:1: error: option `ratelimit.window`: expected more than zero",
            "ratelimit.burst:1:1: error: option `ratelimit.burst`: expected a whole number, found `-1`",
            "ratelimit.key:1:1: error: option `ratelimit.key`: expected `ip`, `header:NAME` or `query:NAME`, found \
             `cookie:a`",
            "ratelimit.max_entries:1:1: error: option `ratelimit.max_entries`: expected a number above zero, found `0`",
        ]
    );
}

quickcheck! {
    fn an_instant_agrees_with_counted_tokens(steps: Vec<u8>, burst: u8) -> bool {
        let burst = u32::from(burst % 5) + 1;
        let rate = Rate { interval: Duration::from_nanos(10), burst };
        let (mut now, mut full_at) = (0_u64, Instant::ZERO);
        // In tenths of a token, one for each nanosecond.
        let mut tokens = u64::from(burst) * 10;
        steps.into_iter().all(|step| {
            now += u64::from(step % 16);
            tokens = (tokens + u64::from(step % 16)).min(u64::from(burst) * 10);
            let (quota, next) = rate.take(Instant::from_nanos(now), full_at);
            full_at = next;
            let has_token = tokens >= 10;
            tokens -= if has_token { 10 } else { 0 };
            quota.retry_after.is_none() == has_token && (!has_token || quota.remaining == tokens / 10)
        })
    }

    fn no_rate_overflows(interval: u64, burst: u32, now: u64, full_at: u64) -> bool {
        let rate = Rate { interval: Duration::from_nanos(interval.max(1)), burst: burst.max(1) };
        let (quota, _) = rate.take(Instant::from_nanos(now), Instant::from_nanos(full_at));
        quota.remaining < u64::from(burst.max(1))
    }
}
