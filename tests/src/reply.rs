//! HTTP responses as a client reads them.

use std::collections::BTreeMap;
use std::fmt;

/// A response: status, headers by lower-case name, body. Values of the same name are joined by `, `.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

impl Reply {
    /// The first response in `bytes` and its length; `None` while it is not whole.
    pub(crate) fn parse(bytes: &[u8], to_head: bool) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&bytes[..end]).expect("heads are written in ASCII");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).expect("a status line");
        let status = status[..3].parse().expect("a status of three digits");
        let mut reply = reply(status);
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").expect("a header line");
            reply = reply.header(name, value);
        }
        let length = match reply.headers.get("content-length") {
            Some(length) if !to_head => length.parse().expect("a length"),
            _ => 0,
        };
        let body = bytes.get(end..end + length)?;
        reply.body = String::from_utf8(body.to_vec()).expect("bodies of scripts are text");
        Some((reply, end + length))
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let slot = self.headers.entry(name.to_ascii_lowercase()).or_default();
        if !slot.is_empty() {
            slot.push_str(", ");
        }
        slot.push_str(value);
        self
    }

    /// The same without one header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// The same with a body and its length.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self.without("content-length").header("content-length", &body.len().to_string())
    }

    /// The same, with the connection to be kept.
    #[must_use]
    pub fn kept(self) -> Self {
        self.header("connection", "keep-alive")
    }

    /// The same, with the connection to be closed.
    #[must_use]
    pub fn closed(self) -> Self {
        self.header("connection", "close")
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.status, self.headers, self.body)
    }
}

/// A response without headers and body.
#[must_use]
pub const fn reply(status: u16) -> Reply {
    Reply { status, headers: BTreeMap::new(), body: String::new() }
}

/// The relay's own refusal: a short text, and the end of the connection.
#[must_use]
pub fn refused(status: u16, body: &str) -> Reply {
    reply(status).header("content-type", "text/plain; charset=utf-8").closed().body(body)
}

/// The refusal of an ordinary request where only a WebSocket is served.
#[must_use]
pub fn wants_upgrade() -> Reply {
    refused(426, "this resource is a WebSocket endpoint")
        .header("sec-websocket-version", "13")
        .without("connection")
        .header("connection", "Upgrade, close")
        .header("upgrade", "websocket")
}

/// The 101 that answers the handshake of [`UPGRADE`](crate::UPGRADE).
#[must_use]
pub fn switched() -> Reply {
    reply(101)
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
}
