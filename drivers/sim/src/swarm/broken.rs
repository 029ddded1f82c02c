//! What clients may not send.

use crate::dice::Dice;
use crate::wire::{Frame, close, continuation, first_of, ping, text, unmasked};

/// Frames that break RFC 6455 or a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// No mask.
    Unmasked,
    /// Reserved bits.
    ReservedBits,
    /// A reserved opcode.
    ReservedOpcode,
    /// A ping in fragments.
    FragmentedPing,
    /// A ping of 126 bytes.
    LongPing,
    /// A continuation of nothing.
    Continuation,
    /// A message inside a message.
    Interleaved,
    /// A length in more bytes than it needs.
    LongLength,
    /// A close code that nobody may send.
    CloseCode,
    /// A close frame of one byte.
    ShortClose,
    /// Text that is not UTF-8.
    Utf8,
    /// The same in a fragment that is not the last.
    Utf8Early,
    /// A message over the limit, all of it.
    Oversized,
    /// The header of one, and nothing behind it.
    Announced,
    /// Fragments without end.
    EndlessFragments,
    /// Random bytes, drawn from this seed.
    Garbage(u64),
    /// A broken frame, and megabytes behind it.
    GarbageWithoutEnd,
}

impl Broken {
    pub(crate) const ALL: [Self; 20] = [
        Self::Unmasked,
        Self::ReservedBits,
        Self::ReservedOpcode,
        Self::FragmentedPing,
        Self::LongPing,
        Self::Continuation,
        Self::Interleaved,
        Self::LongLength,
        Self::CloseCode,
        Self::ShortClose,
        Self::Utf8,
        Self::Utf8Early,
        Self::Oversized,
        Self::Announced,
        Self::EndlessFragments,
        Self::Garbage(1),
        Self::Garbage(2),
        Self::Garbage(3),
        Self::Garbage(4),
        Self::GarbageWithoutEnd,
    ];

    /// Its bytes, where a message may have so many and come in so many fragments.
    pub(crate) fn bytes(self, message_bytes_max: usize, fragments_max: u32) -> Vec<u8> {
        let frames = |frames: &[Frame]| frames.iter().flat_map(Frame::encode).collect();
        match self {
            Self::Unmasked => frames(&[unmasked(text("bare"))]),
            Self::ReservedBits => frames(&[Frame { reserved: 2, ..text("bits") }]),
            Self::ReservedOpcode => frames(&[Frame::new(0xb, b"op")]),
            Self::FragmentedPing => frames(&[first_of(ping(b"half"))]),
            Self::LongPing => frames(&[ping(&[b'l'; 126])]),
            Self::Continuation => frames(&[continuation(b"of what", true)]),
            Self::Interleaved => frames(&[first_of(text("one")), text("two")]),
            Self::LongLength => vec![0x81, 0xfe, 0, 5, 1, 2, 3, 4, b'h', b'e', b'l', b'l', b'o'],
            Self::CloseCode => frames(&[close(1005, "")]),
            Self::ShortClose => frames(&[Frame::new(8, b"x")]),
            Self::Utf8 => frames(&[Frame::new(1, b"caf\xe9")]),
            Self::Utf8Early => frames(&[first_of(Frame::new(1, b"\xc0\xaf")), continuation(b"", true)]),
            Self::Oversized => frames(&[Frame::new(2, &vec![7; message_bytes_max + 1])]),
            Self::Announced => vec![0x82, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5],
            Self::EndlessFragments => {
                let mut bytes = first_of(text("a")).encode();
                for _ in 0..fragments_max {
                    continuation(b"b", false).encode_into(&mut bytes);
                }
                bytes
            }
            Self::Garbage(seed) => {
                let mut dice = Dice::new(seed);
                (0..1 + dice.index(200)).map(|_| dice.roll().to_le_bytes()[0]).collect()
            }
            Self::GarbageWithoutEnd => {
                let mut bytes = unmasked(text("first")).encode();
                bytes.resize(bytes.len() + GARBAGE_BYTES, b'z');
                bytes
            }
        }
    }
}

/// More than any connection may hold.
const GARBAGE_BYTES: usize = 12 * 1024 * 1024;

/// Requests that are wrong, or that two readers could read in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Not a GET.
    Post,
    /// Another version of the protocol.
    Version,
    /// No key.
    NoKey,
    /// A key that is none.
    BadKey,
    /// From a page of somebody else's.
    Origin,
    /// A length and a transfer coding, and a second request within what is the body for one of two readers.
    TwoLengths,
    /// Two different lengths.
    DoubleLength,
    /// A transfer coding that hides `chunked`.
    HiddenCoding,
    /// A header line that goes on in the next one.
    Folded,
    /// A space before the colon.
    SpaceBeforeColon,
    /// More head than there may be.
    Endless,
    /// Another version of HTTP.
    Http2,
    /// The header by which only a handler may name a target.
    RelayHeader,
    /// A GET upgrade with a body.
    Body,
}

impl Head {
    pub(crate) const ALL: [Self; 14] = [
        Self::Post,
        Self::Version,
        Self::NoKey,
        Self::BadKey,
        Self::Origin,
        Self::TwoLengths,
        Self::DoubleLength,
        Self::HiddenCoding,
        Self::Folded,
        Self::SpaceBeforeColon,
        Self::Endless,
        Self::Http2,
        Self::RelayHeader,
        Self::Body,
    ];

    /// Its bytes, and the statuses that may answer it.
    pub(crate) fn bytes(self, target: &str) -> (String, Vec<u16>) {
        let sound = crate::wire::upgrade(target, "");
        let with = |lines: &str| crate::wire::upgrade(target, lines);
        let smuggled =
            |lines: &str| format!("POST / HTTP/1.1\r\nHost: example.com\r\n{lines}\r\n0\r\n\r\n{sound}");
        match self {
            Self::Post => (sound.replacen("GET", "POST", 1), vec![405]),
            Self::Version => (sound.replace("Version: 13", "Version: 8"), vec![426]),
            Self::NoKey => (sound.replace("Sec-WebSocket-Key", "X-Key"), vec![400]),
            Self::BadKey => (sound.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), vec![400]),
            Self::Origin => (with("Origin: https://evil.example\r\n"), vec![403]),
            Self::TwoLengths => (smuggled("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), vec![400]),
            Self::DoubleLength => (smuggled("Content-Length: 5\r\nContent-Length: 6\r\n"), vec![400]),
            Self::HiddenCoding => (smuggled("Transfer-Encoding: xchunked\r\n"), vec![400, 501]),
            Self::Folded => (smuggled("X-A: a\r\n b\r\nContent-Length: 5\r\n"), vec![400]),
            Self::SpaceBeforeColon => (smuggled("Content-Length : 5\r\n"), vec![400]),
            Self::Endless => (with(&format!("X-Long: {}\r\n", "x".repeat(40_000))), vec![431]),
            Self::Http2 => (sound.replace("HTTP/1.1", "HTTP/2.0"), vec![400, 505]),
            Self::RelayHeader => (with("X-WS-Relay: {\"target_pid\": \"nobody\"}\r\n"), vec![101, 503]),
            Self::Body => (with("Content-Length: 4\r\n") + "body", vec![400]),
        }
    }
}
