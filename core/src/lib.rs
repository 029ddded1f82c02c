//! A WebSocket relay as pure state machines: bytes, signals and time in, actions out.
//!
//! An HTTP handler answers a WebSocket request with one header, `X-WS-Relay: {"target_pid": …}`, and from
//! then on the connection *is a process*: it has a [PID](process::Pid), can be sent to, monitored and
//! linked, its messages flow to a target process and back, it can be handed to another process while it
//! lives, and it ends cleanly when either side ends.
//!
//! This crate is all of that and nothing else. It is `no_std`: it cannot name a clock, a socket, a thread
//! or a random number, so that a driver on any runtime, a simulator and a fuzzer run the very same code.
//!
//! # The run loop
//!
//! ```text
//!             bytes, end of stream, handler's response, signals, ticks
//!                                      │
//!             ┌────────────────────────▼────────────────────────┐
//!             │                   Connection                    │
//!             │  upgrade ──────► relay::Session ──────► closed  │
//!             │  (wire: frames)  (process: lifecycle)           │
//!             └────────────────────────┬────────────────────────┘
//!                                      │
//!             writes, requests for the handler, signals for processes, exit
//! ```
//!
//! Two calls make a driver: [`Connection::handle`](connection::Connection::handle) takes one
//! [`Input`](connection::Input) with the present time and appends everything it causes to the
//! [`Outputs`](connection::Outputs), in order, before it returns;
//! [`Connection::wake`](connection::Connection::wake) says when to call again if nothing happens.
//!
//! ```
//! use bytes::BytesMut;
//! use std::sync::Arc;
//! use wsrelay_core::connection::{Connection, ConnectionOptions, Input, Output, Outputs};
//! use wsrelay_core::process::{NodeId, Pid};
//! use wsrelay_core::time::Instant;
//! use wsrelay_core::upgrade::Response;
//!
//! let pid = Pid::new(NodeId(1), 1.try_into()?);
//! let now = Instant::ZERO;
//! let options = Arc::new(ConnectionOptions::default());
//! let mut connection = Connection::new(now, pid, 42, None, false, options);
//! let mut out = Outputs::new();
//!
//! let bytes = BytesMut::from("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
//! connection.handle(now, Input::Received(bytes), &mut out);
//! let Some(Output::Request(request)) = out.drain().next() else { panic!("a request is complete") };
//! assert_eq!(request.path(), "/");
//!
//! connection.handle(now, Input::Response(Response::text(200, "hello")), &mut out);
//! let Some(Output::Write(response)) = out.drain().next() else { panic!("it is answered") };
//! assert!(response.starts_with(b"HTTP/1.1 200 OK\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/std_net.rs` drives a whole server by hand on `std::net` alone, in about a hundred lines.
//! What most people want is a driver that exists: `wsrelay-smol`, on top of `wsrelay-host`.
//!
//! # Vocabulary
//!
//! | word | meaning |
//! |---|---|
//! | process | something with a PID and a mailbox: a connection, an [actor](process::Actor), an async function |
//! | signal | all that passes between processes: [`Signal`](process::Signal) |
//! | message | a signal with a [topic](message::Topic) and a [payload](message::Payload) |
//! | target | the process that a connection's messages go to |
//! | join, leave | the first and the last message of a connection to a target |
//! | transfer | handing a connection to another target |
//! | heartbeat | a message to the target, now and then; a *ping* is a frame to the client |
//! | outbox | what waits to be written to the client; a *mailbox* is what waits to be handled by a process |
//! | wake | when a state machine wants to be called although nothing happened |
//!
//! # Layers
//!
//! Each can be used alone: [`wire`] (RFC 6455 frames), [`upgrade`] (the opening handshake and ordinary
//! HTTP/1.1 requests), [`process`] (lifecycle), [`relay`] (the session), [`connection`] (all of it).
//! `deflate` (compression, RFC 7692) is there with the feature of that name.
//! [`limits`] has every bound, [`fault`] everything that can go wrong and whose fault it is.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod connection;
#[cfg(feature = "deflate")]
pub mod deflate;
pub mod fault;
pub mod limits;
pub mod message;
pub mod process;
pub mod relay;
pub mod seed;
#[cfg(test)]
mod testing;
pub mod time;
pub mod upgrade;
pub mod wire;
