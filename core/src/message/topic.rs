//! Topics: what a message is about.

use alloc::sync::Arc;
use core::fmt;

/// The name on a message. Cheap to clone; those of the relay cost nothing at all.
#[derive(Clone)]
pub struct Topic(Repr);

#[derive(Clone)]
enum Repr {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Topic {
    /// A client has connected: the relay's first message to a target.
    pub const JOIN: Self = Self::from_static("ws.join");
    /// A client's message, where the handler named no topic of its own.
    pub const MESSAGE: Self = Self::from_static("ws.message");
    /// The periodic sign of life to the target.
    pub const HEARTBEAT: Self = Self::from_static("ws.heartbeat");
    /// A client is gone, or was handed on: the relay's last message to a target.
    pub const LEAVE: Self = Self::from_static("ws.leave");
    /// The client for which a target was named never connected (H13).
    pub const ABORT: Self = Self::from_static("ws.abort");
    /// The answer to a command with a `ref`.
    pub const ACK: Self = Self::from_static("ws.ack");
    /// To a connection: send one message to the client.
    pub const SEND: Self = Self::from_static("ws.send");
    /// To a connection: close.
    pub const CLOSE: Self = Self::from_static("ws.close");
    /// To a connection: hand over to another target, or change topic, heartbeat or metadata.
    pub const CONTROL: Self = Self::from_static("ws.control");

    /// A topic known when the program was written.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        Self(Repr::Static(name))
    }

    /// The topic's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Static(name) => name,
            Repr::Shared(name) => name,
        }
    }

    /// Whether the name belongs to the system: it starts with `@` or `ws.`.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        let name = self.as_str();
        name.starts_with('@') || name.starts_with("ws.")
    }
}

impl From<&str> for Topic {
    fn from(name: &str) -> Self {
        Self(Repr::Shared(Arc::from(name)))
    }
}

impl PartialEq for Topic {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Topic {}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
