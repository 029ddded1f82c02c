//! wsrelay on smol: sockets, timers and async processes.

mod actor;
mod alarm;
mod connection;
mod process;
mod runtime;
mod server;
mod socket;

pub use process::{Context, IntoExit};
pub use runtime::{Node, Runtime};
pub use server::Server;
pub use wsrelay_core as core;
pub use wsrelay_host::{ConnectionInfo, DeadLetter, NameFault, NodeOptions, SendFault};
