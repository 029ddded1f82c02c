//! From the bytes of a head to a [`Request`].

use super::authority::Authority;
use super::headers::{Headers, RELAY_HEADER};
use super::request::{Request, Version};
use crate::fault::HttpFault;
use crate::limits::Limits;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use bytes::Bytes;
use core::mem::MaybeUninit;

/// The stack holds this many parsed fields; [`Limits::headers_max`] is at most this.
const HEADERS_MAX: usize = 256;

/// Parses a head that ends in its blank line. Body and peer are left empty; all strings are copies, so
/// that a request does not keep the buffer that it arrived in.
pub(super) fn parse(head: &[u8], limits: &Limits) -> Result<Request, HttpFault> {
    let mut fields = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut []);
    let fields = &mut fields[..limits.headers_max.min(HEADERS_MAX)];
    match parsed.parse_with_uninit_headers(head, fields) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Ok(_) => return Err(HttpFault::Malformed("head")),
        Err(error) => return Err(refuse(error, head)),
    }
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
        return Err(HttpFault::Malformed("request line"));
    };
    let mut headers = Headers::new();
    for field in parsed.headers.iter() {
        // H10: what a client sends under this name never reaches the handler.
        if !field.name.eq_ignore_ascii_case(RELAY_HEADER) {
            headers.append(field.name, Bytes::copy_from_slice(field.value));
        }
    }
    let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    check_host(version, &headers)?;
    let target = origin_form(method, target, &mut headers)?;
    let (method, body) = (method.to_owned(), Bytes::new());
    Ok(Request { method, target, version, headers, body, peer: None, secure: false })
}

fn refuse(error: httparse::Error, head: &[u8]) -> HttpFault {
    match error {
        httparse::Error::TooManyHeaders => HttpFault::HeadTooBig,
        httparse::Error::Version if has_version(head) => HttpFault::Version,
        httparse::Error::Version => HttpFault::Malformed("HTTP version"),
        // RFC 9112 §5.1: "A server MUST reject, with a response status code of 400 (Bad Request), any
        // received request message that contains whitespace between a header field name and colon."
        // RFC 9112 §5.2: a folded line is to be rejected or unfolded; it begins with whitespace, and so
        // ends here as well.
        httparse::Error::HeaderName => HttpFault::Malformed("header name"),
        httparse::Error::HeaderValue => HttpFault::Malformed("header value"),
        httparse::Error::NewLine => HttpFault::Malformed("line end"),
        httparse::Error::Token | httparse::Error::Status => HttpFault::Malformed("request line"),
    }
}

/// Whether the request line ends in a version, if not in one of ours: then 505 tells more than 400.
fn has_version(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    // RFC 9112 §2.3: HTTP-version = HTTP-name "/" DIGIT "." DIGIT
    let mut parts = line.split(|&byte| byte == b' ').skip(2);
    matches!((parts.next(), parts.next()), (Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor]), None)
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

// RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
// that lacks a Host header field and to any request message that contains more than one Host header field
// line or a Host header field with an invalid field value."
fn check_host(version: Version, headers: &Headers) -> Result<(), HttpFault> {
    let mut hosts = headers.get_all("Host");
    match (hosts.next(), hosts.next(), version) {
        (None, _, Version::Http10) => Ok(()),
        (Some(host), None, Version::Http10 | Version::Http11) if is_authority(host) => Ok(()),
        _ => Err(HttpFault::Malformed("Host")),
    }
}

fn is_authority(host: &[u8]) -> bool {
    core::str::from_utf8(host).is_ok_and(|host| Authority::parse(host).is_some())
}

/// The target as path and query; `Host` becomes the host of an absolute target.
fn origin_form(method: &str, target: &str, headers: &mut Headers) -> Result<String, HttpFault> {
    const FAULT: HttpFault = HttpFault::Malformed("request target");
    if method == "CONNECT" {
        return Err(HttpFault::Malformed("CONNECT is for proxies"));
    }
    if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(FAULT);
    }
    // RFC 9112 §3.2.4: "The "asterisk-form" of request-target is only used for a server-wide OPTIONS"
    if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
        return Ok(target.to_owned());
    }
    let (scheme, rest) = target.split_once("://").ok_or(FAULT)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(FAULT);
    }
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if !is_authority(host.as_bytes()) {
        return Err(FAULT);
    }
    // RFC 9112 §3.2.2: "When an origin server receives a request with an absolute-form of request-target,
    // the origin server MUST ignore the received Host header field (if any) and instead use the host
    // information of the request-target."
    headers.set("Host", host.to_owned());
    Ok(match path.as_bytes().first() {
        Some(b'/') => path.to_owned(),
        // RFC 9112 §3.2.4: an absolute target without path and query stands for `*` here.
        None if method == "OPTIONS" => "*".to_owned(),
        _ => format!("/{path}"),
    })
}

#[cfg(test)]
mod tests;
