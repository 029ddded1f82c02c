//! The loop of the servers written by hand: one thread, edge-triggered, one read buffer for all.

use crate::Result;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Read as _, Write as _};

/// All connections, by their token. A place whose connection is gone is used again.
pub(crate) type Connections<C> = Vec<Option<C>>;

/// One read takes at most this much: a frame of 64 KiB comes whole.
pub(crate) const READ_BYTES: usize = 256 * 1024;
const LISTENER: Token = Token(usize::MAX);

/// Accepts clients, and calls `ready` with the connection that can be read or written, until the socket
/// has nothing left. An error from `ready` ends the connection.
pub(crate) fn serve<C>(
    listener: std::net::TcpListener,
    open: impl Fn(TcpStream) -> C,
    mut ready: impl FnMut(&mut Connections<C>, usize) -> io::Result<()>,
) -> Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections = Connections::new();
    let mut free = Vec::new();
    loop {
        if let Err(error) = poll.poll(&mut events, None)
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Some(mut stream) = accept(&listener)? {
                    let index = free.pop().unwrap_or_else(|| {
                        connections.push(None);
                        connections.len() - 1
                    });
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(index), interest)?;
                    connections[index] = Some(open(stream));
                }
                continue;
            }
            let Token(index) = event.token();
            if connections[index].is_some() && ready(&mut connections, index).is_err() {
                connections[index] = None;
                free.push(index);
            }
        }
    }
}

fn accept(listener: &TcpListener) -> io::Result<Option<TcpStream>> {
    match listener.accept() {
        Ok((stream, _)) => {
            stream.set_nodelay(true)?;
            Ok(Some(stream))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads once; 0 where there is nothing to read, an error where there will be nothing any more.
pub(crate) fn read(stream: &mut TcpStream, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(into) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Writes all, or keeps in `left` what the socket does not take.
#[inline]
pub(crate) fn write(stream: &mut TcpStream, left: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
    let taken = if left.is_empty() { write_once(stream, bytes)? } else { 0 };
    if taken < bytes.len() {
        left.extend_from_slice(&bytes[taken..]);
    }
    Ok(())
}

/// Writes what was kept. Whether all of it is gone.
pub(crate) fn write_left(stream: &mut TcpStream, left: &mut Vec<u8>) -> io::Result<bool> {
    if !left.is_empty() {
        let taken = write_once(stream, left)?;
        left.drain(..taken);
    }
    Ok(left.is_empty())
}

/// A write that is cut short has filled the socket, and asked to be told of room.
fn write_once(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match stream.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
