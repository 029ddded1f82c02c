//! From an address to an open WebSocket: names, TCP, TLS, handshake.

use super::faults::handshake_fault;
use super::options::Plan;
use super::stream::{Metered, Stream};
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use async_tungstenite::{WebSocketStream, client_async_with_config};
use futures_rustls::TlsConnector;
use smol::Async;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use wsrelay_core::limits::Limits;

/// Read at once, and held per connection.
const READ_BUFFER_BYTES: usize = 16 * 1024;
/// What is encoded before it is written, if `write_ahead_bytes` does not say less.
const WRITE_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// A connection that the server has accepted.
pub(super) struct Opened {
    pub(super) socket: WebSocketStream<Stream>,
    /// The subprotocol that was agreed on, if any.
    pub(super) subprotocol: Option<Arc<str>>,
    /// The server's address.
    pub(super) peer: Option<Arc<str>>,
}

/// Opens the connection.
pub(super) async fn dial(plan: Plan, limits: &Limits) -> Result<Opened, DialFault> {
    let Plan { request, host, port, tls } = plan;
    let addresses = smol::net::resolve((host.as_str(), port)).await.map_err(DialFault::Resolve)?;
    let (stream, peer) = open_tcp(addresses).await.map_err(DialFault::Connect)?;
    let stream = match tls {
        None => Stream::Plain(stream),
        Some((config, name)) => {
            let stream = TlsConnector::from(config).connect(name, stream).await.map_err(DialFault::Tls)?;
            Stream::Tls(Box::new(stream))
        }
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(limits.write_ahead_bytes.min(WRITE_BUFFER_BYTES_MAX))
        .max_message_size(Some(limits.message_bytes_max))
        .max_frame_size(Some(limits.message_bytes_max));
    let (socket, response) = client_async_with_config(request, stream, Some(config))
        .await
        .map_err(|error| handshake_fault(&error))?;
    // RFC 6455 §4.1: a server that uses "an extension that was not present in the client's handshake" is
    // to be failed; none is.
    if response.headers().contains_key("Sec-WebSocket-Extensions") {
        return Err(DialFault::Handshake("the server uses an extension that was not offered".to_owned()));
    }
    let subprotocol = response.headers().get("Sec-WebSocket-Protocol");
    let subprotocol = subprotocol.and_then(|value| value.to_str().ok()).map(Arc::from);
    Ok(Opened { socket, subprotocol, peer: Some(Arc::from(peer.to_string())) })
}

/// The first address that answers.
async fn open_tcp(addresses: Vec<SocketAddr>) -> io::Result<(Metered, SocketAddr)> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match Async::<TcpStream>::connect(address).await {
            Ok(stream) => {
                // Small messages are not held back for an acknowledgement.
                stream.get_ref().set_nodelay(true)?;
                return Ok((Metered::new(stream), address));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Why there is no connection. The target and the log read its text.
#[derive(Debug)]
pub(super) enum DialFault {
    /// The host has no address.
    Resolve(io::Error),
    /// No address answered; of several, how the last one failed.
    Connect(io::Error),
    /// The server's certificate was not accepted, or TLS failed otherwise.
    Tls(io::Error),
    /// The server answered with this status instead of 101.
    Status(u16),
    /// The server's answer breaks RFC 6455, or it was gone before it had answered.
    Handshake(String),
    /// It took longer than it may.
    Late,
}

impl fmt::Display for DialFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve(error) => write!(f, "host not found: {error}"),
            Self::Connect(error) => write!(f, "not connected: {error}"),
            Self::Tls(error) => write!(f, "no TLS: {error}"),
            Self::Status(status) => write!(f, "the server answered with status {status}"),
            Self::Handshake(why) => write!(f, "handshake failed: {why}"),
            Self::Late => f.write_str("no connection in time"),
        }
    }
}
