//! Accepts clients.

use crate::connection;
use crate::runtime::Node;
use smol::{Async, Timer};
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::limits::LimitsFault;
use wsrelay_core::upgrade::{Request, Response};
use wsrelay_host::{AcceptPause, DRAIN_GRACE, Port, drain_patience};

type Handler = Box<dyn Fn(Request) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

/// What all connections of a server share.
pub(crate) struct Service {
    pub(crate) node: Node,
    pub(crate) handler: Handler,
    pub(crate) options: Arc<ConnectionOptions>,
}

/// A server: a node, a handler for HTTP requests, and the options of the relay.
pub struct Server(Arc<Service>);

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl Server {
    /// A server on `node` whose requests `handler` answers.
    ///
    /// # Errors
    ///
    /// [`LimitsFault`] when the limits cannot work together.
    pub fn new<H, F>(node: Node, options: ConnectionOptions, handler: H) -> Result<Self, LimitsFault>
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        options.relay.limits.check()?;
        let handler: Handler = Box::new(move |request| Box::pin(handler(request)));
        Ok(Self(Arc::new(Service { node, handler, options: Arc::new(options) })))
    }

    /// Serves the clients of `listener` until the node has [drained](wsrelay_host::Node::drain).
    ///
    /// While it drains, clients are still accepted: new upgrades get 503, other requests their answer.
    /// When the drain window is over, connections that still linger are cut after a short grace.
    ///
    /// # Errors
    ///
    /// When the listener itself cannot be used. A failure to accept one client is logged, and what is
    /// behind it (no descriptors left) is waited out.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        let listener = Async::new(listener)?;
        smol::future::or(self.accept(&listener), self.drained()).await
    }

    async fn accept(&self, listener: &Async<TcpListener>) -> io::Result<()> {
        let mut pause = AcceptPause::default();
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    pause.accepted();
                    self.admit(stream, peer);
                }
                Err(error) => {
                    if let Some(pause) = pause.failed(&error) {
                        Timer::after(pause).await;
                    }
                }
            }
        }
    }

    fn admit(&self, stream: Async<TcpStream>, peer: SocketAddr) {
        if let Err(error) = stream.get_ref().set_nodelay(true) {
            tracing::debug!(%error, %peer, "client gone before it was served");
            return;
        }
        // Counted from now on, so that a drain waits for this client too.
        let port = Port::open(&self.0.node, None, Some(peer), false, &self.0.options);
        self.0.node.run(connection::serve(stream, port, Arc::clone(&self.0)));
    }

    /// Ready when the node has drained: nobody is connected any more, or time was up.
    async fn drained(&self) -> io::Result<()> {
        let node = &self.0.node;
        let window = poll_fn(|cx| node.poll_draining(cx.waker())).await;
        let idle = || poll_fn(|cx| if node.is_idle(cx.waker()) { Poll::Ready(()) } else { Poll::Pending });
        let patience = drain_patience(window, &self.0.options.relay.limits);
        let late = async {
            Timer::after(patience).await;
            let left = node.cut_connections();
            tracing::warn!(left, "connections cut at the end of the drain");
            smol::future::or(idle(), async { _ = Timer::after(DRAIN_GRACE).await }).await;
        };
        smol::future::or(idle(), late).await;
        Ok(())
    }
}
