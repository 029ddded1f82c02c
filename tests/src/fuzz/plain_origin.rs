//! The slow, obvious reading of origins and of lists of them (H2, H3).

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether it is a host with a port, or without one.
pub(super) fn is_authority(text: &str) -> bool {
    authority(text).is_some()
}

/// Host and port in one spelling.
fn authority(text: &str) -> Option<(String, Option<u16>)> {
    // An IPv6 address has colons of its own, in brackets.
    let colon = text.rfind(']').unwrap_or(0);
    let (host, port) = match text[colon..].split_once(':') {
        Some((_, port)) => (&text[..text.len() - port.len() - 1], port),
        None => (text, ""),
    };
    let port = match port {
        "" => None,
        digits if digits.chars().all(|char| char.is_ascii_digit()) => Some(digits.parse().ok()?),
        _ => return None,
    };
    if let Some(address) = host.strip_prefix('[') {
        let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
        return Some((format!("[{address}]"), port));
    }
    let labels: Vec<_> = host.split('.').collect();
    // The root is written as an empty label at the end.
    let labels =
        if labels.len() > 1 && labels.last() == Some(&"") { &labels[..labels.len() - 1] } else { &labels };
    let is_name = host.len() <= 255
        && labels.iter().all(|label| {
            !label.is_empty()
                && label.chars().all(|char| char.is_ascii_alphanumeric() || "-_~".contains(char))
        });
    is_name.then(|| (host.to_lowercase(), port))
}

/// Scheme, host and port of an origin; the port where it is written or known.
pub(super) fn origin(text: &str) -> Option<(String, String, Option<u16>)> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme_of(scheme)?;
    let (host, port) = authority(rest)?;
    let port = port.or_else(|| default_port(&scheme));
    Some((scheme, host, port))
}

fn scheme_of(text: &str) -> Option<String> {
    let is_scheme = text.chars().next()?.is_ascii_alphabetic()
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char));
    is_scheme.then(|| text.to_lowercase())
}

fn default_port(scheme: &str) -> Option<u16> {
    [("http", 80), ("https", 443)].into_iter().find(|(name, _)| *name == scheme).map(|(_, port)| port)
}

/// Whether a list lets an origin in that is not the server's own. `None` when the list is none.
pub(super) fn lets_in(list: &str, text: &str) -> Option<bool> {
    if list.trim().is_empty() {
        return Some(false);
    }
    let page = origin(text);
    let mut is_in = false;
    for pattern in list.split(',') {
        // Every pattern is looked at: one that is none spoils the list.
        is_in |= pattern_lets_in(pattern.trim(), page.as_ref())?;
    }
    Some(is_in)
}

fn pattern_lets_in(pattern: &str, page: Option<&(String, String, Option<u16>)>) -> Option<bool> {
    if pattern == "*" {
        return Some(true);
    }
    // Not a host, but the origin that is none.
    if ["null", "null:"].contains(&&*pattern.to_lowercase()) {
        return None;
    }
    let (schemes, rest) = match pattern.split_once("://") {
        Some((scheme, rest)) => {
            let scheme = scheme_of(scheme)?;
            let pages = [("ws", "http"), ("wss", "https")].into_iter().find(|(socket, _)| *socket == scheme);
            (vec![pages.map_or(scheme.clone(), |(_, page)| page.to_owned())], rest)
        }
        None => (vec!["http".to_owned(), "https".to_owned()], pattern),
    };
    let below = rest.strip_prefix("*.");
    let (host, port) = authority(below.unwrap_or(rest))?;
    if below.is_some() && (host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok()) {
        return None;
    }
    let Some((scheme, page_host, page_port)) = page else { return Some(false) };
    let is_host = if below.is_some() { page_host.ends_with(&format!(".{host}")) } else { *page_host == host };
    Some(schemes.contains(scheme) && is_host && *page_port == port.or_else(|| default_port(scheme)))
}
