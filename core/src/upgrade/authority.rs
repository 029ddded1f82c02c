//! `host [":" port]`, as it stands in `Host`, in `Origin` and in the list of allowed origins.

use alloc::format;
use alloc::string::String;
use core::net::Ipv6Addr;

/// A host in its one spelling, and a port if one was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    /// A name or an IPv4 address in lower case, or an IPv6 address in brackets in its shortest form.
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Authority {
    /// `None` when `text` is not a host with an optional port.
    ///
    /// Narrower than RFC 3986 §3.2, on purpose: no user, no `%` escapes, no sub-delimiters, no zone. No
    /// name that resolves needs them, and each is a way for two readers to disagree about the host.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            (format!("[{address}]"), if rest.is_empty() { "" } else { rest.strip_prefix(':')? })
        } else {
            let (name, port) = text.split_once(':').unwrap_or((text, ""));
            (host_name(name)?, port)
        };
        // RFC 3986 §6.2.3: an empty port is the same as none.
        let port = if port.is_empty() { None } else { Some(port_number(port)?) };
        Some(Self { host, port })
    }
}

fn host_name(name: &str) -> Option<String> {
    // RFC 1034 §3.1: labels are not empty, but the one after a trailing dot; 255 bytes in all.
    let labels = name.strip_suffix('.').unwrap_or(name);
    let is_sound = name.len() <= 255
        && labels.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~'))
        });
    is_sound.then(|| name.to_ascii_lowercase())
}

fn port_number(text: &str) -> Option<u16> {
    // `parse` alone would take a leading plus.
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_in_one_spelling() {
        for (text, host, port) in [
            ("Example.COM", "example.com", None),
            ("example.com:8080", "example.com", Some(8080)),
            ("example.com:", "example.com", None),
            ("example.com.", "example.com.", None),
            ("127.0.0.1:80", "127.0.0.1", Some(80)),
            ("[2001:DB8:0:0::1]:443", "[2001:db8::1]", Some(443)),
            ("[::1]", "[::1]", None),
        ] {
            assert_eq!(Authority::parse(text), Some(Authority { host: host.into(), port }), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_host_is_refused() {
        for text in [
            "",
            ".",
            ":80",
            "a..b",
            ".a",
            "a b",
            "a/b",
            "user@a",
            "a,b",
            "a%20b",
            "a\\b",
            "a:65536",
            "a:+80",
            "a:8 0",
            "a:80:80",
            "::1",
            "[::1",
            "[::1]80",
            "[::1%eth0]",
            "[a]",
            "grün.de",
            "a?b",
            "a#b",
        ] {
            assert_eq!(Authority::parse(text), None, "{text}");
        }
    }
}
