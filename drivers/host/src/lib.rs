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
mod admission;
mod carrier;
mod clock;
mod connections;
mod dead_letters;
mod deliveries;
mod desk;
mod directory;
mod exit;
mod faults;
mod gate;
mod handle;
mod home;
mod local;
mod mailbox;
mod names;
mod node;
mod port;
mod process;
mod queue;
mod seeds;
mod stream;

pub use actor::{ActorRunner, Next, panic_reason, panic_text};
pub use admission::{AcceptPause, DRAIN_GRACE, drain_patience};
pub use carrier::{Anywhere, Carrier};
pub use clock::Clock;
pub use connections::ConnectionInfo;
pub use dead_letters::DeadLetter;
pub use deliveries::Deliveries;
pub use desk::{Desk, Scratch, Work};
pub use exit::IntoExit;
pub use faults::{NameFault, SendFault};
pub use handle::Handle;
pub use home::Home;
pub use local::Local;
pub use mailbox::Mailbox;
pub use node::{Node, NodeOptions};
pub use port::Port;
pub use process::ProcessCell;
pub use queue::{Bounds, Charge, Room, Undelivered, WhenFull};
pub use stream::{Arrival, ReadBuffer, Readable, Written, write, write_now};
pub use wsrelay_core as core;
