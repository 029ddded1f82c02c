//! Processes and mailboxes behind the drivers of wsrelay.
//!
//! A [`Node`] knows every process of a program: its mailbox, its names, and where letters for the dead
//! go. A [`Port`] is a client's connection on that node: it hands the core what happens and turns what
//! the core wants into effects, in the one exhaustive match there is. An [`ActorRunner`] does the same for
//! a user's pure actor, and a [`ProcessCell`] for a process that is an ordinary function.
//!
//! What is left to a driver is to own sockets and timers, and to call these when something happens: see
//! `wsrelay-smol`.
//!
//! Wakers are [`std::task::Waker`]s, so that the same mailboxes serve tasks and threads.

mod actor;
mod clock;
mod connections;
mod dead_letters;
mod directory;
mod gate;
mod mailbox;
mod names;
mod node;
mod port;
mod process;

pub use actor::{ActorRunner, Next, panic_reason, panic_text};
pub use clock::Clock;
pub use connections::ConnectionInfo;
pub use dead_letters::DeadLetter;
pub use mailbox::{Bounds, Charge, Delivery, Mailbox, Room, Undelivered, WhenFull};
pub use node::{NameFault, Node, NodeOptions, SendFault};
pub use port::{Port, Work};
pub use process::ProcessCell;
pub use wsrelay_core as core;
