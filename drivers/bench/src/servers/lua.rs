//! wsrelay on smol, as `smol` is, with processes written in Lua.

use super::actors::answer;
use crate::Result;
use std::net::TcpListener;
use std::path::Path;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::upgrade::Request;
use wsrelay_lua::runtime::HubOptions;
use wsrelay_lua::vm::Values;
use wsrelay_lua::{Instance, check};
use wsrelay_smol::{NodeOptions, Runtime, Server};

/// Serves until the node drains, which nobody asks of it.
pub(crate) fn serve(listener: TcpListener) -> Result<()> {
    let runtime = Runtime::start(1)?;
    let node = runtime.node(NodeOptions::default());
    let checked = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../lua/examples/processes"));
    let options = HubOptions { workers: 1, ..HubOptions::default() };
    let instance = runtime.block_on(Instance::start(checked, &node, options))?;
    let spawn = |id| runtime.block_on(instance.hub().spawn(id, "processes:host", Values::default()));
    let (echo, broadcast) = (spawn("processes:echo")?, spawn("processes:broadcast")?);
    let handler = move |request: Request| {
        let response = answer(&request, echo, broadcast);
        async move { response }
    };
    let server = Server::new(node, ConnectionOptions::default(), handler)?;
    Ok(runtime.block_on(server.serve(listener))?)
}
