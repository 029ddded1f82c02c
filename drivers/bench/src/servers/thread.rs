//! wsrelay on one worker thread, with its default limits.

use super::actors::{Broadcast, Echo, answer};
use crate::Result;
use std::net::TcpListener;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::upgrade::Request;
use wsrelay_thread::{NodeOptions, Runtime, Server};

/// Serves until the node drains, which nobody asks of it.
pub(crate) fn serve(listener: TcpListener) -> Result<()> {
    serve_with(listener, ConnectionOptions::default())
}

/// The same with these options.
pub(crate) fn serve_with(listener: TcpListener, options: ConnectionOptions) -> Result<()> {
    let runtime = Runtime::start(1, NodeOptions::default())?;
    let node = runtime.node();
    let (echo, broadcast) = (node.spawn_actor(Echo), node.spawn_actor(Broadcast::default()));
    let handler = move |request: Request| answer(&request, echo, broadcast);
    let server = Server::new(node, options, handler)?;
    server.listen(listener)?.serve();
    Ok(())
}
