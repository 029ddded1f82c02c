//! Outbound connections over real sockets, against our own server and against scripted ones.
//!
//! Each test runs on one thread, which lets a process connect and watch the connection before the
//! connection has taken its first step.
#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

#[path = "outbound/bounds.rs"]
mod bounds;
#[path = "outbound/commands.rs"]
mod commands;
#[path = "outbound/dialing.rs"]
mod dialing;
#[path = "outbound/ending.rs"]
mod ending;
#[path = "outbound/relaying.rs"]
mod relaying;
#[path = "outbound/tls.rs"]
mod tls;
#[path = "outbound/world.rs"]
mod world;
