//! What all connections of a thread share.

use super::Deflate;
use super::recent::Recent;
use super::stream::{Deflater, Inflater};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;

/// One compressor for each way in which a thread's connections compress, and one decompressor. Holds nothing until it is
/// used.
#[derive(Debug, Default)]
pub(crate) struct Engine(Option<Box<Parts>>);

#[derive(Debug, Default)]
struct Parts {
    ways: Vec<Way>,
    inflater: Option<Inflater>,
    work: Vec<u8>,
}

/// A window and a level, as connections have agreed on them.
#[derive(Debug)]
struct Way {
    deflater: Deflater,
    recent: Recent,
}

/// Most ways that are kept: one for each window.
const WAYS_MAX: usize = 8;

/// Work space that is kept.
const WORK_BYTES_KEPT: usize = 64 * 1024;

impl Engine {
    fn parts(&mut self) -> &mut Parts {
        self.0.get_or_insert_default()
    }

    /// What a message that stands for itself is compressed to; `None` if that is not less. What was compressed last is
    /// remembered, in `recent_bytes_max` for each way.
    pub(super) fn compress(
        &mut self,
        message: &[u8],
        window_bits: u8,
        options: &Deflate,
        recent_bytes_max: usize,
    ) -> Option<Bytes> {
        let Parts { ways, work, .. } = self.parts();
        let at = ways.iter().position(|way| way.deflater.is_for(window_bits, options.level));
        let at = at.unwrap_or_else(|| {
            ways.truncate(WAYS_MAX - 1);
            ways.push(Way { deflater: options.deflater(window_bits), recent: Recent::default() });
            ways.len() - 1
        });
        let Way { deflater, recent } = &mut ways[at];
        let compressed = recent.payload(message, recent_bytes_max, || {
            deflater.reset();
            deflater.compress(message, work);
            (work.len() < message.len()).then(|| Bytes::copy_from_slice(work))
        });
        self.tidy();
        compressed
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
        let work = &mut self.parts().work;
        work.clear();
        work.shrink_to(WORK_BYTES_KEPT);
    }
}

#[cfg(test)]
mod tests;
