//! The least that a WebSocket server must do, written by hand.
//!
//! No fragments, no timers, no limits; messages are answered in the buffer they arrived in. This is not how
//! a server should be: it is the second limit that the others are compared with.

mod frames;
mod handshake;

use super::edge::{self, Connections, READ_BYTES};
use crate::Result;
use frames::{Answer, answer, frame_bytes};
use mio::net::TcpStream;
use rustix::buffer::spare_capacity;
use std::io;
use std::mem;
use std::net::TcpListener;

struct Connection {
    stream: TcpStream,
    state: State,
    /// The beginning of a frame, or of the handshake.
    begun: Vec<u8>,
    left: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Handshake,
    Echo,
    Broadcast,
}

/// A frame of at least this size is read to where it is assembled.
const LARGE_BYTES: usize = 16 * 1024;

/// Serves for ever.
pub(crate) fn serve(listener: TcpListener) -> Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    edge::serve(
        listener,
        |stream| Connection { stream, state: State::Handshake, begun: Vec::new(), left: Vec::new() },
        move |connections, index| serve_one(connections, index, &mut buffer),
    )
}

fn serve_one(connections: &mut Connections<Connection>, index: usize, buffer: &mut [u8]) -> io::Result<()> {
    while let Some(connection) = &mut connections[index] {
        if !edge::write_left(&mut connection.stream, &mut connection.left)? {
            break;
        }
        let is_drained = if frame_bytes(&connection.begun).is_some_and(|bytes| bytes >= LARGE_BYTES) {
            read_large(connections, index)?
        } else {
            read_small(connections, index, buffer)?
        };
        if is_drained {
            break;
        }
    }
    Ok(())
}

/// Reads into the shared buffer, behind what has begun. Whether the socket is drained.
fn read_small(
    connections: &mut Connections<Connection>,
    index: usize,
    buffer: &mut [u8],
) -> io::Result<bool> {
    let Some(connection) = &mut connections[index] else { return Ok(true) };
    let begun = connection.begun.len();
    buffer[..begun].copy_from_slice(&connection.begun);
    connection.begun.clear();
    let len = edge::read(&mut connection.stream, &mut buffer[begun..])?;
    let is_drained = begun + len < buffer.len();
    let bytes = &mut buffer[..begun + len];
    if connection.state == State::Handshake {
        if let Some((answer, is_broadcast)) = handshake::answer(bytes) {
            connection.state = if is_broadcast { State::Broadcast } else { State::Echo };
            edge::write(&mut connection.stream, &mut connection.left, answer.as_bytes())?;
        } else {
            connection.begun.extend_from_slice(bytes);
        }
        return Ok(is_drained);
    }
    let used = answer_all(connections, index, bytes)?;
    if let Some(connection) = &mut connections[index]
        && used < bytes.len()
    {
        connection.begun.extend_from_slice(&bytes[used..]);
    }
    Ok(is_drained)
}

/// Reads a large frame into a buffer of exactly its size. Whether the socket is drained.
fn read_large(connections: &mut Connections<Connection>, index: usize) -> io::Result<bool> {
    let Some(connection) = &mut connections[index] else { return Ok(true) };
    let whole = frame_bytes(&connection.begun).unwrap_or_default();
    connection.begun.reserve_exact(whole - connection.begun.len());
    let room = connection.begun.capacity() - connection.begun.len();
    let len = match rustix::io::read(&connection.stream, spare_capacity(&mut connection.begun)) {
        Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(len) => len,
        Err(rustix::io::Errno::AGAIN) => return Ok(true),
        Err(rustix::io::Errno::INTR) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if connection.begun.len() >= whole {
        let mut bytes = mem::take(&mut connection.begun);
        let used = answer_all(connections, index, &mut bytes)?;
        if let Some(connection) = &mut connections[index]
            && used < bytes.len()
        {
            connection.begun.extend_from_slice(&bytes[used..]);
        }
    }
    Ok(len < room)
}

/// Answers the whole frames in `bytes` with one write for each receiver; how many bytes these were.
fn answer_all(
    connections: &mut Connections<Connection>,
    index: usize,
    bytes: &mut [u8],
) -> io::Result<usize> {
    let Answer { frames, used, closed } = answer(bytes)?;
    let frames = &bytes[frames];
    let Some(connection) = &mut connections[index] else { return Ok(used) };
    if connection.state == State::Broadcast && !closed {
        for receiver in connections.iter_mut().flatten().filter(|each| each.state == State::Broadcast) {
            // Who cannot be written to is found out when it is served next.
            _ = edge::write(&mut receiver.stream, &mut receiver.left, frames);
        }
    } else if !frames.is_empty() {
        edge::write(&mut connection.stream, &mut connection.left, frames)?;
    }
    if closed { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(used) }
}
