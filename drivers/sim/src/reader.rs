//! What a client makes of the bytes it is sent.

use crate::wire::{Frame, Reply};

/// A client's reading half: HTTP responses until a 101, frames from then on. It shares no code with what it reads from.
#[derive(Clone, Debug, Default)]
pub struct ClientReader {
    held: Vec<u8>,
    /// How much of that has been looked at.
    start: usize,
    upgraded: bool,
    /// Whether the response that is awaited answers a HEAD request, and so has no body.
    pub head: bool,
}

/// What a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A response.
    Reply(Reply),
    /// A frame.
    Frame(Frame),
}

impl ClientReader {
    /// Takes bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start == self.held.len() {
            self.held.clear();
            self.start = 0;
        }
        self.held.extend_from_slice(bytes);
    }

    /// What has become whole next, and how many bytes it was.
    ///
    /// # Errors
    ///
    /// In words, when the bytes are no response, or a frame that a server may not send.
    pub fn pop(&mut self) -> Result<Option<(Received, usize)>, String> {
        let bytes = &self.held[self.start..];
        let next = if self.upgraded {
            Frame::decode(bytes)?.map(|(frame, len)| (Received::Frame(frame), len))
        } else {
            Reply::parse(bytes, self.head)?.map(|(reply, len)| {
                self.upgraded = reply.status == 101;
                (Received::Reply(reply), len)
            })
        };
        if let Some((_, len)) = &next {
            self.start += len;
        }
        Ok(next)
    }

    /// Whether the last byte was also the last of a frame or a response.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.start == self.held.len()
    }
}
