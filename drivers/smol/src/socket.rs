//! One client's socket, without a buffer of its own.

use bytes::{Buf, Bytes, BytesMut};
use smol::Async;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::task::{Context, Poll};

/// How much is read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// With less than this left, a new chunk is begun.
const CHUNK_BYTES_MIN: usize = 8 * 1024;
/// Most buffers in one vectored write.
const SLICES_MAX: usize = 64;

thread_local! {
    /// All connections of a thread read into one buffer; what a read has filled is split off. So an idle
    /// connection holds no buffer, and a busy thread's stays in its cache.
    static CHUNK: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

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

    /// What has arrived; empty at the end of the stream.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<BytesMut>> {
        loop {
            if !self.drained {
                match self.read() {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.drained = true,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    result => return Poll::Ready(result),
                }
            }
            match self.stream.poll_readable(cx) {
                Poll::Ready(Ok(())) => self.drained = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn read(&mut self) -> io::Result<BytesMut> {
        CHUNK.with_borrow_mut(|chunk| {
            if chunk.len() < CHUNK_BYTES_MIN {
                *chunk = BytesMut::zeroed(CHUNK_BYTES);
            }
            let len = self.stream.get_ref().read(chunk)?;
            self.drained = len < chunk.len();
            Ok(chunk.split_to(len))
        })
    }

    /// Writes as much as the socket takes; how much that was. Pending when it took nothing.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        writes: &mut VecDeque<Bytes>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if !self.full {
                match self.write(writes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.full = true,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    result => return Poll::Ready(result),
                }
            }
            match self.stream.poll_writable(cx) {
                Poll::Ready(Ok(())) => self.full = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn write(&self, writes: &mut VecDeque<Bytes>) -> io::Result<usize> {
        let mut stream = self.stream.get_ref();
        let written = if writes.len() == 1 {
            stream.write(&writes[0])?
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = writes.len().min(SLICES_MAX);
            for (slice, bytes) in slices.iter_mut().zip(writes.iter()) {
                *slice = IoSlice::new(bytes);
            }
            stream.write_vectored(&slices[..count])?
        };
        let mut left = written;
        while left > 0
            && let Some(first) = writes.front_mut()
        {
            if first.len() > left {
                first.advance(left);
                break;
            }
            left -= first.len();
            writes.pop_front();
        }
        Ok(written)
    }

    /// Ends our side of the stream. A socket that has failed already needs no end.
    pub(crate) fn shutdown(&self) {
        _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }
}
