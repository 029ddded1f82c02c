//! Opening handshakes, one after the other.

use crate::Result;
use crate::scenario::Kind;
use crate::servers::Protocol;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A client that waits longer than this for an answer has found a bug.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that is ready for messages.
pub(crate) fn open(address: SocketAddr, speaks: Protocol, kind: Kind) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    match speaks {
        Protocol::Bytes => {}
        Protocol::WebSocket => {
            stream.write_all(request(kind).as_bytes())?;
            let mut head = Vec::new();
            while !is_whole(&head)? {
                let mut piece = [0; 1024];
                match stream.read(&mut piece)? {
                    0 => return Err("the server ended the handshake".into()),
                    len => head.extend_from_slice(&piece[..len]),
                }
            }
        }
    }
    Ok(stream)
}

/// What a client asks for. The key is the example of RFC 6455 §1.3.
pub(crate) fn request(kind: Kind) -> String {
    format!(
        "GET {} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        kind.path()
    )
}

/// Whether a whole answer has arrived. Nothing may stand behind it, for nobody has sent anything yet.
pub(crate) fn is_whole(head: &[u8]) -> Result<bool> {
    if !head.ends_with(b"\r\n\r\n") {
        return Ok(false);
    }
    if head.starts_with(b"HTTP/1.1 101 ") {
        Ok(true)
    } else {
        Err(format!("refused: {}", String::from_utf8_lossy(head)).into())
    }
}
