//! Reads requests from bytes as they arrive.
//!
//! ```text
//!              blank line                      body complete
//!   ┌──────┐  with a body   ┌──────┐              │
//!   │ Head │───────────────►│ Body │──────────────┴─► Request, and back to Head
//!   └──┬───┘                └──┬───┘
//!      │  anything in doubt    │
//!      └───────────┬───────────┘
//!                  ▼
//!              Refused: the same fault for ever; nobody knows where a next request would begin
//! ```

use super::chunked::Chunked;
use super::head;
use super::headers::is_token_byte;
use super::request::{Request, Version};
use crate::fault::HttpFault;
use crate::limits::Limits;
use alloc::vec::Vec;
use bytes::{Buf, Bytes, BytesMut};
use core::mem;
use core::net::SocketAddr;

/// What a [`RequestReader`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The client waits for `HTTP/1.1 100 Continue` before it sends the body. Write it now and read on.
    Continue,
    /// A whole request. What follows it is still in the buffer.
    Request(Request),
}

/// Reads one request after another from a connection.
#[derive(Debug)]
pub struct RequestReader {
    peer: Option<SocketAddr>,
    secure: bool,
    stage: Stage,
}

impl RequestReader {
    /// A reader for a connection from `peer`, which came over TLS or did not.
    #[must_use]
    pub const fn new(peer: Option<SocketAddr>, secure: bool) -> Self {
        Self { peer, secure, stage: Stage::Head(Scan::new()) }
    }

    /// Takes what it can use from `buffer`; `None` when it needs more bytes.
    ///
    /// The head stays in the buffer until it is whole, a body is taken out as it arrives. Nothing of the
    /// request shares memory with the buffer. How the bytes are split over calls changes no result, but
    /// [`Read::Continue`], which is left out when the body has begun to arrive.
    ///
    /// An upgrade request with GET has no body: one that announces a body is malformed, since what follows
    /// the head of an upgrade request are frames (RFC 6455 §4.1).
    ///
    /// `limits` stay the same while a request is read.
    ///
    /// # Errors
    ///
    /// The fault to refuse the request with, and with it the connection: every later call fails in the
    /// same way.
    pub fn read(&mut self, buffer: &mut BytesMut, limits: &Limits) -> Result<Option<Read>, HttpFault> {
        let result = match mem::take(&mut self.stage) {
            Stage::Head(scan) => self.read_head(scan, buffer, limits),
            Stage::Body(pending) => self.read_body(pending, buffer, limits),
            Stage::Refused(fault) => Err(fault),
        };
        if let Err(fault) = &result {
            self.stage = Stage::Refused(fault.clone());
        }
        result
    }

    /// Whether nothing of a next request has been taken or scanned; what is still in the buffer counts
    /// once [`RequestReader::read`] has seen it.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        matches!(&self.stage, Stage::Head(Scan { scanned: 0, .. }))
    }

    /// Bytes that are held for an unfinished request, beside those in the buffer.
    #[must_use]
    pub fn memory(&self) -> usize {
        match &self.stage {
            Stage::Head(_) | Stage::Refused(_) => 0,
            Stage::Body(Pending { request, body, .. }) => {
                let fields = request.headers.iter().map(|(name, value)| name.len() + value.len());
                request.method.len() + request.target.len() + fields.sum::<usize>() + body.capacity()
            }
        }
    }

    fn read_head(
        &mut self,
        mut scan: Scan,
        buffer: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<Read>, HttpFault> {
        let Some(end) = scan.find_end(buffer, limits.head_bytes_max)? else {
            self.stage = Stage::Head(scan);
            return Ok(None);
        };
        let mut request = head::parse(&buffer[..end], limits)?;
        buffer.advance(end);
        request.peer = self.peer;
        request.secure = self.secure;
        let Some(framing) = Framing::of(&request, limits)? else {
            return Ok(Some(Read::Request(request)));
        };
        // RFC 9110 §10.1.1: "A server MAY omit sending a 100 (Continue) response if it has already
        // received some or all of the content for the corresponding request"
        let expects_continue = expects_continue(&request)? && buffer.is_empty();
        let pending = Pending { request, framing, body: Vec::new() };
        if expects_continue {
            self.stage = Stage::Body(pending);
            return Ok(Some(Read::Continue));
        }
        self.read_body(pending, buffer, limits)
    }

    fn read_body(
        &mut self,
        mut pending: Pending,
        buffer: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<Read>, HttpFault> {
        let Pending { request, framing, body } = &mut pending;
        let is_whole = match framing {
            Framing::Length(length) => {
                let taken = buffer.len().min(*length - body.len());
                extend(body, &buffer[..taken], *length);
                buffer.advance(taken);
                body.len() == *length
            }
            Framing::Chunked(chunked) => {
                let taken = chunked.decode(buffer, body, limits)?;
                buffer.advance(taken);
                chunked.is_done()
            }
        };
        if !is_whole {
            self.stage = Stage::Body(pending);
            return Ok(None);
        }
        request.body = Bytes::from(mem::take(body));
        Ok(Some(Read::Request(pending.request)))
    }
}

/// Appends to a body that will not be longer than `most`.
///
/// Memory follows the bytes received: at most twice those, and never more than `most`.
pub(super) fn extend(body: &mut Vec<u8>, bytes: &[u8], most: usize) {
    let needed = body.len() + bytes.len();
    assert!(needed <= most, "the limit is checked before the body grows");
    if needed > body.capacity() {
        let capacity = needed.max(body.capacity() * 2).min(most);
        body.reserve_exact(capacity - body.len());
    }
    body.extend_from_slice(bytes);
}

#[derive(Debug)]
enum Stage {
    Head(Scan),
    Body(Pending),
    Refused(HttpFault),
}

impl Default for Stage {
    fn default() -> Self {
        Self::Head(Scan::new())
    }
}

#[derive(Debug)]
struct Pending {
    request: Request,
    framing: Framing,
    body: Vec<u8>,
}

/// Where the body ends.
#[derive(Debug)]
enum Framing {
    Length(usize),
    Chunked(Chunked),
}

impl Framing {
    /// `None` when the request has no body (RFC 9112 §6.3).
    fn of(request: &Request, limits: &Limits) -> Result<Option<Self>, HttpFault> {
        let framing = if request.headers.contains("Transfer-Encoding") {
            Self::of_transfer_coding(request)?
        } else {
            match content_length(request)? {
                0 => return Ok(None),
                length if length > limits.body_bytes_max => return Err(HttpFault::BodyTooBig),
                length => Self::Length(length),
            }
        };
        if request.method == "GET" && request.is_upgrade() {
            return Err(HttpFault::Malformed("an upgrade request has no body"));
        }
        Ok(Some(framing))
    }

    fn of_transfer_coding(request: &Request) -> Result<Self, HttpFault> {
        // RFC 9112 §6.3: "Such a message might indicate an attempt to perform request smuggling …
        // and ought to be handled as an error."
        if request.headers.contains("Content-Length") {
            return Err(HttpFault::Malformed("Transfer-Encoding with Content-Length"));
        }
        // RFC 9112 §6.1: "A server or client that receives an HTTP/1.0 message containing a
        // Transfer-Encoding header field MUST treat the message as if the framing is faulty"
        if request.version == Version::Http10 {
            return Err(HttpFault::Malformed("Transfer-Encoding in HTTP/1.0"));
        }
        // RFC 9112 §6.1: "A server that receives a request message with a transfer coding it does not
        // understand SHOULD respond with 501 (Not Implemented)." Only `chunked`, once, is understood; an
        // empty list element would already be a doubt about what another reader saw.
        let mut values = request.headers.get_all("Transfer-Encoding");
        match (values.next(), values.next()) {
            (Some(value), None) if value.eq_ignore_ascii_case(b"chunked") => {
                Ok(Self::Chunked(Chunked::new()))
            }
            _ => Err(HttpFault::TransferCoding),
        }
    }
}

// RFC 9112 §6.3: "If a message is received without Transfer-Encoding and with an invalid Content-Length
// header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable
// error". A list of equal numbers may be read as one number there; here it is refused as well.
fn content_length(request: &Request) -> Result<usize, HttpFault> {
    let mut values = request.headers.get_all("Content-Length");
    let Some(value) = values.next() else { return Ok(0) };
    if values.next().is_some() || !value.iter().all(u8::is_ascii_digit) {
        return Err(HttpFault::Malformed("Content-Length"));
    }
    let digits = core::str::from_utf8(value).map_err(|_| HttpFault::Malformed("Content-Length"))?;
    digits.parse().map_err(|_| HttpFault::Malformed("Content-Length"))
}

fn expects_continue(request: &Request) -> Result<bool, HttpFault> {
    // RFC 9110 §10.1.1: "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST
    // ignore that expectation."
    if request.version == Version::Http10 {
        return Ok(false);
    }
    let mut expects = false;
    for element in request.headers.elements("Expect") {
        if !element.eq_ignore_ascii_case(b"100-continue") {
            return Err(HttpFault::Expectation);
        }
        expects = true;
    }
    Ok(expects)
}

/// The search for the end of a head. Each byte is looked at once, however they arrive.
#[derive(Debug)]
struct Scan {
    scanned: usize,
    empty_lines: u8,
    in_method: bool,
}

/// Longest method; the longest registered one has 17 bytes.
const METHOD_BYTES_MAX: usize = 32;

/// Most empty lines before a request. RFC 9112 §2.2 asks for one.
const EMPTY_LINES_MAX: u8 = 4;

impl Scan {
    const fn new() -> Self {
        Self { scanned: 0, empty_lines: 0, in_method: true }
    }

    /// The length of the head with its blank line, once that is there.
    ///
    /// Refuses what cannot become a request as soon as it is seen: a TLS hello on a plain port must not
    /// wait for a timeout, and a head without end must not fill memory.
    fn find_end(&mut self, buffer: &mut BytesMut, bytes_max: usize) -> Result<Option<usize>, HttpFault> {
        while let Some(&byte) = buffer.get(self.scanned) {
            if self.scanned >= bytes_max {
                return Err(HttpFault::HeadTooBig);
            }
            let before = self.scanned.checked_sub(1).map(|at| buffer[at]);
            // RFC 9112 §2.2: "A recipient of such a bare CR MUST consider that element to be invalid".
            // A bare LF may be read as the end of a line there; not here, as others read it otherwise.
            if (before == Some(b'\r')) != (byte == b'\n') {
                return Err(HttpFault::Malformed("a line that does not end in CR LF"));
            }
            self.scanned += 1;
            if byte == b'\n' && self.scanned == 2 {
                // RFC 9112 §2.2: "a server that is expecting to receive and parse a request-line SHOULD
                // ignore at least one empty line (CRLF) received prior to the request-line."
                if self.empty_lines == EMPTY_LINES_MAX {
                    return Err(HttpFault::Malformed("empty lines"));
                }
                buffer.advance(2);
                *self = Self { empty_lines: self.empty_lines + 1, ..Self::new() };
            } else if byte == b'\n' && buffer[..self.scanned].ends_with(b"\r\n\r\n") {
                return Ok(Some(self.scanned));
            } else if self.in_method {
                self.in_method = self.is_method_open(byte)?;
            }
        }
        Ok(None)
    }

    /// Whether the method goes on after `byte`, the last one scanned.
    fn is_method_open(&self, byte: u8) -> Result<bool, HttpFault> {
        match byte {
            b'\r' if self.scanned == 1 => Ok(true),
            b' ' if self.scanned > 1 => Ok(false),
            _ if is_token_byte(byte) && self.scanned <= METHOD_BYTES_MAX => Ok(true),
            _ => Err(HttpFault::Malformed("not an HTTP request")),
        }
    }
}

#[cfg(test)]
mod tests;
