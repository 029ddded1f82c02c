//! Messages: topics, and payloads as typed values.
//!
//! On the data path nothing is turned into JSON: a [`Payload`] becomes JSON, or a table of a script,
//! only at the edge that needs it ([`Payload::to_json`]).

mod json;
mod payload;
mod runs;
mod term;
mod topic;

pub(crate) use json::data_to_json;
pub use payload::{
    Abort, Ack, ClientMessage, Close, Control, Heartbeat, Join, Leave, MetadataChange, Payload, Ref, Send,
};
pub use runs::{Entry, Run, Runs};
pub use term::{Foreign, Term};
pub use topic::Topic;

use crate::process::Pid;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use serde_json::{Map, Value};

/// One message from a process, or from outside any process, to a process.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The sender; `None` when it is no process, such as an HTTP handler.
    pub from: Option<Pid>,
    /// What it is about.
    pub topic: Topic,
    /// What it says.
    pub payload: Payload,
}

/// Where a signal goes: a name works wherever a PID does (P6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// This process.
    Pid(Pid),
    /// Whichever process holds this name when the signal is delivered.
    Name(Arc<str>),
}

impl From<Pid> for Destination {
    fn from(pid: Pid) -> Self {
        Self::Pid(pid)
    }
}

impl From<&str> for Destination {
    fn from(name: &str) -> Self {
        Self::Name(Arc::from(name))
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => pid.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What a handler wants attached to every message about its client: a JSON object, shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata(Option<Arc<Map<String, Value>>>);

impl Metadata {
    /// Metadata with these fields.
    #[must_use]
    pub fn new(fields: Map<String, Value>) -> Self {
        Self(if fields.is_empty() { None } else { Some(Arc::new(fields)) })
    }

    /// Reads what a handler or a command gave (R1): an object; `null` and `[]` count as an empty
    /// one. `None` when it is anything else.
    #[must_use]
    pub fn from_json(value: Value) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self::new(fields)),
            Value::Null => Some(Self::default()),
            Value::Array(items) if items.is_empty() => Some(Self::default()),
            Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }

    /// One field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.get(name)
    }

    /// One field, if it is a string.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Whether these are known to be the same fields, being the same memory.
    #[must_use]
    #[inline]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// Whether there are no fields.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All of it as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.as_ref().map(|fields| Map::clone(fields)).unwrap_or_default())
    }
}
