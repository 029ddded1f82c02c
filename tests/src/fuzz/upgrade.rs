//! Requests, one after the other, and the handshake: never two readings of one request. What we read is what httparse
//! reads, used plainly, and what a [slow reading](super::plain_http) line by line comes to, however it is cut.

use super::Verdict;
use super::decode::pieces;
use super::plain_http::{Plain, Reading, is_text, is_token, read};
use async_tungstenite::tungstenite::handshake::derive_accept_key;
use bytes::BytesMut;
use std::net::{Ipv4Addr, SocketAddr};
use wsrelay_core::fault::HttpFault;
use wsrelay_core::limits::Limits;
use wsrelay_core::upgrade::{
    Handshake, Headers, OriginPolicy, Read, Request, RequestReader, Response, UpgradePolicy, Version,
    check_upgrade, choose_subprotocol, refusal, respond, switching,
};

/// What became of a stream.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    requests: Vec<Request>,
    fault: Option<HttpFault>,
    /// What is left: frames, behind an upgrade, or the beginning of something.
    rest: Vec<u8>,
}

/// The bytes are one for the limits, one for the cuts, and the stream.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let Some(([settings, cuts], stream)) = bytes.split_first_chunk() else { return Verdict::Refused };
    let limits = limits(*settings);
    let whole = run(&limits, [stream]);
    let cut = run(&limits, pieces(stream, *cuts));
    assert_eq!(cut.requests, whole.requests, "cut by {cuts}");
    assert_eq!(cut.fault, whole.fault, "cut by {cuts}");
    if whole.fault.is_none() {
        assert_eq!(cut.rest, whole.rest, "cut by {cuts}");
    }
    compare(&whole, stream, &limits);
    for request in &whole.requests {
        shake(request);
    }
    if let Some(fault) = &whole.fault {
        is_written(&refusal(fault), fault.status());
    }
    Verdict::of(!whole.requests.is_empty())
}

/// Small ones, so that they are reached.
fn limits(settings: u8) -> Limits {
    Limits {
        head_bytes_max: [60, 300, 1_000, 16 * 1024][usize::from(settings & 3)],
        headers_max: [2, 8, 64, 256][usize::from(settings >> 2 & 3)],
        body_bytes_max: [0, 10, 100, 1_000][usize::from(settings >> 4 & 3)],
        ..Limits::default()
    }
}

/// Reads up to the first upgrade.
fn run<'a>(limits: &Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let mut reader = RequestReader::new(Some(peer), false);
    let (mut buffer, mut outcome) = (BytesMut::new(), Outcome::default());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while outcome.fault.is_none() && !outcome.requests.last().is_some_and(Request::is_upgrade) {
            match reader.read(&mut buffer, limits) {
                Ok(Some(Read::Request(request))) => outcome.requests.push(request),
                Ok(Some(Read::Continue)) => {}
                Ok(None) => break,
                Err(fault) => {
                    assert_eq!(reader.read(&mut buffer, limits), Err(fault.clone()), "refused for ever");
                    outcome.fault = Some(fault);
                }
            }
            // Twice what may be taken, and the names and values of the head.
            assert!(reader.memory() <= 2 * limits.body_bytes_max + limits.head_bytes_max);
        }
    }
    outcome.rest = buffer.to_vec();
    outcome
}

/// Holds it against the two other readings.
fn compare(outcome: &Outcome, mut stream: &[u8], limits: &Limits) {
    for request in &outcome.requests {
        let Reading::Whole(plain) = read(stream, limits) else {
            panic!("{request:?}, which the slow reader does not see")
        };
        assert_eq!(of(request), Plain { end: 0, overhead: 0, ..plain.clone() });
        httparse_agrees(stream, &plain);
        stream = &stream[plain.end..];
    }
    if outcome.requests.last().is_some_and(Request::is_upgrade) {
        assert_eq!(outcome.rest, stream, "the frames behind the upgrade");
        return;
    }
    match (read(stream, limits), &outcome.fault) {
        (Reading::Whole(plain), Some(HttpFault::HeadTooBig)) if plain.overhead > limits.head_bytes_max => {}
        (Reading::Whole(plain), fault) => panic!("{plain:?}, which is refused: {fault:?}"),
        (Reading::Doubtful, None) => panic!("a request in doubt is waited for"),
        (Reading::Doubtful | Reading::Partial, Some(_)) | (Reading::Partial, None) => {}
    }
}

fn of(request: &Request) -> Plain {
    Plain {
        method: request.method.clone(),
        target: request.target.clone(),
        minor: if request.version == Version::Http10 { 0 } else { 1 },
        fields: request.headers.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect(),
        body: request.body.to_vec(),
        ..Plain::default()
    }
}

/// httparse sees the same head: the same line, the same fields, the same end.
fn httparse_agrees(stream: &[u8], plain: &Plain) {
    let mut fields = [httparse::EMPTY_HEADER; 300];
    let mut head = httparse::Request::new(&mut fields);
    let parsed = head.parse(stream);
    let Ok(httparse::Status::Complete(end)) = parsed else { panic!("httparse: {parsed:?}") };
    assert!(end <= plain.end && stream[..end].ends_with(b"\r\n\r\n"));
    assert_eq!(head.method, Some(&*plain.method));
    assert_eq!(head.version, Some(plain.minor));
    let is_absolute = !head.path.is_some_and(|path| path.starts_with('/') || path == "*");
    let is_kept = |name: &str| {
        !(name.eq_ignore_ascii_case("x-ws-relay") || is_absolute && name.eq_ignore_ascii_case("host"))
    };
    if !is_absolute {
        assert_eq!(head.path, Some(&*plain.target));
    }
    let theirs =
        head.headers.iter().filter(|field| is_kept(field.name)).map(|field| (field.name, field.value));
    let ours = plain.fields.iter().filter(|(name, _)| is_kept(name)).map(|(name, value)| (&**name, &**value));
    assert_eq!(theirs.collect::<Vec<_>>(), ours.collect::<Vec<_>>());
}

/// What the handshake comes to, and what is answered.
fn shake(request: &Request) {
    let policy = UpgradePolicy {
        origins: OriginPolicy::parse("https://example.com, *.example.org:8443").expect("sound patterns"),
        require_origin: request.query("o").is_some(),
        trusted_proxies: vec!["127.0.0.0/8".parse().expect("a network")],
        relay_only: vec!["/chat".to_owned()],
        subprotocols: vec!["chat".to_owned(), "superchat".to_owned()],
    };
    match check_upgrade(request, &policy) {
        Ok(Some(handshake)) => accepted(request, &handshake, &policy),
        Ok(None) => {
            assert!(!request.is_upgrade());
            reflect(request);
        }
        Err(fault) => is_written(&refusal(&fault), fault.status()),
    }
}

/// RFC 6455 §4.2.1, point by point.
fn accepted(request: &Request, handshake: &Handshake, policy: &UpgradePolicy) {
    let plain = of(request);
    assert_eq!((&*plain.method, plain.minor), ("GET", 1));
    assert_eq!(plain.values("host").len(), 1);
    assert!(plain.has_element("upgrade", "websocket") && plain.has_element("connection", "upgrade"));
    assert_eq!(plain.values("sec-websocket-version"), [b"13"]);
    let [key] = &plain.values("sec-websocket-key")[..] else { panic!("one key") };
    assert_eq!(handshake.accept, derive_accept_key(key));
    assert!(plain.values("origin").len() <= 1, "{plain:?}");
    for protocol in &handshake.protocols {
        assert!(plain.has_element("sec-websocket-protocol", protocol));
    }
    let chosen = choose_subprotocol(handshake, policy, None).expect("nobody else has chosen");
    let (name, value) = reflected(request);
    let mut headers = Headers::new();
    headers.append(name.clone(), value.clone());
    let Ok(bytes) = switching(handshake, chosen.as_deref(), &headers) else {
        return assert!(!can_be_written(&name, &value), "{name:?}: {value:?} is refused");
    };
    let Answer { status, fields, body } = Answer::read(&bytes);
    assert_eq!((status, body), (101, &b""[..]));
    let own = 3 + usize::from(chosen.is_some());
    assert_eq!(
        fields[1..3],
        [("Connection", &b"Upgrade"[..]), ("Sec-WebSocket-Accept", handshake.accept.as_bytes())]
    );
    assert!(fields.len() == own || fields[own..] == [(&*name, value.trim_matches([' ', '\t']).as_bytes())]);
}

/// What a careless handler repeats of the query: a name and a value.
fn reflected(request: &Request) -> (String, String) {
    (request.query("n").unwrap_or_else(|| "X".to_owned()), request.query("v").unwrap_or_default())
}

/// RFC 9110 §5.1 and §5.5.
fn can_be_written(name: &str, value: &str) -> bool {
    is_token(name.as_bytes()) && value.bytes().all(is_text)
}

/// A handler that repeats what it was asked cannot be made to write a field, or a body, that it did not mean to.
fn reflect(request: &Request) {
    let (name, value) = reflected(request);
    let status = request.query("s").and_then(|status| status.parse().ok()).unwrap_or(200);
    let answer = Response::text(status, request.path()).header(name.clone(), value.clone());
    let Ok(bytes) = respond(&answer, Some(&request.method), true) else {
        return assert!(!can_be_written(&name, &value) || !(200..=599).contains(&status));
    };
    let Answer { status: written, fields, body } = Answer::read(&bytes);
    assert_eq!(written, status);
    let is_bare = request.method == "HEAD" || matches!(status, 204 | 205 | 304);
    assert_eq!(body, if is_bare { b"" } else { request.path().as_bytes() });
    let ours = ["Content-Type", "Connection", "Content-Length", "Upgrade"];
    for name in &ours[1..] {
        assert!(
            fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).count() <= 1,
            "two of {name}"
        );
    }
    for field in fields {
        let is_reflected = field == (&*name, value.trim_matches([' ', '\t']).as_bytes());
        assert!(is_reflected || ours.contains(&field.0), "{field:?} in the answer to {request:?}");
    }
}

/// A response as its client reads it.
struct Answer<'a> {
    status: u16,
    fields: Vec<(&'a str, &'a [u8])>,
    body: &'a [u8],
}

impl<'a> Answer<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut fields = [httparse::EMPTY_HEADER; 16];
        let mut head = httparse::Response::new(&mut fields);
        let parsed = head.parse(bytes);
        let Ok(httparse::Status::Complete(end)) = parsed else {
            panic!("{parsed:?}: {}", bytes.escape_ascii())
        };
        let fields = head.headers.iter().map(|field| (field.name, field.value)).collect();
        Self { status: head.code.unwrap_or(0), fields, body: &bytes[end..] }
    }
}

/// A refusal is a response, whatever the request was.
fn is_written(refusal: &Response, status: u16) {
    let bytes = respond(refusal, Some("GET"), false).expect("a response that can be written");
    let answer = Answer::read(&bytes);
    assert_eq!((answer.status, answer.body), (status, &refusal.body[..]));
}
