//! UTF-8, checked as it arrives.

use core::fmt;

/// Bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotUtf8;

impl fmt::Display for NotUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not UTF-8")
    }
}

impl core::error::Error for NotUtf8 {}

/// Whether these bytes are UTF-8, all of them.
#[inline]
pub(crate) fn is_utf8(bytes: &[u8]) -> bool {
    core::str::from_utf8(skip_checked(bytes)).is_ok()
}

/// Checks what it can with wide registers, up to the beginning of the last character; what is left is for the
/// standard library, which also says where a fault is.
#[cfg(feature = "simd")]
fn skip_checked(bytes: &[u8]) -> &[u8] {
    /// Where this begins to pay.
    const BYTES_MIN: usize = 64;
    if bytes.len() >= BYTES_MIN {
        let is_beginning = |byte: &u8| byte & 0xc0 != 0x80;
        // A character is not longer than that.
        let near_end = &bytes[bytes.len() - 4..];
        let Some(last) = near_end.iter().rposition(is_beginning) else { return bytes };
        let end = bytes.len() - 4 + last;
        if simdutf8::basic::from_utf8(&bytes[..end]).is_ok() {
            return &bytes[end..];
        }
    }
    bytes
}

#[cfg(not(feature = "simd"))]
const fn skip_checked(bytes: &[u8]) -> &[u8] {
    bytes
}

/// Checks UTF-8 that arrives in pieces, cut anywhere.
///
/// The first byte that no valid text could hold in its place is refused, even when the character
/// it stands in is not complete: `f0 80`, `ed a0` and `f4 90` are refused at their second byte.
///
/// ```
/// use wsrelay_core::wire::{NotUtf8, Utf8};
///
/// let mut utf8 = Utf8::new();
/// utf8.push(&[b'a', 0xe2, 0x82])?;
/// assert_eq!(utf8.finish(), Err(NotUtf8));
/// utf8.push(&[0xac])?;
/// assert_eq!(utf8.finish(), Ok(()));
/// # Ok::<(), NotUtf8>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Utf8 {
    /// The beginning of a character whose end has not arrived; `carried` says how much of it.
    carry: [u8; 3],
    carried: u8,
}

impl Utf8 {
    /// A validator at the beginning of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { carry: [0; 3], carried: 0 }
    }

    /// Whether the text so far ends with a whole character.
    pub(crate) const fn is_complete(&self) -> bool {
        self.carried == 0
    }

    /// Checks the next piece of the text.
    ///
    /// # Errors
    ///
    /// [`NotUtf8`] when no text begins like this. What the validator says afterwards means nothing.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), NotUtf8> {
        let bytes = if self.carried == 0 { bytes } else { self.complete(bytes)? };
        let bytes = skip_checked(bytes);
        match core::str::from_utf8(bytes) {
            Ok(_) => Ok(()),
            // No `error_len` means that the text ends inside a character that may still become valid.
            Err(error) if error.error_len().is_none() => {
                for byte in &bytes[error.valid_up_to()..] {
                    self.carry[usize::from(self.carried)] = *byte;
                    self.carried += 1;
                }
                Ok(())
            }
            Err(_) => Err(NotUtf8),
        }
    }

    /// Hands the carried character its missing bytes, one by one, and returns what is left.
    fn complete<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], NotUtf8> {
        let mut character = [0; 4];
        character[..3].copy_from_slice(&self.carry);
        let mut held = usize::from(self.carried);
        for (taken, byte) in bytes.iter().enumerate() {
            character[held] = *byte;
            held += 1;
            match core::str::from_utf8(&character[..held]) {
                Ok(_) => {
                    self.carried = 0;
                    return Ok(&bytes[taken + 1..]);
                }
                // A character of four bytes is valid or not, so that at most three are carried.
                Err(error) if error.error_len().is_none() => {
                    self.carry[held - 1] = *byte;
                    self.carried += 1;
                }
                Err(_) => return Err(NotUtf8),
            }
        }
        Ok(&[])
    }

    /// Whether the text may end here.
    ///
    /// # Errors
    ///
    /// [`NotUtf8`] when the last character is not complete.
    pub const fn finish(self) -> Result<(), NotUtf8> {
        if self.carried == 0 { Ok(()) } else { Err(NotUtf8) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;
    use alloc::vec::Vec;

    /// One byte of every class that the tables of RFC 3629 distinguish, and the edges of each.
    const EDGES: [u8; 24] = [
        0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
        0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
    ];

    #[test]
    fn impossible_beginnings_are_refused_before_the_character_ends() {
        for bytes in
            [&[0xf0, 0x80][..], &[0xed, 0xa0], &[0xf4, 0x90], &[0xc0], &[0x80], &[0xf5], &[0xe0, 0x9f]]
        {
            assert_eq!(Utf8::new().push(bytes), Err(NotUtf8), "{bytes:x?}");
            assert_eq!(push_each(bytes), (bytes.len() - 1, Err(NotUtf8)), "{bytes:x?}");
        }
    }

    #[test]
    fn a_text_may_not_end_inside_a_character() {
        let mut utf8 = Utf8::new();
        for (byte, end) in "€".bytes().zip([Err(NotUtf8), Err(NotUtf8), Ok(())]) {
            assert_eq!(utf8.push(&[byte]), Ok(()));
            assert_eq!(utf8.finish(), end);
        }
    }

    #[test]
    fn an_empty_piece_changes_nothing() {
        let mut utf8 = Utf8::new();
        for piece in [&[][..], &[0xe2], &[], &[0x82, 0xac], &[]] {
            assert_eq!(utf8.push(piece), Ok(()));
        }
        assert_eq!(utf8.finish(), Ok(()));
    }

    #[test]
    fn every_sequence_of_four_edges_is_judged_as_the_naive_validator_does_wherever_it_is_cut() {
        for index in 0..EDGES.len().pow(4) {
            let bytes = [0, 1, 2, 3].map(|place| EDGES[index / EDGES.len().pow(place) % EDGES.len()]);
            let expected = naive(&bytes);
            for cut in 0..=bytes.len() {
                let mut utf8 = Utf8::new();
                let (head, tail) = bytes.split_at(cut);
                let actual = utf8.push(head).and_then(|()| utf8.push(tail)).map(|()| utf8.finish().is_ok());
                assert_eq!(actual.ok(), expected.1, "{bytes:x?} cut at {cut}");
            }
            assert_eq!(push_each(&bytes).0, expected.0, "{bytes:x?}");
        }
    }

    #[test]
    fn cutting_a_text_anywhere_changes_nothing() {
        fn cut_agrees_with_naive(choices: Vec<(u8, bool)>, lengths: Vec<u8>) -> bool {
            // Whole characters and single edges, so that texts are both long and wrong late.
            let mut bytes = Vec::new();
            for (choice, wrong) in choices {
                let text = ["a", "ß", "€", "𝄞", "\u{d7ff}", "\u{10ffff}"][usize::from(choice) % 6];
                bytes.extend_from_slice(text.as_bytes());
                if wrong && choice % 8 == 7 {
                    bytes.push(EDGES[usize::from(choice) % EDGES.len()]);
                }
            }
            let (mut utf8, mut rest, mut good) = (Utf8::new(), &bytes[..], true);
            for length in lengths {
                let (piece, after) = rest.split_at(usize::from(length % 8).min(rest.len()));
                good = good && utf8.push(piece).is_ok();
                rest = after;
            }
            good = good && utf8.push(rest).is_ok();
            naive(&bytes).1 == good.then(|| utf8.finish().is_ok())
        }
        check(2000, cut_agrees_with_naive as fn(Vec<(u8, bool)>, Vec<u8>) -> bool);
    }

    /// Pushes byte by byte: how many were accepted, and the first refusal.
    fn push_each(bytes: &[u8]) -> (usize, Result<(), NotUtf8>) {
        let mut utf8 = Utf8::new();
        match bytes.iter().position(|byte| utf8.push(&[*byte]).is_err()) {
            Some(index) => (index, Err(NotUtf8)),
            None => (bytes.len(), Ok(())),
        }
    }

    /// RFC 3629 §4, rule by rule: how many bytes may stand, and whether what stands is complete
    /// (`None` when a byte was refused).
    fn naive(bytes: &[u8]) -> (usize, Option<bool>) {
        let (mut missing, mut low, mut high) = (0, 0x80, 0xbf);
        for (index, &byte) in bytes.iter().enumerate() {
            if missing > 0 {
                if byte < low || byte > high {
                    return (index, None);
                }
                (missing, low, high) = (missing - 1, 0x80, 0xbf);
                continue;
            }
            (missing, low, high) = match byte {
                0x00..=0x7f => (0, 0x80, 0xbf),
                0xc2..=0xdf => (1, 0x80, 0xbf),
                0xe0 => (2, 0xa0, 0xbf),
                0xed => (2, 0x80, 0x9f),
                0xe1..=0xef => (2, 0x80, 0xbf),
                0xf0 => (3, 0x90, 0xbf),
                0xf1..=0xf3 => (3, 0x80, 0xbf),
                0xf4 => (3, 0x80, 0x8f),
                _ => return (index, None),
            };
        }
        (bytes.len(), Some(missing == 0))
    }
}
