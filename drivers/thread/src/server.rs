//! Lets clients in.

use crate::listeners;
use crate::parker::wait_for;
use crate::runtime::Node;
use crate::shared::{Shared, Task, Workers};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::task::Poll;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::fault::HttpFault;
use wsrelay_core::limits::LimitsFault;
use wsrelay_core::process::Pid;
use wsrelay_core::time::Wake;
use wsrelay_core::upgrade::{Request, Response, refusal};
use wsrelay_host::{DRAIN_GRACE, drain_patience};

/// What answers requests.
pub(crate) enum Handler {
    AtOnce(Box<dyn Fn(Request) -> Response + Send + Sync>),
    Later(Box<dyn Fn(Request, Responder) + Send + Sync>),
}

/// What all connections of a server share.
pub(crate) struct Service {
    pub(crate) node: Node,
    pub(crate) handler: Handler,
    pub(crate) options: Arc<ConnectionOptions>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A server: a node, a handler for HTTP requests, and the options of the relay.
#[derive(Debug)]
pub struct Server(Arc<Service>);

impl Server {
    /// A server on `node` whose requests `handler` answers at once, on the worker that read them: while it
    /// works, that worker serves nobody else. One that has to wait for something is for
    /// [`Server::answering_later`].
    ///
    /// # Errors
    ///
    /// [`LimitsFault`] when the limits cannot work together.
    pub fn new<H>(node: &Node, options: ConnectionOptions, handler: H) -> Result<Self, LimitsFault>
    where
        H: Fn(Request) -> Response + Send + Sync + 'static,
    {
        Self::with_handler(node, options, Handler::AtOnce(Box::new(handler)))
    }

    /// A server on `node` whose handler hands the request and the [`Responder`] on to whoever answers,
    /// on any thread, within `handler_wait_max`.
    ///
    /// # Errors
    ///
    /// [`LimitsFault`] when the limits cannot work together.
    pub fn answering_later<H>(
        node: &Node,
        options: ConnectionOptions,
        handler: H,
    ) -> Result<Self, LimitsFault>
    where
        H: Fn(Request, Responder) + Send + Sync + 'static,
    {
        Self::with_handler(node, options, Handler::Later(Box::new(handler)))
    }

    fn with_handler(node: &Node, options: ConnectionOptions, handler: Handler) -> Result<Self, LimitsFault> {
        options.relay.limits.check()?;
        Ok(Self(Arc::new(Service { node: node.clone(), handler, options: Arc::new(options) })))
    }

    /// Lets clients in at `address`. Where the system balances listeners on one port (Linux), each worker has
    /// one of its own; else they share one.
    ///
    /// # Errors
    ///
    /// The system's, when the address cannot be listened on: [`io::ErrorKind::AddrInUse`] when anybody
    /// else, another server of this kind included, listens there.
    pub fn bind(&self, address: SocketAddr) -> io::Result<Listening> {
        if !listeners::ARE_BALANCED {
            return self.listen(TcpListener::bind(address)?);
        }
        if address.port() != 0 {
            // Alone, to find out whether the address is free: those below would share it with others.
            drop(TcpListener::bind(address)?);
        }
        let workers = self.workers()?;
        let (address, listeners) = listeners::bind(address, workers.all().len())?;
        Ok(self.listening(&workers, address, listeners))
    }

    /// Lets clients in at a listener, which all workers share.
    ///
    /// # Errors
    ///
    /// The system's, when the listener cannot be used.
    pub fn listen(&self, listener: TcpListener) -> io::Result<Listening> {
        let workers = self.workers()?;
        let listeners = workers.share(&listener)?;
        let address = listener.local_addr()?;
        // The workers have it now, as long as it is wanted.
        drop(listener);
        Ok(self.listening(&workers, address, listeners))
    }

    fn workers(&self) -> io::Result<Arc<Workers>> {
        self.0.node.workers().ok_or_else(|| io::Error::other("the runtime has ended"))
    }

    fn listening(
        &self,
        workers: &Arc<Workers>,
        address: SocketAddr,
        listeners: Vec<mio::net::TcpListener>,
    ) -> Listening {
        let number = workers.listen(listeners, &self.0);
        Listening { service: Arc::clone(&self.0), workers: Arc::downgrade(workers), number, address }
    }
}

/// A server that lets clients in, until this is dropped. Those who are in stay.
#[derive(Debug)]
pub struct Listening {
    service: Arc<Service>,
    workers: std::sync::Weak<Workers>,
    number: u64,
    address: SocketAddr,
}

impl Listening {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sleeps until the node has [drained](wsrelay_host::Node::drain): nobody is connected any more.
    ///
    /// While it drains, clients are still accepted: new upgrades get 503, other requests their answer.
    /// When the drain window is over, connections that still linger are cut after a short grace.
    pub fn serve(&self) {
        let Service { node, options, .. } = &*self.service;
        let clock = node.clock();
        let window = wait_for(&clock, Wake::Never, |waker| node.poll_draining(waker));
        let patience = drain_patience(window.unwrap_or_default(), &options.relay.limits);
        let idle_within = |span| {
            wait_for(&clock, Wake::At(clock.now() + span), |waker| {
                if node.is_idle(waker) { Poll::Ready(()) } else { Poll::Pending }
            })
        };
        if idle_within(patience).is_none() {
            let left = node.cut_connections();
            tracing::warn!(left, "connections cut at the end of the drain");
            _ = idle_within(DRAIN_GRACE);
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(workers) = self.workers.upgrade() {
            workers.unlisten(self.number);
        }
    }
}

/// Answers one request, once. Dropped without an answer, it answers 500: the handler has failed.
#[derive(Debug)]
pub struct Responder {
    worker: Option<Arc<Shared>>,
    key: u32,
    client: Pid,
}

impl Responder {
    pub(crate) fn new(worker: &Arc<Shared>, key: u32, client: Pid) -> Self {
        Self { worker: Some(Arc::clone(worker)), key, client }
    }

    /// Answers. A client that has gone meanwhile, or has been answered 503 because it took too long, makes the
    /// target that the answer names get `ws.abort` (H13) while its connection still says goodbye; afterwards
    /// the answer is dropped.
    pub fn respond(mut self, response: impl Into<Response>) {
        self.send(response.into());
    }

    fn send(&mut self, response: Response) {
        if let Some(worker) = self.worker.take() {
            worker.ask(Task::Answer(self.key, self.client, Box::new(response)));
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.send(refusal(&HttpFault::Handler));
    }
}
