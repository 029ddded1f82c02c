//! Which origins may connect (H2, H3).
//!
//! A WebSocket connection is not held back by the browser's same-origin rule: any page may open one, and
//! the user's cookies go with it. The `Origin` header, which a page cannot forge, is what a server can
//! check (RFC 6455 §10.2).

use super::authority::Authority;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Scheme, host and port (RFC 6454 §4), in lower case, with the default port filled in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    host: String,
    /// `None` for a scheme whose default port is not known, such as a browser extension's.
    port: Option<u16>,
}

impl Origin {
    /// Reads `scheme://host[:port]`.
    ///
    /// `None` for everything else: `null`, an empty host as in `file://`, a user, a path, several origins.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        Self::new(scheme_name(scheme)?, authority)
    }

    pub(super) fn new(scheme: String, authority: &str) -> Option<Self> {
        let Authority { host, port } = Authority::parse(authority)?;
        let port = port.or_else(|| default_port(&scheme));
        Some(Self { scheme, host, port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) if Some(port) != default_port(&self.scheme) => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

// RFC 3986 §3.1: scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
fn scheme_name(text: &str) -> Option<String> {
    let is_scheme = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    is_scheme.then(|| text.to_ascii_lowercase())
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// The origins that may connect.
///
/// The same origin is always allowed: a list adds to it. A pattern is `[scheme://]host[:port]`:
///
/// - `https://app.example.com` is that origin alone, `https://app.example.com:8443` only on that port;
/// - without a scheme, `http` and `https` match; `ws` and `wss` are read as those two, since an origin
///   is a page's;
/// - without a port, only the default port of the origin's scheme matches;
/// - `*.example.com` is every name below `example.com`, one label or more, and not `example.com` itself;
/// - `*` is everything, also what is not an origin at all, such as `null`.
///
/// ```
/// use wsrelay_core::upgrade::{Origin, OriginPolicy};
///
/// let policy = OriginPolicy::parse("https://example.com, *.example.org:8443")?;
/// assert!(policy.allows(Origin::parse("https://example.com:443").as_ref(), None));
/// assert!(policy.allows(Origin::parse("http://a.b.example.org:8443").as_ref(), None));
/// assert!(!policy.allows(Origin::parse("https://example.com.evil.test").as_ref(), None));
/// # Ok::<(), wsrelay_core::upgrade::OriginFault>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginPolicy {
    patterns: Vec<Pattern>,
}

impl OriginPolicy {
    /// The same origin and no other.
    #[must_use]
    pub const fn same_origin() -> Self {
        Self { patterns: Vec::new() }
    }

    /// Reads a comma-separated list of patterns. A blank list is [`OriginPolicy::same_origin`].
    ///
    /// # Errors
    ///
    /// The first pattern that does not parse (H3). An empty one between commas is none.
    pub fn parse(list: &str) -> Result<Self, OriginFault> {
        if list.trim().is_empty() {
            return Ok(Self::same_origin());
        }
        let patterns = list
            .split(',')
            .map(str::trim)
            .map(|text| Pattern::parse(text).ok_or_else(|| OriginFault { pattern: text.to_owned() }));
        Ok(Self { patterns: patterns.collect::<Result<_, _>>()? })
    }

    /// Whether every origin is allowed: worth a warning at the start.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.patterns.contains(&Pattern::Any)
    }

    /// Whether a page of `origin` may connect to a server that is reached as `effective`.
    ///
    /// `None` stands for an `Origin` that is none, and for a server that does not know its own. Neither is
    /// the same as anything.
    #[must_use]
    pub fn allows(&self, origin: Option<&Origin>, effective: Option<&Origin>) -> bool {
        // H2: "`null`, `file://` and anything that does not parse are never same-origin."
        let Some(origin) = origin else { return self.is_any() };
        Some(origin) == effective || self.patterns.iter().any(|pattern| pattern.matches(origin))
    }
}

impl fmt::Display for OriginPolicy {
    /// The list as [`OriginPolicy::parse`] reads it; for an empty one the words `same origin`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.patterns.is_empty() {
            return f.write_str("same origin");
        }
        for (at, pattern) in self.patterns.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{pattern}")?;
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Any,
    Hosts {
        scheme: Option<String>,
        /// Whether `host` is what follows the `*.`.
        wildcard: bool,
        host: String,
        port: Option<u16>,
    },
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(page_scheme(scheme_name(scheme)?)), rest),
            None => (None, text),
        };
        let (wildcard, rest) = rest.strip_prefix("*.").map_or((false, rest), |rest| (true, rest));
        let Authority { host, port } = Authority::parse(rest)?;
        // A name below an address is none. `null` would read as a host, but its author means the origin
        // `null`, which only `*` lets in.
        let is_address = host.starts_with('[') || host.parse::<core::net::Ipv4Addr>().is_ok();
        let is_null = host == "null" && scheme.is_none() && !wildcard && port.is_none();
        if (wildcard && is_address) || is_null {
            return None;
        }
        Some(Self::Hosts { scheme, wildcard, host, port })
    }

    fn matches(&self, origin: &Origin) -> bool {
        let Self::Hosts { scheme, wildcard, host, port } = self else { return true };
        let scheme_matches = match scheme {
            Some(scheme) => *scheme == origin.scheme,
            None => origin.scheme == "http" || origin.scheme == "https",
        };
        let host_matches = if *wildcard {
            // Labels are never empty, so before this dot is at least one.
            origin.host.strip_suffix(&**host).is_some_and(|labels| labels.ends_with('.'))
        } else {
            origin.host == *host
        };
        scheme_matches && host_matches && origin.port == port.or_else(|| default_port(&origin.scheme))
    }
}

/// The scheme of the page whose script would connect to this one.
pub(super) fn page_scheme(scheme: String) -> String {
    match &*scheme {
        "ws" => "http".to_owned(),
        "wss" => "https".to_owned(),
        _ => scheme,
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Hosts { scheme, wildcard, host, port } = self else { return f.write_str("*") };
        if let Some(scheme) = scheme {
            write!(f, "{scheme}://")?;
        }
        f.write_str(if *wildcard { "*." } else { "" })?;
        f.write_str(host)?;
        match port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// A pattern that does not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginFault {
    /// Its text.
    pub pattern: String,
}

impl fmt::Display for OriginFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "allowed origin {:?} is not of the form [scheme://]host[:port]", self.pattern)
    }
}

impl core::error::Error for OriginFault {}

#[cfg(test)]
mod tests;
