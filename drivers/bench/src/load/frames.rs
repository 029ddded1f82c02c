//! Frames made in advance.

use crate::scenario::Content;
use wsrelay_core::wire::mask;

/// The frames of consecutive messages, in a ring: behind the last message comes the first one again.
///
/// A stretch of the stream that holds no more than what is in flight is one slice of it, wherever it begins,
/// so that sending many messages, and comparing many with what came back, is one step.
#[derive(Debug)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    /// Messages until the numbers begin again.
    messages: usize,
    pub(crate) frame_bytes: usize,
    header_bytes: usize,
}

/// The key of every frame that is sent. A server cannot tell.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// A message's number stands at both ends of its payload.
pub(crate) const NUMBER_BYTES: usize = 8;
const MIXED: &str = "Grüße, 世界! Ж¿😀 ";

impl Frames {
    /// `messages` messages, and as many again as may be `in_flight`.
    pub(crate) fn new(
        content: Content,
        payload_bytes: usize,
        messages: usize,
        in_flight: usize,
        masked: bool,
    ) -> Self {
        let mut bytes = Vec::new();
        let mut header_bytes = 0;
        for message in 0..messages + in_flight {
            let start = bytes.len();
            header(&mut bytes, content, payload_bytes, masked);
            header_bytes = bytes.len() - start;
            payload(&mut bytes, content, payload_bytes, message % messages);
            if masked {
                mask(KEY, 0, &mut bytes[start + header_bytes..]);
            }
        }
        Self { bytes, messages, frame_bytes: header_bytes + payload_bytes, header_bytes }
    }

    /// How many bytes the ring is around.
    pub(crate) const fn ring_bytes(&self) -> usize {
        self.messages * self.frame_bytes
    }

    /// Where in the ring a message begins.
    pub(crate) const fn start(&self, message: usize) -> usize {
        message % self.messages * self.frame_bytes
    }

    /// The next `len` bytes from a place in the ring; `None` where these are more than can be in flight.
    #[inline]
    pub(crate) fn stretch(&self, at: usize, len: usize) -> Option<&[u8]> {
        self.bytes.get(at..at + len)
    }

    /// The payload of a message, masked if its frame is.
    pub(crate) fn payload(&self, message: usize) -> &[u8] {
        let start = self.start(message);
        &self.bytes[start + self.header_bytes..start + self.frame_bytes]
    }

    /// The first byte of each frame: that it is a message of its own, and of which type.
    pub(crate) fn first_byte(&self) -> u8 {
        self.bytes[0]
    }
}

fn header(bytes: &mut Vec<u8>, content: Content, len: usize, masked: bool) {
    bytes.push(match content {
        Content::Ascii | Content::Mixed => 0x81,
        Content::Binary => 0x82,
    });
    let mask_bit = if masked { 0x80 } else { 0 };
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len), _) if len < 126 => bytes.push(mask_bit | len),
        (_, Ok(len)) => {
            bytes.push(mask_bit | 126);
            bytes.extend_from_slice(&len.to_be_bytes());
        }
        (_, Err(_)) => {
            bytes.push(mask_bit | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    if masked {
        bytes.extend_from_slice(&KEY);
    }
}

fn payload(bytes: &mut Vec<u8>, content: Content, len: usize, message: usize) {
    let number = format!("{message:0NUMBER_BYTES$}");
    let end = bytes.len() + len - NUMBER_BYTES;
    bytes.extend_from_slice(number.as_bytes());
    match content {
        Content::Ascii => bytes.extend((b'a'..=b'z').cycle().take(end - bytes.len())),
        Content::Binary => bytes.extend((0..=u8::MAX).cycle().take(end - bytes.len())),
        Content::Mixed => {
            while bytes.len() + MIXED.len() <= end {
                bytes.extend_from_slice(MIXED.as_bytes());
            }
            bytes.resize(end, b' ');
        }
    }
    bytes.extend_from_slice(number.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use wsrelay_core::wire::{Decoder, Incoming, Role};

    #[test]
    fn a_server_reads_the_numbers_in_turn_and_around_the_ring() {
        for (content, len) in [(Content::Ascii, 16), (Content::Mixed, 1000), (Content::Binary, 70_000)] {
            let frames = Frames::new(content, len, 4, 2, true);
            let mut stream = frames.stretch(0, frames.ring_bytes()).unwrap().to_vec();
            stream.extend_from_slice(frames.stretch(frames.start(3), 2 * frames.frame_bytes).unwrap());
            let mut stream = stream.as_slice().into();
            let mut decoder = Decoder::new(Role::Server, len, 1);
            for number in [0, 1, 2, 3, 3, 0] {
                let Some(Incoming::Message(data)) = decoder.decode(&mut stream).unwrap() else { panic!() };
                let number = format!("{number:08}");
                assert_eq!(data.len(), len);
                assert!(data.as_bytes().starts_with(number.as_bytes()));
                assert!(data.as_bytes().ends_with(number.as_bytes()));
            }
            assert!(frames.stretch(frames.start(3), 4 * frames.frame_bytes).is_none());
        }
    }
}
