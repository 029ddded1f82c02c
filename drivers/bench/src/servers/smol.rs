//! wsrelay on smol, with its default limits.

use super::actors::{Broadcast, Echo, answer};
use crate::Result;
use std::net::TcpListener;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::upgrade::Request;
use wsrelay_smol::{NodeOptions, Runtime, Server};

/// Serves until the node drains, which nobody asks of it.
pub(crate) fn serve(listener: TcpListener) -> Result<()> {
    serve_with(listener, ConnectionOptions::default())
}

/// The same with these options.
pub(crate) fn serve_with(listener: TcpListener, options: ConnectionOptions) -> Result<()> {
    let runtime = Runtime::start(1)?;
    let node = runtime.node(NodeOptions::default());
    let (echo, broadcast) = (node.spawn_actor(Echo), node.spawn_actor(Broadcast::default()));
    let handler = move |request: Request| {
        let response = answer(&request, echo, broadcast);
        async move { response }
    };
    let server = Server::new(node, options, handler)?;
    Ok(runtime.block_on(server.serve(listener))?)
}
