//! What the client makes of the bytes it is sent.

use crate::{Frame, Reply, Seen};

/// A client's reading half: HTTP responses until a 101, frames from then on.
#[derive(Clone, Debug, Default)]
pub struct ClientReader {
    held: Vec<u8>,
    upgraded: bool,
    /// Whether the response that is awaited answers a HEAD request, and so has no body.
    pub(crate) head: bool,
}

impl ClientReader {
    /// Takes bytes and appends what has become whole.
    ///
    /// # Panics
    ///
    /// When the bytes are no response, or frames that a server may not send.
    pub fn read(&mut self, bytes: &[u8], seen: &mut Vec<Seen>) {
        self.held.extend(bytes);
        loop {
            let taken = if self.upgraded {
                Frame::decode(&self.held).map(|(frame, taken)| (Seen::Sent(frame), taken))
            } else {
                Reply::parse(&self.held, self.head).map(|(reply, taken)| {
                    self.upgraded = reply.status == 101;
                    (Seen::Replied(reply), taken)
                })
            };
            let Some((what, taken)) = taken else { return };
            self.held.drain(..taken);
            seen.push(what);
        }
    }

    /// Whether the last byte was also the last of a frame or a response.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.held.is_empty()
    }
}
