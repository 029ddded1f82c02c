//! What a server has to make of a client's bytes, by the naive reading of RFC 6455.

use crate::deflate::{Inflating, Terms};
use std::str;

/// What a client's bytes amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A whole message: whether it is text, and its payload.
    Message(bool, Vec<u8>),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong, or a fragment without payload.
    Idle,
    /// A close frame, with its code and reason.
    Close(Option<(u16, String)>),
    /// A broken rule, and the close codes that answer it. Nothing counts after it.
    Broken(&'static [u16]),
}

/// A client's stream of frames, read as slowly and obviously as possible.
#[derive(Debug)]
pub(crate) struct Reading {
    message_bytes_max: usize,
    fragments_max: u32,
    held: Vec<u8>,
    open: Option<Open>,
    /// How messages are read that are compressed, if they may be.
    inflating: Option<Inflating>,
    over: bool,
}

/// A message that is open.
#[derive(Clone, Debug)]
struct Open {
    is_text: bool,
    is_compressed: bool,
    /// What has come of it, and in how many frames.
    held: Vec<u8>,
    frames: u32,
}

const PROTOCOL: Verdict = Verdict::Broken(&[1002]);
const UTF8: Verdict = Verdict::Broken(&[1007]);
const TOO_BIG: Verdict = Verdict::Broken(&[1009]);
/// No DEFLATE data, but perhaps too much of it before that shows.
const INFLATE: Verdict = Verdict::Broken(&[1007, 1009]);

impl Reading {
    pub(crate) const fn new(message_bytes_max: usize, fragments_max: u32) -> Self {
        Self { message_bytes_max, fragments_max, held: Vec::new(), open: None, inflating: None, over: false }
    }

    /// Whether messages may be compressed from now on.
    pub(crate) fn agree(&mut self, terms: Option<Terms>) {
        self.inflating = terms.map(|terms| Inflating::new(terms.client_forgets));
    }

    /// What the bytes bring to an end, or break.
    pub(crate) fn push(&mut self, bytes: &[u8], mut found: impl FnMut(Verdict)) {
        if self.over {
            return;
        }
        self.held.extend_from_slice(bytes);
        let held = std::mem::take(&mut self.held);
        let mut rest = &held[..];
        while !self.over {
            match self.frame(rest) {
                Ok(Some((verdict, taken))) => {
                    rest = &rest[taken..];
                    self.over = matches!(verdict, Some(Verdict::Close(_)));
                    verdict.into_iter().for_each(&mut found);
                }
                Ok(None) => break,
                Err(broken) => {
                    self.over = true;
                    found(broken);
                }
            }
        }
        self.held = rest.to_vec();
    }

    /// One frame: what it brings to its end, and its length. None while it is not whole.
    fn frame(&mut self, bytes: &[u8]) -> Result<Option<(Option<Verdict>, usize)>, Verdict> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        let is_control = opcode >= 8;
        let is_compressed = first & 0x70 == 0x40 && matches!(opcode, 1 | 2) && self.inflating.is_some();
        if (first & 0x70 != 0 && !is_compressed) || !matches!(opcode, 0..=2 | 8..=10) || (is_control && !fin)
        {
            return Err(PROTOCOL);
        }
        let Some(&second) = bytes.get(1) else { return Ok(None) };
        if second & 0x80 == 0 || (is_control && second & 0x7f > 125) {
            return Err(PROTOCOL);
        }
        if !is_control && (opcode == 0) != self.open.is_some() {
            return Err(PROTOCOL);
        }
        let Some((len, start)) = length(second & 0x7f, &bytes[2..])? else { return Ok(None) };
        let Some(key) = bytes.get(start..start + 4) else {
            return if is_control { Ok(None) } else { self.check_size(is_compressed, len).map(|()| None) };
        };
        if !is_control {
            self.check_size(is_compressed, len)?;
        }
        let start = start + 4;
        let here = &bytes[start..bytes.len().min(start + usize::try_from(len).map_err(|_| TOO_BIG)?)];
        let payload: Vec<u8> = here.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        let is_whole = payload.len() as u64 == len;
        let end = start + payload.len();
        if is_control {
            return if is_whole {
                control(opcode, payload).map(|it| Some((Some(it), end)))
            } else {
                Ok(None)
            };
        }
        let open = self.open.clone().unwrap_or_else(|| Open {
            is_text: opcode == 1,
            is_compressed,
            held: Vec::new(),
            frames: 0,
        });
        self.data(fin, open, &payload, is_whole).map(|found| is_whole.then_some((found, end)))
    }

    fn check_size(&self, is_compressed: bool, len: u64) -> Result<(), Verdict> {
        let (is_compressed, so_far, frames) = match &self.open {
            Some(open) => (open.is_compressed, open.held.len(), open.frames),
            None => (is_compressed, 0, 0),
        };
        let max = self.message_bytes_max as u64;
        // What does not get smaller may get a little larger.
        let max = if is_compressed { max + max / 8 + 64 } else { max };
        if len.saturating_add(so_far as u64) > max || frames >= self.fragments_max {
            return Err(TOO_BIG);
        }
        Ok(())
    }

    /// Payload of a data frame, the whole of it or a part to be checked.
    fn data(
        &mut self,
        fin: bool,
        mut open: Open,
        payload: &[u8],
        is_whole: bool,
    ) -> Result<Option<Verdict>, Verdict> {
        open.held.extend_from_slice(payload);
        let is_last = fin && is_whole;
        if is_last && open.is_compressed {
            open.held = self.inflate(&open.held)?;
        }
        if open.is_text
            && (is_last || !open.is_compressed)
            && let Err(error) = str::from_utf8(&open.held)
            && (is_last || error.error_len().is_some())
        {
            return Err(UTF8);
        }
        if is_last {
            self.open = None;
            return Ok(Some(Verdict::Message(open.is_text, open.held)));
        }
        if is_whole {
            open.frames += 1;
            self.open = Some(open);
        }
        Ok((is_whole && payload.is_empty()).then_some(Verdict::Idle))
    }

    fn inflate(&mut self, payload: &[u8]) -> Result<Vec<u8>, Verdict> {
        let message_bytes_max = self.message_bytes_max;
        let inflating = self.inflating.as_mut().ok_or(PROTOCOL)?;
        let message = inflating.inflate(payload, message_bytes_max).ok_or(INFLATE)?;
        if message.len() > message_bytes_max { Err(TOO_BIG) } else { Ok(message) }
    }
}

/// The length that stands in a header, and where the header goes on.
fn length(code: u8, bytes: &[u8]) -> Result<Option<(u64, usize)>, Verdict> {
    let (count, shortest) = match code {
        126 => (2, 126),
        127 => (8, 0x1_0000),
        _ => return Ok(Some((u64::from(code), 2))),
    };
    // Wrong from its first bytes on, perhaps.
    if count == 8 && (bytes.first().is_some_and(|high| high & 0x80 != 0) || bytes.starts_with(&[0; 6])) {
        return Err(PROTOCOL);
    }
    let Some(bytes) = bytes.get(..count) else { return Ok(None) };
    let len = bytes.iter().fold(0, |len, byte| len << 8 | u64::from(*byte));
    if len < shortest { Err(PROTOCOL) } else { Ok(Some((len, 2 + count))) }
}

fn control(opcode: u8, payload: Vec<u8>) -> Result<Verdict, Verdict> {
    match (opcode, &payload[..]) {
        (9, _) => Ok(Verdict::Ping(payload)),
        (10, _) => Ok(Verdict::Idle),
        (_, []) => Ok(Verdict::Close(None)),
        (_, [high, low, reason @ ..]) => {
            let code = u16::from_be_bytes([*high, *low]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(PROTOCOL);
            }
            let reason = str::from_utf8(reason).map_err(|_| UTF8)?;
            Ok(Verdict::Close(Some((code, reason.to_owned()))))
        }
        (_, [_]) => Err(PROTOCOL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Frame, close, continuation, first_of, ping, text};

    fn read(pieces: impl IntoIterator<Item = Vec<u8>>) -> Vec<Verdict> {
        let mut reading = Reading::new(100, 3);
        let mut found = Vec::new();
        for piece in pieces {
            reading.push(&piece, |verdict| found.push(verdict));
        }
        found
    }

    fn byte_by_byte(frames: &[Frame]) -> Vec<Verdict> {
        read(frames.iter().flat_map(Frame::encode).map(|byte| vec![byte]))
    }

    #[test]
    fn a_message_in_fragments_is_whole_with_its_last() {
        let frames = [first_of(text("a")), ping(b"p"), continuation(b"", false), continuation(b"b", true)];
        let expected = [Verdict::Ping(b"p".to_vec()), Verdict::Idle, Verdict::Message(true, b"ab".to_vec())];
        assert_eq!(byte_by_byte(&frames), expected);
        assert_eq!(read([frames.iter().flat_map(Frame::encode).collect()]), expected);
    }

    #[test]
    fn each_broken_rule_is_found_and_nothing_after_it() {
        let cases = [
            (Frame { reserved: 4, ..text("a") }, PROTOCOL),
            (Frame { masked: false, ..text("a") }, PROTOCOL),
            (Frame::new(3, b""), PROTOCOL),
            (continuation(b"", true), PROTOCOL),
            (Frame { fin: false, ..ping(b"") }, PROTOCOL),
            (close(1005, ""), PROTOCOL),
            (Frame::new(8, b"x"), PROTOCOL),
            (Frame::new(1, b"\xff"), UTF8),
            (first_of(Frame::new(1, b"\xff")), UTF8),
            (text(&"x".repeat(101)), TOO_BIG),
        ];
        for (frame, verdict) in cases {
            assert_eq!(byte_by_byte(&[frame.clone(), text("b")]), [verdict], "{frame:?}");
        }
    }

    #[test]
    fn what_is_announced_too_big_is_too_big_before_it_comes() {
        assert_eq!(read([vec![0x82, 0xfe, 0x10, 0x00]]), [TOO_BIG]);
    }

    #[test]
    fn nothing_counts_after_a_close() {
        assert_eq!(
            byte_by_byte(&[close(1000, "bye"), text("late")]),
            [Verdict::Close(Some((1000, "bye".to_owned())))]
        );
    }
}
