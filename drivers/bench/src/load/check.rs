//! Whether what came back is what was sent.

use super::frames::{Frames, NUMBER_BYTES};
use crate::Result;

/// Checks one connection's stream.
#[derive(Debug)]
pub(crate) struct Check {
    /// Where in the ring the stream is, as long as it agrees with it to the byte.
    at: usize,
    /// How much of a frame has come beyond the last whole one.
    beyond: usize,
    /// Reads frames one by one: large ones, of which not every byte is compared, and those of a server
    /// that sends the same messages in other frames than expected.
    parser: Option<Box<Parser>>,
}

/// From this size on comparing every byte would be felt.
const COMPARED_BYTES_MAX: usize = 8 * 1024;

impl Check {
    /// For a connection whose first message has this number.
    pub(crate) fn new(expected: &Frames, first: usize) -> Self {
        let is_large = expected.frame_bytes > COMPARED_BYTES_MAX;
        let parser = is_large.then(|| Box::new(Parser::new(expected, first)));
        Self { at: expected.start(first), beyond: 0, parser }
    }

    /// Takes what has arrived; how many messages are whole with it.
    #[inline]
    pub(crate) fn take(&mut self, bytes: &[u8], expected: &Frames, every_byte: bool) -> Result<usize> {
        if let Some(parser) = &mut self.parser {
            return parser.take(bytes, expected, every_byte);
        }
        if expected.stretch(self.at, bytes.len()) != Some(bytes) {
            return self.parse_from_here(bytes, expected);
        }
        self.at += bytes.len();
        if self.at >= expected.ring_bytes() {
            self.at -= expected.ring_bytes();
        }
        self.beyond += bytes.len();
        let whole = self.beyond / expected.frame_bytes;
        self.beyond -= whole * expected.frame_bytes;
        Ok(whole)
    }

    #[cold]
    fn parse_from_here(&mut self, bytes: &[u8], expected: &Frames) -> Result<usize> {
        let start = (self.at + expected.ring_bytes() - self.beyond) % expected.ring_bytes();
        let mut parser = Box::new(Parser::new(expected, start / expected.frame_bytes));
        let begun = expected.stretch(start, self.beyond).ok_or("no such stretch")?;
        parser.take(begun, expected, true)?;
        self.parser.insert(parser).take(bytes, expected, true)
    }
}

/// Reads frames, of which a message may have several.
#[derive(Debug)]
struct Parser {
    message: usize,
    /// How much of the message has come.
    at: usize,
    header: Vec<u8>,
    /// How much of the frame is still to come; `None` between frames.
    left: Option<usize>,
    fin: bool,
    first_byte: u8,
}

const FIN: u8 = 0x80;
const OPCODE: u8 = 0x0f;
const IS_CONTROL: u8 = 0x08;

impl Parser {
    fn new(expected: &Frames, message: usize) -> Self {
        let first_byte = expected.first_byte();
        Self { message, at: 0, header: Vec::with_capacity(14), left: None, fin: false, first_byte }
    }

    fn take(&mut self, mut bytes: &[u8], expected: &Frames, every_byte: bool) -> Result<usize> {
        let mut whole = 0;
        loop {
            let left = match self.left {
                Some(left) => left,
                None => match self.take_header(&mut bytes)? {
                    Some(left) => left,
                    None => return Ok(whole),
                },
            };
            let len = left.min(bytes.len());
            self.compare(&bytes[..len], expected, every_byte)?;
            bytes = &bytes[len..];
            self.left = (len < left).then_some(left - len);
            if self.left.is_some() {
                return Ok(whole);
            }
            if self.fin {
                if self.at != expected.payload(self.message).len() {
                    return Err(format!("message {} came back with {} bytes", self.message, self.at).into());
                }
                whole += 1;
                self.message += 1;
                self.at = 0;
            }
        }
    }

    /// The length of the next frame, where its header is whole.
    fn take_header(&mut self, bytes: &mut &[u8]) -> Result<Option<usize>> {
        while let Some((byte, rest)) = bytes.split_first() {
            self.header.push(*byte);
            *bytes = rest;
            let Some(len) = header_len(&self.header) else { continue };
            let first = self.header[0];
            self.header.clear();
            self.fin = first & FIN != 0;
            let expected = if self.at == 0 { self.first_byte & OPCODE } else { 0 };
            if first & IS_CONTROL != 0 || first & OPCODE != expected {
                return Err(format!("message {}: a frame that begins with {first:#04x}", self.message).into());
            }
            return Ok(Some(len));
        }
        Ok(None)
    }

    fn compare(&mut self, bytes: &[u8], expected: &Frames, every_byte: bool) -> Result<()> {
        let payload = expected.payload(self.message);
        let (start, end) = (self.at, self.at + bytes.len());
        self.at = end;
        let wanted = payload.get(start..end).ok_or("a message came back longer than it was")?;
        let is_same = if every_byte {
            bytes == wanted
        } else {
            // Only what lies within the numbers at both ends.
            let head = NUMBER_BYTES.saturating_sub(start).min(bytes.len());
            let tail = (payload.len() - NUMBER_BYTES).saturating_sub(start).min(bytes.len());
            bytes[..head] == wanted[..head] && bytes[tail..] == wanted[tail..]
        };
        if is_same { Ok(()) } else { Err(format!("message {} came back changed", self.message).into()) }
    }
}

/// The payload's length, where the header is whole. The key of a masked one is part of the header.
fn header_len(header: &[u8]) -> Option<usize> {
    let len = *header.get(1)?;
    let key_bytes = if len & 0x80 == 0 { 0 } else { 4 };
    let length = match len & 0x7f {
        126 => header.get(2..4)?,
        127 => header.get(2..10)?,
        _ => &[],
    };
    if header.len() < 2 + length.len() + key_bytes {
        return None;
    }
    if length.is_empty() {
        return Some(usize::from(len & 0x7f));
    }
    Some(length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Content;

    fn frames(payload_bytes: usize, masked: bool) -> Frames {
        Frames::new(Content::Ascii, payload_bytes, 8, 4, masked)
    }

    fn whole(check: &mut Check, bytes: &[u8], expected: &Frames) -> usize {
        bytes.chunks(5).map(|piece| check.take(piece, expected, false).unwrap()).sum()
    }

    #[test]
    fn what_is_the_same_counts_however_it_is_cut_and_however_large_it_is() {
        for (payload_bytes, masked) in [(16, false), (16, true), (300, true), (9000, false), (70_000, true)] {
            let expected = frames(payload_bytes, masked);
            let mut check = Check::new(&expected, 6);
            for start in [6, 2, 6] {
                let bytes = expected.stretch(expected.start(start), 4 * expected.frame_bytes).unwrap();
                assert_eq!(whole(&mut check, bytes, &expected), 4);
            }
        }
    }

    #[test]
    fn a_message_in_fragments_is_the_same_message() {
        let expected = frames(16, false);
        let mut check = Check::new(&expected, 0);
        let (first, second) = (expected.payload(0), expected.payload(1));
        let mut bytes = expected.stretch(0, expected.frame_bytes).unwrap().to_vec();
        bytes.extend([&[0x01, 6], &second[..6], &[0x80, 10], &second[6..]].concat());
        assert_eq!(first.len(), 16);
        assert_eq!(whole(&mut check, &bytes, &expected), 2);
    }

    #[test]
    fn what_is_lost_changed_longer_or_of_another_type_is_an_error() {
        for payload_bytes in [24, 9000] {
            let expected = frames(payload_bytes, false);
            let good = expected.stretch(0, expected.frame_bytes).unwrap();
            let mut changed = good.to_vec();
            changed.pop();
            changed.push(b'x');
            let mut binary = good.to_vec();
            binary[0] = 0x82;
            let lost = expected.stretch(expected.start(1), expected.frame_bytes).unwrap().to_vec();
            let longer = frames(payload_bytes + 8, false);
            let longer = longer.stretch(0, longer.frame_bytes).unwrap().to_vec();
            let shorter = frames(payload_bytes - 1, false);
            let shorter = shorter.stretch(0, shorter.frame_bytes).unwrap().to_vec();
            let ping = [&[0x89, 0], good].concat();
            for bad in [changed, binary, lost, longer, shorter, ping] {
                assert!(Check::new(&expected, 0).take(&bad, &expected, false).is_err());
            }
        }
    }
}
