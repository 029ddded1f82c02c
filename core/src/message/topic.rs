//! Topics: what a message is about.

use alloc::sync::Arc;
use core::fmt;

/// The name on a message. Cheap to clone and to compare; those of the relay cost nothing at all.
#[derive(Clone)]
pub struct Topic(Repr);

#[derive(Clone)]
enum Repr {
    Relay(RelayTopic),
    /// No topic of the relay's.
    Static(&'static str),
    /// Nor is this.
    Shared(Arc<str>),
}

/// The relay's own topics. As wide as what they are an alternative to, so that a topic is moved about in whole words.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum RelayTopic {
    Join,
    Message,
    Heartbeat,
    Leave,
    Abort,
    Ack,
    Send,
    Close,
    Control,
}

impl RelayTopic {
    const ALL: [Self; 9] = [
        Self::Join,
        Self::Message,
        Self::Heartbeat,
        Self::Leave,
        Self::Abort,
        Self::Ack,
        Self::Send,
        Self::Close,
        Self::Control,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Join => "ws.join",
            Self::Message => "ws.message",
            Self::Heartbeat => "ws.heartbeat",
            Self::Leave => "ws.leave",
            Self::Abort => "ws.abort",
            Self::Ack => "ws.ack",
            Self::Send => "ws.send",
            Self::Close => "ws.close",
            Self::Control => "ws.control",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == name)
    }

    /// The same where the compiler does it.
    const fn parse_const(name: &str) -> Option<Self> {
        let mut index = 0;
        while index < Self::ALL.len() {
            let (ours, theirs) = (Self::ALL[index].as_str().as_bytes(), name.as_bytes());
            let mut same = 0;
            while same < ours.len() && same < theirs.len() && ours[same] == theirs[same] {
                same += 1;
            }
            if same == ours.len() && same == theirs.len() {
                return Some(Self::ALL[index]);
            }
            index += 1;
        }
        None
    }
}

impl Topic {
    /// A client has connected: the relay's first message to a target.
    pub const JOIN: Self = Self(Repr::Relay(RelayTopic::Join));
    /// A client's message, where the handler named no topic of its own.
    pub const MESSAGE: Self = Self(Repr::Relay(RelayTopic::Message));
    /// The periodic sign of life to the target.
    pub const HEARTBEAT: Self = Self(Repr::Relay(RelayTopic::Heartbeat));
    /// A client is gone, or was handed on: the relay's last message to a target.
    pub const LEAVE: Self = Self(Repr::Relay(RelayTopic::Leave));
    /// The client for which a target was named never connected (H13).
    pub const ABORT: Self = Self(Repr::Relay(RelayTopic::Abort));
    /// The answer to a command with a `ref`.
    pub const ACK: Self = Self(Repr::Relay(RelayTopic::Ack));
    /// To a connection: send one message to the client.
    pub const SEND: Self = Self(Repr::Relay(RelayTopic::Send));
    /// To a connection: close.
    pub const CLOSE: Self = Self(Repr::Relay(RelayTopic::Close));
    /// To a connection: hand over to another target, or change topic, heartbeat or metadata.
    pub const CONTROL: Self = Self(Repr::Relay(RelayTopic::Control));

    /// A topic known when the program was written.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        match RelayTopic::parse_const(name) {
            Some(topic) => Self(Repr::Relay(topic)),
            None => Self(Repr::Static(name)),
        }
    }

    /// The topic's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Relay(topic) => topic.as_str(),
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

    /// Whether there is always room for a message on this topic (P8, P9): joins, leaves and acknowledgements,
    /// and the commands that end or move a connection.
    #[must_use]
    #[inline]
    pub const fn always_has_room(&self) -> bool {
        match &self.0 {
            Repr::Relay(topic) => match topic {
                RelayTopic::Join
                | RelayTopic::Leave
                | RelayTopic::Abort
                | RelayTopic::Ack
                | RelayTopic::Close
                | RelayTopic::Control => true,
                RelayTopic::Message | RelayTopic::Heartbeat | RelayTopic::Send => false,
            },
            Repr::Static(_) | Repr::Shared(_) => false,
        }
    }
}

impl From<&str> for Topic {
    fn from(name: &str) -> Self {
        match RelayTopic::parse(name) {
            Some(topic) => Self(Repr::Relay(topic)),
            None => Self(Repr::Shared(Arc::from(name))),
        }
    }
}

impl PartialEq for Topic {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Relay(one), Repr::Relay(other)) => one == other,
            // Every name of the relay's is known as one.
            (Repr::Relay(_), Repr::Static(_) | Repr::Shared(_))
            | (Repr::Static(_) | Repr::Shared(_), Repr::Relay(_)) => false,
            (Repr::Static(_) | Repr::Shared(_), Repr::Static(_) | Repr::Shared(_)) => {
                self.as_str() == other.as_str()
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_the_same_however_it_was_made() {
        for topic in RelayTopic::ALL {
            let (constant, named) = (Topic(Repr::Relay(topic)), Topic::from(topic.as_str()));
            assert_eq!(constant, named);
            assert_eq!(constant, Topic::from_static(topic.as_str()));
            assert_eq!(named.as_str(), topic.as_str());
        }
        assert_eq!(Topic::from("game"), Topic::from_static("game"));
        for (one, other) in [("game", "ws.send"), ("ws.sen", "ws.send"), ("ws.sends", "ws.send"), ("a", "b")]
        {
            assert_ne!(Topic::from(one), Topic::from(other));
            assert_ne!(Topic::from_static(one), Topic::from(other));
        }
    }
}
