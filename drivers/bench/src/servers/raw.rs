//! Bare TCP: what is read is written.

use super::edge::{self, READ_BYTES};
use crate::Result;
use mio::net::TcpStream;
use std::io;
use std::net::TcpListener;

struct Connection {
    stream: TcpStream,
    left: Vec<u8>,
}

/// Serves for ever.
pub(crate) fn serve(listener: TcpListener) -> Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    edge::serve(
        listener,
        |stream| Connection { stream, left: Vec::new() },
        move |connections, index| match &mut connections[index] {
            Some(connection) => echo(connection, &mut buffer),
            None => Ok(()),
        },
    )
}

fn echo(Connection { stream, left }: &mut Connection, buffer: &mut [u8]) -> io::Result<()> {
    while edge::write_left(stream, left)? {
        let len = edge::read(stream, buffer)?;
        edge::write(stream, left, &buffer[..len])?;
        // A short read has drained the socket.
        if len < buffer.len() {
            break;
        }
    }
    Ok(())
}
