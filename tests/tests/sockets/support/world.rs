//! A server of the test's own.

use super::{LONG, within};
use smol::Task;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::limits::Limits;
use wsrelay_core::message::Destination;
use wsrelay_core::relay::{Overflow, RelayConfig, RelayOptions};
use wsrelay_core::time::Timeout;
use wsrelay_core::upgrade::{Request, Response, UpgradePolicy};
use wsrelay_smol::{Node, NodeOptions, Runtime, Server};

/// What a server is started with.
pub(crate) struct Setup {
    pub(crate) relay: RelayOptions,
    pub(crate) upgrade: UpgradePolicy,
    pub(crate) connections_max: usize,
    pub(crate) threads: usize,
}

impl Default for Setup {
    /// The defaults without the timers that could wake up a connection by the way, and so hide that the
    /// event which should have woken it did not.
    fn default() -> Self {
        let limits = Limits {
            handshake_wait_max: LONG,
            keep_alive_wait_max: LONG,
            handler_wait_max: LONG,
            mailbox_wait_max: LONG,
            ping_interval: Timeout::Off,
            write_wait_max: LONG,
            ..Limits::default()
        };
        Self {
            relay: RelayOptions { limits, ..RelayOptions::default() },
            upgrade: UpgradePolicy::default(),
            connections_max: NodeOptions::default().connections_max,
            threads: 2,
        }
    }
}

impl Setup {
    /// The same with other limits.
    pub(crate) fn limits(change: impl FnOnce(&mut Limits)) -> Self {
        let mut setup = Self::default();
        change(&mut setup.relay.limits);
        setup
    }

    /// The same with this policy of the outbox.
    pub(crate) const fn overflow(mut self, overflow: Overflow) -> Self {
        self.relay.overflow = overflow;
        self
    }

    /// The same with so many executor threads.
    pub(crate) const fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The same with these rules for upgrades.
    pub(crate) fn upgrade(mut self, upgrade: UpgradePolicy) -> Self {
        self.upgrade = upgrade;
        self
    }

    pub(crate) fn start(self) -> World {
        let runtime = Runtime::start(self.threads).expect("threads to run on");
        let limits = self.relay.limits.clone();
        let node = runtime.node(NodeOptions { limits, connections_max: self.connections_max });
        let options = ConnectionOptions { relay: Arc::new(self.relay), upgrade: self.upgrade };
        let routes = Arc::new(Routes::default());
        let handler = Arc::clone(&routes);
        let server = Server::new(node.clone(), options, move |request| handler.answer(request));
        World::serve(runtime, node, server.expect("limits that work"), routes)
    }
}

type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;
type Route = Arc<dyn Fn(Request) -> Answer + Send + Sync>;

/// The handlers that the test has set, by path.
#[derive(Default)]
struct Routes(Mutex<HashMap<String, Route>>);

impl Routes {
    fn answer(&self, request: Request) -> Answer {
        let route = self.0.lock().expect("the routes").get(request.path()).cloned();
        match route {
            Some(route) => route(request),
            None => Box::pin(async { Response::text(404, "nothing here\n") }),
        }
    }
}

/// A runtime, its node, and a server on it.
pub(crate) struct World {
    /// Cancelled before the runtime goes.
    serving: Option<Task<io::Result<()>>>,
    pub(crate) node: Node,
    pub(crate) address: SocketAddr,
    routes: Arc<Routes>,
    runtime: Option<Runtime>,
}

impl World {
    pub(crate) fn start() -> Self {
        Setup::default().start()
    }

    /// A server that answers as `make` says, instead of by the routes.
    pub(crate) fn with_server(make: impl FnOnce(&Node) -> Server) -> Self {
        let runtime = Runtime::start(2).expect("threads to run on");
        let node = runtime.node(NodeOptions::default());
        let server = make(&node);
        Self::serve(runtime, node, server, Arc::default())
    }

    fn serve(runtime: Runtime, node: Node, server: Server, routes: Arc<Routes>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let serving = smol::spawn(async move { server.serve(listener).await });
        Self { serving: Some(serving), node, address, routes, runtime: Some(runtime) }
    }

    /// Has `path` answered by an async function.
    pub(crate) fn handle<H, F>(&self, path: &str, handler: H)
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let route: Route = Arc::new(move |request| Box::pin(handler(request)));
        self.routes.0.lock().expect("the routes").insert(path.to_owned(), route);
    }

    /// Has `path` always answered with `response`.
    pub(crate) fn answer(&self, path: &str, response: Response) {
        self.handle(path, move |_| {
            let response = response.clone();
            async move { response }
        });
    }

    /// Has the clients of `path` relayed to `target`.
    pub(crate) fn relay(&self, path: &str, target: impl Into<Destination>) {
        self.answer(path, RelayConfig::to(target).into());
    }

    /// Awaits the end of the server.
    pub(crate) async fn served(&mut self) -> io::Result<()> {
        let serving = self.serving.take().expect("a server that was not awaited before");
        within("the server's end", serving).await
    }

    /// Ends the runtime under the server and its clients.
    pub(crate) fn drop_runtime(&mut self) {
        self.runtime = None;
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
