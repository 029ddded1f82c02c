//! One connection of the load.

use super::check::Check;
use super::frames::Frames;
use super::journal::Reader;
use crate::Result;
use mio::net::TcpStream;
use std::io::{self, Read as _, Write as _};

/// A socket, what is still to be written to it, and how far it has been read.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    check: Check,
    pub(crate) reader: Reader,
    /// Messages handed to it.
    pub(crate) sent: u64,
    /// Where in the ring the next byte to write is.
    at: usize,
    unwritten: usize,
}

impl Connection {
    /// A connection whose first message has this number, and whose first answer has.
    pub(crate) fn new(stream: TcpStream, out: &Frames, expected: &Frames, first: usize) -> Self {
        Self {
            stream,
            check: Check::new(expected, first),
            reader: Reader::default(),
            sent: 0,
            at: out.start(first),
            unwritten: 0,
        }
    }

    /// Reads what is at hand, through `buffer`; how many messages are whole with it.
    pub(crate) fn read(&mut self, buffer: &mut [u8], expected: &Frames, every_byte: bool) -> Result<usize> {
        let mut whole = 0;
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err("the server ended a connection".into()),
                Ok(len) => {
                    whole += self.check.take(&buffer[..len], expected, every_byte)?;
                    // A short read has drained the socket.
                    if len < buffer.len() {
                        return Ok(whole);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(whole),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends the next messages, with one write unless the socket is full.
    #[inline]
    pub(crate) fn send(&mut self, messages: usize, out: &Frames) -> Result<()> {
        self.sent += messages as u64;
        let was_full = self.unwritten > 0;
        self.unwritten += messages * out.frame_bytes;
        if was_full { Ok(()) } else { self.write(out) }
    }

    /// Writes what is left, as much as the socket takes.
    pub(crate) fn write(&mut self, out: &Frames) -> Result<()> {
        while self.unwritten > 0 {
            let bytes = out.stretch(self.at, self.unwritten).ok_or("more in flight than there are frames")?;
            match self.stream.write(bytes) {
                Ok(len) => {
                    self.at += len;
                    if self.at >= out.ring_bytes() {
                        self.at -= out.ring_bytes();
                    }
                    self.unwritten -= len;
                    // A write that is cut short has filled the socket.
                    if self.unwritten > 0 {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
