//! Processes: identifiers, signals, monitors, links, and the one lifecycle that all kinds share.
//!
//! Read [`Signal`] first (all that one process can do to another), then [`Lifecycle`] (what a
//! process does about it), then [`Actor`] (a user's process as a pure state machine). The words are
//! those of Erlang/OTP.

mod actor;
mod effects;
mod lifecycle;
mod pid;
mod reason;
mod signal;

pub use actor::{Actor, ActorInput, ActorProcess, Context};
pub use effects::{Effect, Effects, Letters};
pub use lifecycle::{Lifecycle, Reaction, answer_for_the_dead};
pub use pid::{NodeId, Pid, PidFault};
pub use reason::ExitReason;
pub use signal::{Signal, SignalSink};

#[cfg(test)]
mod tests;

use crate::message::Message;
use alloc::sync::Arc;

/// What a process's own code gets to see.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The process has started; the first event of every [`Actor`].
    Started,
    /// A message arrived.
    Message(Message),
    /// A monitored process ended (P3).
    Exit {
        /// The process that ended.
        from: Pid,
        /// Why.
        reason: ExitReason,
    },
    /// A linked process ended abnormally, and this one traps links (P4).
    LinkDown {
        /// The process that ended.
        from: Pid,
        /// Why.
        reason: ExitReason,
    },
    /// Somebody asks this process to end (P5).
    Cancel {
        /// Who asks, if it is a process.
        from: Option<Pid>,
        /// Why, in words.
        reason: Arc<str>,
    },
    /// The time that an [`Actor`] asked for with [`Context::wake_at`] has come.
    Tick,
}
