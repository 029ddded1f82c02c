//! Whole frames into a buffer.

use super::close::{CloseFrame, close_payload};
use super::data::Data;
use super::frame::{FrameHeader, Opcode};
use super::mask::mask;
use bytes::BytesMut;

/// Appends a frame, masked when a key is given (RFC 6455 §5.1: a client's always, a server's never).
///
/// The payload is copied. For a large one, write [`FrameHeader::encode`] and then the payload itself.
///
/// # Panics
///
/// When no frame may have this header: see [`FrameHeader::encode`].
pub fn encode(out: &mut BytesMut, opcode: Opcode, fin: bool, mask_key: Option<[u8; 4]>, payload: &[u8]) {
    let header = FrameHeader { fin, rsv1: false, opcode, mask: mask_key, len: payload.len() as u64 }.encode();
    out.reserve(header.len() + payload.len());
    out.extend_from_slice(&header);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask_key {
        mask(key, 0, &mut out[start..]);
    }
}

/// Appends a message in one frame.
pub fn encode_message(out: &mut BytesMut, mask_key: Option<[u8; 4]>, data: &Data) {
    encode(out, data.kind().into(), true, mask_key, data.as_bytes());
}

/// Appends a close frame, without a payload for `None`.
pub fn encode_close(out: &mut BytesMut, mask_key: Option<[u8; 4]>, close: Option<&CloseFrame>) {
    encode(out, Opcode::Close, true, mask_key, &close_payload(close));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::CloseCode;

    #[test]
    fn the_examples_of_the_rfc_are_written_to_the_byte() {
        // RFC 6455 §5.7.
        let mut out = BytesMut::new();
        encode_message(&mut out, None, &Data::Text("Hello".into()));
        assert_eq!(out[..], [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);

        out.clear();
        encode_message(&mut out, Some([0x37, 0xfa, 0x21, 0x3d]), &Data::Text("Hello".into()));
        assert_eq!(out[..], [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);

        out.clear();
        encode(&mut out, Opcode::Text, false, None, b"Hel");
        encode(&mut out, Opcode::Continuation, true, None, b"lo");
        assert_eq!(out[..], [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f]);

        out.clear();
        encode_message(&mut out, None, &Data::Binary([0; 256].to_vec().into()));
        assert_eq!(out[..5], [0x82, 0x7e, 0x01, 0x00, 0x00]);

        out.clear();
        encode_message(&mut out, None, &Data::Binary([0; 65536].to_vec().into()));
        assert_eq!(out[..11], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn a_close_frame_is_a_code_and_a_reason_or_nothing() {
        let mut out = BytesMut::new();
        encode_close(&mut out, None, None);
        assert_eq!(out[..], [0x88, 0x00]);

        out.clear();
        encode_close(&mut out, None, Some(&CloseFrame { code: CloseCode::NORMAL, reason: "bye".into() }));
        assert_eq!(out[..], [0x88, 0x05, 0x03, 0xe8, b'b', b'y', b'e']);
    }
}
