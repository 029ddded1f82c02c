//! One client's connection, whole: requests, upgrade, session, end.
//!
//! Read [`Input`] (what can happen) and [`Output`] (what is to be done about it) first. A driver makes
//! two calls, [`Connection::handle`] and [`Connection::wake`], and performs the outputs in their order.

mod http;
mod input;
mod output;

pub use input::{Input, Refused};
pub use output::{Drain, Note, Output, Outputs, Relayed};

use crate::message::Topic;
use crate::process::{ExitReason, Pid};
use crate::relay::{RelayOptions, Session};
use crate::time::{Instant, Wake};
use crate::upgrade::UpgradePolicy;
use crate::wire::Data;
use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::BytesMut;
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

    /// Takes as many short messages from the front of the bytes that have arrived as can be relayed at once, where they
    /// lie; how many bytes that were. What is left is to be handed over by [`Input::Received`].
    #[inline]
    pub fn receive(&mut self, now: Instant, bytes: &mut [u8], out: &mut Outputs) -> usize {
        match &mut self.0 {
            State::Session(session) => session.receive(now, bytes, out),
            State::Http(_) => 0,
        }
    }

    /// How much room a long message that is arriving needs, if it has less: for a driver that has some
    /// [to lend](Connection::lend), such as that of a message which was written.
    #[must_use]
    pub fn wants_room(&self) -> usize {
        self.session().map_or(0, Session::wants_room)
    }

    /// Lends room for the message that is arriving, which takes it along.
    pub fn lend(&mut self, room: BytesMut) {
        match &mut self.0 {
            State::Session(session) => session.lend(room),
            State::Http(_) => {}
        }
    }

    /// Whether [`Connection::send`] will do at present for a message on this topic with this payload.
    #[must_use]
    #[inline]
    pub fn can_send(&self, topic: &Topic, data: &Data) -> bool {
        *topic == Topic::SEND && self.session().is_some_and(|session| session.can_send(data))
    }

    /// Sends a message to the client: the short form of a `ws.send` that nobody wants to hear of again, where
    /// nothing stands in its way. It comes to the same as handling the signal.
    ///
    /// # Panics
    ///
    /// Unless [it can](Connection::can_send).
    #[inline]
    pub fn send(&mut self, now: Instant, data: Data, out: &mut Outputs) {
        match &mut self.0 {
            State::Session(session) => session.send(now, data, out),
            State::Http(_) => panic!("nothing is sent before there is a session"),
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

    /// Why the connection's process has ended, while its socket perhaps lingers; `None` while it lives.
    #[must_use]
    pub const fn ended(&self) -> Option<&ExitReason> {
        match &self.0 {
            State::Http(http) => http.ended(),
            State::Session(session) => session.ended(),
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
