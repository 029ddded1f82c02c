//! One worker's share of a listener.

use crate::server::Service;
use mio::Token;
use mio::net::{TcpListener, TcpStream};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use wsrelay_core::time::{Instant, Wake};
use wsrelay_host::AcceptPause;

/// Where clients come in.
pub(crate) struct Door {
    /// What the listener is forgotten by.
    pub(crate) number: u64,
    pub(crate) token: Token,
    pub(crate) listener: TcpListener,
    pub(crate) service: Arc<Service>,
    /// Somebody may wait. The poller tells of a change only once.
    pub(crate) is_open: bool,
    pause: AcceptPause,
    /// Nobody is let in before this.
    paused_until: Wake,
}

impl Door {
    /// Most clients in a row, before others get their turn.
    pub(crate) const TURN_MAX: usize = 64;

    pub(crate) fn new(number: u64, token: Token, listener: TcpListener, service: Arc<Service>) -> Self {
        Self {
            number,
            token,
            listener,
            service,
            is_open: true,
            pause: AcceptPause::default(),
            paused_until: Wake::Never,
        }
    }

    /// When to look again, if the poller tells nothing.
    pub(crate) const fn wake(&self) -> Wake {
        match self.paused_until {
            Wake::Never if self.is_open => Wake::At(Instant::ZERO),
            Wake::Never | Wake::At(_) => self.paused_until,
        }
    }

    /// The next client, if one waits.
    pub(crate) fn accept(&mut self, now: Instant) -> Option<(TcpStream, SocketAddr)> {
        if self.paused_until.is_due(now) {
            self.paused_until = Wake::Never;
            self.is_open = true;
        }
        while self.is_open && self.paused_until == Wake::Never {
            match self.listener.accept() {
                Ok((stream, peer)) => {
                    self.pause.accepted();
                    match stream.set_nodelay(true) {
                        Ok(()) => return Some((stream, peer)),
                        Err(error) => tracing::debug!(%error, %peer, "client gone before it was served"),
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_open = false,
                Err(error) => {
                    if let Some(pause) = self.pause.failed(&error) {
                        self.paused_until = Wake::At(now + pause);
                    }
                }
            }
        }
        None
    }
}
