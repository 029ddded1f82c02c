//! Payloads that are cut out of a buffer, or put together.

use bytes::{Bytes, BytesMut};

/// The front of the buffer, without a copy.
#[inline]
pub(super) fn split_to(buffer: &mut BytesMut, len: usize) -> Bytes {
    // An empty slice would keep the buffer's memory for nothing.
    if len == 0 { Bytes::new() } else { buffer.split_to(len).freeze() }
}

/// Adds a piece to what was held before it, which can grow to `end` bytes in all.
pub(super) fn append(held: &mut BytesMut, piece: &[u8], end: usize) {
    let len = held.len() + piece.len();
    if len > held.capacity() {
        // Doubling, so that many small pieces are not copied again and again; but not past the
        // end, and never because of a length that was only announced.
        let mut grown = BytesMut::with_capacity((2 * held.len()).max(len).min(end));
        grown.extend_from_slice(held);
        *held = grown;
    }
    held.extend_from_slice(piece);
}
