//! Writes responses.

use super::extensions::EXTENSIONS;
use super::handshake::Handshake;
use super::headers::{Headers, RELAY_HEADER, is_token};
use super::response::Response;
use crate::fault::ConfigFault;
use alloc::borrow::ToOwned;
use alloc::format;
use bytes::{BufMut, Bytes, BytesMut};

/// The 101 that accepts a handshake: its own headers, then those of the handler (H11).
///
/// Left out of the handler's headers are what concerns one hop alone, `Content-*`, the handshake's own
/// (`Sec-WebSocket-*`) and `X-WS-Relay` (H10).
///
/// # Errors
///
/// [`ConfigFault::Header`] when a header that would be sent cannot be written.
pub fn switching(
    handshake: &Handshake,
    protocol: Option<&str>,
    handler_headers: &Headers,
) -> Result<Bytes, ConfigFault> {
    let mut head = Head::new(101);
    head.field("Upgrade", b"websocket")?;
    head.field("Connection", b"Upgrade")?;
    head.field("Sec-WebSocket-Accept", handshake.accept.as_bytes())?;
    if let Some(protocol) = protocol {
        if !is_token(protocol.as_bytes()) {
            return Err(ConfigFault::Header("Sec-WebSocket-Protocol".to_owned()));
        }
        head.field("Sec-WebSocket-Protocol", protocol.as_bytes())?;
    }
    if let Some(extensions) = handshake.extensions.header_value() {
        head.field(EXTENSIONS, extensions.as_bytes())?;
    }
    for (name, value) in handler_headers.iter() {
        let is_left_out = is_hop_by_hop(name, handler_headers)
            || ["Content-", "Proxy-", "Sec-WebSocket-"].iter().any(|prefix| has_prefix(name, prefix))
            || name.eq_ignore_ascii_case(RELAY_HEADER);
        if !is_left_out {
            head.field(name, value)?;
        }
    }
    Ok(head.finish(&[]))
}

/// The bytes of a response to a request with `request_method`, if that is known.
///
/// Left out of its headers are `X-WS-Relay` (H10), the length, and what concerns one hop alone; length and
/// `Connection` are written here, and `Upgrade: websocket` on every 426.
///
/// # Errors
///
/// [`ConfigFault::Header`] when a header cannot be written, or when the status is not from 200 to 599.
pub fn respond(
    response: &Response,
    request_method: Option<&str>,
    keep_alive: bool,
) -> Result<Bytes, ConfigFault> {
    // A 101 is written by `switching`, and no other 1xx ends an exchange.
    if !(200..=599).contains(&response.status) {
        return Err(ConfigFault::Header(format!("status {}", response.status)));
    }
    let mut head = Head::new(response.status);
    for (name, value) in response.headers.iter() {
        let is_left_out = is_hop_by_hop(name, &response.headers)
            || name.eq_ignore_ascii_case("Content-Length")
            || name.eq_ignore_ascii_case(RELAY_HEADER);
        if !is_left_out {
            head.field(name, value)?;
        }
    }
    let persistence = if keep_alive { "keep-alive" } else { "close" };
    if response.status == 426 {
        // RFC 9110 §15.5.22: "The server MUST send an Upgrade header field in a 426 response to indicate
        // the required protocol(s)", and §7.8: its sender "MUST also send an "Upgrade" connection option".
        head.field("Upgrade", b"websocket")?;
        head.field("Connection", format!("Upgrade, {persistence}").as_bytes())?;
    } else {
        head.field("Connection", persistence.as_bytes())?;
    }
    let is_head = request_method == Some("HEAD");
    let body: &[u8] = match response.status {
        // RFC 9110 §15.3.5, §15.4.5: these end with their header section. §15.3.6: a 205 has no content.
        204 | 205 | 304 => &[],
        _ => &response.body,
    };
    // RFC 9110 §8.6: "A server MUST NOT send a Content-Length header field in any response with a status
    // code of 1xx (Informational) or 204 (No Content)"; to HEAD and in a 304 it is the length that GET
    // would have had, which nobody knows when the handler left the body out.
    let has_no_length = matches!(response.status, 204 | 304) || (is_head && body.is_empty());
    if !has_no_length {
        head.field("Content-Length", format!("{}", body.len()).as_bytes())?;
    }
    // RFC 9110 §9.3.2: "the server MUST NOT send content in the response" to HEAD.
    Ok(head.finish(if is_head { &[] } else { body }))
}

// RFC 9110 §7.6.1: "Intermediaries MUST parse a received Connection header field before a message is forwarded
// and, for each connection-option in this field, remove any header or trailer field(s) from the message with
// the same name as the connection-option, and then remove the Connection header field itself". The rest are
// the fields that the same section asks to remove even where `Connection` does not name them.
fn is_hop_by_hop(name: &str, headers: &Headers) -> bool {
    const ALWAYS: [&str; 7] =
        ["Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"];
    ALWAYS.iter().any(|always| name.eq_ignore_ascii_case(always))
        || headers.contains_token("Connection", name)
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    name.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// Status line and headers while they are written.
struct Head(BytesMut);

impl Head {
    fn new(status: u16) -> Self {
        let line = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        Self(BytesMut::from(line.as_bytes()))
    }

    fn field(&mut self, name: &str, value: &[u8]) -> Result<(), ConfigFault> {
        // RFC 9110 §5.5: "Field values containing CR, LF, or NUL characters are invalid and dangerous, due to
        // the varying ways that implementations might parse and interpret those characters". No other
        // control character is allowed either, but the tab.
        let is_value = value.iter().all(|&byte| byte == b'\t' || !byte.is_ascii_control());
        if !is_token(name.as_bytes()) || !is_value {
            return Err(ConfigFault::Header(name.to_owned()));
        }
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.0.put_slice(part);
        }
        Ok(())
    }

    fn finish(mut self, body: &[u8]) -> Bytes {
        self.0.put_slice(b"\r\n");
        self.0.put_slice(body);
        self.0.freeze()
    }
}

/// The phrase of the status line. It means nothing to a client, and may be empty (RFC 9112 §4).
const fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
