//! What is decided before a script begins.

use crate::{Script, relay_to, target, watcher};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::deflate::Deflate;
use wsrelay_core::limits::Limits;
use wsrelay_core::process::Signal;
use wsrelay_core::relay::{Authority, Compression, Envelope, Overflow, RelayOptions};
use wsrelay_core::upgrade::UpgradePolicy;

/// The request with which a script's client asks for an upgrade; the key is that of RFC 6455 §1.3.
pub const UPGRADE: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
     Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// [`UPGRADE`] with more header lines, each ended by CR LF.
#[must_use]
pub fn upgrade_with(lines: &str) -> String {
    let head = UPGRADE.strip_suffix("\r\n").unwrap_or_default();
    format!("{head}{lines}\r\n")
}

/// A connection that has just been opened, with the defaults.
#[must_use]
pub fn open() -> Script {
    Setup::default().open()
}

/// A connection that has joined its target, and that [`watcher`] monitors.
#[must_use]
pub fn watched(setup: Setup) -> Script {
    setup.join().signal(Signal::Monitor { watcher: watcher() })
}

/// Options, limits and the relay header of a script. What is not changed is the default; the relay header
/// names [`target`] and the metadata `{"user": 7}`.
#[derive(Clone, Debug)]
pub struct Setup {
    pub(crate) relay: RelayOptions,
    pub(crate) upgrade: UpgradePolicy,
    pub(crate) header: Value,
    pub(crate) seed: u64,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) secure: bool,
    pub(crate) short_ways: bool,
    pub(crate) lines: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            relay: RelayOptions::default(),
            upgrade: UpgradePolicy::default(),
            header: json!({"target_pid": target().to_string(), "metadata": {"user": 7}}),
            seed: 1,
            peer: None,
            secure: false,
            short_ways: false,
            lines: String::new(),
        }
    }
}

impl Setup {
    /// Changes limits.
    ///
    /// # Panics
    ///
    /// When they cannot work together.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.relay.limits);
        self.relay.limits.check().expect("limits that can work");
        self
    }

    /// Changes what happens when the outbox is over its bound.
    #[must_use]
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.relay.overflow = overflow;
        self
    }

    /// Changes who may control the connection.
    #[must_use]
    pub const fn control(mut self, control: Authority) -> Self {
        self.relay.control = control;
        self
    }

    /// Has messages go by the short ways that a driver may take, wherever they can.
    #[must_use]
    pub const fn short_ways(mut self) -> Self {
        self.short_ways = true;
        self
    }

    /// Compresses messages in this way.
    #[must_use]
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.relay.compression = Compression::Deflate(deflate);
        self
    }

    /// Has the client offer these extensions.
    #[must_use]
    pub fn offer(mut self, extensions: &str) -> Self {
        self.lines = format!("Sec-WebSocket-Extensions: {extensions}\r\n");
        self
    }

    /// Turns the envelope off.
    #[must_use]
    pub const fn without_envelope(mut self) -> Self {
        self.relay.envelope = Envelope::Off;
        self
    }

    /// Changes who may open connections.
    #[must_use]
    pub fn policy(mut self, change: impl FnOnce(&mut UpgradePolicy)) -> Self {
        change(&mut self.upgrade);
        self
    }

    /// Sets one field of the relay header.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    /// Sets the seed.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the client's address.
    #[must_use]
    pub const fn peer(mut self, peer: SocketAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    /// The connection came over TLS.
    #[must_use]
    pub const fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// What the limits promise that one connection holds at most.
    #[must_use]
    pub const fn memory_max(&self) -> usize {
        self.relay.limits.memory_max(&self.relay.compression)
    }

    /// A connection that has just been opened.
    #[must_use]
    pub fn open(self) -> Script {
        Script::new(self)
    }

    /// A connection whose request for an upgrade is with the handler; nothing of it is expected any more.
    #[must_use]
    pub fn asked(self) -> Script {
        let request = upgrade_with(&self.lines);
        self.open().bytes(request).forget()
    }

    /// A connection whose handler has named its target, which is being looked for.
    #[must_use]
    pub fn attaching(self) -> Script {
        let response = relay_to(&self.header);
        self.asked().respond(response).forget()
    }

    /// A connection that has joined its target; nothing before that is expected any more.
    #[must_use]
    pub fn join(self) -> Script {
        self.attaching().attach_ok(target()).forget()
    }

    pub(crate) fn options(&self) -> Arc<ConnectionOptions> {
        Arc::new(ConnectionOptions { relay: Arc::new(self.relay.clone()), upgrade: self.upgrade.clone() })
    }
}
