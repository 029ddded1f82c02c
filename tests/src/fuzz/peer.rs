//! What tungstenite hears, in our words.

use async_tungstenite::tungstenite::protocol::{Message, Role as PeerRole};
use smol::io::{AsyncRead, AsyncWrite};
use std::io::{Read, Result, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use wsrelay_core::wire::{CloseCode, CloseFrame, Data, Incoming, Role};

pub(super) const fn role(role: Role) -> PeerRole {
    match role {
        Role::Server => PeerRole::Server,
        Role::Client => PeerRole::Client,
    }
}

pub(super) fn incoming(message: Message) -> Incoming {
    match message {
        Message::Text(text) => Incoming::Message(Data::Text(text.as_str().to_owned().into())),
        Message::Binary(data) => Incoming::Message(Data::Binary(data)),
        Message::Ping(data) => Incoming::Ping(data),
        Message::Pong(data) => Incoming::Pong(data),
        Message::Close(close) => Incoming::Close(close.map(|close| CloseFrame {
            code: CloseCode::new(close.code.into()).expect("a code that may be sent"),
            reason: close.reason.as_str().into(),
        })),
        Message::Frame(_) => unreachable!("frames are only written"),
    }
}

/// A socket from which this comes, and which forgets what is written to it.
pub(super) struct Deaf<'a>(pub(super) &'a [u8]);

impl Read for Deaf<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Deaf<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl AsyncRead for Deaf<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize>> {
        Poll::Ready(self.read(buffer))
    }
}

impl AsyncWrite for Deaf<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Poll::Ready(self.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}
