//! A stream of frames: the same comes out however it is cut, in bounded memory, and it is what the naive decoder says.

use super::{Verdict, naive};
use bytes::BytesMut;
use wsrelay_core::fault::ClientFault;
use wsrelay_core::wire::{Data, Decoder, FrameHeader, Incoming, Role};
use wsrelay_sim::Dice;

/// The bounds of a decoder under test.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Which end it is.
    pub role: Role,
    /// As for [`Decoder::new`].
    pub message_bytes_max: usize,
    /// As for [`Decoder::new`].
    pub fragments_max: u32,
    /// As for [`Decoder::with_compression`], where messages may be compressed.
    pub compressed_bytes_max: Option<usize>,
}

impl Bounds {
    /// The bounds that this byte stands for: the lowest bit is the role, then three for the size, two for fragments and two for
    /// what is compressed.
    pub(super) const fn decode(byte: u8) -> Self {
        Self {
            role: if byte & 1 == 0 { Role::Server } else { Role::Client },
            message_bytes_max: [0, 10, 130, 300, 500, 1_000, 66_000, 200_000][(byte >> 1) as usize & 7],
            fragments_max: [1, 2, 4, 1_000][(byte >> 4) as usize & 3],
            compressed_bytes_max: [None, Some(20), Some(700), Some(100_000)][(byte >> 6) as usize],
        }
    }
}

/// What came out of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In order.
    pub incoming: Vec<Incoming>,
    /// What ended it, if anything did.
    pub fault: Option<ClientFault>,
}

impl Outcome {
    fn has_ended(&self) -> bool {
        self.fault.is_some() || matches!(self.incoming.last(), Some(Incoming::Close(_)))
    }
}

/// The bytes are one for the bounds, one for the cuts, and the stream.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let Some(([bounds, cuts], stream)) = bytes.split_first_chunk() else { return Verdict::Refused };
    let bounds = Bounds::decode(*bounds);
    let expected = naive::decode(bounds, stream);
    assert_eq!(decode(bounds, [stream]), expected, "{bounds:?}, in one piece");
    assert_eq!(decode(bounds, pieces(stream, *cuts)), expected, "{bounds:?}, cut by {cuts}");
    assert_eq!(
        decode_shortly(bounds, pieces(stream, *cuts)),
        expected,
        "{bounds:?}, the short way, cut by {cuts}"
    );
    Verdict::of(expected.fault.is_none() && !expected.incoming.is_empty())
}

/// Cuts a stream into pieces: one by one, or as chance has it.
pub(super) fn pieces(mut stream: &[u8], cuts: u8) -> Vec<&[u8]> {
    let mut dice = Dice::new(cuts.into());
    let longest = [1, 3, 20, 1_000][usize::from(cuts % 4)];
    let mut pieces = Vec::new();
    while !stream.is_empty() {
        let (piece, rest) = stream.split_at((1 + dice.index(longest)).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

/// Decodes a stream that arrives in pieces, and checks after each what must hold at any time.
///
/// # Panics
///
/// When that does not hold.
pub fn decode<'a>(bounds: Bounds, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    run(bounds, 2, pieces, |decoder, buffer, outcome| {
        let (ended, bytes) = (outcome.has_ended(), buffer.len());
        match decoder.decode(buffer) {
            Ok(None) => {
                assert!(!ended || buffer.len() == bytes, "the end leaves the buffer alone");
                return false;
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
        true
    })
}

/// The same as a driver in a hurry does it: short texts first, and room lent to what is long.
fn decode_shortly<'a>(bounds: Bounds, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    // Room is lent once a quarter of a message is here.
    run(bounds, 4, pieces, |decoder, buffer, outcome| {
        let incoming = &mut outcome.incoming;
        let push = |text| incoming.push(Incoming::Message(Data::Text(text)));
        let (_, taken) = decoder.decode_short_texts(buffer, 3, push);
        _ = buffer.split_to(taken);
        let decoded = decoder.decode(buffer);
        let wants = decoder.wants_room();
        if wants > 0 {
            decoder.lend(BytesMut::with_capacity(wants));
        }
        match decoded {
            Ok(None) => return taken > 0,
            Ok(Some(incoming)) => outcome.incoming.push(incoming),
            Err(fault) => outcome.fault = Some(fault),
        }
        true
    })
}

/// `turn` says whether there is more to come. Memory may be so many times what has been received.
fn run<'a>(
    bounds: Bounds,
    growth: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    mut turn: impl FnMut(&mut Decoder, &mut BytesMut, &mut Outcome) -> bool,
) -> Outcome {
    let Bounds { role, message_bytes_max, fragments_max, compressed_bytes_max } = bounds;
    let mut decoder = Decoder::new(role, message_bytes_max, fragments_max);
    if let Some(compressed_bytes_max) = compressed_bytes_max {
        decoder = decoder.with_compression(compressed_bytes_max);
    }
    let bytes_max = message_bytes_max.max(compressed_bytes_max.unwrap_or(0));
    let (mut buffer, mut received, mut outcome) = (BytesMut::new(), 0, Outcome::default());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        received += piece.len();
        while turn(&mut decoder, &mut buffer, &mut outcome) {}
        assert!(outcome.has_ended() || buffer.len() < FrameHeader::MAX_BYTES, "the buffer was not emptied");
        assert!(decoder.held_capacity() <= growth * received, "memory follows the bytes received");
        assert!(decoder.held_capacity() <= bytes_max + 125, "memory stays under the bound");
        assert!(decoder.held_bytes() <= decoder.held_capacity());
        if outcome.has_ended() {
            assert_eq!((decoder.held_capacity(), decoder.is_mid_message()), (0, false), "the end lets go");
        }
    }
    outcome
}
