//! One client's socket, without a buffer of its own.

use bytes::Bytes;
use smol::Async;
use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::task::{Context, Poll};
use wsrelay_host::{Arrival, ReadBuffer, write, write_now};

/// A non-blocking TCP stream.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Async<TcpStream>,
    /// The last read found less than it could have taken: the next one would find nothing.
    drained: bool,
    /// The last write found no room: the next one would find none.
    full: bool,
}

impl Socket {
    pub(crate) const fn new(stream: Async<TcpStream>) -> Self {
        Self { stream, drained: false, full: false }
    }

    /// Reads what has arrived into `buffer`.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuffer,
    ) -> Poll<io::Result<Arrival>> {
        loop {
            if !self.drained {
                match buffer.read(self.stream.get_ref()) {
                    Ok(arrival) => {
                        self.drained = arrival.drained;
                        return Poll::Ready(Ok(arrival));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.drained = true,
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            match self.stream.poll_readable(cx) {
                Poll::Ready(Ok(())) => self.drained = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Whether the socket may take something now.
    pub(crate) const fn is_writable(&self) -> bool {
        !self.full
    }

    /// Writes a few bytes, or a part of them; how many that was.
    pub(crate) fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (result, is_full) = write_now(self.stream.get_ref(), bytes);
        self.full = is_full;
        result
    }

    /// Writes as much as the socket takes; how much that was. Pending when it took nothing.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        writes: &mut VecDeque<Bytes>,
        buffer: &mut ReadBuffer,
    ) -> Poll<io::Result<usize>> {
        loop {
            if !self.full {
                match write(self.stream.get_ref(), writes, buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.full = true,
                    result => return Poll::Ready(result.map(|written| written.bytes)),
                }
            }
            match self.stream.poll_writable(cx) {
                Poll::Ready(Ok(())) => self.full = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Ends our side of the stream. A socket that has failed already needs no end.
    pub(crate) fn shutdown(&self) {
        _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }
}
