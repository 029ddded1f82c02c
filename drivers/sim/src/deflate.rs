//! The client's side of permessage-deflate (RFC 7692), over another library than the relay's.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Whose messages refer to earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) server_forgets: bool,
    pub(crate) client_forgets: bool,
}

impl Terms {
    /// What a server has to answer to the offers in this head; none where none of them can be accepted. `is_shared` says
    /// whether it remembers nothing in any case.
    pub(crate) fn expected(head: &str, is_shared: bool) -> Option<Self> {
        let value = head.split("\r\n").find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "))?;
        let terms = value.split(',').find_map(|offer| Self::of(offer.split(';').map(str::trim)))?;
        let Self { server_forgets, client_forgets } = terms;
        Some(Self {
            server_forgets: server_forgets || is_shared,
            client_forgets: client_forgets || is_shared,
        })
    }

    /// An offer or an agreement, without quotes; none if it is wrong.
    fn of<'a>(mut parts: impl Iterator<Item = &'a str>) -> Option<Self> {
        if parts.next() != Some("permessage-deflate") {
            return None;
        }
        let mut names = Vec::new();
        for part in parts {
            let (name, value) =
                part.split_once('=').map_or((part, None), |(name, value)| (name, Some(value)));
            let is_right = match name {
                "server_no_context_takeover" | "client_no_context_takeover" => value.is_none(),
                "server_max_window_bits" => value.is_some_and(is_window),
                "client_max_window_bits" => value.is_none_or(is_window),
                _ => false,
            };
            if !is_right || names.contains(&name) {
                return None;
            }
            names.push(name);
        }
        Some(Self {
            server_forgets: names.contains(&"server_no_context_takeover"),
            client_forgets: names.contains(&"client_no_context_takeover"),
        })
    }
}

fn is_window(bits: &str) -> bool {
    (8..=15).any(|number: u8| bits == number.to_string())
}

/// What client and server have agreed on, and what the client remembers for it. Its window is of the largest size.
#[derive(Debug)]
pub struct Deflating {
    pub(crate) terms: Terms,
    compress: Compress,
    decompress: Decompress,
}

const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

impl Deflating {
    /// The client of a server that has answered with this value of `Sec-WebSocket-Extensions`.
    ///
    /// # Errors
    ///
    /// In words, when a server may not answer so.
    pub fn agreed(value: &str) -> Result<Self, String> {
        let terms = Terms::of(value.split("; ")).ok_or_else(|| format!("no agreement: {value}"))?;
        Ok(Self {
            terms,
            compress: Compress::new(Compression::new(6), false),
            decompress: Decompress::new(false),
        })
    }

    /// The payload of a message's frames.
    ///
    /// # Panics
    ///
    /// When the library does not take all of the message at once, as it always does.
    #[must_use]
    pub fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        if self.terms.client_forgets {
            self.compress.reset();
        }
        let mut payload = Vec::with_capacity(message.len() * 2 + 64);
        let before = self.compress.total_in();
        // The library flushes all of it at once, where there is room.
        let status = self.compress.compress_vec(message, &mut payload, FlushCompress::Sync);
        let taken = self.compress.total_in() - before;
        assert!(
            matches!(status, Ok(Status::Ok)) && taken == message.len() as u64,
            "the client compresses: {status:?}"
        );
        payload.truncate(payload.len() - if payload.ends_with(&TAIL) { TAIL.len() } else { 0 });
        payload
    }

    /// The server's message behind the payload of its frames; `None` if there is none.
    #[must_use]
    pub fn inflate(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        if self.terms.server_forgets {
            self.decompress.reset(false);
        }
        inflate(&mut self.decompress, payload, usize::MAX)
    }
}

/// A client's messages as a server has to read them.
#[derive(Debug)]
pub(crate) struct Inflating {
    client_forgets: bool,
    decompress: Decompress,
}

impl Inflating {
    pub(crate) fn new(client_forgets: bool) -> Self {
        Self { client_forgets, decompress: Decompress::new(false) }
    }

    /// The message, but for what is over `bytes_max` and one byte.
    pub(crate) fn inflate(&mut self, payload: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
        if self.client_forgets {
            self.decompress.reset(false);
        }
        inflate(&mut self.decompress, payload, bytes_max)
    }
}

/// Until nothing more comes, or too much.
fn inflate(decompress: &mut Decompress, payload: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let (mut rest, mut message) = (payload, Vec::new());
    while !rest.is_empty() {
        let (taken, is_final) = read(decompress, rest, bytes_max, &mut message)?;
        if message.len() > bytes_max {
            return Some(message);
        }
        rest = &rest[taken..];
        if is_final {
            decompress.reset(false);
        } else {
            // What makes the last block whole, and one more, add nothing to a message that is whole.
            let mut more = Vec::new();
            if read(decompress, &[0, 0, 0xff, 0xff, 0, 0, 0, 0xff, 0xff], usize::MAX, &mut more)?.1 {
                decompress.reset(false);
            }
            return more.is_empty().then_some(message);
        }
    }
    Some(message)
}

/// How much of the input was taken: all, or up to a block that said that it is the last; or up to where the message was too long.
fn read(
    decompress: &mut Decompress,
    input: &[u8],
    bytes_max: usize,
    message: &mut Vec<u8>,
) -> Option<(usize, bool)> {
    let mut at = 0;
    loop {
        let mut step = [0; 4096];
        let before = (decompress.total_in(), decompress.total_out());
        let status = decompress.decompress(&input[at..], &mut step, FlushDecompress::Sync).ok()?;
        let taken = usize::try_from(decompress.total_in() - before.0).ok()?;
        let given = usize::try_from(decompress.total_out() - before.1).ok()?;
        message.extend_from_slice(&step[..given]);
        at += taken;
        let is_all = taken == 0 && given == 0;
        if status == Status::StreamEnd {
            return Some((at, true));
        } else if message.len() > bytes_max || (is_all && at == input.len()) {
            return Some((at, false));
        } else if is_all {
            return None;
        }
    }
}
