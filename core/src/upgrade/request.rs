//! A request as the handler sees it.

use super::headers::{Headers, is_token};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::SocketAddr;

/// The version of HTTP that a request was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// A complete request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, as sent: methods are case-sensitive.
    pub method: String,
    /// Path and query as sent, or `*` for `OPTIONS *`. An absolute target was turned into this form.
    pub target: String,
    /// The version.
    pub version: Version,
    /// The headers, without any `X-WS-Relay` (H10).
    pub headers: Headers,
    /// The body, after chunked decoding.
    pub body: Bytes,
    /// Who is at the other end of the connection: the client, or the last proxy before it.
    pub peer: Option<SocketAddr>,
    /// Whether the connection came over TLS.
    pub secure: bool,
}

impl Request {
    /// The target up to the query, as sent: escapes are not decoded.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&*self.target, |(path, _)| path)
    }

    /// The first value of `name` in the query, with `%` escapes and `+` decoded.
    ///
    /// An escape that is none stands for itself; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let pair = self.pairs().find(|(key, _)| decode(key) == name)?;
        Some(decode(pair.1))
    }

    /// All of the query, in order, decoded likewise.
    #[must_use]
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        self.pairs().map(|(key, value)| (decode(key), decode(value))).collect()
    }

    /// The parts of the query as sent.
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let parts = query.split('&').filter(|part| !part.is_empty());
        parts.map(|part| part.split_once('=').unwrap_or((part, "")))
    }

    /// Whether the client asks for a WebSocket connection, be it well or badly (H1): `Upgrade` names
    /// `websocket`, or there is a `Sec-WebSocket-Key`.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        self.headers.contains_token("Upgrade", "websocket") || self.headers.contains("Sec-WebSocket-Key")
    }

    /// The subprotocols that the client offers, the preferred ones first (RFC 6455 §4.1, item 10).
    #[must_use]
    pub fn protocols(&self) -> Vec<&str> {
        self.headers
            .elements("Sec-WebSocket-Protocol")
            .filter(|element| is_token(element))
            .filter_map(|element| core::str::from_utf8(element).ok())
            .collect()
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        bytes.push(match (first, tail) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            (byte, _) => *byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The value of a hexadecimal digit.
pub(super) const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Whether the connection may carry another request after this one (RFC 9112 §9.3).
#[must_use]
pub fn keep_alive(request: &Request) -> bool {
    // "If the "close" connection option is present … the connection will not persist"
    if request.headers.contains_token("Connection", "close") {
        return false;
    }
    match request.version {
        Version::Http11 => true,
        Version::Http10 => request.headers.contains_token("Connection", "keep-alive"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::request;
    use super::*;

    fn get(target: &str, headers: &str) -> Request {
        request(&alloc::format!("GET {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\n"))
    }

    #[test]
    fn the_path_is_what_was_sent_before_the_query() {
        assert_eq!(get("/a%20b/c?d=/e?f", "").path(), "/a%20b/c");
        assert_eq!(get("/", "").path(), "/");
    }

    #[test]
    fn a_query_value_is_decoded_and_the_first_of_its_name() {
        let request = get("/?token=a%2Bb+c%zz%4&token=2&flag&%6eame=v&bad=%ff&d=x=y", "");
        assert_eq!(request.query("token").as_deref(), Some("a+b c%zz%4"));
        assert_eq!(request.query("flag").as_deref(), Some(""));
        assert_eq!(request.query("name").as_deref(), Some("v"));
        assert_eq!(request.query("bad").as_deref(), Some("\u{fffd}"));
        assert_eq!(request.query("d").as_deref(), Some("x=y"));
        assert_eq!(request.query("absent"), None);
        assert_eq!(get("/", "").query("token"), None);
    }

    #[test]
    fn a_query_is_all_its_pairs_in_their_order() {
        let pairs = get("/?b=1&a=%32&&flag&b=3", "").query_pairs();
        let expected = [("b", "1"), ("a", "2"), ("flag", ""), ("b", "3")];
        assert_eq!(pairs, expected.map(|(name, value)| (String::from(name), String::from(value))));
        assert_eq!(get("/", "").query_pairs(), []);
    }

    #[test]
    fn a_connection_persists_unless_it_is_closed_or_old() {
        let old = |headers: &str| request(&alloc::format!("GET / HTTP/1.0\r\n{headers}\r\n"));
        assert!(keep_alive(&get("/", "")));
        assert!(!keep_alive(&get("/", "Connection: foo, Close\r\n")));
        assert!(!keep_alive(&old("")));
        assert!(keep_alive(&old("Connection: Keep-Alive\r\n")));
        assert!(!keep_alive(&old("Connection: keep-alive, close\r\n")));
    }

    #[test]
    fn offered_subprotocols_are_collected_from_all_lists() {
        let request = get("/", "Sec-WebSocket-Protocol: b, a\r\nsec-websocket-protocol: c\r\n");
        assert_eq!(request.protocols(), ["b", "a", "c"]);
    }
}
