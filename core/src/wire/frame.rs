//! One frame's header, and every rule that it alone decides (RFC 6455 §5.2, §5.5).
//!
//! ```text
//!  byte 0            byte 1            then            then
//! ┌───┬──────┬──────┬──────┬─────────┬───────────────┬──────────────────────┐
//! │FIN│RSV1-3│opcode│ MASK │ length  │ 0, 2 or 8     │ 0 or 4               │ payload …
//! │ 1 │  3   │  4   │  1   │   7     │ bytes: length │ bytes: masking key   │
//! └───┴──────┴──────┴──────┴─────────┴───────────────┴──────────────────────┘
//! ```

use super::data::Kind;
use crate::fault::ClientFault;
use core::ops::Deref;

/// What a frame is for (RFC 6455 §5.2, §11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message that an earlier frame opened.
    Continuation = 0x0,
    /// Opens a text message.
    Text = 0x1,
    /// Opens a binary message.
    Binary = 0x2,
    /// Ends the connection.
    Close = 0x8,
    /// Asks for a pong.
    Ping = 0x9,
    /// Answers a ping, or just shows a sign of life.
    Pong = 0xa,
}

impl Opcode {
    /// Whether frames of this kind control the connection, rather than carry data.
    #[must_use]
    pub const fn is_control(self) -> bool {
        match self {
            Self::Continuation | Self::Text | Self::Binary => false,
            Self::Close | Self::Ping | Self::Pong => true,
        }
    }

    const fn parse(bits: u8) -> Result<Self, ClientFault> {
        Ok(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            // RFC 6455 §5.2: "If an unknown opcode is received, the receiving endpoint MUST
            // _Fail the WebSocket Connection_."
            _ => return Err(ClientFault::ReservedOpcode(bits)),
        })
    }
}

impl From<Kind> for Opcode {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Binary => Self::Binary,
        }
    }
}

/// Longest payload of a control frame, and of any frame whose length fits its second byte.
const LEN_7_BITS_MAX: u64 = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const RSV1: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LEN: u8 = 0x7f;

/// All of a frame but its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameHeader {
    /// Whether this frame is its message's last.
    pub fin: bool,
    /// RSV1: whether its message, which it begins, is compressed (RFC 7692 §6).
    pub rsv1: bool,
    /// What the frame is for.
    pub opcode: Opcode,
    /// The masking key, if the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// Length of the payload in bytes, below 2⁶³.
    pub len: u64,
}

impl FrameHeader {
    /// Longest header, in bytes.
    pub const MAX_BYTES: usize = 14;

    /// Reads the header at the beginning of `bytes`, and says how long it is. `None` when more
    /// bytes are needed. No extension was negotiated.
    ///
    /// A rule is checked with the first byte that decides it, so that the same fault comes out
    /// however many bytes follow.
    ///
    /// # Errors
    ///
    /// The [`ClientFault`] of the first rule that is broken. Which end must mask, and whether a
    /// message is open, are for the [`Decoder`](super::Decoder) to know.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ClientFault> {
        Self::parse_with(bytes, false)
    }

    /// The same where messages may be compressed, or not.
    ///
    /// # Errors
    ///
    /// As [`FrameHeader::parse`].
    #[inline]
    pub fn parse_with(bytes: &[u8], compression: bool) -> Result<Option<(Self, usize)>, ClientFault> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        // RFC 6455 §5.2: "If a nonzero value is received and none of the negotiated extensions
        // defines the meaning of such a nonzero value, the receiving endpoint MUST _Fail the
        // WebSocket Connection_."
        if first & RESERVED != 0 && !(compression && may_be_compressed(first)) {
            return Err(ClientFault::ReservedBits);
        }
        let rsv1 = first & RSV1 != 0;
        let opcode = Opcode::parse(first & OPCODE)?;
        let fin = first & FIN != 0;
        // §5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT
        // be fragmented."
        if opcode.is_control() && !fin {
            return Err(ClientFault::FragmentedControl);
        }
        let Some(&second) = bytes.get(1) else { return Ok(None) };
        let short = u64::from(second & LEN);
        if opcode.is_control() && short > LEN_7_BITS_MAX {
            return Err(ClientFault::LongControl);
        }
        let (len, len_end) = if short <= LEN_7_BITS_MAX {
            (short, 2)
        } else {
            let Some(extended) = extended_len(second & LEN, &bytes[2..])? else { return Ok(None) };
            extended
        };
        if second & MASKED == 0 {
            return Ok(Some((Self { fin, rsv1, opcode, mask: None, len }, len_end)));
        }
        let Some(key) = bytes[len_end..].first_chunk::<4>() else { return Ok(None) };
        Ok(Some((Self { fin, rsv1, opcode, mask: Some(*key), len }, len_end + 4)))
    }

    /// The header's bytes.
    ///
    /// # Panics
    ///
    /// When no frame may have this header: a control frame without FIN or with more than 125
    /// bytes, or a length of 2⁶³ and more.
    #[must_use]
    #[inline]
    pub fn encode(&self) -> HeaderBytes {
        assert!(
            !self.opcode.is_control() || (self.fin && self.len <= LEN_7_BITS_MAX),
            "a control frame is whole and has at most 125 bytes"
        );
        assert!(self.len >> 63 == 0, "a frame's length has 63 bits");
        let len = self.len.to_be_bytes();
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        let mut bytes = [0; Self::MAX_BYTES];
        bytes[0] = if self.fin { FIN } else { 0 } | if self.rsv1 { RSV1 } else { 0 } | self.opcode as u8;
        let mut end = match self.len {
            0..=LEN_7_BITS_MAX => {
                bytes[1] = masked | len[7];
                2
            }
            126..=0xffff => {
                bytes[1] = masked | 126;
                bytes[2..4].copy_from_slice(&len[6..]);
                4
            }
            _ => {
                bytes[1] = masked | 127;
                bytes[2..10].copy_from_slice(&len);
                10
            }
        };
        if let Some(key) = self.mask {
            bytes[end..end + 4].copy_from_slice(&key);
            end += 4;
        }
        HeaderBytes { bytes, end }
    }
}

/// RFC 7692 §6: "the "Per-Message Compressed" bit […] is set on the first frame" of a compressed message; "This bit MUST NOT be set
/// on control frames and non-first fragments of a data message".
fn may_be_compressed(first: u8) -> bool {
    first & RESERVED == RSV1 && matches!(first & OPCODE, 0x1 | 0x2)
}

/// Reads a length of 16 or 64 bits, and says where in the header it ends. `bytes` begins with it.
///
/// Kept apart from the common, short header.
fn extended_len(code: u8, bytes: &[u8]) -> Result<Option<(u64, usize)>, ClientFault> {
    if code == 126 {
        let Some(len) = bytes.first_chunk::<2>() else { return Ok(None) };
        let len = u64::from(u16::from_be_bytes(*len));
        // RFC 6455 §5.2: "Note that in all cases, the minimal number of bytes MUST be used to
        // encode the length".
        if len <= LEN_7_BITS_MAX {
            return Err(ClientFault::LengthNotMinimal);
        }
        return Ok(Some((len, 4)));
    }
    // §5.2: "If 127, the following 8 bytes interpreted as a 64-bit unsigned integer (the most
    // significant bit MUST be 0) are the payload length."
    if bytes.first().is_some_and(|high| high & 0x80 != 0) {
        return Err(ClientFault::LengthOverflow);
    }
    // Six zeros leave two bytes, for which 126 would have been the code.
    if bytes.starts_with(&[0; 6]) {
        return Err(ClientFault::LengthNotMinimal);
    }
    Ok(bytes.first_chunk::<8>().map(|len| (u64::from_be_bytes(*len), 10)))
}

/// An encoded header: at most [`FrameHeader::MAX_BYTES`], on the stack. Dereferences to a slice.
#[derive(Clone, Copy, Debug)]
pub struct HeaderBytes {
    bytes: [u8; FrameHeader::MAX_BYTES],
    end: usize,
}

impl HeaderBytes {
    /// The bytes to send.
    #[must_use]
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.end]
    }
}

impl Deref for HeaderBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for HeaderBytes {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_reserved_bit_is_refused_with_the_first_byte() {
        for bit in [0x40, 0x20, 0x10] {
            refuse(&[0x81 | bit], ClientFault::ReservedBits);
        }
    }

    #[test]
    fn a_reserved_opcode_is_refused_with_the_first_byte() {
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            refuse(&[0x80 | opcode], ClientFault::ReservedOpcode(opcode));
        }
    }

    #[test]
    fn a_control_frame_without_fin_is_refused_with_the_first_byte() {
        for opcode in [8, 9, 10] {
            refuse(&[opcode], ClientFault::FragmentedControl);
        }
    }

    #[test]
    fn a_control_frame_over_125_bytes_is_refused_with_the_second_byte() {
        for len in [126, 127, 0xfe, 0xff] {
            refuse(&[0x89, len], ClientFault::LongControl);
        }
    }

    #[test]
    fn a_length_in_more_bytes_than_it_needs_is_refused() {
        refuse(&[0x82, 126, 0, 125], ClientFault::LengthNotMinimal);
        refuse(&[0x82, 127, 0, 0, 0, 0, 0, 0], ClientFault::LengthNotMinimal);
    }

    #[test]
    fn a_length_of_64_bits_is_refused_with_its_first_byte() {
        refuse(&[0x82, 127, 0x80], ClientFault::LengthOverflow);
    }

    #[test]
    fn the_shortest_and_the_longest_of_each_form_are_read_back_and_no_prefix_of_them_is() {
        for (len, header_bytes) in
            [(0, 2), (125, 2), (126, 4), (0xffff, 4), (0x1_0000, 10), (0x7fff_ffff_ffff_ffff, 10)]
        {
            for mask in [None, Some([1, 2, 3, 4])] {
                for fin in [false, true] {
                    let header = FrameHeader { fin, rsv1: false, opcode: Opcode::Binary, mask, len };
                    let header_bytes = header_bytes + mask.map_or(0, |key| key.len());
                    let encoded = header.encode();
                    assert_eq!(encoded.len(), header_bytes);
                    assert_eq!(FrameHeader::parse(&encoded), Ok(Some((header, header_bytes))));
                    let longer = [&encoded[..], &[0xff; 3]].concat();
                    assert_eq!(FrameHeader::parse(&longer), Ok(Some((header, header_bytes))));
                    for end in 0..header_bytes {
                        assert_eq!(FrameHeader::parse(&encoded[..end]), Ok(None), "{header:?} to {end}");
                    }
                }
            }
        }
    }

    #[test]
    fn each_opcode_is_written_as_the_registry_has_it() {
        let opcodes =
            [Opcode::Continuation, Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong];
        let encoded: Vec<u8> = opcodes
            .map(|opcode| FrameHeader { fin: true, rsv1: false, opcode, mask: None, len: 0 }.encode()[0])
            .into();
        assert_eq!(encoded, [0x80, 0x81, 0x82, 0x88, 0x89, 0x8a]);
    }

    #[test]
    #[should_panic(expected = "at most 125 bytes")]
    fn a_long_control_frame_is_never_written() {
        let _ = FrameHeader { fin: true, rsv1: false, opcode: Opcode::Close, mask: None, len: 126 }.encode();
    }

    #[test]
    #[should_panic(expected = "63 bits")]
    fn a_length_of_64_bits_is_never_written() {
        let _ =
            FrameHeader { fin: true, rsv1: false, opcode: Opcode::Text, mask: None, len: 1 << 63 }.encode();
    }

    /// `bytes` are refused, not a byte earlier, and whatever follows them.
    #[track_caller]
    fn refuse(bytes: &[u8], fault: ClientFault) {
        assert_eq!(FrameHeader::parse(&bytes[..bytes.len() - 1]), Ok(None));
        for more in [0x00, 0x7f, 0x80, 0xff] {
            for count in 0..=FrameHeader::MAX_BYTES {
                let longer = [bytes, &[more].repeat(count)].concat();
                assert_eq!(FrameHeader::parse(&longer), Err(fault), "{longer:x?}");
            }
        }
    }
}
