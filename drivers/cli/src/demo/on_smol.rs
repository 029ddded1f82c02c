//! The demo on smol.

use super::{Broadcast, Demo, Echo, announce, cannot_listen, connection_options, interrupted, node_options};
use crate::args::DemoOptions;
use crate::serving::{no_threads, threads};
use async_signal::Signals;
use std::net::TcpListener;
use wsrelay_core::limits::LimitsFault;
use wsrelay_smol::{Node, Runtime, Server};

pub(super) fn run(options: &DemoOptions, signals: Signals) -> Result<(), String> {
    let listener =
        TcpListener::bind(options.listen).map_err(|error| cannot_listen(options.listen, &error))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let runtime = Runtime::start(threads(options.threads)).map_err(|error| no_threads(&error))?;
    let node = runtime.node(node_options(options));
    let server = server(&node, options).map_err(|fault| fault.to_string())?;
    announce(address);
    runtime.block_on(async {
        let interrupted = async {
            interrupted(signals, &node).await;
            Ok(())
        };
        smol::future::or(server.serve(listener), interrupted).await.map_err(|error| error.to_string())
    })
}

/// The demo as a server on `node`.
///
/// # Errors
///
/// When the limits in `options` cannot work.
pub fn server(node: &Node, options: &DemoOptions) -> Result<Server, LimitsFault> {
    let rooms = node.clone();
    let demo = Demo {
        node: wsrelay_host::Node::clone(node),
        start_room: Box::new(move |name, room| rooms.spawn_actor_named(name, room)),
        echo: node.spawn_actor(Echo),
        broadcast: node.spawn_actor(Broadcast::default()),
        heartbeat: options.heartbeat,
    };
    Server::new(node.clone(), connection_options(options), move |request| {
        let response = demo.answer(&request);
        async move { response }
    })
}
