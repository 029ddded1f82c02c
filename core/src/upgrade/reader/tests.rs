use super::super::testing::{read, request};
use super::*;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use bytes::BufMut as _;
use quickcheck::{Arbitrary, Gen, QuickCheck};
use std::boxed::Box;

const FAULT_400: u16 = 400;

fn status(text: impl AsRef<[u8]>) -> u16 {
    match read(&text) {
        Err(fault) => fault.status(),
        other => panic!("{:?} was read as {other:?}", String::from_utf8_lossy(text.as_ref())),
    }
}

fn post(headers: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n{body}")
}

#[test]
fn what_follows_a_request_stays_in_the_buffer() {
    let mut buffer =
        BytesMut::from("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\n");
    let mut reader = RequestReader::new("1.2.3.4:5".parse().ok(), true);
    let Ok(Some(Read::Request(request))) = reader.read(&mut buffer, &Limits::default()) else { panic!() };
    assert_eq!((&*request.method, &*request.target, &*request.body), ("POST", "/a", &b"hi"[..]));
    assert_eq!((request.peer, request.secure), ("1.2.3.4:5".parse().ok(), true));
    assert_eq!(buffer, "GET /b HTTP/1.1\r\n");
    assert!(reader.is_idle());
    assert_eq!(reader.read(&mut buffer, &Limits::default()), Ok(None));
    assert!(!reader.is_idle());
    buffer.extend_from_slice(b"Host: b\r\n\r\n\x81\x80");
    let Ok(Some(Read::Request(request))) = reader.read(&mut buffer, &Limits::default()) else { panic!() };
    assert_eq!((&*request.target, request.body.len()), ("/b", 0));
    assert_eq!(buffer, &b"\x81\x80"[..]);
}

#[test]
fn what_cannot_become_a_request_is_refused_at_once() {
    for bytes in
        [&b"\x16\x03\x01"[..], b" ", b"\n", b"\0", b"GET\r", b"G@T", b"GET / HTTP/1.1\r\nA: b\n", b"\rG"]
    {
        assert_eq!(status(bytes), FAULT_400, "{bytes:?}");
    }
    assert_eq!(status([b'A'; METHOD_BYTES_MAX + 1]), FAULT_400);
    assert_eq!(read([b'A'; METHOD_BYTES_MAX]), Ok(None));
}

#[test]
fn a_few_empty_lines_before_a_request_are_ignored() {
    assert_eq!(request("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").target, "/");
    assert_eq!(status("\r\n\r\n\r\n\r\n\r\n"), FAULT_400);
}

#[test]
fn a_head_over_its_limit_is_refused_also_when_it_never_ends() {
    let limits = Limits { head_bytes_max: 64, ..Limits::default() };
    let head = |length: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(length - 32));
    let outcome = |text: &str| RequestReader::new(None, false).read(&mut BytesMut::from(text), &limits);
    assert_eq!(head(64).len(), 64);
    assert!(matches!(outcome(&head(64)), Ok(Some(Read::Request(_)))));
    assert_eq!(outcome(&head(65)), Err(HttpFault::HeadTooBig));
    assert_eq!(outcome(&format!("GET /{}", "a".repeat(59))), Ok(None));
    assert_eq!(outcome(&format!("GET /{}", "a".repeat(60))), Err(HttpFault::HeadTooBig));
}

#[test]
fn each_byte_of_a_head_is_looked_at_once() {
    let mut reader = RequestReader::new(None, false);
    let mut buffer = BytesMut::new();
    for byte in *b"GET / HTTP/1.1\r\nHost: a\r\n" {
        buffer.put_u8(byte);
        assert_eq!(reader.read(&mut buffer, &Limits::default()), Ok(None));
        assert!(matches!(&reader.stage, Stage::Head(scan) if scan.scanned == buffer.len()));
    }
}

#[test]
fn a_refused_connection_stays_refused() {
    let mut reader = RequestReader::new(None, false);
    assert!(reader.read(&mut BytesMut::from("\x16"), &Limits::default()).is_err());
    let mut sound = BytesMut::from("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(reader.read(&mut sound, &Limits::default()).map_err(|fault| fault.status()), Err(400));
}

#[test]
fn a_request_with_doubtful_framing_is_refused() {
    for (headers, expected) in [
        ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400),
        ("Content-Length: 1\r\nContent-Length: 2\r\n", 400),
        ("Content-Length: 1\r\ncontent-length: 1\r\n", 400),
        ("Content-Length: 1, 1\r\n", 400),
        ("Content-Length: +1\r\n", 400),
        ("Content-Length: -1\r\n", 400),
        ("Content-Length: 0x1\r\n", 400),
        ("Content-Length: 1 1\r\n", 400),
        ("Content-Length:\r\n", 400),
        ("Content-Length: 99999999999999999999\r\n", 400),
        ("Content-Length : 1\r\n", 400),
        ("Content-Length: 1048577\r\n", 413),
        ("Transfer-Encoding: gzip\r\n", 501),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Transfer-Encoding: chunked, chunked\r\n", 501),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 501),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 501),
        ("Transfer-Encoding: chunked,\r\n", 501),
        ("Transfer-Encoding: \"chunked\"\r\n", 501),
        ("Transfer-Encoding: xchunked\r\n", 501),
        ("Transfer-Encoding:\r\n", 501),
        ("Transfer-Encoding: \x0bchunked\r\n", 400),
        ("Transfer-Encoding : chunked\r\n", 400),
        ("Transfer-Encoding:\r\n chunked\r\n", 400),
    ] {
        assert_eq!(status(post(headers, "1\r\na\r\n0\r\n\r\n")), expected, "{headers:?}");
    }
    assert_eq!(status("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
    assert_eq!(&*request(&post("Content-Length: \t2 \t\r\n", "hi")).body, b"hi");
    assert_eq!(&*request(&post("transfer-encoding: Chunked\r\n", "2\r\nhi\r\n0\r\n\r\n")).body, b"hi");
}

#[test]
fn an_upgrade_request_with_a_body_is_refused() {
    for framing in ["Content-Length: 1", "Transfer-Encoding: chunked"] {
        let head =
            |method| format!("{method} / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n{framing}\r\n\r\n");
        assert_eq!(status(head("GET")), FAULT_400);
        assert_eq!(read(head("POST")), Ok(None), "the method is the better thing to say");
    }
    assert!(
        request("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n").is_upgrade()
    );
}

#[test]
fn a_client_that_expects_a_continue_gets_one_unless_it_went_on_by_itself() {
    let head = post("Expect: 100-Continue\r\nContent-Length: 2\r\n", "");
    let mut reader = RequestReader::new(None, false);
    let mut buffer = BytesMut::from(&*head);
    assert_eq!(reader.read(&mut buffer, &Limits::default()), Ok(Some(Read::Continue)));
    assert_eq!(reader.read(&mut buffer, &Limits::default()), Ok(None));
    buffer.extend_from_slice(b"hi");
    assert!(matches!(reader.read(&mut buffer, &Limits::default()), Ok(Some(Read::Request(_)))));

    assert!(matches!(read(format!("{head}hi")), Ok(Some(Read::Request(_)))));
    assert_eq!(read(format!("{head}h")), Ok(None));
    assert!(matches!(read(post("Expect: 100-continue\r\n", "")), Ok(Some(Read::Request(_)))));
    assert_eq!(read("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"), Ok(None));
    assert_eq!(status(post("Expect: 200-ok\r\nContent-Length: 2\r\n", "")), 417);
    assert_eq!(status(post("Expect: 100-continue\r\nContent-Length: 9999999\r\n", "")), 413);
}

#[test]
fn memory_follows_the_bytes_received_and_not_those_announced() {
    let mut reader = RequestReader::new(None, false);
    let mut buffer = BytesMut::from(&*post("Content-Length: 1000000\r\n", "abc"));
    assert_eq!(reader.read(&mut buffer, &Limits::default()), Ok(None));
    assert!(reader.memory() < 100, "{} bytes are held", reader.memory());
}

/// Small enough that the generated requests reach each of them.
fn tight() -> Limits {
    Limits { head_bytes_max: 160, headers_max: 6, body_bytes_max: 24, ..Limits::default() }
}

/// All that comes of `bytes` when they arrive in pieces of `sizes`, again and again; and what is left over.
fn feed(bytes: &[u8], sizes: &[usize]) -> (Vec<Request>, Option<HttpFault>, BytesMut) {
    let (mut reader, mut buffer, mut requests) = (RequestReader::new(None, false), BytesMut::new(), vec![]);
    let (mut rest, mut sizes) = (bytes, sizes.iter().cycle());
    loop {
        match reader.read(&mut buffer, &tight()) {
            Ok(Some(Read::Request(request))) => requests.push(request),
            Ok(Some(Read::Continue)) => assert!(buffer.is_empty(), "the body has begun"),
            Ok(None) if rest.is_empty() => return (requests, None, buffer),
            Ok(None) => {
                let received = bytes.len() - rest.len();
                assert!(
                    reader.memory() <= 160 + (2 * received).min(24),
                    "{} bytes are held",
                    reader.memory()
                );
                assert!(buffer.len() <= 160, "bytes of a body are left in the buffer");
                let (piece, after) = rest.split_at((*sizes.next().unwrap()).clamp(1, rest.len()));
                buffer.extend_from_slice(piece);
                rest = after;
            }
            Err(fault) => return (requests, Some(fault), BytesMut::new()),
        }
    }
}

/// A few requests after each other, some sound, some nearly so.
#[derive(Clone, Debug)]
struct Hostile(Vec<u8>);

impl Arbitrary for Hostile {
    fn arbitrary(g: &mut Gen) -> Self {
        let mut bytes = vec![];
        for _ in 0..=u8::arbitrary(g) % 3 {
            let line = g.choose(&[
                "GET / HTTP/1.1",
                "POST /a?b HTTP/1.1",
                "PUT http://h/ HTTP/1.1",
                "POST / HTTP/1.0",
            ]);
            bytes.extend_from_slice(line.unwrap().as_bytes());
            bytes.extend_from_slice(b"\r\nHost: a\r\n");
            for _ in 0..u8::arbitrary(g) % 6 {
                let header = g.choose(&[
                    "Expect: 100-continue",
                    "X: y",
                    "Upgrade: websocket",
                    "X-WS-Relay: {}",
                    "Cookie: abcdefghijklmnopqrstuvwxyz",
                ]);
                bytes.extend_from_slice(header.unwrap().as_bytes());
                bytes.extend_from_slice(b"\r\n");
            }
            let framing = g.choose(&[
                "\r\n",
                "Content-Length: 5\r\n\r\nhello",
                "Content-Length: 25\r\n\r\n",
                "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "Transfer-Encoding: chunked\r\n\r\n5;e=f\r\nhello\r\n00A \t;\r\n0123456789\r\n0\r\nT: u\r\n\r\n",
                "Transfer-Encoding: chunked\r\n\r\nf\r\n012345678901234\r\na\r\n0123456789\r\n0\r\n\r\n",
                "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ]);
            bytes.extend_from_slice(framing.unwrap().as_bytes());
        }
        if u8::arbitrary(g).is_multiple_of(4) {
            let at = usize::arbitrary(g) % bytes.len();
            bytes[at] = *g.choose(b"\r\n :;a0\0\xff").unwrap();
        }
        if u8::arbitrary(g).is_multiple_of(4) {
            let at = usize::arbitrary(g) % bytes.len();
            bytes.remove(at);
        }
        Self(bytes)
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        Box::new(self.0.shrink().map(Self))
    }
}

#[test]
fn how_the_bytes_are_split_changes_nothing() {
    #[expect(clippy::needless_pass_by_value, reason = "quickcheck calls it with values")]
    fn property(bytes: Hostile, sizes: Vec<u8>) -> bool {
        let mut sizes: Vec<usize> = sizes.into_iter().map(|size| usize::from(size % 40)).collect();
        sizes.push(1);
        let whole = feed(&bytes.0, &[usize::MAX]);
        whole == feed(&bytes.0, &sizes) && whole == feed(&bytes.0, &[1])
    }
    QuickCheck::new().tests(2000).quickcheck(property as fn(Hostile, Vec<u8>) -> bool);
}

/// Keeps the property above from holding for want of cases.
#[test]
fn the_generated_requests_reach_success_and_every_kind_of_refusal() {
    let mut g = Gen::from_size_and_seed(20, 7);
    let outcomes: Vec<_> = (0..2000).map(|_| feed(&Hostile::arbitrary(&mut g).0, &[usize::MAX])).collect();
    let count = |holds: &dyn Fn(&Request) -> bool| {
        outcomes.iter().flat_map(|outcome| &outcome.0).filter(|r| holds(r)).count()
    };
    assert!(count(&|request| request.body.is_empty()) > 100);
    assert!(count(&|request| request.body.len() == 15) > 100, "chunks are joined");
    for status in [400, 413, 431] {
        let refused =
            outcomes.iter().filter(|outcome| outcome.1.as_ref().is_some_and(|f| f.status() == status));
        assert!(refused.count() > 20, "{status} is too rare");
    }
}

#[test]
fn a_body_is_the_same_by_length_and_in_chunks() {
    #[expect(clippy::needless_pass_by_value, reason = "quickcheck calls it with values")]
    fn property(body: Vec<u8>, sizes: Vec<u8>) -> bool {
        let mut chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let (mut rest, mut sizes) = (&*body, sizes.into_iter());
        while !rest.is_empty() {
            let size = sizes.next().map_or(rest.len(), usize::from).clamp(1, rest.len());
            chunked.extend_from_slice(format!("{size:x}\r\n").as_bytes());
            chunked.extend_from_slice(&rest[..size]);
            chunked.extend_from_slice(b"\r\n");
            rest = &rest[size..];
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        let mut counted =
            format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        counted.extend_from_slice(&body);
        [chunked, counted]
            .into_iter()
            .all(|bytes| matches!(read(bytes), Ok(Some(Read::Request(request))) if request.body == body))
    }
    QuickCheck::new().tests(500).quickcheck(property as fn(Vec<u8>, Vec<u8>) -> bool);
}
