//! What can happen to a connection.

use crate::process::{Pid, Signal};
use crate::time::Duration;
use crate::upgrade::Response;
use bytes::BytesMut;

/// What can happen to a connection.
#[derive(Debug)]
pub enum Input {
    /// Bytes arrived. They are decoded where they lie, and payloads are slices of them.
    Received(BytesMut),
    /// The client ended its side of the stream, or the socket failed.
    Eof,
    /// The socket has taken this many more bytes of what was to be written. Reported before the bytes
    /// that arrive afterwards.
    Written(usize),
    /// The HTTP handler's answer to [`Output::Request`](super::Output::Request). One that comes after the
    /// connection has given up on it is still handed over: its target is told (H13).
    Response(Response),
    /// The answer to [`Output::Attach`](super::Output::Attach): the process that now has our monitor. Given
    /// before any signal of that process.
    Attached(Result<Pid, Refused>),
    /// A signal from a process.
    Signal(Signal),
    /// The mailbox of this process has no more room: whoever feeds it stops reading.
    TargetFull(Pid),
    /// The mailbox of this process has room again.
    TargetRoom(Pid),
    /// The mailbox in front of this connection refused a message for the client, because it was full.
    Overflowed,
    /// The node drains: close at some moment within this time.
    Drain(Duration),
    /// The time that [`Connection::wake`](super::Connection::wake) named has come.
    Tick,
}

/// Why a connection could not be attached to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No such process is alive.
    NoProcess,
    /// The process is alive, but the node takes no more connections (H9).
    AtLimit,
}
