//! Scripts: a connection, its client, its processes and its clock, in one value.
//!
//! A test is a script in and the exact outputs out:
//!
//! ```
//! use wsrelay_tests::*;
//!
//! joined().frame(ping(b"abc")).expect([send(pong(b"abc"))]);
//! joined().client("hi").expect([message(text("hi"))]);
//! joined().after(secs(25)).expect([send(ping(b""))]);
//! ```
//!
//! Read [`Script`] first (what can be done to a connection), then [`Seen`] (what it is seen to do).
//! [`Setup`] changes options, limits and the relay header before the script begins. [`Step`] is the same
//! vocabulary as data, for properties.
//!
//! Frames are written and read by the naive codec of the simulator ([`Frame`]), so that a mistake in the
//! relay's codec cannot hide behind itself.

mod check;
mod expect;
pub mod fuzz;
mod process;
mod reader;
mod reply;
mod script;
mod seen;
mod setup;
mod step;

pub use check::{below, check};
pub use expect::{and, gone};
pub use process::{client, control, linked, other, relay_to, send_command, target, watcher};
pub use reader::ClientReader;
pub use reply::{refused, switched, wants_upgrade};
pub use script::{Script, joined, millis, secs};
pub use seen::{
    Seen, ack, attach, demonitor, down, exit, join, leave, message, refused_ack, requested, send, signal, to,
};
pub use setup::{Setup, UPGRADE, open, upgrade_with, watched};
pub use step::{Step, run};
pub use wsrelay_sim::wire::{
    Deflating, Frame, Reply, binary, close, compressed, continuation, empty_close, first_of, ping, pong,
    reply, text, unmasked,
};
