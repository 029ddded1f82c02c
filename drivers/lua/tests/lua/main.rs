//! Applications that run: processes, channels, handlers and clients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, and says where")]

mod bounds;
mod channels;
mod dialect;
mod guide;
mod handlers;
mod processes;
mod relaying;
mod semantics;
mod specification;
mod support;
mod websockets;
