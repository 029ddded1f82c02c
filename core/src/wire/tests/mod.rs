//! Tests of frames as streams. A file's own rules are tested in the file.

mod decoder;
mod naive;
mod properties;
mod room;
mod script;

use super::{Decoder, FrameHeader, Incoming, Role};
use crate::fault::ClientFault;
use alloc::vec::Vec;
use bytes::BytesMut;

/// What came out of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Outcome {
    incoming: Vec<Incoming>,
    fault: Option<ClientFault>,
}

impl Outcome {
    fn has_ended(&self) -> bool {
        self.fault.is_some() || matches!(self.incoming.last(), Some(Incoming::Close(_)))
    }
}

/// The bounds of a decoder under test.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    role: Role,
    message_bytes_max: usize,
    fragments_max: u32,
}

/// Decodes a stream that arrives in pieces, and checks after each what must hold at any time.
fn run<'a>(bounds: Bounds, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let Bounds { role, message_bytes_max, fragments_max } = bounds;
    let mut decoder = Decoder::new(role, message_bytes_max, fragments_max);
    let (mut buffer, mut received, mut outcome) = (BytesMut::new(), 0, Outcome::default());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        received += piece.len();
        loop {
            let (ended, bytes) = (outcome.has_ended(), buffer.len());
            match decoder.decode(&mut buffer) {
                Ok(None) => {
                    assert!(!ended || buffer.len() == bytes, "the end leaves the buffer alone");
                    break;
                }
                Ok(Some(incoming)) => {
                    assert!(!ended, "{incoming:?} after the end");
                    outcome.incoming.push(incoming);
                }
                Err(fault) => {
                    assert!(!ended, "{fault} after the end");
                    outcome.fault = Some(fault);
                }
            }
        }
        assert!(outcome.has_ended() || buffer.len() < FrameHeader::MAX_BYTES, "the buffer was not emptied");
        assert!(decoder.held_capacity() <= 2 * received, "memory follows the bytes received");
        assert!(decoder.held_capacity() <= message_bytes_max + 125, "memory stays under the bound");
        assert!(decoder.held_bytes() <= decoder.held_capacity());
        if outcome.has_ended() {
            assert_eq!((decoder.held_capacity(), decoder.is_mid_message()), (0, false), "the end lets go");
        }
    }
    outcome
}
