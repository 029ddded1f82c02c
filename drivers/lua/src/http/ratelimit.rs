//! `ratelimit`: so many requests in a while, for each client, header or query value.
//!
//! A bucket of tokens, kept as one instant: when it will be full again. A request takes a token, which puts that off by
//! the time that one token takes to come back; it is refused when that would be further off than the whole bucket. This
//! is the same as counting tokens, in whole nanoseconds and without anything to refill.

use super::layer::{After, Step};
use super::options::{Reader, positive, span, token};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wsrelay_core::time::Instant;
use wsrelay_core::upgrade::{Headers, Request, Response};

/// The middleware `ratelimit` of one list.
#[derive(Debug)]
pub(super) struct RateLimit {
    requests: u64,
    rate: Rate,
    key: KeySource,
    hashers: [RandomState; 2],
    buckets: Mutex<Buckets>,
}

/// How fast tokens come back, and how many there can be.
#[derive(Clone, Copy, Debug)]
struct Rate {
    /// The time that one token takes to come back.
    interval: Duration,
    burst: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum KeySource {
    Ip,
    Header(String),
    Query(String),
}

const REQUESTS: u64 = 100;
const WINDOW: Duration = Duration::from_secs(60);
/// The burst of a limit that names none; never more than its requests.
const BURST: u32 = 20;
const MAX_ENTRIES: usize = 10_000;

impl RateLimit {
    pub(super) fn build(reader: &mut Reader<'_>) -> Self {
        let requests =
            reader.read_spelled("ratelimit.requests", positive).map_or(REQUESTS, |(value, _)| value);
        let window = reader.read(&["ratelimit.window", "ratelimit.interval", "window", "interval"], span);
        let burst = reader.read_spelled("ratelimit.burst", positive::<u32>);
        let key = reader.read_spelled("ratelimit.key", key_source);
        let entries = reader.read_spelled("ratelimit.max_entries", positive::<usize>);
        // Entries are dropped when there are too many, the stalest first; that is all the cleaning that is needed.
        reader.text(&["ratelimit.cleanup_interval", "ratelimit.entry_ttl"]);
        let window = window.map_or(WINDOW, |(window, _)| window);
        let nanos = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX) / requests;
        Self {
            requests,
            rate: Rate {
                interval: Duration::from_nanos(nanos.max(1)),
                burst: burst.map_or(BURST.min(u32::try_from(requests).unwrap_or(BURST)), |(burst, _)| burst),
            },
            key: key.map_or(KeySource::Ip, |(key, _)| key),
            hashers: [RandomState::new(), RandomState::new()],
            buckets: Mutex::new(Buckets::new(entries.map_or(MAX_ENTRIES, |(entries, _)| entries))),
        }
    }

    pub(super) fn before(self: &Arc<Self>, now: Instant, request: &Request) -> Step {
        let key = self.key(request);
        let quota = self.buckets.lock().unwrap_or_else(PoisonError::into_inner).take(now, key, self.rate);
        let requests = self.requests;
        match quota.retry_after {
            None => Step::Then(After::new(move |_, mut response| {
                quota.write(requests, &mut response.headers);
                response
            })),
            Some(wait) => {
                let mut response = Response::text(429, "too many requests");
                response.headers.set("Retry-After", seconds(wait).to_string());
                quota.write(requests, &mut response.headers);
                Step::Answer(response)
            }
        }
    }

    /// The key, at a fixed length whatever the client sent. A request without the header or the query value counts for
    /// its client.
    fn key(&self, request: &Request) -> Key {
        let value = match &self.key {
            KeySource::Ip => None,
            KeySource::Header(name) => request.headers.get_all(name).next().map(|value| value.to_vec()),
            KeySource::Query(name) => request.query(name).map(String::into_bytes),
        };
        let client = || request.peer.map(|peer| network(peer.ip()));
        let key = (value.is_none().then(client), value);
        self.hashers.each_ref().map(|hasher| hasher.hash_one(&key))
    }
}

type Key = [u64; 2];

/// One client has all of a /64, and could be another one with each request.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn key_source(text: &str) -> Result<KeySource, String> {
    match text.split_once(':') {
        None if text == "ip" => Ok(KeySource::Ip),
        Some(("header", name)) => token(name.trim()).map(KeySource::Header),
        Some(("query", name)) if !name.trim().is_empty() => Ok(KeySource::Query(name.trim().to_owned())),
        None | Some(_) => Err(format!("expected `ip`, `header:NAME` or `query:NAME`, found `{text}`")),
    }
}

fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

/// What a request found in its bucket.
#[derive(Debug, PartialEq, Eq)]
struct Quota {
    /// How long to wait, if there was no token.
    retry_after: Option<Duration>,
    /// Tokens that are left.
    remaining: u64,
    /// When the bucket will be full.
    reset: Duration,
}

impl Quota {
    fn write(&self, requests: u64, headers: &mut Headers) {
        headers.set("X-RateLimit-Limit", requests.to_string());
        headers.set("X-RateLimit-Remaining", self.remaining.to_string());
        headers.set("X-RateLimit-Reset", seconds(self.reset).to_string());
    }
}

/// The buckets by key, and by when they were last used.
#[derive(Debug)]
struct Buckets {
    entries_max: usize,
    by_key: HashMap<Key, Bucket>,
    by_use: BTreeMap<u64, Key>,
    uses: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    full_at: Instant,
    last_use: u64,
}

impl Buckets {
    fn new(entries_max: usize) -> Self {
        Self { entries_max, by_key: HashMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }

    fn take(&mut self, now: Instant, key: Key, rate: Rate) -> Quota {
        let known = self.by_key.get(&key).copied();
        if let Some(bucket) = known {
            self.by_use.remove(&bucket.last_use);
        } else if self.by_key.len() >= self.entries_max
            && let Some((_, stalest)) = self.by_use.pop_first()
        {
            self.by_key.remove(&stalest);
        }
        let (quota, full_at) = rate.take(now, known.map_or(now, |bucket| bucket.full_at));
        self.uses += 1;
        self.by_use.insert(self.uses, key);
        self.by_key.insert(key, Bucket { full_at, last_use: self.uses });
        quota
    }
}

impl Rate {
    /// Takes a token from a bucket that will be full at `full_at`, and says when it will be full afterwards.
    fn take(self, now: Instant, full_at: Instant) -> (Quota, Instant) {
        let size = self.interval.saturating_mul(self.burst);
        let missing = full_at.since(now);
        let after = missing.saturating_add(self.interval);
        if after > size {
            let quota = Quota { retry_after: Some(after - size), remaining: 0, reset: missing };
            return (quota, full_at);
        }
        let remaining = (size - after).as_nanos() / self.interval.as_nanos().max(1);
        let remaining = u64::try_from(remaining).unwrap_or(u64::MAX);
        (Quota { retry_after: None, remaining, reset: after }, now + after)
    }
}

#[cfg(test)]
mod tests;
