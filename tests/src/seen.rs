//! What a connection is seen to do.

use crate::{Frame, Reply, client, target};
use serde_json::{Value, json};
use std::fmt;
use wsrelay_core::message::Destination;
use wsrelay_core::process::{ExitReason, Pid, Signal};

/// One effect of a connection, in a form that reads well in a test.
#[derive(Clone, PartialEq)]
pub enum Seen {
    /// The client was sent a frame.
    Sent(Frame),
    /// The client was sent a response.
    Replied(Reply),
    /// The handler was asked: method, target, body.
    Requested(String, String, String),
    /// A process is looked for, and monitored.
    Attach(Destination),
    /// A message, to whom, on which topic, saying what.
    Told(Destination, String, Value),
    /// Any other signal.
    Signalled(Destination, Signal),
    /// The socket is not to be read.
    StopReading,
    /// The socket is to be read again.
    ResumeReading,
    /// The stream to the client ends.
    Shutdown,
    /// The socket is dropped.
    Cut,
    /// The connection's process has ended.
    Exited(ExitReason),
}

impl fmt::Debug for Seen {
    /// One line each, so that two lists are easily compared.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent(frame) => write!(f, "sent {frame:?}"),
            Self::Replied(reply) => write!(f, "replied {reply:?}"),
            Self::Requested(method, target, body) => write!(f, "requested {method} {target} {body:?}"),
            Self::Attach(process) => write!(f, "attach {process}"),
            Self::Told(process, topic, payload) => write!(f, "told {process} {topic} {payload}"),
            Self::Signalled(process, signal) => write!(f, "signalled {process} {signal:?}"),
            Self::StopReading => f.write_str("stop reading"),
            Self::ResumeReading => f.write_str("resume reading"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::Cut => f.write_str("cut"),
            Self::Exited(reason) => write!(f, "exited {reason}"),
        }
    }
}

/// The client is sent this frame.
#[must_use]
pub const fn send(frame: Frame) -> Seen {
    Seen::Sent(frame)
}

/// The handler is asked.
#[must_use]
pub fn requested(method: &str, target: &str, body: &str) -> Seen {
    Seen::Requested(method.to_owned(), target.to_owned(), body.to_owned())
}

/// This process is looked for.
#[must_use]
pub fn attach(pid: impl Into<Destination>) -> Seen {
    Seen::Attach(pid.into())
}

/// A process gets a message from the connection.
#[must_use]
pub fn to(process: impl Into<Destination>, topic: &str, payload: Value) -> Seen {
    Seen::Told(process.into(), topic.to_owned(), payload)
}

/// A process gets a signal from the connection.
#[must_use]
pub fn signal(process: impl Into<Destination>, signal: Signal) -> Seen {
    Seen::Signalled(process.into(), signal)
}

/// The target gets its join, with the metadata of [`Setup`](crate::Setup).
#[must_use]
pub fn join() -> Seen {
    let payload = json!({"client_pid": client().to_string(), "metadata": {"user": 7}, "subprotocol": null, "peer": null});
    to(target(), "ws.join", payload)
}

/// The target gets this message of the client, with the metadata of [`Setup`](crate::Setup).
///
/// # Panics
///
/// When a text frame is not text, or a binary one is not ASCII in multiples of three bytes, for which
/// base64 is spelled out by hand in the test that needs it.
#[must_use]
pub fn message(frame: Frame) -> Seen {
    assert_eq!(frame.opcode, 1, "binary messages are spelled out");
    let data = String::from_utf8(frame.payload).expect("a text");
    let payload = json!({
        "client_pid": client().to_string(), "type": "text", "data": data, "metadata": {"user": 7},
    });
    to(target(), "ws.message", payload)
}

/// The target gets the leave, with the metadata of [`Setup`](crate::Setup).
#[must_use]
pub fn leave(code: u16, reason: &str, clean: bool) -> Seen {
    let payload = json!({
        "client_pid": client().to_string(), "reason": reason, "code": code, "clean": clean,
        "metadata": {"user": 7},
    });
    to(target(), "ws.leave", payload)
}

/// A sender learns that its command was done.
#[must_use]
pub fn ack(process: Pid, reference: u64) -> Seen {
    to(process, "ws.ack", json!({"ref": reference, "ok": true}))
}

/// A sender learns why its command was not done.
#[must_use]
pub fn refused_ack(process: Pid, reference: u64, error: &str) -> Seen {
    to(process, "ws.ack", json!({"ref": reference, "error": error}))
}

/// A watcher is told of the connection's end.
#[must_use]
pub fn down(process: Pid, reason: ExitReason) -> Seen {
    signal(process, Signal::Down { from: client(), reason })
}

/// The connection stops watching a process.
#[must_use]
pub fn demonitor(process: Pid) -> Seen {
    signal(process, Signal::Demonitor { watcher: client() })
}

/// The connection's process has ended.
#[must_use]
pub const fn exit(reason: ExitReason) -> Seen {
    Seen::Exited(reason)
}
