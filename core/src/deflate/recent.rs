//! What was compressed last.

use crate::seed;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;
use core::hash::Hasher as _;
use rustc_hash::FxHasher;

/// Messages and what they were compressed to, so that the same message to the next client is not compressed again.
///
/// Of copies: what came could be a part of a far larger buffer.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: BTreeMap<Key, Entry>,
    /// The keys of them all, in no order.
    keys: Vec<Key>,
    bytes: usize,
    chance: u64,
}

/// A number that few messages share; of those that do, the latest is remembered.
type Key = u64;

#[derive(Debug)]
struct Entry {
    message: Bytes,
    /// `None` where the message did not get smaller.
    compressed: Option<Bytes>,
}

/// What it costs to remember a message, beside its bytes.
const ENTRY_BYTES: usize = 256;

impl Entry {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + self.message.len() + self.compressed.as_ref().map_or(0, Bytes::len)
    }
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
        let key = key(message);
        if let Some(entry) = self.entries.get(&key).filter(|entry| entry.message == message) {
            return entry.compressed.clone();
        }
        let compressed = compress();
        let entry = Entry { message: Bytes::copy_from_slice(message), compressed: compressed.clone() };
        self.insert(key, entry, bytes_max);
        compressed
    }

    fn insert(&mut self, key: Key, entry: Entry, bytes_max: usize) {
        let bytes = entry.bytes();
        if bytes > bytes_max {
            return;
        }
        while self.bytes + bytes > bytes_max {
            self.forget_one();
        }
        self.bytes += bytes;
        match self.entries.insert(key, entry) {
            Some(other) => self.bytes -= other.bytes(),
            None => self.keys.push(key),
        }
    }

    /// One of all, whichever it is: each client is sent the same messages in the same order, so that the oldest is the next
    /// that is asked for.
    fn forget_one(&mut self) {
        let chance = usize::try_from(seed::next(&mut self.chance) >> 32).unwrap_or(0);
        let key = self.keys.swap_remove(chance % self.keys.len());
        if let Some(entry) = self.entries.remove(&key) {
            self.bytes -= entry.bytes();
        }
    }
}

fn key(message: &[u8]) -> Key {
    let mut hasher = FxHasher::default();
    hasher.write(message);
    hasher.finish()
}

#[cfg(test)]
mod tests;
