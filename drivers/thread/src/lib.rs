//! wsrelay on std threads: a few workers, each with its own poller, timers, connections and actors.
//!
//! A [`Runtime`] is the workers and the [`Node`] whose processes they run, a [`Server`] what lets clients in. A
//! handler answers requests; where its answer carries a relay header, the client's connection becomes a
//! process.
//!
//! ```no_run
//! use wsrelay_thread::core::connection::ConnectionOptions;
//! use wsrelay_thread::core::message::{Message, Payload, Topic};
//! use wsrelay_thread::core::process::{Actor, Context, Event};
//! use wsrelay_thread::core::relay::RelayConfig;
//! use wsrelay_thread::core::upgrade::{Request, Response};
//! use wsrelay_thread::{NodeOptions, Runtime, Server};
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
//!     let runtime = Runtime::start(2, NodeOptions::default())?;
//!     let echo = runtime.node().spawn_actor(Echo);
//!     let handler = move |_: Request| Response::from(RelayConfig::to(echo));
//!     let server = Server::new(runtime.node(), ConnectionOptions::default(), handler)?;
//!     server.bind("127.0.0.1:8080".parse()?)?.serve();
//!     Ok(())
//! }
//! ```
//!
//! Processes are pure [actors](core::process::Actor), which run on a worker and on every other driver, or
//! functions that may block, on threads of their own ([`Node::spawn_thread`]).
//!
//! One worker is one loop: it waits, reads each ready socket once, runs the processes that got signals, and
//! writes once for each connection. Signals between processes of one worker touch no lock; where they
//! cross to another, that one is woken at most once a round.

mod client;
mod door;
mod entries;
mod listeners;
mod parker;
mod process;
mod runtime;
mod server;
mod shared;
mod timers;
mod worker;

pub use process::Context;
pub use runtime::{Node, Runtime};
pub use server::{Listening, Responder, Server};
pub use wsrelay_core as core;
pub use wsrelay_host::{ConnectionInfo, DeadLetter, Handle, IntoExit, NameFault, NodeOptions, SendFault};
