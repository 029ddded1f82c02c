//! The client's side of the wire, written a second time in the plainest way, so that a mistake in the core's codec
//! cannot hide behind itself.

pub use crate::deflate::Deflating;
pub use crate::frame::{
    Frame, binary, close, compressed, continuation, empty_close, first_of, ping, pong, text, unmasked,
};
pub use crate::reader::{ClientReader, Received};
pub use crate::reply::{Reply, reply};

/// The request with which a client asks for an upgrade of `target`, and further header lines, each ended by CR LF. The
/// key is that of RFC 6455 §1.3.
#[must_use]
pub fn upgrade(target: &str, lines: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{lines}\r\n"
    )
}

/// The key in that request.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What answers that key.
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
