//! What the client makes of the bytes it is sent.

use crate::Seen;
use wsrelay_sim::wire::{self, Received};

/// A client's reading half: HTTP responses until a 101, frames from then on.
#[derive(Debug, Default)]
pub struct ClientReader(pub(crate) wire::ClientReader);

impl ClientReader {
    /// Takes bytes and appends what has become whole.
    ///
    /// # Panics
    ///
    /// When the bytes are no response, or frames that a server may not send.
    pub fn read(&mut self, bytes: &[u8], seen: &mut Vec<Seen>) {
        self.0.push(bytes);
        while let Some((received, _)) = self.0.pop().expect("what a server may send") {
            seen.push(match received {
                Received::Reply(reply) => Seen::Replied(reply),
                Received::Frame(frame) => Seen::Sent(frame),
            });
        }
    }

    /// Whether the last byte was also the last of a frame or a response.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.0.is_whole()
    }
}
