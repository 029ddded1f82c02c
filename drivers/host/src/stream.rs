//! Reading from and writing to a non-blocking stream, without a buffer of the connection's own.

use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};

/// How much is read at once.
const READ_BYTES_MAX: usize = 128 * 1024;
/// Most buffers in one vectored write.
const SLICES_MAX: usize = 64;

/// What a thread reads into, for all its connections.
///
/// What a short read has brought is copied out, so that a few bytes never keep a large buffer; what fills
/// half of it or more takes it along, uncopied.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    bytes: Vec<u8>,
    /// Room of the same size that others have given back.
    spare: Vec<Vec<u8>>,
    /// The room of a longer message, for the next long one.
    long: BytesMut,
}

/// The longest message whose room is kept.
const LONG_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most buffers that are kept beside the one in use.
const SPARE_MAX: usize = 16;

/// What a read has brought: its bytes are in the buffer.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Whether it is the end of the stream, and nothing else.
    pub is_end: bool,
    /// Whether the stream has nothing more at present.
    pub drained: bool,
}

impl ReadBuffer {
    /// Most bytes that are read at once.
    pub const READ_BYTES_MAX: usize = READ_BYTES_MAX;

    /// Most bytes that one of these keeps, whatever its connections do.
    pub const BYTES_MAX: usize = (1 + SPARE_MAX) * READ_BYTES_MAX + LONG_BYTES_MAX;

    /// No room yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads once.
    ///
    /// # Errors
    ///
    /// The stream's; [`io::ErrorKind::WouldBlock`] when nothing has arrived.
    pub fn read(&mut self, stream: &impl Readable) -> io::Result<Arrival> {
        if self.bytes.capacity() == 0
            && let Some(spare) = self.spare.pop()
        {
            self.bytes = spare;
        }
        self.bytes.clear();
        self.bytes.reserve_exact(READ_BYTES_MAX);
        let len = loop {
            match read_into(stream, &mut self.bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        Ok(Arrival { is_end: len == 0, drained: len < self.bytes.capacity() })
    }

    /// Takes what came from a stream that is none of the system's, as if it had been read.
    ///
    /// # Panics
    ///
    /// When it is more than [`ReadBuffer::READ_BYTES_MAX`].
    pub fn fill(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= READ_BYTES_MAX, "more than is read at once");
        self.bytes.clear();
        self.bytes.reserve_exact(READ_BYTES_MAX);
        self.bytes.extend_from_slice(bytes);
    }

    /// What the last read has brought.
    #[inline]
    pub fn filled(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Takes back the room of bytes that nobody needs any more, if it is as large as what is read into: the system would
    /// have to clear other memory for that.
    pub fn recycle(&mut self, bytes: Bytes) {
        if bytes.len() > READ_BYTES_MAX {
            if bytes.len() > self.long.capacity()
                && let Ok(bytes) = bytes.try_into_mut()
                && bytes.capacity() <= LONG_BYTES_MAX
            {
                self.long = bytes;
            }
            return;
        }
        if self.spare.len() < SPARE_MAX
            && bytes.len() >= READ_BYTES_MAX / 4
            && let Ok(mut bytes) = bytes.try_into_mut()
        {
            // Without its content, which would have to be moved.
            bytes.clear();
            let room = Vec::from(bytes);
            if room.capacity() == READ_BYTES_MAX {
                self.spare.push(room);
            }
        }
    }

    /// Room for a message of this length, if there is some.
    pub(crate) fn take_long(&mut self, len: usize) -> Option<BytesMut> {
        let fits = len > 0 && (len..=2 * len).contains(&self.long.capacity());
        fits.then(|| std::mem::take(&mut self.long))
    }

    /// The same from this byte on, as a buffer of its own.
    pub fn take_from(&mut self, start: usize) -> BytesMut {
        if start > 0 || self.bytes.len() < READ_BYTES_MAX / 2 {
            BytesMut::from(&self.bytes[start..])
        } else {
            BytesMut::from(Bytes::from(std::mem::take(&mut self.bytes)))
        }
    }
}

/// What can be read from.
#[cfg(unix)]
pub use std::os::fd::AsFd as Readable;

/// Reads into the room that `buffer` has left; how much it was. Nobody has to fill that room with zeros before.
#[cfg(unix)]
fn read_into(stream: &impl Readable, buffer: &mut Vec<u8>) -> io::Result<usize> {
    use rustix::buffer::spare_capacity;
    use rustix::net::{RecvFlags, recv};
    let (len, _) = recv(stream, spare_capacity(buffer), RecvFlags::empty())?;
    Ok(len)
}

/// What can be read from.
#[cfg(not(unix))]
pub trait Readable {
    /// Reads into `buffer`; how much it was.
    ///
    /// # Errors
    ///
    /// The stream's.
    fn read_into(&self, buffer: &mut [u8]) -> io::Result<usize>;
}

#[cfg(not(unix))]
impl<T> Readable for T
where
    for<'a> &'a T: io::Read,
{
    fn read_into(&self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut &*self, buffer)
    }
}

#[cfg(not(unix))]
fn read_into(stream: &impl Readable, buffer: &mut Vec<u8>) -> io::Result<usize> {
    buffer.resize(buffer.capacity(), 0);
    let len = stream.read_into(buffer);
    buffer.truncate(*len.as_ref().unwrap_or(&0));
    len
}

/// What a write came to.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// How many bytes the stream took.
    pub bytes: usize,
    /// Whether it took less than it was offered: it has no more room, and will tell when it has.
    pub is_short: bool,
}

/// Writes a few bytes, or a part of them: how many that was, and whether the stream takes no more at present. One that
/// has failed is found out when it is written to again.
pub fn write_now(mut stream: impl Write, bytes: &[u8]) -> (io::Result<usize>, bool) {
    let result = stream.write(bytes);
    let is_full = match &result {
        Ok(written) => *written < bytes.len(),
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    };
    (result, is_full)
}

/// Writes as much of `writes` as the stream takes at once, and takes it out. The room of what is
/// written as a whole is [recycled](ReadBuffer::recycle).
///
/// # Errors
///
/// The stream's; [`io::ErrorKind::WouldBlock`] when it takes nothing, [`io::ErrorKind::WriteZero`] when it
/// never will.
pub fn write(
    mut stream: impl Write,
    writes: &mut VecDeque<Bytes>,
    buffer: &mut ReadBuffer,
) -> io::Result<Written> {
    let offered: usize = writes.iter().take(SLICES_MAX).map(Bytes::len).sum();
    let written = loop {
        let result = if writes.len() == 1 {
            stream.write(&writes[0])
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = writes.len().min(SLICES_MAX);
            for (slice, bytes) in slices.iter_mut().zip(writes.iter()) {
                *slice = IoSlice::new(bytes);
            }
            stream.write_vectored(&slices[..count])
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            result => break result?,
        }
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
        if let Some(bytes) = writes.pop_front() {
            buffer.recycle(bytes);
        }
    }
    Ok(Written { bytes: written, is_short: written < offered })
}

#[cfg(test)]
mod tests {
    use super::{LONG_BYTES_MAX, READ_BYTES_MAX, ReadBuffer, SPARE_MAX};
    use bytes::{Bytes, BytesMut};

    fn written(len: usize) -> Bytes {
        BytesMut::zeroed(len).freeze()
    }

    #[test]
    fn room_of_a_long_message_serves_one_that_fills_half_of_it() {
        let mut buffer = ReadBuffer::new();
        let takes = |buffer: &mut ReadBuffer, len| {
            buffer.recycle(written(1_000_000));
            buffer.take_long(len).map(|room| room.capacity())
        };
        let taken = [499_999, 500_000, 1_000_000, 1_000_001].map(|len| takes(&mut buffer, len));
        assert_eq!(taken, [None, Some(1_000_000), Some(1_000_000), None]);
    }

    /// Which `BYTES_MAX` promises.
    #[test]
    fn what_is_kept_is_bounded() {
        let mut buffer = ReadBuffer::new();
        for _ in 0..100 {
            buffer.recycle(written(READ_BYTES_MAX));
            buffer.recycle(written(LONG_BYTES_MAX));
            buffer.recycle(written(LONG_BYTES_MAX + 1));
        }
        let spare: usize = buffer.spare.iter().map(Vec::capacity).sum();
        assert_eq!((spare, buffer.long.capacity()), (SPARE_MAX * READ_BYTES_MAX, LONG_BYTES_MAX));
    }

    #[test]
    fn room_that_somebody_still_reads_is_not_taken_back() {
        let mut buffer = ReadBuffer::new();
        let (short, long) = (written(READ_BYTES_MAX), written(LONG_BYTES_MAX));
        buffer.recycle(short.clone());
        buffer.recycle(long.clone());
        assert_eq!((buffer.spare.len(), buffer.long.capacity()), (0, 0));
        assert_eq!((short.len(), long.len()), (READ_BYTES_MAX, LONG_BYTES_MAX));
    }
}
