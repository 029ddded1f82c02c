//! The opening handshake, for clients that are known to ask for it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest as _, Sha1};

/// The answer to a whole request, and whether it is for the broadcast.
pub(crate) fn answer(request: &[u8]) -> Option<(String, bool)> {
    let request = str::from_utf8(request).ok()?;
    let (head, _) = request.split_once("\r\n\r\n")?;
    let (_, key) = head.split_once("Sec-WebSocket-Key: ")?;
    let key = key.split("\r\n").next().unwrap_or_default();
    // RFC 6455 §4.2.2: the key with a fixed identifier behind it, its SHA-1 in base64.
    let digest =
        Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    let accept = BASE64_STANDARD.encode(digest);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    Some((answer, head.starts_with("GET /broadcast ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_rfc_is_accepted_as_there() {
        let request = "GET /broadcast HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        let (answer, is_broadcast) = answer(request.as_bytes()).unwrap();
        assert!(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(is_broadcast);
    }
}
