//! What a client makes of the bytes it is sent.

use crate::wire::{Deflating, Frame, Reply};

/// A client's reading half: HTTP responses until a 101, frames from then on. It shares no code with what it reads from.
#[derive(Debug, Default)]
pub struct ClientReader {
    held: Vec<u8>,
    /// How much of that has been looked at.
    start: usize,
    upgraded: bool,
    /// How messages are compressed, if that was agreed on. A frame that was has RSV1 set, and its payload as it was before.
    pub deflating: Option<Deflating>,
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

/// The frame with what its payload was before it was compressed.
fn inflated(deflating: &mut Option<Deflating>, frame: Frame) -> Result<Frame, String> {
    if frame.reserved == 0 {
        return Ok(frame);
    }
    let deflating = deflating.as_mut().ok_or("RSV1 is set, and no extension was negotiated")?;
    if !frame.fin {
        return Err("a compressed message of the server's is fragmented".into());
    }
    let payload =
        deflating.inflate(&frame.payload).ok_or("a compressed message of the server's is no DEFLATE data")?;
    Ok(Frame { payload, ..frame })
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
            match Frame::decode(bytes)? {
                Some((frame, len)) => Some((Received::Frame(inflated(&mut self.deflating, frame)?), len)),
                None => None,
            }
        } else {
            let parsed = Reply::parse(bytes, self.head)?;
            if let Some((reply, _)) = &parsed
                && reply.status == 101
            {
                self.upgraded = true;
                let extensions = reply.headers.get("sec-websocket-extensions");
                self.deflating = extensions.map(|value| Deflating::agreed(value)).transpose()?;
            }
            parsed.map(|(reply, len)| (Received::Reply(reply), len))
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
