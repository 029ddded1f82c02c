//! A client's frames, turned into the server's where they lie.

use std::io;
use std::ops::Range;

/// What became of the frames in a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Where in the buffer the answers lie.
    pub(crate) frames: Range<usize>,
    /// How many bytes of it were whole frames.
    pub(crate) used: usize,
    /// Whether the last one closes the connection.
    pub(crate) closed: bool,
}

const OPCODE: u8 = 0x0f;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
const FIN: u8 = 0x80;
/// What a client's header has and a server's has not.
const MASK_BYTES: usize = 4;

/// Where a frame's payload begins, and how long it is; `None` where the header is not whole.
#[inline]
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes {
        [_, len, ..] if len & 0x7f < 126 => Some((2 + MASK_BYTES, usize::from(len & 0x7f))),
        [_, len, a, b, ..] if len & 0x7f == 126 => {
            Some((4 + MASK_BYTES, usize::from(u16::from_be_bytes([*a, *b]))))
        }
        [_, _, a, b, c, d, e, f, g, h, ..] => {
            let len = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            Some((10 + MASK_BYTES, usize::try_from(len).unwrap_or(usize::MAX / 2)))
        }
        _ => None,
    }
}

/// The size of the frame that `bytes` begin with, where they tell.
pub(crate) fn frame_bytes(bytes: &[u8]) -> Option<usize> {
    header(bytes).map(|(start, len)| start + len)
}

/// Answers every whole frame in `bytes`. The first answer begins where its frame's mask leaves room for the
/// header, so that a large payload stays where it is; the others follow close behind.
pub(crate) fn answer(bytes: &mut [u8]) -> io::Result<Answer> {
    let mut out = 0..0;
    let mut used = 0;
    while let Some((start, len)) = header(&bytes[used..]) {
        if bytes.len() - used < start + len {
            break;
        }
        let (first, payload) = (bytes[used], used + start);
        let frame_end = payload + len;
        if bytes[used + 1] & 0x80 == 0 || first & FIN == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut key = [0; MASK_BYTES];
        key.copy_from_slice(&bytes[payload - MASK_BYTES..payload]);
        if out.is_empty() {
            out = used + MASK_BYTES..used + MASK_BYTES;
        }
        // A header without a mask is as long as the one that came, less the key.
        let header_bytes = start - MASK_BYTES;
        let target = out.end + header_bytes;
        bytes.copy_within(used..used + header_bytes, out.end);
        bytes[out.end + 1] &= 0x7f;
        if target != payload {
            bytes.copy_within(payload..frame_end, target);
        }
        let text = &mut bytes[target..target + len];
        unmask(key, text);
        match first & OPCODE {
            TEXT if simdutf8::basic::from_utf8(text).is_err() => {
                return Err(io::ErrorKind::InvalidData.into());
            }
            PING => bytes[out.end] = FIN | PONG,
            _ => {}
        }
        out.end = target + len;
        used = frame_end;
        if first & OPCODE == CLOSE {
            return Ok(Answer { frames: out, used, closed: true });
        }
    }
    Ok(Answer { frames: out, used, closed: false })
}

#[inline]
fn unmask(key: [u8; 4], bytes: &mut [u8]) {
    let key = u32::from_ne_bytes(key);
    let word = u64::from(key) << 32 | u64::from(key);
    let (chunks, tail) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(word.to_ne_bytes()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wsrelay_core::wire::{Opcode, encode};

    #[test]
    fn frames_come_back_unmasked_and_a_begun_one_is_left() {
        let mut sent = bytes_of(&[(Opcode::Text, b"grass".as_slice()), (Opcode::Binary, &[7; 300])], true);
        let begun = sent.len();
        sent.extend_from_slice(&[0x81, 0x85, 1, 2]);
        let expected = bytes_of(&[(Opcode::Text, b"grass".as_slice()), (Opcode::Binary, &[7; 300])], false);
        let Answer { frames, used, closed } = answer(&mut sent).unwrap();
        assert_eq!((&sent[frames], used, closed), (&expected[..], begun, false));
    }

    #[test]
    fn a_ping_comes_back_as_a_pong_and_text_that_is_none_is_refused() {
        let mut ping = bytes_of(&[(Opcode::Ping, b"abc".as_slice())], true);
        let Answer { frames, .. } = answer(&mut ping).unwrap();
        assert_eq!(ping[frames], bytes_of(&[(Opcode::Pong, b"abc".as_slice())], false));
        assert!(answer(&mut bytes_of(&[(Opcode::Text, [0xff, 0xfe].as_slice())], true)).is_err());
    }

    fn bytes_of(frames: &[(Opcode, &[u8])], masked: bool) -> Vec<u8> {
        let mut out = Default::default();
        for (opcode, payload) in frames {
            encode(&mut out, *opcode, true, masked.then_some([9, 8, 7, 6]), payload);
        }
        out.to_vec()
    }
}
