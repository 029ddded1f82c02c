//! The whole of the relay over real sockets, as clients and processes see it.
//!
//! Each test starts a runtime, a node and a server of its own on a port that the system chooses, and
//! waits for events alone. The rules that a test shows stand at the beginning of its comment.

mod admission;
mod bodies;
mod crowd;
mod drain;
mod ending;
mod failure;
mod liveness;
mod outbox;
mod pressure;
mod processes;
mod relay;
mod support;
mod transfer;
mod upgrade;
