//! The chunked transfer coding (RFC 9112 §7.1).

use super::headers::is_token_byte;
use super::reader::extend;
use super::request::hex;
use crate::fault::HttpFault;
use crate::limits::Limits;
use alloc::vec::Vec;

/// A decoder. Extensions and trailers are checked, bounded and forgotten.
#[derive(Debug)]
pub(super) struct Chunked {
    phase: Phase,
    /// The size while it is read, then what is missing of the chunk.
    left: u64,
    size_digits: u8,
    /// Bytes of extensions and trailers so far, over all chunks.
    overhead: usize,
}

/// What the next byte belongs to.
//
// chunked-body   = *chunk last-chunk trailer-section CRLF
// chunk          = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Size,
    /// Blanks between the size and the semicolon of an extension, the only place where they may be.
    SizeBlank,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    Done,
}

/// Digits of a size: as many as fit 64 bits.
const SIZE_DIGITS_MAX: u8 = 16;

impl Chunked {
    pub(super) const fn new() -> Self {
        Self { phase: Phase::Size, left: 0, size_digits: 0, overhead: 0 }
    }

    /// Whether the body is complete.
    pub(super) fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Appends the data in `input` to `body` and returns how many bytes of `input` were used.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        body: &mut Vec<u8>,
        limits: &Limits,
    ) -> Result<usize, HttpFault> {
        let mut used = 0;
        while used < input.len() && self.phase != Phase::Done {
            if self.phase == Phase::Data {
                let rest = &input[used..];
                let taken = usize::try_from(self.left).map_or(rest.len(), |left| left.min(rest.len()));
                extend(body, &rest[..taken], limits.body_bytes_max);
                self.left -= taken as u64;
                used += taken;
                if self.left == 0 {
                    self.phase = Phase::DataCr;
                }
            } else {
                self.phase = self.step(input[used], body.len(), limits)?;
                used += 1;
            }
        }
        Ok(used)
    }

    /// The phase after a byte that is not data.
    fn step(&mut self, byte: u8, body_bytes: usize, limits: &Limits) -> Result<Phase, HttpFault> {
        if matches!(
            self.phase,
            Phase::SizeBlank
                | Phase::Extension
                | Phase::TrailerStart
                | Phase::TrailerName
                | Phase::TrailerValue
                | Phase::TrailerLf
        ) {
            // RFC 9112 §7.1.1: "A server ought to limit the total length of chunk extensions received in
            // a request to an amount reasonable for the services provided"
            self.overhead += 1;
            if self.overhead > limits.head_bytes_max {
                return Err(HttpFault::HeadTooBig);
            }
        }
        match (self.phase, byte) {
            (Phase::Size, _) => self.size(byte),
            (Phase::SizeBlank, b' ' | b'\t') => Ok(Phase::SizeBlank),
            (Phase::SizeBlank, b';') => Ok(Phase::Extension),
            (Phase::Extension, b'\r') => Ok(Phase::SizeLf),
            (Phase::Extension, _) if is_text(byte) => Ok(Phase::Extension),
            (Phase::SizeLf, b'\n') => self.size_end(body_bytes, limits),
            (Phase::DataCr, b'\r') => Ok(Phase::DataLf),
            (Phase::DataLf, b'\n') => {
                self.size_digits = 0;
                Ok(Phase::Size)
            }
            (Phase::TrailerStart, b'\r') => Ok(Phase::LastLf),
            (Phase::TrailerName, b':') => Ok(Phase::TrailerValue),
            (Phase::TrailerStart | Phase::TrailerName, _) if is_token_byte(byte) => Ok(Phase::TrailerName),
            (Phase::TrailerValue, b'\r') => Ok(Phase::TrailerLf),
            (Phase::TrailerValue, _) if is_text(byte) => Ok(Phase::TrailerValue),
            (Phase::TrailerLf, b'\n') => Ok(Phase::TrailerStart),
            (Phase::LastLf, b'\n') => Ok(Phase::Done),
            _ => Err(HttpFault::Malformed("chunked body")),
        }
    }

    fn size(&mut self, byte: u8) -> Result<Phase, HttpFault> {
        match (hex(byte), byte) {
            (Some(digit), _) if self.size_digits < SIZE_DIGITS_MAX => {
                // RFC 9112 §7.1: "A recipient MUST anticipate potentially large hexadecimal numerals and
                // prevent parsing errors due to integer conversion overflows".
                self.left = self.left << 4 | u64::from(digit);
                self.size_digits += 1;
                Ok(Phase::Size)
            }
            (None, b'\r') if self.size_digits > 0 => Ok(Phase::SizeLf),
            (None, b';') if self.size_digits > 0 => Ok(Phase::Extension),
            (None, b' ' | b'\t') if self.size_digits > 0 => Ok(Phase::SizeBlank),
            _ => Err(HttpFault::Malformed("chunk size")),
        }
    }

    fn size_end(&self, body_bytes: usize, limits: &Limits) -> Result<Phase, HttpFault> {
        if self.left == 0 {
            return Ok(Phase::TrailerStart);
        }
        if self.left > (limits.body_bytes_max - body_bytes) as u64 {
            return Err(HttpFault::BodyTooBig);
        }
        Ok(Phase::Data)
    }
}

/// Visible, a blank, or beyond ASCII: all that may stand inside a line.
const fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body in `input`, and whether nothing of `input` was left.
    fn decode(input: &[u8], limits: &Limits) -> Result<Option<(Vec<u8>, bool)>, HttpFault> {
        let (mut chunked, mut body) = (Chunked::new(), Vec::new());
        let used = chunked.decode(input, &mut body, limits)?;
        Ok(chunked.is_done().then_some((body, used == input.len())))
    }

    #[test]
    fn chunks_are_joined_and_extensions_and_trailers_forgotten() {
        for (input, body) in [
            (&b"0\r\n\r\n"[..], &b""[..]),
            (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
            (b"1;n=v\r\na\r\n00A ;q=\"x\"\r\n0123456789\r\n0000\r\nX-T: 1\r\nY:\r\n\r\n", b"a0123456789"),
            (b"0000000000000002\r\nhi\r\n0\r\n\r\n", b"hi"),
        ] {
            assert_eq!(decode(input, &Limits::default()), Ok(Some((body.to_vec(), true))));
            let longer = [input, b"\r\nGET"].concat();
            assert_eq!(decode(&longer, &Limits::default()), Ok(Some((body.to_vec(), false))));
        }
    }

    #[test]
    fn every_deviation_from_the_grammar_is_refused() {
        for input in [
            "\r\n",
            ";x\r\n",
            "g\r\n",
            "0x3\r\nabc\r\n",
            "+3\r\nabc\r\n",
            "-1\r\n",
            " 3\r\nabc\r\n",
            "3 \r\nabc\r\n",
            "3\nabc\r\n",
            "3\r\r\nabc",
            "3\r abc\r\n0\r\n\r\n",
            "3\r\nabc\r 0\r\n\r\n",
            "3;a\nb\r\n",
            "3;a\0\r\n",
            "3\r\nabc\n",
            "3\r\nabcd\r\n",
            "3\r\nab\r\n0",
            "00000000000000000\r\n",
            "10000000000000003\r\n",
            "0\r\n\n",
            "0\r\n\rx",
            "0\r\n folded\r\n\r\n",
            "0\r\nGET / HTTP/1.1\r\n\r\n",
            "0\r\n: v\r\n\r\n",
            "0\r\nX: a\rb\r\n\r\n",
            "0\r\nX: a\nb\r\n\r\n",
        ] {
            let result = decode(input.as_bytes(), &Limits::default());
            assert!(matches!(result, Err(HttpFault::Malformed(_))), "{input:?} gave {result:?}");
        }
    }

    #[test]
    fn a_chunk_that_would_exceed_the_body_limit_is_refused_at_its_size() {
        let limits = Limits { body_bytes_max: 4, ..Limits::default() };
        assert_eq!(decode(b"5\r\n", &limits), Err(HttpFault::BodyTooBig));
        assert_eq!(decode(b"ffffffffffffffff\r\n", &limits), Err(HttpFault::BodyTooBig));
        assert_eq!(decode(b"3\r\nabc\r\n2\r\n", &limits), Err(HttpFault::BodyTooBig));
        assert_eq!(decode(b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", &limits), Ok(Some((b"abcd".to_vec(), true))));
    }

    #[test]
    fn extensions_and_trailers_are_bounded_together() {
        let limits = Limits { head_bytes_max: 20, ..Limits::default() };
        assert_eq!(decode(b"1;aaaaaaaaa\r\nx\r\n1;aaaaaaaaaa\r\nx\r\n", &limits), Err(HttpFault::HeadTooBig));
        assert_eq!(decode(b"0\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaa", &limits), Err(HttpFault::HeadTooBig));
        assert_eq!(decode(b"1;aaaa\r\nx\r\n0\r\nX: a\r\n\r\n", &limits), Ok(Some((b"x".to_vec(), true))));
    }
}
