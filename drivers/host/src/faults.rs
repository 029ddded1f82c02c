//! Why a message was not sent, or a name not registered.

use std::fmt;
use wsrelay_core::process::Pid;

/// Why a message was not sent (P7, P8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendFault {
    /// No such process is alive.
    NoProcess,
    /// The process's mailbox has no room.
    Full,
    /// The process is a connection, and the message larger than its outbox may be.
    TooBig,
}

impl fmt::Display for SendFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProcess => "process not found",
            Self::Full => "the process's mailbox is full",
            Self::TooBig => "the message is larger than the connection's outbox",
        })
    }
}

impl std::error::Error for SendFault {}

/// Why a name was not registered (P6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// This process holds it.
    Taken(Pid),
    /// The process that should get it is not alive.
    NoProcess,
    /// A name is not empty and does not begin with a brace, which is how PIDs begin.
    Malformed,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(owner) => write!(f, "the name is taken by {owner}"),
            Self::NoProcess => f.write_str("process not found"),
            Self::Malformed => f.write_str("a name is not empty and does not begin with `{`"),
        }
    }
}

impl std::error::Error for NameFault {}
