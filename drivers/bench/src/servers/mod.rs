//! The servers. Each is this program again, as a process of its own: see [`child`].

pub(crate) mod actors;
pub(crate) mod child;
mod edge;
mod fastwebsockets;
mod floor;
mod lua;
mod raw;
pub(crate) mod smol;
pub(crate) mod thread;
mod tokio_tasks;
mod tokio_tungstenite;
mod tokio_websockets;

use crate::Result;
use crate::args::Child;
use crate::measure::machine::pin;
use crate::scenario::Kind;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::thread as threads;

/// A server that can be measured.
#[derive(Debug)]
pub(crate) struct ServerKind {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) speaks: Protocol,
    /// The scenarios it can serve.
    pub(crate) kinds: &'static [Kind],
    /// Serves the clients of a listener, and returns only on failure.
    pub(crate) serve: fn(TcpListener) -> Result<()>,
}

/// What a client has to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// No handshake; the client's own bytes come back, masked as they are.
    Bytes,
    /// RFC 6455.
    WebSocket,
}

/// Every server, in the order of the tables' rounds. The first is what the others are compared with.
pub(crate) const ALL: &[ServerKind] = &[
    ServerKind {
        name: "raw",
        about: "bare TCP: returns the bytes it reads; the machine's limit",
        speaks: Protocol::Bytes,
        kinds: &[Kind::Echo],
        serve: raw::serve,
    },
    ServerKind {
        name: "floor",
        about: "written by hand for this comparison: the least that WebSocket asks for; no product",
        speaks: Protocol::WebSocket,
        kinds: &[Kind::Echo, Kind::Fanout, Kind::Idle],
        serve: floor::serve,
    },
    ServerKind {
        name: "thread",
        about: "wsrelay-thread, one worker: every message goes through a process and back",
        speaks: Protocol::WebSocket,
        kinds: &[Kind::Echo, Kind::Fanout, Kind::Idle],
        serve: thread::serve,
    },
    ServerKind {
        name: "smol",
        about: "wsrelay-smol, one thread: every message goes through a process and back",
        speaks: Protocol::WebSocket,
        kinds: &[Kind::Echo, Kind::Fanout, Kind::Idle],
        serve: smol::serve,
    },
    ServerKind {
        name: "lua",
        about: "the same on smol, with a process written in Lua, on a thread of its own",
        speaks: Protocol::WebSocket,
        kinds: &[Kind::Echo, Kind::Fanout, Kind::Idle],
        serve: lua::serve,
    },
    ServerKind {
        name: "tokio-tungstenite",
        about: "as its README shows: one send a message; fan-out over a broadcast channel",
        speaks: Protocol::WebSocket,
        kinds: &[Kind::Echo, Kind::Fanout, Kind::Idle],
        serve: tokio_tungstenite::serve,
    },
    ServerKind {
        name: "fastwebsockets",
        about: "as its example shows: one write a message",
        speaks: Protocol::WebSocket,
        kinds: &[Kind::Echo, Kind::Idle],
        serve: fastwebsockets::serve,
    },
    ServerKind {
        name: "tokio-websockets",
        about: "as its README shows: one send a message",
        speaks: Protocol::WebSocket,
        kinds: &[Kind::Echo, Kind::Idle],
        serve: tokio_websockets::serve,
    },
    ServerKind {
        name: "tokio-websockets-batched",
        about: "the same by a careful user: all that is at hand is read, then all answers are flushed",
        speaks: Protocol::WebSocket,
        kinds: &[Kind::Echo, Kind::Idle],
        serve: tokio_websockets::serve_batched,
    },
];

/// For a server that is another program.
pub(crate) fn serve_nothing(_: TcpListener) -> Result<()> {
    Err("this server is another program".into())
}

/// Serves until the standard input ends, which it does with whoever started this process.
pub(crate) fn serve(child: &Child) -> Result<()> {
    // Before there are other threads, which inherit it.
    if let Some(core) = child.core {
        pin(core)?;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", listener.local_addr()?.port())?;
    stdout.flush()?;
    threads::spawn(|| {
        // A failure to read is an end as well.
        _ = io::stdin().read(&mut [0]);
        process::exit(0)
    });
    (child.server.serve)(listener)
}
