//! Decides whether a request opens a WebSocket connection (H1, H2, H12). Read RFC 6455 §4.2 first.

use super::extensions::Extensions;
use super::headers::is_token;
use super::network::Network;
use super::origin::{Origin, OriginPolicy};
use super::proxy::effective_origin;
use super::request::{Request, Version};
use crate::fault::{ConfigFault, HttpFault};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha1::{Digest as _, Sha1};

/// Who may open WebSocket connections, and where.
///
/// The default lets in pages of the same origin and clients that are no browsers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpgradePolicy {
    /// The origins that may connect.
    pub origins: OriginPolicy,
    /// Whether a client without `Origin`, which is not a browser, is refused.
    pub require_origin: bool,
    /// Peers whose `Forwarded` and `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Paths that serve nothing but WebSocket connections, with all below them: `/chat` covers `/chat`
    /// and `/chat/1`, not `/chatter`. An ordinary request there gets 426.
    pub relay_only: Vec<String>,
    /// The subprotocols this server speaks, the preferred ones first.
    pub subprotocols: Vec<String>,
}

/// A sound request for a WebSocket connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The value of `Sec-WebSocket-Accept`.
    pub accept: String,
    /// The subprotocols that the client offers, the preferred ones first.
    pub protocols: Vec<String>,
    /// What is [accepted](Extensions::accept) of the extensions that it offers: none, unless somebody says so.
    pub extensions: Extensions,
}

/// What the server answers to a `Sec-WebSocket-Key` (RFC 6455 §4.2.2, item 5.4).
///
/// ```
/// // The example of RFC 6455 §1.3.
/// let accept = wsrelay_core::upgrade::accept_key("dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_key(key: &str) -> String {
    const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Checks a request before the handler sees it; `None` when it is an ordinary one.
///
/// # Errors
///
/// The fault to refuse the request with: one of [`HttpFault::UpgradeMethod`],
/// [`HttpFault::UpgradeRequired`], [`HttpFault::WebSocketVersion`], [`HttpFault::WebSocketKey`] and
/// [`HttpFault::Origin`], in this order, or [`HttpFault::Malformed`] for a list of subprotocols that is
/// none (H1, H2).
pub fn check_upgrade(request: &Request, policy: &UpgradePolicy) -> Result<Option<Handshake>, HttpFault> {
    let headers = &request.headers;
    if !request.is_upgrade() {
        // H1: "no/other `Upgrade` token on a relay-only route → 426"
        let relay_only = policy.relay_only.iter().any(|prefix| is_below(request.path(), prefix));
        return if relay_only { Err(HttpFault::UpgradeRequired) } else { Ok(None) };
    }
    // RFC 6455 §4.1: "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1."
    if request.method != "GET" {
        return Err(HttpFault::UpgradeMethod);
    }
    // RFC 6455 §4.2.1: "An |Upgrade| header field containing the value "websocket", treated as an ASCII
    // case-insensitive value", and "A |Connection| header field that includes the token "Upgrade"".
    // RFC 9110 §7.8: "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request."
    if request.version != Version::Http11
        || !headers.contains_token("Upgrade", "websocket")
        || !headers.contains_token("Connection", "upgrade")
    {
        return Err(HttpFault::UpgradeRequired);
    }
    // RFC 6455 §4.2.1: "A |Sec-WebSocket-Version| header field, with a value of 13."
    if only(headers.get_all("Sec-WebSocket-Version")).is_none_or(|version| version != "13") {
        return Err(HttpFault::WebSocketVersion);
    }
    let key = only(headers.get_all("Sec-WebSocket-Key")).and_then(|key| key_text(key));
    let key = key.ok_or(HttpFault::WebSocketKey)?;
    check_origin(request, policy)?;
    // RFC 6455 §4.1: "The elements that comprise this value MUST be non-empty strings with characters in the
    // range U+0021 to U+007E not including separator characters".
    if !headers.elements("Sec-WebSocket-Protocol").all(is_token) {
        return Err(HttpFault::Malformed("Sec-WebSocket-Protocol"));
    }
    let protocols = request.protocols().into_iter().map(str::to_owned).collect();
    Ok(Some(Handshake { accept: accept_key(key), protocols, extensions: Extensions::default() }))
}

/// Whether `path` is `prefix` or lies below it.
fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next();
    if items.next().is_none() { first } else { None }
}

// RFC 6455 §4.2.1: "A |Sec-WebSocket-Key| header field with a base64-encoded (see Section 4 of [RFC4648])
// value that, when decoded, is 16 bytes in length."
fn key_text(key: &Bytes) -> Option<&str> {
    // 24 characters of base64 are 18 bytes at most.
    let mut nonce = [0; 18];
    let decoded = if key.len() == 24 { STANDARD.decode_slice(key, &mut nonce).ok()? } else { 0 };
    if decoded == 16 { core::str::from_utf8(key).ok() } else { None }
}

fn check_origin(request: &Request, policy: &UpgradePolicy) -> Result<(), HttpFault> {
    let sent = || request.headers.get_all("Origin");
    if sent().next().is_none() {
        // H2: "No `Origin` header at all (not a browser) → allowed; `require_origin` turns that off."
        return if policy.require_origin { Err(HttpFault::Origin(String::new())) } else { Ok(()) };
    }
    // Of two origins neither is the client's.
    let value = only(sent()).and_then(|value| core::str::from_utf8(value).ok());
    let effective = effective_origin(request, &policy.trusted_proxies);
    if policy.origins.allows(value.and_then(Origin::parse).as_ref(), effective.as_ref()) {
        return Ok(());
    }
    let values: Vec<_> = sent().map(|value| String::from_utf8_lossy(value)).collect();
    Err(HttpFault::Origin(values.join(", ")))
}

/// The subprotocol to answer with, if any (H12).
///
/// `handler_value` is what the handler set as `Sec-WebSocket-Protocol`. It wins; without it the first
/// configured protocol that the client offers is taken. Names are compared with case (RFC 6455 §4.2.2).
///
/// # Errors
///
/// [`ConfigFault::Subprotocol`] when the handler chose what the client did not offer.
pub fn choose_subprotocol(
    handshake: &Handshake,
    policy: &UpgradePolicy,
    handler_value: Option<&str>,
) -> Result<Option<String>, ConfigFault> {
    let is_offered = |name: &str| handshake.protocols.iter().any(|offered| offered == name);
    match handler_value {
        // RFC 6455 §4.2.2: "if the server does not wish to agree to one of the suggested subprotocols, it
        // MUST NOT send back a |Sec-WebSocket-Protocol| header field"; one not suggested fails the client.
        Some(name) if !is_offered(name) => Err(ConfigFault::Subprotocol(name.to_owned())),
        Some(name) => Ok(Some(name.to_owned())),
        None => Ok(policy.subprotocols.iter().find(|name| is_offered(name)).cloned()),
    }
}

#[cfg(test)]
mod tests;
