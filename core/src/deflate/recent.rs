//! What was compressed last.

use crate::seed;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;

/// Messages and what they were compressed to, so that the same message to the next client is not compressed again.
///
/// Of copies: what came could be a part of a far larger buffer.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// A message that does not get smaller stands for itself.
    payloads: BTreeMap<Bytes, Bytes>,
    /// The same messages, in no order.
    messages: Vec<Bytes>,
    bytes: usize,
    chance: u64,
}

/// What it costs to remember a message, beside its bytes.
const ENTRY_BYTES: usize = 256;

fn entry_bytes(message: &Bytes, payload: &Bytes) -> usize {
    let own = if payload.len() < message.len() { payload.len() } else { 0 };
    ENTRY_BYTES + message.len() + own
}

impl Recent {
    /// What the message is compressed to, which is done where it is not remembered; `None` where it does not get smaller.
    /// All that is remembered stays within `bytes_max`.
    pub(super) fn payload(
        &mut self,
        message: &[u8],
        bytes_max: usize,
        compress: impl FnOnce() -> Option<Bytes>,
    ) -> Option<Bytes> {
        if let Some(payload) = self.payloads.get(message) {
            return (payload.len() < message.len()).then(|| payload.clone());
        }
        let compressed = compress();
        let message = Bytes::copy_from_slice(message);
        let payload = compressed.as_ref().unwrap_or(&message).clone();
        self.insert(message, payload, bytes_max);
        compressed
    }

    fn insert(&mut self, message: Bytes, payload: Bytes, bytes_max: usize) {
        let bytes = entry_bytes(&message, &payload);
        if bytes > bytes_max {
            return;
        }
        while self.bytes + bytes > bytes_max {
            self.forget_one();
        }
        self.bytes += bytes;
        self.messages.push(message.clone());
        self.payloads.insert(message, payload);
    }

    /// One of all, whichever it is: each client is sent the same messages in the same order, so that the oldest is the next
    /// that is asked for.
    fn forget_one(&mut self) {
        let chance = usize::try_from(seed::next(&mut self.chance) >> 32).unwrap_or(0);
        let message = self.messages.swap_remove(chance % self.messages.len());
        if let Some(payload) = self.payloads.remove(&message) {
            self.bytes -= entry_bytes(&message, &payload);
        }
    }
}

#[cfg(test)]
mod tests;
