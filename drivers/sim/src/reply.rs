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
    ///
    /// # Errors
    ///
    /// In words, when it is no response.
    pub fn parse(bytes: &[u8], to_head: bool) -> Result<Option<(Self, usize)>, String> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let end = end + 4;
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| "the head of a response is not ASCII")?;
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 "))
            .and_then(|line| line.get(..3)?.parse().ok())
            .ok_or_else(|| format!("no status line in {head:?}"))?;
        let mut reply = reply(status);
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").ok_or_else(|| format!("no header line: {line:?}"))?;
            reply = reply.header(name, value);
        }
        let length = match reply.headers.get("content-length") {
            Some(length) if !to_head => length.parse().map_err(|_| format!("no length: {length:?}"))?,
            _ => 0,
        };
        let Some(body) = bytes.get(end..end + length) else { return Ok(None) };
        reply.body = String::from_utf8_lossy(body).into_owned();
        Ok(Some((reply, end + length)))
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
