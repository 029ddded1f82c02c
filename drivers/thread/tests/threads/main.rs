//! What the driver on std threads adds to what every driver does: workers, functions that may block, and
//! handlers that answer later.
//!
//! Each test starts a runtime, a node and a server of its own on a port that the system chooses, and
//! waits for events alone. The rules that a test shows stand at the beginning of its comment.
#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

mod actors;
mod alarms;
mod blocking;
mod drain;
mod ending;
mod fairness;
mod flow;
mod later;
mod panics;
mod runtime;
mod server;
mod support;
mod transfer;
mod writes;
