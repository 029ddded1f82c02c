//! A runtime and a server of the test's own.

use super::{Client, LONG, within};
use std::net::SocketAddr;
use std::sync::Arc;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::limits::Limits;
use wsrelay_core::relay::{Overflow, RelayConfig, RelayOptions};
use wsrelay_core::time::Timeout;
use wsrelay_core::upgrade::{Request, Response};
use wsrelay_thread::{Listening, Node, NodeOptions, Runtime, Server};

/// What a runtime and a server are started with.
pub(crate) struct Setup {
    workers: usize,
    relay: RelayOptions,
}

impl Setup {
    /// So many workers, and the defaults without the timers that could wake up somebody by the way, and so hide
    /// that the event which should have woken them did not.
    pub(crate) fn workers(workers: usize) -> Self {
        let limits = Limits {
            handshake_wait_max: LONG,
            keep_alive_wait_max: LONG,
            handler_wait_max: LONG,
            mailbox_wait_max: LONG,
            ping_interval: Timeout::Off,
            write_wait_max: LONG,
            ..Limits::default()
        };
        Self { workers, relay: RelayOptions { limits, ..RelayOptions::default() } }
    }

    /// The same with other limits.
    pub(crate) fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.relay.limits);
        self
    }

    /// The same with this policy of the outbox.
    pub(crate) const fn overflow(mut self, overflow: Overflow) -> Self {
        self.relay.overflow = overflow;
        self
    }

    /// A server that relays each client to the process whose name is the path.
    pub(crate) fn start(self) -> World {
        self.answering(|_| |request: Request| RelayConfig::to(&request.path()[1..]).into())
    }

    /// A server with a handler of the test's own.
    pub(crate) fn answering<H>(self, handler: impl FnOnce(&Node) -> H) -> World
    where
        H: Fn(Request) -> Response + Send + Sync + 'static,
    {
        self.serving(|node, options| Server::new(node, options, handler(node)).expect("limits that work"))
    }

    /// A server of the test's own.
    pub(crate) fn serving(self, server: impl FnOnce(&Node, ConnectionOptions) -> Server) -> World {
        let node_options = NodeOptions { limits: self.relay.limits.clone(), ..NodeOptions::default() };
        let options = ConnectionOptions { relay: Arc::new(self.relay), ..ConnectionOptions::default() };
        let runtime = Runtime::start(self.workers, node_options).expect("threads to run on");
        let node = runtime.node().clone();
        let server = server(&node, options);
        let listening = server.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let address = listening.address();
        World { node, address, server, listening: Some(listening), runtime: Some(runtime) }
    }
}

/// A runtime, its node, and a server on it.
pub(crate) struct World {
    pub(crate) node: Node,
    pub(crate) address: SocketAddr,
    pub(crate) server: Server,
    listening: Option<Listening>,
    runtime: Option<Runtime>,
}

impl World {
    /// Two workers.
    pub(crate) fn start() -> Self {
        Setup::workers(2).start()
    }

    /// A client that is relayed to the process with this name.
    pub(crate) fn open(&self, name: &str) -> Client {
        Client::open(self.address, name)
    }

    /// What lets clients in, to be dropped or to be waited for.
    pub(crate) fn take_listening(&mut self) -> Listening {
        self.listening.take().expect("a server that still listens")
    }

    /// Ends the workers, and waits for their end.
    pub(crate) fn drop_runtime(&mut self) {
        let runtime = self.runtime.take();
        within("the end of the workers", move || drop(runtime));
    }
}

impl Drop for World {
    /// A test that has failed already is not held up by threads that may never end: they are left behind.
    fn drop(&mut self) {
        if std::thread::panicking() {
            Box::leak(Box::new(self.runtime.take()));
        }
    }
}
