//! How the client reached this server, also through a proxy that can be trusted.

use super::headers::{Headers, is_token};
use super::network::Network;
use super::origin::{Origin, page_scheme};
use super::request::Request;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// The origin that a page has which came from this server in the way this request did.
///
/// The scheme is that of the connection, host and port are those of `Host`. When the peer is one of
/// `trusted_proxies`, the last element of `Forwarded`, or without one the last values of
/// `X-Forwarded-Proto` and `X-Forwarded-Host`, replace what they name: the last is what that proxy added,
/// all before it may be the client's invention.
///
/// `None` when there is no host, or when what the proxy says cannot be understood.
#[must_use]
pub fn effective_origin(request: &Request, trusted_proxies: &[Network]) -> Option<Origin> {
    let is_trusted =
        request.peer.is_some_and(|peer| trusted_proxies.iter().any(|proxy| proxy.contains(peer.ip())));
    let forwarded = if is_trusted { Forwarded::read(&request.headers)? } else { Forwarded::default() };
    let scheme = match forwarded.proto {
        Some(proto) => page_scheme(proto.to_ascii_lowercase()),
        None => (if request.secure { "https" } else { "http" }).to_owned(),
    };
    if scheme != "http" && scheme != "https" {
        return None;
    }
    let host = match &forwarded.host {
        Some(host) => host,
        None => request.headers.get("Host")?,
    };
    Origin::new(scheme, host)
}

/// What a proxy says about the request that it received.
#[derive(Debug, Default, PartialEq, Eq)]
struct Forwarded {
    proto: Option<String>,
    host: Option<String>,
}

impl Forwarded {
    /// `None` when the headers are there and make no sense.
    fn read(headers: &Headers) -> Option<Self> {
        match headers.get_all("Forwarded").last() {
            Some(value) => Self::parse(core::str::from_utf8(value).ok()?),
            None => Some(Self {
                proto: last_element(headers, "X-Forwarded-Proto")?,
                host: last_element(headers, "X-Forwarded-Host")?,
            }),
        }
    }

    // RFC 7239 §4: forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
    //              forwarded-pair    = token "=" value
    //              value             = token / quoted-string
    fn parse(value: &str) -> Option<Self> {
        let mut forwarded = Self::default();
        let element = split(value, ',')?.pop()?;
        for pair in split(element, ';')?.into_iter().map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            let value = unquote(value)?;
            // "Note that as ":" and "[]" are not valid characters in "token", IPv6 addresses are written
            // as "quoted-string"". A host with a port is often sent without the quotes.
            let slot = match name {
                _ if name.eq_ignore_ascii_case("proto") => &mut forwarded.proto,
                _ if name.eq_ignore_ascii_case("host") => &mut forwarded.host,
                _ if is_token(name.as_bytes()) => continue,
                _ => return None,
            };
            // "Each parameter MUST NOT occur more than once per field-value."
            if slot.replace(value).is_some() {
                return None;
            }
        }
        Some(forwarded)
    }
}

/// `Some(None)` when there is no such header, `None` when its last value is not text.
fn last_element(headers: &Headers, name: &str) -> Option<Option<String>> {
    match headers.elements(name).last() {
        Some(element) => core::str::from_utf8(element).ok().map(|text| Some(text.to_owned())),
        None => Some(None),
    }
}

/// Splits where `separator` stands outside quotes; `None` when a quote is left open.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == separator && !quoted => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!quoted).then_some(parts)
}

fn unquote(value: &str) -> Option<String> {
    let Some(quoted) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let mut text = String::new();
    let mut chars = quoted.strip_suffix('"')?.chars();
    while let Some(c) = chars.next() {
        text.push(if c == '\\' { chars.next()? } else { c });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::testing::request;
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    fn effective(headers: &str, peer: &str) -> Option<String> {
        let mut request = request(&format!("GET / HTTP/1.1\r\nHost: inner:8080\r\n{headers}\r\n"));
        request.peer = peer.parse().ok();
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        effective_origin(&request, &proxies).map(|origin| origin.to_string())
    }

    const TRUSTED: &str = "10.1.1.1:999";

    #[test]
    fn a_direct_request_is_what_connection_and_host_say() {
        let mut request = request("GET / HTTP/1.1\r\nHost: A.example:443\r\n\r\n");
        assert_eq!(effective_origin(&request, &[]).unwrap().to_string(), "http://a.example:443");
        request.secure = true;
        assert_eq!(effective_origin(&request, &[]).unwrap().to_string(), "https://a.example");
        request.headers.remove("Host");
        assert_eq!(effective_origin(&request, &[]), None);
    }

    /// H2
    #[test]
    fn forwarded_headers_count_only_from_a_trusted_proxy() {
        for headers in [
            "Forwarded: proto=https;host=outer\r\n",
            "X-Forwarded-Proto: https\r\nX-Forwarded-Host: outer\r\n",
        ] {
            assert_eq!(effective(headers, TRUSTED).as_deref(), Some("https://outer"));
            assert_eq!(effective(headers, "[::ffff:10.1.1.1]:9").as_deref(), Some("https://outer"));
            assert_eq!(effective(headers, "11.1.1.1:999").as_deref(), Some("http://inner:8080"));
            assert_eq!(effective(headers, "nobody").as_deref(), Some("http://inner:8080"));
        }
    }

    #[test]
    fn only_the_last_element_is_the_proxys_own() {
        for (headers, expected) in [
            ("Forwarded: host=evil;proto=https, for=1.2.3.4;HOST=\"outer:81\"\r\n", "http://outer:81"),
            ("Forwarded: host=evil\r\nForwarded: host=outer;proto=WSS;by=_x\r\n", "https://outer"),
            ("Forwarded: for=\"a, host=evil\";host=\"[2001:DB8::1]\"\r\n", "http://[2001:db8::1]"),
            ("Forwarded: for=1.2.3.4\r\nX-Forwarded-Host: evil\r\n", "http://inner:8080"),
            ("X-Forwarded-Host: evil, outer:444\r\nX-Forwarded-Proto: http,https\r\n", "https://outer:444"),
            ("X-Forwarded-Proto: https\r\n", "https://inner:8080"),
        ] {
            assert_eq!(effective(headers, TRUSTED).as_deref(), Some(expected), "{headers}");
        }
    }

    #[test]
    fn what_a_proxy_says_without_sense_makes_nothing_same_origin() {
        for headers in [
            "Forwarded: for=\"x, host=outer\r\n",
            "Forwarded: for=x\"y, host=outer\r\n",
            "Forwarded: host\r\n",
            "Forwarded: host=a;host=b\r\n",
            "Forwarded: host=a b\r\n",
            "Forwarded: proto=gopher\r\n",
            "X-Forwarded-Host: user@outer\r\n",
            "X-Forwarded-Proto: file\r\n",
        ] {
            assert_eq!(effective(headers, TRUSTED), None, "{headers}");
        }
    }
}
