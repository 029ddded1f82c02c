//! What the parties of a scenario see.

use super::scenario::Who;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use wsrelay_core::process::ExitReason;
use wsrelay_core::upgrade::Request;
use wsrelay_tests::{Frame, Reply, Seen};

/// One thing that somebody sees. PIDs are names, `peer` and uptimes are what stands for them.
#[derive(Clone, PartialEq)]
pub(crate) enum Saw {
    /// The handler was asked; with the relay header, if one reached it.
    Asked(String),
    /// The client was sent a response.
    Reply(Reply),
    /// The client was sent a frame.
    Frame(Frame),
    /// The stream to the client ended: with a FIN, or because the socket was cut.
    End,
    /// The same, in the midst of a frame.
    EndWithin,
    /// A process got a message: from whom, if it was a process, on which topic, saying what.
    Told(Option<Who>, String, Value),
    /// A process saw the end of one that it monitors.
    Exit(Who, ExitReason),
    /// A process saw the crash of one that it is linked to.
    LinkDown(Who, ExitReason),
    /// A process was asked to end.
    Cancelled(Option<Who>, String),
}

impl Saw {
    /// What the handler sees of a request.
    pub(crate) fn asked(request: &Request) -> Self {
        let relay = request.headers.get("X-WS-Relay");
        let relay = relay.map(|value| format!(", X-WS-Relay: {value}")).unwrap_or_default();
        Self::Asked(format!("{} {}{relay}", request.method, request.target))
    }

    /// The end of the stream, as the client sees it.
    pub(crate) const fn end(is_whole: bool) -> Self {
        if is_whole { Self::End } else { Self::EndWithin }
    }

    /// What the client sees.
    pub(crate) fn by_client(seen: Seen) -> Self {
        if let Seen::Sent(frame) = seen {
            return Self::Frame(frame);
        }
        let Seen::Replied(reply) = seen else { panic!("a client does not see {seen:?}") };
        Self::Reply(reply)
    }

    /// Whether it comes by the clock, as often as there is time for it. In a row it counts once.
    pub(crate) fn is_by_the_clock(&self) -> bool {
        match self {
            Self::Frame(frame) => frame.opcode == 9,
            Self::Told(_, topic, _) => topic == "ws.heartbeat",
            Self::Asked(_)
            | Self::Reply(_)
            | Self::End
            | Self::EndWithin
            | Self::Exit(..)
            | Self::LinkDown(..)
            | Self::Cancelled(..) => false,
        }
    }
}

impl fmt::Debug for Saw {
    /// One line each, so that two transcripts are easily compared.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(request) => write!(f, "asked {request}"),
            Self::Reply(reply) => write!(f, "replied {reply:?}"),
            Self::Frame(frame) => write!(f, "sent {frame:?}"),
            Self::End => f.write_str("end of the stream"),
            Self::EndWithin => f.write_str("end of the stream within a frame"),
            Self::Told(from, topic, payload) => {
                let from = from.map_or_else(|| "nobody".to_owned(), |who| who.to_string());
                write!(f, "told by {from} {topic} {payload}")
            }
            Self::Exit(who, reason) => write!(f, "exit of {who}: {reason:?}"),
            Self::LinkDown(who, reason) => write!(f, "link to {who} down: {reason:?}"),
            Self::Cancelled(from, reason) => write!(f, "cancelled by {from:?}: {reason}"),
        }
    }
}

/// What each party saw, in its order.
pub(crate) type Transcript = BTreeMap<Who, Vec<Saw>>;

pub(crate) const fn frame(frame: Frame) -> Saw {
    Saw::Frame(frame)
}

pub(crate) const fn reply(reply: Reply) -> Saw {
    Saw::Reply(reply)
}

/// A message from the connection.
pub(crate) fn told(topic: &str, payload: Value) -> Saw {
    told_by(Who::Client, topic, payload)
}

pub(crate) fn told_by(who: Who, topic: &str, payload: Value) -> Saw {
    Saw::Told(Some(who), topic.to_owned(), payload)
}

/// The join, with the metadata of the setup.
pub(crate) fn join() -> Saw {
    join_with(&json!({"user": 7}), None)
}

pub(crate) fn join_with(metadata: &Value, subprotocol: Option<&str>) -> Saw {
    let payload = json!({
        "client_pid": "<client>", "metadata": metadata, "subprotocol": subprotocol, "peer": "<peer>",
    });
    told("ws.join", payload)
}

/// A client's text, with the metadata of the setup.
pub(crate) fn message(data: &str) -> Saw {
    message_on("ws.message", "text", data, &json!({"user": 7}))
}

pub(crate) fn message_on(topic: &str, kind: &str, data: &str, metadata: &Value) -> Saw {
    told(topic, json!({"client_pid": "<client>", "type": kind, "data": data, "metadata": metadata}))
}

/// The leave, with the metadata of the setup.
pub(crate) fn leave(code: u16, reason: &str, clean: bool) -> Saw {
    leave_with(&json!(code), reason, clean, &json!({"user": 7}))
}

pub(crate) fn leave_with(code: &Value, reason: &str, clean: bool, metadata: &Value) -> Saw {
    let payload = json!({
        "client_pid": "<client>", "reason": reason, "code": code, "clean": clean, "metadata": metadata,
    });
    told("ws.leave", payload)
}

/// A client that was to be the process's own does not come.
pub(crate) fn abort(reason: &str) -> Saw {
    told("ws.abort", json!({"reason": reason}))
}
