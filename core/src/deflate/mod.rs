//! Compression of messages: `permessage-deflate` (RFC 7692).
//!
//! ```text
//!  Sec-WebSocket-Extensions ──► negotiate ──► Agreement
//!                                                │ of one connection
//!   message ──► Codec::compress ──► RSV1, payload without its tail ──► frame
//!   frames with RSV1, put together ──► Codec::inflate ──► message, or the client's fault
//!                 │
//!                 └── Engine: what all connections of a thread share
//! ```
//!
//! Nothing here remembers anything between two messages but what the two ends have agreed to remember (*context
//! takeover*). Without that, one compressor and one decompressor serve all connections of a thread, and what goes out depends
//! on nothing but the message: so a broadcast is compressed once for all connections of a thread that have agreed on the
//! same window. To find it again, the thread keeps what it has compressed last, with its outcome: for each window, at most three
//! times [`Limits::outbox_bytes_max`](crate::limits::Limits::outbox_bytes_max), which is what a client that is behind can still be sent.
//!
//! Needs the feature `deflate`, which brings in the standard library. A server compresses once its options say so:
//!
//! ```
//! use wsrelay_core::deflate::{Context, Deflate};
//! use wsrelay_core::limits::Limits;
//! use wsrelay_core::relay::{Compression, RelayOptions};
//!
//! let deflate = Deflate { context: Context::Takeover, window_bits: 10, ..Deflate::default() };
//! let relay = RelayOptions { compression: Compression::Deflate(deflate), ..RelayOptions::default() };
//! // What it costs each connection at worst, beside what it holds anyway.
//! assert_eq!(deflate.memory_max(), 192_000);
//! assert!(relay.limits.memory_max(&relay.compression) > Limits::default().memory_max(&Compression::Off));
//! ```

mod codec;
mod engine;
mod offer;
mod recent;
mod stream;

pub use offer::{Agreement, negotiate};
pub use stream::{Deflater, Inflater, compressed_bytes_max};

pub(crate) use codec::Codec;
pub(crate) use engine::Engine;

use core::num::NonZeroU32;

/// What an operator chooses about compression.
///
/// The default shares compressors among all connections of a thread, so that an idle connection costs no memory for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    /// Whether the ends of a connection remember earlier messages. Default: they do not.
    pub context: Context,
    /// Shortest message that is compressed, in bytes. Default 128: without earlier messages to refer to, fewer do not become less.
    pub min_bytes: usize,
    /// How much work goes into a message, from 1 (fastest) to 9 (smallest). Default 6. What is outside is the nearest.
    pub level: u8,
    /// How far back either end may refer, as a power of two: from 8 (256 bytes) to 15 (32 KiB). Default 15. What is outside
    /// is the nearest. With [`Context::Takeover`] it decides what a connection costs: [`Deflate::memory_max`].
    pub window_bits: u8,
    /// How many times as large as it came a client's message may become. Default: as large as
    /// [`Limits::message_bytes_max`](crate::limits::Limits::message_bytes_max) allows. Past it: 1009.
    pub ratio_max: Option<NonZeroU32>,
}

/// Whether the ends of a connection remember earlier messages (RFC 7692 §7.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Context {
    /// Each message stands for itself (`server_no_context_takeover`, `client_no_context_takeover`).
    #[default]
    Shared,
    /// Each message may refer to those before it: smaller, at the price of memory for each connection.
    Takeover,
}

impl Default for Deflate {
    fn default() -> Self {
        Self { context: Context::Shared, min_bytes: 128, level: 6, window_bits: 15, ratio_max: None }
    }
}

impl Deflate {
    /// The most bytes that a connection holds for its compressor and decompressor.
    #[must_use]
    pub const fn memory_max(&self) -> usize {
        match self.context {
            Context::Shared => 0,
            Context::Takeover => stream::deflater_bytes(self.window_bits) + stream::INFLATER_BYTES,
        }
    }
}
