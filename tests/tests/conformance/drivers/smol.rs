//! wsrelay on smol.

use crate::support::Driver;
use smol::Task;
use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener};
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::process::{Actor, Pid};
use wsrelay_core::upgrade::{Request, Response};
use wsrelay_smol::{Node, NodeOptions, Runtime, Server};

pub(crate) struct Smol {
    /// Cancelled before the runtime goes.
    _serving: Task<io::Result<()>>,
    address: SocketAddr,
    node: Node,
    _runtime: Runtime,
}

impl Driver for Smol {
    fn start(
        node: NodeOptions,
        options: ConnectionOptions,
        handler: impl Fn(Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        let runtime = Runtime::start(2).expect("threads to run on");
        let node = runtime.node(node);
        let server = Server::new(node.clone(), options, move |request| {
            let response = handler(request);
            async move { response }
        })
        .expect("limits that can work");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let serving = smol::spawn(async move { server.serve(listener).await });
        Self { _serving: serving, address, node, _runtime: runtime }
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn node(&self) -> &wsrelay_host::Node {
        &self.node
    }

    fn spawn(&self, actor: impl Actor + Send + 'static) -> Pid {
        self.node.spawn_actor(actor)
    }

    fn spawn_stuck(&self) -> Pid {
        self.node.spawn(|_| pending::<()>())
    }
}
