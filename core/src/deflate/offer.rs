//! What the client offers, and what is agreed (RFC 7692 §5, §7.1).

use super::{Context, Deflate};
use crate::upgrade::{Headers, is_token};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What both ends keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The server's messages do not refer to earlier ones.
    pub server_no_context_takeover: bool,
    /// Nor do the client's.
    pub client_no_context_takeover: bool,
    /// How far back the server's messages refer at most, if that was said: 8 to 15, as a power of two.
    pub server_max_window_bits: Option<u8>,
    /// How far the client's do.
    pub client_max_window_bits: Option<u8>,
}

impl fmt::Display for Agreement {
    /// The value of `Sec-WebSocket-Extensions` in the response.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("permessage-deflate")?;
        if self.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        if let Some(bits) = self.client_max_window_bits {
            write!(f, "; client_max_window_bits={bits}")?;
        }
        Ok(())
    }
}

/// One offer of the client's, understood.
#[derive(Debug, Default)]
struct Offer {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// Whether it can be limited, and to what it limits itself.
    client_max_window_bits: Option<Option<u8>>,
}

/// The first offer of the client's that can be accepted, as it is accepted. `None` when there is none.
///
/// An offer with a parameter that is unknown, doubled or has a wrong value is declined; the next is looked at.
///
/// ```
/// use wsrelay_core::deflate::{Deflate, negotiate};
/// use wsrelay_core::upgrade::Headers;
///
/// let mut headers = Headers::new();
/// headers.append("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits; server_max_window_bits=10");
/// let agreement = negotiate(&headers, &Deflate::default()).expect("an offer that is understood");
/// assert_eq!(
///     agreement.to_string(),
///     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10",
/// );
/// ```
#[must_use]
pub fn negotiate(headers: &Headers, options: &Deflate) -> Option<Agreement> {
    let mut values = headers.get_all("Sec-WebSocket-Extensions").map(|value| String::from_utf8_lossy(value));
    let offer = values.find_map(|value| split(&value, ',').into_iter().find_map(Offer::parse))?;
    Some(offer.accepted(options))
}

impl Offer {
    /// RFC 7692 §7.1: a server declines an offer that "contains an extension parameter not defined for use in an offer",
    /// "with an invalid value", or "multiple extension parameters with the same name".
    fn parse(element: &str) -> Option<Self> {
        let mut parts = split(element, ';').into_iter();
        if parts.next()? != "permessage-deflate" {
            return None;
        }
        let mut offer = Self::default();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (trimmed(name), Some(unquoted(trimmed(value))?)),
                None => (part, None),
            };
            let is_new = match (name, value) {
                ("server_no_context_takeover", None) => {
                    !core::mem::replace(&mut offer.server_no_context_takeover, true)
                }
                ("client_no_context_takeover", None) => {
                    !core::mem::replace(&mut offer.client_no_context_takeover, true)
                }
                ("server_max_window_bits", Some(value)) => {
                    offer.server_max_window_bits.replace(window_bits(&value)?).is_none()
                }
                ("client_max_window_bits", None) => offer.client_max_window_bits.replace(None).is_none(),
                ("client_max_window_bits", Some(value)) => {
                    offer.client_max_window_bits.replace(Some(window_bits(&value)?)).is_none()
                }
                _ => false,
            };
            if !is_new {
                return None;
            }
        }
        Some(offer)
    }

    fn accepted(&self, options: &Deflate) -> Agreement {
        let is_shared = options.context == Context::Shared;
        let own_bits = options.window_bits.clamp(8, 15);
        let limited = |asked: Option<u8>| asked.map_or(own_bits, |bits| bits.min(own_bits));
        // What nobody has asked for is said only where it is less than anybody would do anyway.
        let said = |asked: Option<u8>| (asked.is_some() || own_bits < 15).then(|| limited(asked));
        Agreement {
            server_no_context_takeover: is_shared || self.server_no_context_takeover,
            client_no_context_takeover: is_shared || self.client_no_context_takeover,
            server_max_window_bits: said(self.server_max_window_bits),
            // §7.1.2.2: "If a received extension negotiation offer doesn't have the "client_max_window_bits" extension
            // parameter, the corresponding extension negotiation response […] MUST NOT include" it.
            client_max_window_bits: self.client_max_window_bits.and_then(said),
        }
    }
}

/// §7.1.2: "a decimal integer value without leading zeroes between 8 to 15, inclusive".
fn window_bits(text: &str) -> Option<u8> {
    let is_number = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|bits| is_number && (8..=15).contains(bits))
}

/// The value of a parameter: a token, or one in quotes (RFC 6455 §9.1: "When using the quoted-string syntax variant, the value
/// after quoted-string unescaping MUST conform to the 'token' ABNF").
fn unquoted(value: &str) -> Option<String> {
    let value = match value.strip_prefix('"') {
        Some(quoted) => {
            let mut text = String::new();
            let mut chars = quoted.strip_suffix('"')?.chars();
            while let Some(c) = chars.next() {
                match c {
                    '"' => return None,
                    '\\' => text.push(chars.next()?),
                    c => text.push(c),
                }
            }
            text
        }
        None => String::from(value),
    };
    is_token(value.as_bytes()).then_some(value)
}

/// The parts of a list, without the white space around them. A separator in quotes is none.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(move |c| {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c => return c == separator && !is_quoted,
        }
        false
    });
    parts.map(trimmed).collect()
}

/// Without the white space of HTTP around it (RFC 9110 §5.6.3).
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests;
