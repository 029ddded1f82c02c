//! One client's connection, whole: requests, upgrade, session, end.
//!
//! Read [`Input`] (what can happen) and [`Output`] (what is to be done about it) first. A driver makes
//! two calls, [`Connection::handle`] and [`Connection::wake`], and performs the outputs in their order.

mod http;
mod input;
mod output;

pub use input::{Input, Refused};
pub use output::{Note, Output, Outputs};

use crate::process::Pid;
use crate::relay::{RelayOptions, Session};
use crate::time::{Instant, Wake};
use crate::upgrade::UpgradePolicy;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::net::SocketAddr;
use http::Http;

/// What all connections of a server share.
#[derive(Clone, Debug, Default)]
pub struct ConnectionOptions {
    /// The relay's options, and every limit.
    pub relay: Arc<RelayOptions>,
    /// Who may open WebSocket connections.
    pub upgrade: UpgradePolicy,
}

/// One client's connection: a process from the first byte to the last.
///
/// ```text
///   new ──► HTTP requests ──► X-WS-Relay ──► session ──► done
///              │    ▲                                     ▲
///              └────┘ keep-alive      refused, closed ────┘
/// ```
#[derive(Debug)]
pub struct Connection(State);

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large variant is where a connection spends its life; boxing it would cost each one more"
)]
enum State {
    Http(Box<Http>),
    Session(Session),
}

impl Connection {
    /// A connection that a client has just opened; it is the process `pid`.
    ///
    /// `seed` spreads heartbeats and drain; `secure` says whether it came over TLS.
    #[must_use]
    pub fn new(
        now: Instant,
        pid: Pid,
        seed: u64,
        peer: Option<SocketAddr>,
        secure: bool,
        options: Arc<ConnectionOptions>,
    ) -> Self {
        Self(State::Http(Box::new(Http::new(now, pid, seed, peer, secure, options))))
    }

    /// Handles one input; every effect is appended, in order, before it returns.
    ///
    /// # Panics
    ///
    /// When the driver reports more bytes written than it was given to write.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Outputs) {
        match &mut self.0 {
            State::Session(session) => session.handle(now, input, out),
            State::Http(http) => {
                if let Some(start) = http.handle(now, input, out) {
                    self.0 = State::Session(Session::begin(now, *start, out));
                }
            }
        }
    }

    /// When to call again, with [`Input::Tick`], if nothing happens.
    #[must_use]
    pub fn wake(&self) -> Wake {
        match &self.0 {
            State::Http(http) => http.wake(),
            State::Session(session) => session.wake(),
        }
    }

    /// The connection's process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        match &self.0 {
            State::Http(http) => http.pid(),
            State::Session(session) => session.pid(),
        }
    }

    /// The session, once there is one.
    #[must_use]
    pub const fn session(&self) -> Option<&Session> {
        match &self.0 {
            State::Http(_) => None,
            State::Session(session) => Some(session),
        }
    }

    /// Whether the socket is cut and nothing is left to do.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match &self.0 {
            State::Http(http) => http.is_done(),
            State::Session(session) => session.is_done(),
        }
    }

    /// Bytes of the client's and for the client that are held.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match &self.0 {
            State::Http(http) => http.held_bytes(),
            State::Session(session) => session.held_bytes(),
        }
    }
}
