//! What a scenario is made of, and what it is played on.
//!
//! Read `scenario` first (what can happen), then `saw` (what can be seen), then `play`. `core_alone` and
//! `sockets` are the two worlds.

mod core_alone;
mod names;
mod play;
mod probe;
mod saw;
mod scenario;
mod setup;
mod sockets;

pub(crate) use play::{on_a_driver, on_the_core};
pub(crate) use saw::{Saw, abort, join, join_with, leave_with, message, message_on, reply, told, told_by};
pub(crate) use scenario::{Act, NodeAct, Scenario, Who};
pub(crate) use setup::{Answer, Setup, relay_header};
pub(crate) use sockets::Driver;
