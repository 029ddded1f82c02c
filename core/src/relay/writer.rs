//! How far the socket has come with what it was given.

use crate::limits::Limits;
use crate::time::{Instant, Wake};

/// Positions in the stream of bytes to the client.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    emitted: u64,
    written: u64,
    /// When the socket last took something, or was given something while it had nothing.
    progress_at: Instant,
}

impl Writer {
    /// Counts `bytes` as given to the socket.
    pub(crate) fn emit(&mut self, now: Instant, bytes: usize) {
        if self.emitted == self.written {
            self.progress_at = now;
        }
        self.emitted += bytes as u64;
    }

    /// Counts `bytes` as taken by it.
    pub(crate) fn written(&mut self, now: Instant, bytes: usize) {
        self.written += bytes as u64;
        assert!(self.written <= self.emitted, "a driver reported more bytes written than it was given");
        if bytes > 0 {
            self.progress_at = now;
        }
    }

    /// The position after everything emitted so far.
    pub(crate) const fn mark(&self) -> u64 {
        self.emitted
    }

    /// Whether the socket has taken everything up to `mark`.
    pub(crate) const fn has_reached(&self, mark: u64) -> bool {
        self.written >= mark
    }

    /// Bytes given to the socket that it has not taken.
    pub(crate) fn in_flight(&self) -> usize {
        usize::try_from(self.emitted - self.written).unwrap_or(usize::MAX)
    }

    /// When the lack of progress becomes a stall: a writer that makes progress is not cut.
    pub(crate) fn stall(&self, limits: &Limits) -> Wake {
        if self.emitted == self.written {
            Wake::Never
        } else {
            Wake::At(self.progress_at + limits.write_wait_max)
        }
    }
}
