//! Why a process ended.

use crate::message::Term;
use alloc::sync::Arc;
use core::fmt;

/// Why a process ended: what its monitors and links are told.
///
/// `Normal`, `Returned` and `Shutdown` are normal ends, which do not propagate over links (P4); all others are
/// abnormal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ExitReason {
    /// It came to its end.
    Normal,
    /// It came to its end with a value of its language.
    Returned(Term),
    /// It was asked to end, because its node or its owner does.
    Shutdown,
    /// It was terminated without being asked.
    Killed,
    /// There is no such process: the answer to a monitor or link that came too late.
    NoProcess,
    /// Its node cannot be reached any more.
    NodeLost,
    /// A process linked to it ended abnormally, and it did not trap that.
    Linked,
    /// It failed: a panic, a script error, or for a connection what went wrong on the wire.
    /// For logs and other processes; never shown to a client.
    Crashed(Arc<str>),
    /// It failed with a value of its language; like [`ExitReason::Crashed`], never shown to a client.
    Raised(Term),
}

impl ExitReason {
    /// An abnormal end, in words.
    #[must_use]
    pub fn crashed(why: &str) -> Self {
        Self::Crashed(Arc::from(why))
    }

    /// Whether links are left alone (P4).
    #[must_use]
    pub const fn is_normal(&self) -> bool {
        match self {
            Self::Normal | Self::Returned(_) | Self::Shutdown => true,
            Self::Killed
            | Self::NoProcess
            | Self::NodeLost
            | Self::Linked
            | Self::Crashed(_)
            | Self::Raised(_) => false,
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal | Self::Returned(_) => "normal",
            Self::Shutdown => "shutdown",
            Self::Killed => "killed",
            Self::NoProcess => "noproc",
            Self::NodeLost => "node lost",
            Self::Linked => "linked process failed",
            Self::Crashed(why) => why,
            Self::Raised(term) => return term.fmt(f),
        })
    }
}
