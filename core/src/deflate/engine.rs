//! What all connections of a thread share.

use super::stream::{Deflater, Inflater};
use super::{Agreement, Deflate};
use crate::wire::Data;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;

/// One compressor for each way in which a thread's connections compress, one decompressor, and what was compressed last.
/// Holds nothing until it is used.
#[derive(Debug, Default)]
pub(crate) struct Engine(Option<Box<Parts>>);

#[derive(Debug, Default)]
struct Parts {
    deflaters: Vec<Deflater>,
    inflater: Option<Inflater>,
    recent: VecDeque<Recent>,
    recent_bytes: usize,
    work: Vec<u8>,
}

/// Most compressors that are kept: one for each window.
const DEFLATERS_MAX: usize = 8;

/// Most messages that are remembered with what they were compressed to, and most bytes of both: a process sends a handful of
/// messages to each of its clients before the next client gets its turn.
const RECENT_MAX: usize = 32;
const RECENT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Work space that is kept.
const WORK_BYTES_KEPT: usize = 64 * 1024;

/// A message, and what it was compressed to.
#[derive(Debug)]
struct Recent {
    window_bits: u8,
    level: u8,
    message: Data,
    /// `None` where that was not less.
    compressed: Option<Bytes>,
}

impl Recent {
    fn bytes(&self) -> usize {
        self.message.len() + self.compressed.as_ref().map_or(0, Bytes::len)
    }

    fn is_of(&self, message: &[u8], window_bits: u8, level: u8) -> bool {
        let own = self.message.as_bytes();
        (self.window_bits, self.level) == (window_bits, level)
            && (core::ptr::eq(own, message) || own == message)
    }
}

impl Engine {
    fn parts(&mut self) -> &mut Parts {
        self.0.get_or_insert_default()
    }

    /// What a message that stands for itself is compressed to; `None` if that is not less.
    pub(super) fn compress(
        &mut self,
        data: &Data,
        agreement: &Agreement,
        options: &Deflate,
    ) -> Option<Bytes> {
        self.parts().compress(data, agreement.server_window_bits(), options)
    }

    /// Room to work in, to be [tidied](Self::tidy) behind it.
    pub(super) fn work(&mut self) -> &mut Vec<u8> {
        &mut self.parts().work
    }

    /// A decompressor that remembers nothing, and room to work in.
    pub(super) fn inflater(&mut self) -> (&mut Inflater, &mut Vec<u8>) {
        let parts = self.parts();
        let inflater = parts.inflater.get_or_insert_default();
        inflater.reset();
        (inflater, &mut parts.work)
    }

    /// The room is empty again, and not kept where a message has made it large.
    pub(super) fn tidy(&mut self) {
        self.parts().tidy();
    }
}

impl Parts {
    fn compress(&mut self, data: &Data, window_bits: u8, options: &Deflate) -> Option<Bytes> {
        let message = data.as_bytes();
        let level = options.level;
        if let Some(recent) =
            self.recent.iter().rev().find(|recent| recent.is_of(message, window_bits, level))
        {
            return recent.compressed.clone();
        }
        let at = self.deflaters.iter().position(|deflater| deflater.is_for(window_bits, level));
        let at = at.unwrap_or_else(|| {
            self.deflaters.truncate(DEFLATERS_MAX - 1);
            self.deflaters.push(options.deflater(window_bits));
            self.deflaters.len() - 1
        });
        let deflater = &mut self.deflaters[at];
        deflater.reset();
        deflater.compress(message, &mut self.work);
        let compressed = (self.work.len() < message.len()).then(|| Bytes::copy_from_slice(&self.work));
        self.tidy();
        self.remember(Recent {
            window_bits,
            level,
            message: data.clone().compact(),
            compressed: compressed.clone(),
        });
        compressed
    }

    fn tidy(&mut self) {
        self.work.clear();
        self.work.shrink_to(WORK_BYTES_KEPT);
    }

    fn remember(&mut self, recent: Recent) {
        self.recent_bytes += recent.bytes();
        self.recent.push_back(recent);
        while (self.recent.len() > RECENT_MAX || self.recent_bytes > RECENT_BYTES_MAX)
            && let Some(oldest) = self.recent.pop_front()
        {
            self.recent_bytes -= oldest.bytes();
        }
    }
}

#[cfg(test)]
mod tests;
