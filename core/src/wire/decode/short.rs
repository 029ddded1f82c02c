//! What saves a driver time: short messages from where they lie, and room for long ones.

use super::{Decoder, Role, State};
use crate::wire::mask::{mask, mask_and_look};
use crate::wire::text::Text;
use crate::wire::utf8::is_utf8;
use bytes::BytesMut;

impl Decoder {
    /// Hands the short text messages at the front of `bytes`, each in one frame, to `sink`, at most `max` of them: what
    /// many clients send most of the time, and what [`Decoder::decode`] would come to one by one. How many there were,
    /// and in how many bytes; whatever follows them is for `decode` to say.
    #[inline]
    pub fn decode_short_texts(
        &mut self,
        bytes: &mut [u8],
        max: u32,
        mut sink: impl FnMut(Text),
    ) -> (u32, usize) {
        // FIN and text; MASK and a length that fits beside it (RFC 6455 §5.2).
        const FIRST: u8 = 0x81;
        const SECOND: u8 = 0x80;
        let is_between = matches!(self.state, State::Header) && self.message.is_none();
        if self.role != Role::Server || !is_between || self.fragments_max == 0 {
            return (0, 0);
        }
        let len_max = self.message_bytes_max.min(Text::SHORT_BYTES_MAX);
        let (mut rest, mut taken, mut count) = (bytes, 0, 0);
        while count < max
            && let Some(([FIRST, second, key @ ..], payload)) = rest.split_first_chunk_mut::<6>()
        {
            let len = usize::from(second.wrapping_sub(SECOND));
            if len > len_max || len > payload.len() {
                break;
            }
            let key = *key;
            // Near the end of the buffer and for other characters, the long way.
            let word = u64::from(u32::from_le_bytes(key));
            if let Some(begin) = payload.first_chunk::<24>()
                && let Some(text) = Text::unmask_short_ascii(begin, len, word << 32 | word)
            {
                sink(text);
                taken += 6 + len;
                count += 1;
                rest = &mut payload[len..];
                continue;
            }
            let (payload, behind) = payload.split_at_mut(len);
            if !mask_and_look(key, 0, payload) && !is_utf8(payload) {
                // Let it be found again, as it was.
                mask(key, 0, payload);
                break;
            }
            let Some(text) = Text::short(payload) else { break };
            sink(text);
            taken += 6 + len;
            count += 1;
            rest = behind;
        }
        (count, taken)
    }

    /// How much room the open message needs for the frame that is arriving, if much of that frame is missing, a quarter
    /// of the message is here, and it has less room; else 0. Room that its owner has [to lend](Decoder::lend) saves it
    /// from growing step by step.
    #[must_use]
    pub fn wants_room(&self) -> usize {
        /// What is short is soon copied.
        const MISSING_BYTES_MIN: usize = 64 * 1024;
        match (self.state, &self.partial) {
            (State::Payload(frame), Some(partial))
                if !frame.opcode.is_control() && frame.len - frame.taken >= MISSING_BYTES_MIN =>
            {
                // What was only announced is not yet believed.
                let (here, wanted) =
                    (partial.assembly.len(), partial.assembly.len() + frame.len - frame.taken);
                if partial.assembly.capacity() < wanted && here >= wanted / 4 { wanted } else { 0 }
            }
            _ => 0,
        }
    }

    /// Lends room for the open message; what it held before is given up. The message takes it along.
    pub fn lend(&mut self, mut room: BytesMut) {
        if let Some(partial) = &mut self.partial {
            room.clear();
            room.extend_from_slice(&partial.assembly);
            partial.assembly = room;
        }
    }
}
