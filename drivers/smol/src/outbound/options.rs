//! What a caller says about a connection, and whether it can be done.

use async_tungstenite::tungstenite::client::IntoClientRequest as _;
use async_tungstenite::tungstenite::handshake::client::Request;
use async_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Uri, uri};
use futures_rustls::pki_types::ServerName;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{self, ClientConfig, RootCertStore};
use std::fmt;
use std::sync::{Arc, LazyLock};
use wsrelay_core::limits::{Limits, LimitsFault};
use wsrelay_core::message::{Metadata, Topic};
use wsrelay_core::time::{Duration, Timeout};

/// How a connection is opened, and what its target is told.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The topic of the server's messages. Default [`Topic::MESSAGE`].
    pub message_topic: Topic,
    /// Attached to every message to the target.
    pub metadata: Metadata,
    /// How often the target gets a heartbeat. Default off.
    pub heartbeat: Timeout,
    /// Headers of the request beside those of the handshake, such as `Authorization` or `Origin`.
    pub headers: Vec<(String, String)>,
    /// The subprotocols that are offered, the preferred one first. When there are any, a server that
    /// chooses none of them is refused, as browsers do.
    pub protocols: Vec<String>,
    /// The bounds of an open connection, those that speak of HTTP left aside. Two cannot be kept to the
    /// letter: frames of a message are not counted (`fragments_max`), and a frame's payload is reserved
    /// when its header announces it, up to `message_bytes_max`.
    /// Held per connection, at worst: [`Limits::memory_max`], 16 KiB to read into, and the largest message
    /// once more while it is written.
    pub limits: Limits,
    /// Time for names, addresses, TLS and the handshake together. Default 10 s. Past it: `ws.abort`.
    pub dial_wait_max: Duration,
    /// How `wss://` is spoken, and whom it trusts. Default: TLS 1.2 and 1.3 with the certificate
    /// authorities that Mozilla trusts.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            message_topic: Topic::MESSAGE,
            metadata: Metadata::default(),
            heartbeat: Timeout::Off,
            headers: Vec::new(),
            protocols: Vec::new(),
            limits: Limits::default(),
            dial_wait_max: Duration::from_secs(10),
            tls: None,
        }
    }
}

impl ConnectOptions {
    /// The same with this TLS configuration: other roots, a client certificate.
    #[must_use]
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// What is to be dialed, and the terms of what comes then.
    pub(super) fn check(self, url: &str) -> Result<(Plan, Terms), ConnectFault> {
        let Self { message_topic, metadata, heartbeat, headers, protocols, limits, dial_wait_max, tls } =
            self;
        limits.check().map_err(ConnectFault::Limits)?;
        let address = Address::parse(url)?;
        let mut request = address.uri.into_client_request().map_err(|_| ConnectFault::Url("no host"))?;
        for (name, value) in headers {
            let Some((name, value)) = header(&name, &value) else { return Err(ConnectFault::Header(name)) };
            request.headers_mut().append(name, value);
        }
        if !protocols.is_empty() {
            let offer = offer(&protocols)?;
            request.headers_mut().insert("Sec-WebSocket-Protocol", offer);
        }
        let tls = if address.is_secure { Some(secure(&address.host, tls)?) } else { None };
        let plan = Plan { request, host: address.host, port: address.port, tls };
        let heartbeat = if heartbeat == Timeout::After(Duration::ZERO) { Timeout::Off } else { heartbeat };
        Ok((plan, Terms { message_topic, metadata, heartbeat, limits, dial_wait_max }))
    }
}

/// What is to be dialed.
pub(super) struct Plan {
    pub(super) request: Request,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// The terms between the connection and its target.
pub(super) struct Terms {
    pub(super) message_topic: Topic,
    pub(super) metadata: Metadata,
    pub(super) heartbeat: Timeout,
    pub(super) limits: Limits,
    pub(super) dial_wait_max: Duration,
}

/// The parts of a URL.
struct Address {
    uri: Uri,
    is_secure: bool,
    host: String,
    port: u16,
}

impl Address {
    /// RFC 6455 §3.
    fn parse(url: &str) -> Result<Self, ConnectFault> {
        // "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used on
        // these URIs."
        if url.contains('#') {
            return Err(ConnectFault::Url("it has a fragment"));
        }
        let uri: Uri = url.parse().map_err(|_| ConnectFault::Url("not a URL"))?;
        let is_secure = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            Some(_) | None => return Err(ConnectFault::Url("the scheme is neither ws nor wss")),
        };
        let authority = uri.authority().ok_or(ConnectFault::Url("no host"))?;
        // They would not be sent, and whoever wrote them would not learn of it.
        if authority.as_str().contains('@') {
            return Err(ConnectFault::Url("it has credentials; those go into a header"));
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        if host.is_empty() {
            return Err(ConnectFault::Url("no host"));
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str().ends_with(':') => return Err(ConnectFault::Url("no port")),
            None if is_secure => 443,
            None => 80,
        };
        Ok(Self { is_secure, host, port, uri: with_path(uri)? })
    }
}

/// RFC 6455 §3: "The path portion of the resource name is "/" if the path component is empty"; a query
/// may follow it all the same.
fn with_path(uri: Uri) -> Result<Uri, ConnectFault> {
    let resource = uri.path_and_query().map_or("", uri::PathAndQuery::as_str);
    if resource.starts_with('/') {
        return Ok(uri);
    }
    let resource = format!("/{resource}").parse().map_err(|_| ConnectFault::Url("not a URL"))?;
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(resource);
    Uri::from_parts(parts).map_err(|_| ConnectFault::Url("not a URL"))
}

/// A header, unless it is malformed or belongs to the handshake.
fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let is_ours =
        matches!(name.as_str(), "host" | "connection" | "upgrade" | "content-length" | "transfer-encoding")
            || name.as_str().starts_with("sec-websocket-");
    if is_ours { None } else { Some((name, HeaderValue::from_str(value).ok()?)) }
}

/// RFC 6455 §4.1: subprotocols "MUST be non-empty strings with characters in the range U+0021 to U+007E
/// not including separator characters" and "MUST all be unique strings".
fn offer(protocols: &[String]) -> Result<HeaderValue, ConnectFault> {
    for (index, protocol) in protocols.iter().enumerate() {
        // What HTTP calls a token, and so do header names.
        let is_token = HeaderName::from_bytes(protocol.as_bytes()).is_ok();
        if !is_token || protocols[..index].contains(protocol) {
            return Err(ConnectFault::Subprotocol(protocol.clone()));
        }
    }
    let list = protocols.join(", ");
    HeaderValue::from_str(&list).map_err(|_| ConnectFault::Subprotocol(list))
}

fn secure(
    host: &str,
    config: Option<Arc<ClientConfig>>,
) -> Result<(Arc<ClientConfig>, ServerName<'static>), ConnectFault> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectFault::Url("no host for TLS"))?;
    let config = match config {
        Some(config) => config,
        None => DEFAULT_TLS.clone().map_err(|error| ConnectFault::Tls(error.to_string()))?,
    };
    Ok((config, name))
}

/// Built once: it holds all the roots.
static DEFAULT_TLS: LazyLock<Result<Arc<ClientConfig>, rustls::Error>> = LazyLock::new(|| {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // The provider is named, because a program with two of them has no default one.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
});

/// Why no connection was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectFault {
    /// The URL cannot be dialed; why, in words.
    Url(&'static str),
    /// The target is not alive.
    NoProcess,
    /// A header with this name is malformed, or belongs to the handshake.
    Header(String),
    /// This subprotocol is not a token, or is offered twice.
    Subprotocol(String),
    /// The limits cannot work together.
    Limits(LimitsFault),
    /// The default TLS configuration cannot be built; why, in words.
    Tls(String),
}

impl fmt::Display for ConnectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => write!(f, "the URL cannot be dialed: {why}"),
            Self::NoProcess => f.write_str("the target is not alive"),
            Self::Header(name) => write!(f, "header {name:?} cannot be sent"),
            Self::Subprotocol(name) => write!(f, "subprotocol {name:?} cannot be offered"),
            Self::Limits(fault) => fault.fmt(f),
            Self::Tls(why) => write!(f, "no TLS: {why}"),
        }
    }
}

impl std::error::Error for ConnectFault {}
