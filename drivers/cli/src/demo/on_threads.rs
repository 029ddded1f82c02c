//! The demo on std threads.

use super::{Broadcast, Demo, Echo, announce, cannot_listen, connection_options, interrupted, node_options};
use crate::args::DemoOptions;
use crate::serving::{no_threads, threads};
use async_signal::Signals;
use wsrelay_core::limits::LimitsFault;
use wsrelay_thread::{Node, Runtime, Server};

pub(super) fn run(options: &DemoOptions, signals: Signals) -> Result<(), String> {
    let runtime = Runtime::start(threads(options.threads), node_options(options))
        .map_err(|error| no_threads(&error))?;
    let node = runtime.node();
    let server = server(node, options).map_err(|fault| fault.to_string())?;
    let listening = server.bind(options.listen).map_err(|error| cannot_listen(options.listen, &error))?;
    announce(listening.address());
    smol::block_on(smol::future::or(
        // On a thread of its own, which the second interrupt leaves behind.
        smol::unblock(move || listening.serve()),
        interrupted(signals, node),
    ));
    Ok(())
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
    Server::new(node, connection_options(options), move |request| demo.answer(&request))
}
