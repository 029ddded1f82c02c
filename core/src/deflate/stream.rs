//! Messages through zlib (RFC 7692 §7.2).

use super::Deflate;
use crate::fault::ClientFault;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;
use zlib_rs::{DeflateConfig, DeflateFlush, InflateFlush, Status};

/// What a flush ends with, and what is left out on the wire (§7.2.1: "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the
/// tail end").
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// What is put behind a message that comes: its tail, and an empty block. Where the last block is whole, they say nothing.
const BEHIND: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x00, 0x00, 0x00, 0xff, 0xff];

/// How much comes out in one step.
const STEP_BYTES: usize = 16 * 1024;

/// Bytes of a decompressor, whatever its window.
pub(super) const INFLATER_BYTES: usize = 48 * 1024;

/// The window that the compressor gets for what was agreed. Of 8 bits the library knows nothing, but with 9 it never looks
/// further back than 256 bytes, which is a window of 8.
fn deflater_bits(window_bits: u8) -> u8 {
    window_bits.clamp(9, 15)
}

/// How much the compressor holds beside its window, in the library's own measure: less for less.
const fn memory_level(bits: u8) -> u8 {
    bits - 7
}

/// Bytes of a compressor.
pub(super) const fn deflater_bytes(window_bits: u8) -> usize {
    let bits = if window_bits < 9 {
        9
    } else if window_bits > 15 {
        15
    } else {
        window_bits
    };
    // The heads of its chains, whose number is fixed; twice the window, and a link for each place of it; and
    // seven bytes for each symbol that a block can hold.
    let (heads, state) = (128 * 1024, 4 * 1024);
    heads + state + (4 << bits) + (7 << (memory_level(bits) + 6))
}

/// Most bytes that an honest compressor makes of a message of `message_bytes_max`: what does not get smaller gets a little
/// larger.
#[must_use]
pub const fn compressed_bytes_max(message_bytes_max: usize) -> usize {
    message_bytes_max.saturating_add(message_bytes_max / 8).saturating_add(64)
}

/// A compressor.
pub struct Deflater {
    zlib: zlib_rs::Deflate,
    window_bits: u8,
    level: u8,
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("window_bits", &self.window_bits)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

impl Deflater {
    /// A compressor that never refers further back than `window_bits` allow (8 to 15) and works as hard as `level` says
    /// (1 to 9); what is outside is the nearest.
    #[must_use]
    pub fn new(window_bits: u8, level: u8) -> Self {
        let (bits, level) = (deflater_bits(window_bits), level.clamp(1, 9));
        let config = DeflateConfig {
            window_bits: -i32::from(bits),
            mem_level: i32::from(memory_level(bits)),
            level: i32::from(level),
            ..DeflateConfig::default()
        };
        Self { zlib: zlib_rs::Deflate::new_with_config(config), window_bits: bits, level }
    }

    /// Whether it is as one for these would be.
    pub(super) fn is_for(&self, window_bits: u8, level: u8) -> bool {
        (self.window_bits, self.level) == (deflater_bits(window_bits), level.clamp(1, 9))
    }

    /// Forgets all messages before.
    pub fn reset(&mut self) {
        self.zlib.reset();
    }

    /// Appends a message's payload to `out`, as it goes into frames.
    ///
    /// # Panics
    ///
    /// Never: the library has an answer for every input.
    pub fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) {
        if message.is_empty() {
            // §7.2.3.6: a flush of nothing may come to nothing; this is the block that it stands for, without its tail.
            return out.push(0x00);
        }
        let mut growth = Growth::of(out, compressed_bytes_max(message.len()));
        let mut rest = message;
        loop {
            let room = growth.room(rest.len() / 2);
            let room_bytes = room.len();
            let before = (self.zlib.total_in(), self.zlib.total_out());
            let status = self.zlib.compress(rest, room, DeflateFlush::SyncFlush);
            rest = &rest[advanced(before.0, self.zlib.total_in())..];
            let given = advanced(before.1, self.zlib.total_out());
            growth.end += given;
            // Flushed is what has left room.
            match status {
                Ok(Status::Ok | Status::BufError) if given == room_bytes => {}
                Ok(Status::Ok | Status::BufError) if rest.is_empty() => break,
                status => panic!("a compressor has no faults: {status:?}"),
            }
        }
        growth.finish();
        if out.ends_with(&TAIL) {
            out.truncate(out.len() - TAIL.len());
        }
    }
}

fn advanced(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}

/// A decompressor.
pub struct Inflater {
    zlib: zlib_rs::Inflate,
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").finish_non_exhaustive()
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

/// How far the decompressor got.
enum End {
    /// All input is taken.
    Taken,
    /// A block said that it is the last of all. So many bytes lie behind it.
    Final(usize),
}

impl Inflater {
    /// A decompressor for every window.
    #[must_use]
    pub fn new() -> Self {
        Self { zlib: zlib_rs::Inflate::new(false, 15) }
    }

    /// Forgets all messages before.
    pub fn reset(&mut self) {
        self.zlib.reset(false);
    }

    /// Appends the message that the payload of its frames becomes to `out`, of at most `message_bytes_max` and `ratio_max`
    /// times its own size.
    ///
    /// # Errors
    ///
    /// [`ClientFault::Deflate`], [`ClientFault::MessageTooBig`] or [`ClientFault::DeflateRatio`], with no more of it held than
    /// the bound and one step of 16 KiB. A payload that ends within a block is [`ClientFault::Deflate`], unless it ends within
    /// the codes at the head of one, which say nothing yet.
    pub fn inflate(
        &mut self,
        payload: &[u8],
        message_bytes_max: usize,
        ratio_max: Option<NonZeroU32>,
        out: &mut Vec<u8>,
    ) -> Result<(), ClientFault> {
        let by_ratio = ratio_max.map_or(usize::MAX, |ratio| {
            payload.len().saturating_mul(usize::try_from(ratio.get()).unwrap_or(usize::MAX))
        });
        let mut growth = Growth::of(out, message_bytes_max.min(by_ratio));
        let bounds = Bounds { start: growth.end, message_bytes_max, by_ratio };
        let result = self.take_message(payload, &bounds, &mut growth);
        growth.finish();
        result
    }

    fn take_message(
        &mut self,
        payload: &[u8],
        bounds: &Bounds,
        growth: &mut Growth<'_>,
    ) -> Result<(), ClientFault> {
        let mut rest = payload;
        // Of nothing, nothing comes, and nothing is remembered: a tail alone would be half a block.
        while !rest.is_empty() {
            match self.take(rest, bounds, growth)? {
                End::Taken => return self.take_end(bounds, growth),
                // §7.2.3.4: an end of all may stand within a message. What lies behind begins anew.
                End::Final(behind) => {
                    self.zlib.reset(false);
                    rest = &rest[rest.len() - behind..];
                }
            }
        }
        Ok(())
    }

    /// §7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message."
    fn take_end(&mut self, bounds: &Bounds, growth: &mut Growth<'_>) -> Result<(), ClientFault> {
        let said = growth.end;
        let end = self.take(&BEHIND, bounds, growth);
        match end {
            _ if growth.end > said => Err(ClientFault::Deflate),
            Ok(End::Taken) => Ok(()),
            Ok(End::Final(_)) => {
                self.zlib.reset(false);
                Ok(())
            }
            Err(_) => Err(ClientFault::Deflate),
        }
    }

    fn take(&mut self, input: &[u8], bounds: &Bounds, growth: &mut Growth<'_>) -> Result<End, ClientFault> {
        let mut rest = input;
        loop {
            let room = growth.room(rest.len().saturating_mul(4));
            let room_bytes = room.len();
            let before = (self.zlib.total_in(), self.zlib.total_out());
            let status = self.zlib.decompress(rest, room, InflateFlush::NoFlush);
            rest = &rest[advanced(before.0, self.zlib.total_in())..];
            let given = advanced(before.1, self.zlib.total_out());
            growth.end += given;
            bounds.check(growth.end)?;
            match status {
                Ok(Status::StreamEnd) => return Ok(End::Final(rest.len())),
                Ok(Status::Ok | Status::BufError) if given == room_bytes => {}
                Ok(Status::Ok | Status::BufError) if rest.is_empty() => return Ok(End::Taken),
                Ok(Status::Ok) => {}
                // Neither more input nor more room would help.
                Ok(Status::BufError) | Err(_) => return Err(ClientFault::Deflate),
            }
        }
    }
}

/// Bytes that something is appended to, step by step.
struct Growth<'a> {
    out: &'a mut Vec<u8>,
    /// Up to here they are said; what lies behind is room.
    end: usize,
    /// Further than this they will not go.
    end_max: usize,
}

impl<'a> Growth<'a> {
    /// Of so many bytes, and what is too much: at most one step.
    const fn of(out: &'a mut Vec<u8>, bytes_max: usize) -> Self {
        let end = out.len();
        Self { out, end, end_max: end.saturating_add(bytes_max).saturating_add(STEP_BYTES) }
    }

    /// Room for the next step, of some `wanted` bytes where there is none.
    fn room(&mut self, wanted: usize) -> &mut [u8] {
        if self.end == self.out.len() {
            let len = self.end + wanted.clamp(256, STEP_BYTES);
            if len > self.out.capacity() {
                let capacity = (self.out.capacity() * 2).min(self.end_max).max(len);
                self.out.reserve_exact(capacity - self.end);
            }
            self.out.resize(len, 0);
        }
        &mut self.out[self.end..]
    }

    /// Leaves what is said.
    fn finish(self) {
        self.out.truncate(self.end);
    }
}

struct Bounds {
    start: usize,
    message_bytes_max: usize,
    by_ratio: usize,
}

impl Bounds {
    fn check(&self, end: usize) -> Result<(), ClientFault> {
        let len = end - self.start;
        if len > self.message_bytes_max {
            Err(ClientFault::MessageTooBig)
        } else if len > self.by_ratio {
            Err(ClientFault::DeflateRatio)
        } else {
            Ok(())
        }
    }
}

impl Deflate {
    pub(super) fn deflater(&self, window_bits: u8) -> Deflater {
        Deflater::new(window_bits, self.level)
    }
}

#[cfg(test)]
mod tests;
