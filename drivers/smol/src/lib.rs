//! wsrelay on smol: sockets, timers and async processes.
//!
//! A [`Runtime`] is a few executor threads, a [`Node`] the processes that run on them, a [`Server`] what
//! lets clients in. A handler answers requests; where its answer carries a relay header, the client's
//! connection becomes a process.
//!
//! ```no_run
//! use std::net::TcpListener;
//! use wsrelay_smol::core::connection::ConnectionOptions;
//! use wsrelay_smol::core::message::{Message, Payload, Topic};
//! use wsrelay_smol::core::process::{Actor, Context, Event};
//! use wsrelay_smol::core::relay::RelayConfig;
//! use wsrelay_smol::core::upgrade::{Request, Response};
//! use wsrelay_smol::{NodeOptions, Runtime, Server};
//!
//! struct Echo;
//!
//! impl Actor for Echo {
//!     fn handle(&mut self, event: Event, context: &mut Context<'_>) {
//!         if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
//!             context.send(client.pid, Topic::SEND, client.data);
//!         }
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let runtime = Runtime::start(2)?;
//!     let node = runtime.node(NodeOptions::default());
//!     let echo = node.spawn_actor(Echo);
//!     let handler = move |_: Request| async move { Response::from(RelayConfig::to(echo)) };
//!     let server = Server::new(node, ConnectionOptions::default(), handler)?;
//!     runtime.block_on(server.serve(TcpListener::bind("127.0.0.1:8080")?))?;
//!     Ok(())
//! }
//! ```
//!
//! Processes are pure [actors](core::process::Actor), which run on every driver, or async functions with a
//! [`Context`] ([`Node::spawn`]).

mod actor;
mod alarm;
mod connection;
mod outbound;
mod process;
mod runtime;
mod server;
mod socket;

pub use outbound::{ConnectFault, ConnectOptions, rustls};
pub use process::Context;
pub use runtime::{Node, Runtime};
pub use server::Server;
pub use wsrelay_core as core;
pub use wsrelay_host::{ConnectionInfo, DeadLetter, Handle, IntoExit, NameFault, NodeOptions, SendFault};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
