//! What messages say, as typed values (R3, R5).

use super::{Destination, Metadata, Term, Topic};
use crate::process::Pid;
use crate::time::{Duration, Timeout};
use crate::wire::{CloseCode, CloseReason, Data, Text};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use bytes::Bytes;
use serde_json::{Number, Value};

/// What a message says.
///
/// The first four are an application's own; the others are those of the relay, by topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Payload {
    /// Nothing.
    #[default]
    Empty,
    /// Text or bytes.
    Data(Data),
    /// Any JSON.
    Json(Arc<Value>),
    /// A value of a language with types of its own.
    Term(Term),
    /// [`Topic::JOIN`].
    Join(Box<Join>),
    /// A client's message, on the topic that the handler chose.
    Client(ClientMessage),
    /// [`Topic::HEARTBEAT`].
    Heartbeat(Box<Heartbeat>),
    /// [`Topic::LEAVE`].
    Leave(Box<Leave>),
    /// [`Topic::ABORT`].
    Abort(Abort),
    /// [`Topic::ACK`].
    Ack(Box<Ack>),
    /// [`Topic::SEND`].
    Send(Send),
    /// [`Topic::CLOSE`].
    Close(Box<Close>),
    /// [`Topic::CONTROL`].
    Control(Box<Control>),
}

impl Payload {
    /// The payload bytes it holds: what mailboxes and outboxes count.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Data(data) | Self::Send(Send { data, .. }) => data.len(),
            Self::Client(client) => client.data.len(),
            Self::Json(value) => json_len(value),
            Self::Term(term) => term.bytes(),
            Self::Empty
            | Self::Join(_)
            | Self::Heartbeat(_)
            | Self::Leave(_)
            | Self::Abort(_)
            | Self::Ack(_)
            | Self::Close(_)
            | Self::Control(_) => 0,
        }
    }

    /// The same in buffers of its own ([`Data::compact`]).
    #[must_use]
    pub fn compact(self) -> Self {
        match self {
            Self::Data(data) => Self::Data(data.compact()),
            Self::Client(client) => Self::Client(ClientMessage { data: client.data.compact(), ..client }),
            Self::Send(send) => Self::Send(Send { data: send.data.compact(), ..send }),
            other @ (Self::Empty
            | Self::Json(_)
            | Self::Term(_)
            | Self::Join(_)
            | Self::Heartbeat(_)
            | Self::Leave(_)
            | Self::Abort(_)
            | Self::Ack(_)
            | Self::Close(_)
            | Self::Control(_)) => other,
        }
    }

    /// Whether it holds no payload bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// About the memory of a JSON value: its strings, and a fixed part for each node.
fn json_len(value: &Value) -> usize {
    const NODE: usize = size_of::<Value>();
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => NODE,
        Value::String(text) => NODE + text.len(),
        Value::Array(items) => NODE + items.iter().map(json_len).sum::<usize>(),
        Value::Object(fields) => {
            NODE + fields.iter().map(|(name, value)| name.len() + json_len(value)).sum::<usize>()
        }
    }
}

/// A client has connected.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// The connection's process.
    pub pid: Pid,
    /// What the handler attached.
    pub metadata: Metadata,
    /// The subprotocol that was agreed on, if any.
    pub subprotocol: Option<Arc<str>>,
    /// The client's address as the socket gave it, if it has one.
    pub peer: Option<Arc<str>>,
}

/// One message of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientMessage {
    /// The connection's process.
    pub pid: Pid,
    /// The message, text or binary.
    pub data: Data,
    /// What the handler attached.
    pub metadata: Metadata,
}

/// The connection is alive.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// The connection's process.
    pub pid: Pid,
    /// Time since the connection was opened.
    pub uptime: Duration,
    /// The client's messages so far.
    pub message_count: u64,
    /// What the handler attached.
    pub metadata: Metadata,
}

/// A client is gone, or was handed on.
#[derive(Clone, Debug, PartialEq)]
pub struct Leave {
    /// The connection's process.
    pub pid: Pid,
    /// Why, in words: the client's own close reason, or the relay's.
    pub reason: Arc<str>,
    /// The close code; 1005 when the client gave none, 1006 when there was no close; `None` for a transfer.
    pub code: Option<u16>,
    /// Whether both sides said goodbye.
    pub clean: bool,
    /// What the handler attached.
    pub metadata: Metadata,
}

/// The client for which the target was named never connected (H13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abort {
    /// Why, in words.
    pub reason: Arc<str>,
}

/// A sender's own mark on a command, returned in the acknowledgement: a JSON string or number.
#[derive(Clone, Debug, PartialEq)]
pub enum Ref {
    /// A number.
    Number(Number),
    /// A string, at most [`Ref::BYTES_MAX`] bytes.
    Text(Arc<str>),
}

impl Ref {
    /// The longest text of a reference, in bytes.
    pub const BYTES_MAX: usize = 128;
}

impl From<u64> for Ref {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

/// The answer to a command with a `ref`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ack {
    /// The command's `ref`.
    pub reference: Ref,
    /// Nothing, or why the command was refused.
    pub outcome: Result<(), crate::fault::CommandFault>,
}

/// To a connection: one message for the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    /// The message, raw.
    pub data: Data,
    /// Whether to acknowledge it: when it is on its way to the socket, or refused.
    pub reference: Option<Box<Ref>>,
}

/// To a connection: close it.
#[derive(Clone, Debug, PartialEq)]
pub struct Close {
    /// The close code. Default 1000.
    pub code: CloseCode,
    /// The reason the client sees, at most 123 bytes.
    pub reason: CloseReason,
    /// Whether to acknowledge the command.
    pub reference: Option<Ref>,
}

impl Default for Close {
    /// A normal close without a reason.
    fn default() -> Self {
        Self { code: CloseCode::NORMAL, reason: CloseReason::default(), reference: None }
    }
}

/// What a control command does to the metadata (R7).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum MetadataChange {
    /// The field was absent.
    #[default]
    Keep,
    /// The field was given; `null` and `{}` clear.
    Set(Metadata),
}

/// To a connection: change where its messages go, and how. Absent fields stay as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Control {
    /// The new target.
    pub target: Option<Destination>,
    /// The new topic of the client's messages.
    pub message_topic: Option<Topic>,
    /// The new heartbeat.
    pub heartbeat: Option<Timeout>,
    /// The new metadata.
    pub metadata: MetadataChange,
    /// Whether to acknowledge the command.
    pub reference: Option<Ref>,
}

impl From<Data> for Payload {
    /// Text or bytes; on [`Topic::SEND`] the message for the client.
    fn from(data: Data) -> Self {
        Self::Data(data)
    }
}

impl From<&'static str> for Payload {
    fn from(text: &'static str) -> Self {
        Self::Data(Data::Text(Text::from(text)))
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::Data(Data::Text(Text::from(text)))
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Data(Data::Binary(bytes))
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::Json(Arc::new(value))
    }
}

impl From<Send> for Payload {
    fn from(send: Send) -> Self {
        Self::Send(send)
    }
}

impl From<Close> for Payload {
    fn from(close: Close) -> Self {
        Self::Close(Box::new(close))
    }
}

impl From<Control> for Payload {
    fn from(control: Control) -> Self {
        Self::Control(Box::new(control))
    }
}
