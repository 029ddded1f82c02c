//! What the code of a process, an ordinary function, may do toward others.

use crate::faults::{NameFault, SendFault};
use crate::process::ProcessCell;
use std::sync::Arc;
use wsrelay_core::message::{Destination, Payload, Topic};
use wsrelay_core::process::Pid;

/// A process as its own code sees it: itself, and what it may do toward others. How it waits for what
/// others send is the driver's.
#[derive(Clone, Debug)]
pub struct Handle(Arc<ProcessCell>);

impl Handle {
    /// The handle of this process.
    #[must_use]
    pub const fn new(cell: Arc<ProcessCell>) -> Self {
        Self(cell)
    }

    /// The process, for its driver.
    #[must_use]
    pub const fn cell(&self) -> &Arc<ProcessCell> {
        &self.0
    }

    /// The process's own PID.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.0.pid()
    }

    /// Sends a message to a process, or to whoever holds a name.
    ///
    /// # Errors
    ///
    /// [`SendFault`] when nobody got it (P7, P8).
    pub fn send(
        &self,
        to: impl Into<Destination>,
        topic: Topic,
        payload: impl Into<Payload>,
    ) -> Result<(), SendFault> {
        self.0.send(&to.into(), topic, payload.into())
    }

    /// Watches a process: one [`Event::Exit`](wsrelay_core::process::Event::Exit) when it ends, at once if it is
    /// not alive (P3).
    ///
    /// # Errors
    ///
    /// [`SendFault::NoProcess`] when nobody holds the name.
    pub fn monitor(&self, target: impl Into<Destination>) -> Result<Pid, SendFault> {
        self.0.monitor(&target.into())
    }

    /// Stops watching a process.
    ///
    /// # Errors
    ///
    /// As [`Handle::monitor`].
    pub fn demonitor(&self, target: impl Into<Destination>) -> Result<Pid, SendFault> {
        self.0.demonitor(&target.into())
    }

    /// Links this process and another (P4).
    ///
    /// # Errors
    ///
    /// As [`Handle::monitor`].
    pub fn link(&self, peer: impl Into<Destination>) -> Result<Pid, SendFault> {
        self.0.link(&peer.into())
    }

    /// Takes the link away.
    ///
    /// # Errors
    ///
    /// As [`Handle::monitor`].
    pub fn unlink(&self, peer: impl Into<Destination>) -> Result<Pid, SendFault> {
        self.0.unlink(&peer.into())
    }

    /// Whether a linked process's crash becomes an
    /// [`Event::LinkDown`](wsrelay_core::process::Event::LinkDown) instead of this process's end.
    pub fn trap_links(&self, trap: bool) {
        self.0.trap_links(trap);
    }

    /// Registers a name for this process (P6).
    ///
    /// # Errors
    ///
    /// [`NameFault`], and nothing has changed.
    pub fn register(&self, name: &str) -> Result<(), NameFault> {
        self.0.register(name)
    }

    /// Gives a name up. Whether this process held it.
    #[expect(clippy::must_use_candidate, reason = "done for its effect")]
    pub fn unregister(&self, name: &str) -> bool {
        self.0.node().unregister(name, self.pid())
    }
}
