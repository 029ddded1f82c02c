//! wsrelay on std threads, with so many workers: on one, all signals take the short way; on two, half of them cross.

use crate::support::Driver;
use std::net::SocketAddr;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::process::{Actor, Pid};
use wsrelay_core::upgrade::{Request, Response};
use wsrelay_thread::{Listening, NodeOptions, Runtime, Server};

pub(crate) struct Thread<const WORKERS: usize> {
    listening: Listening,
    runtime: Runtime,
}

impl<const WORKERS: usize> Driver for Thread<WORKERS> {
    fn start(
        node: NodeOptions,
        options: ConnectionOptions,
        handler: impl Fn(Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        let runtime = Runtime::start(WORKERS, node).expect("threads to run on");
        let server = Server::new(runtime.node(), options, handler).expect("limits that can work");
        let listening = server.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        Self { listening, runtime }
    }

    fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    fn node(&self) -> &wsrelay_host::Node {
        self.runtime.node()
    }

    fn spawn(&self, actor: impl Actor + Send + 'static) -> Pid {
        self.runtime.node().spawn_actor(actor)
    }

    fn spawn_stuck(&self) -> Pid {
        // Takes no messages, and ends with the runtime.
        let body = |context: wsrelay_thread::Context| while context.event().is_some() {};
        self.runtime.node().spawn_thread(body).expect("a thread")
    }
}
