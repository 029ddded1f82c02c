//! Deterministic simulation of wsrelay: a node, its processes, clients, a network and a clock, none of it real, all of
//! it from one seed.
//!
//! A [`World`] runs the very code that the drivers run, core and host, on virtual sockets and under a virtual clock. Put
//! your [actors](wsrelay_core::process::Actor) and your handler in one, let clients connect, have things go wrong, and
//! look at what everybody saw. What happens follows from the seed and from your calls alone: a failure is a seed, and
//! happens again whenever you like.
//!
//! ```
//! use std::time::Duration;
//! use wsrelay_core::message::{Message, Payload, Topic};
//! use wsrelay_core::process::{Actor, Context, Event};
//! use wsrelay_core::relay::RelayConfig;
//! use wsrelay_sim::World;
//! use wsrelay_sim::wire::text;
//!
//! /// Counts what all its clients say, and tells them.
//! #[derive(Default)]
//! struct Counter(u64);
//!
//! impl Actor for Counter {
//!     fn handle(&mut self, event: Event, context: &mut Context<'_>) {
//!         if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
//!             self.0 += 1;
//!             context.send(client.pid, Topic::SEND, self.0.to_string());
//!         }
//!     }
//! }
//!
//! for seed in 0..20 {
//!     let mut world = World::from_seed(seed);
//!     let counter = world.spawn(Counter::default());
//!     world.serve(move |_| RelayConfig::to(counter).into());
//!     let (ann, bob) = (world.connect("/"), world.connect("/"));
//!     world.run_for(Duration::from_secs(2));
//!     world.send(ann, &text("one"));
//!     world.let_loose(bob, 10, Duration::from_secs(20));
//!     world.run_for(Duration::from_secs(60));
//!     assert!(world.texts(ann).len() <= 1);
//!     world.finish()?;
//! }
//! # Ok::<(), wsrelay_sim::Violation>(())
//! ```
//!
//! While a world runs it is watched: a reference model of every relay, slow and without a byte of the wire, says what has
//! to hold ([`Invariant`]), whatever clients, processes and network do. The client's side of the wire is written a second
//! time ([`wire`]), so that a mistake in the core's codec cannot hide behind itself.
//!
//! [`swarm`] draws worlds at random, hundreds of clients and processes that do all that they can, good and bad; the
//! command `wsrelay-sim` runs them by the thousand, and makes what fails small enough to read. The guide is
//! `docs/simulation.md`.

mod count;
mod deflate;
mod dice;
mod frame;
mod options;
mod pipe;
mod reader;
mod reply;
mod roaming;
mod search;
pub mod swarm;
mod tap;
mod timeline;
mod trace;
mod verdict;
mod watch;
pub mod wire;
mod world;

pub use count::{Counts, Fault};
pub use dice::Dice;
pub use options::{Network, Options};
pub use search::search;
pub use watch::{Invariant, Violation};
pub use world::{Client, Heard, World};
pub use wsrelay_core as core;
pub use wsrelay_host as host;

/// A word that only processes may read.
pub(crate) const SECRET: &str = "nobody's business";
