//! What passes between processes (P2).

use super::{ExitReason, Pid};
use crate::message::Message;
use alloc::sync::Arc;

/// All that one process can do to another.
///
/// Signals from one process to another arrive in the order they were sent; nothing else is shared.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// An application's or the relay's message.
    Message(Message),
    /// `watcher` wants to know when the receiver ends.
    Monitor {
        /// Who will get the [`Signal::Down`].
        watcher: Pid,
    },
    /// `watcher` no longer wants to know.
    Demonitor {
        /// Who had asked.
        watcher: Pid,
    },
    /// `peer` and the receiver are linked from now on.
    Link {
        /// The other end.
        peer: Pid,
    },
    /// `peer` and the receiver are not linked any more; also sent by a process that ends normally.
    Unlink {
        /// The other end.
        peer: Pid,
    },
    /// A linked process ended abnormally.
    Exit {
        /// The process that ended.
        from: Pid,
        /// Why.
        reason: ExitReason,
    },
    /// A monitored process ended, or was not alive to begin with.
    Down {
        /// The process that ended.
        from: Pid,
        /// Why.
        reason: ExitReason,
    },
    /// The receiver is asked to end (P5).
    Cancel {
        /// Who asks, if it is a process.
        from: Option<Pid>,
        /// Why, in words.
        reason: Arc<str>,
    },
    /// The receiver ends, without being asked (P5).
    Kill,
}

/// Where a state machine puts the signals that it sends.
pub trait SignalSink {
    /// Takes one signal for `to`, to be delivered after all that were taken before.
    fn signal(&mut self, to: Pid, signal: Signal);
}

impl SignalSink for alloc::vec::Vec<(Pid, Signal)> {
    fn signal(&mut self, to: Pid, signal: Signal) {
        self.push((to, signal));
    }
}
