//! Applications that run: processes, channels, handlers and clients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, and says where")]

mod bounds;
mod bus;
mod channels;
mod checking;
mod clients;
mod copies;
mod coroutines;
mod dialect;
mod ends;
mod guide;
mod handlers;
mod isolation;
mod names;
mod outbound;
mod processes;
mod relaying;
mod responses;
mod selects;
mod semantics;
mod services;
mod specification;
mod support;
mod upgrades;
