//! The opening handshake, and ordinary HTTP/1.1 requests on the same port.
//!
//! Straight pieces without a socket or a clock, in the order in which a connection needs them:
//!
//! ```text
//!            ┌───────────────┐  Request   ┌───────────────┐ Some(Handshake) ┌─────────┐
//!  bytes ───►│ RequestReader │───────────►│ check_upgrade │────────────────►│ handler │
//!            └───────┬───────┘            └───────┬───────┘ None: ordinary  └────┬────┘
//!                    │ HttpFault                  │ HttpFault                    │ Response
//!                    ▼                            ▼                              ▼
//!                 refusal ───────────────────► respond ◄────────── upgrade? ─► switching ───► bytes
//! ```
//!
//! What to read first: RFC 6455 §4 (the handshake), RFC 9112 (the syntax of HTTP/1.1, and in its
//! §11.2 why every doubt about where a request ends is refused), RFC 9110 §7 (routing, `Connection`,
//! `Upgrade`), RFC 6454 (origins).
//!
//! ```
//! use bytes::BytesMut;
//! use wsrelay_core::limits::Limits;
//! use wsrelay_core::upgrade::*;
//!
//! let mut buffer = BytesMut::from(
//!     "GET /chat HTTP/1.1\r\nHost: example.com\r\nOrigin: http://example.com\r\n\
//!      Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
//!      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
//! );
//! let mut reader = RequestReader::new(None, false);
//! let Ok(Some(Read::Request(request))) = reader.read(&mut buffer, &Limits::default()) else {
//!     panic!("the request is whole")
//! };
//! let Ok(Some(handshake)) = check_upgrade(&request, &UpgradePolicy::default()) else {
//!     panic!("the handshake is sound")
//! };
//! assert_eq!(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
//! let bytes = switching(&handshake, None, &Headers::new()).expect("no header to object to");
//! assert!(bytes.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
//! ```

mod authority;
mod chunked;
mod extensions;
mod handshake;
mod head;
mod headers;
mod network;
mod origin;
mod proxy;
mod reader;
mod request;
mod respond;
mod response;

pub use extensions::Extensions;
pub use handshake::{Handshake, UpgradePolicy, accept_key, check_upgrade, choose_subprotocol};
pub use headers::{Headers, RELAY_HEADER, is_token};
pub use network::{Network, NetworkFault};
pub use origin::{Origin, OriginFault, OriginPolicy};
pub use proxy::effective_origin;
pub use reader::{Read, RequestReader};
pub use request::{Request, Version, keep_alive};
pub use respond::{respond, switching};
pub use response::{Response, refusal};

#[cfg(test)]
mod testing;
