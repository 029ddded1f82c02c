//! Async functions as processes.

use crate::runtime::Node;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use wsrelay_core::message::{Destination, Message, Payload, Topic};
use wsrelay_core::process::{Event, ExitReason, Pid};
use wsrelay_host::{NameFault, ProcessCell, SendFault, panic_reason};

/// What an async process sees of the world: itself, its inbox, and the others.
#[derive(Clone, Debug)]
pub struct Context {
    cell: Arc<ProcessCell>,
    node: Node,
}

impl Context {
    pub(crate) const fn new(cell: Arc<ProcessCell>, node: Node) -> Self {
        Self { cell, node }
    }

    /// The process's own PID.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.cell.pid()
    }

    /// The node, to start other processes and to look names up.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// The next message of the inbox. Messages that wait count against the mailbox's bounds until they
    /// are received.
    pub async fn receive(&self) -> Message {
        poll_fn(|cx| self.cell.poll_message(cx.waker())).await
    }

    /// The next event that is no message: the exit of a monitored process, the crash of a linked one if
    /// links are trapped, a cancel.
    pub async fn event(&self) -> Event {
        poll_fn(|cx| self.cell.poll_event(cx.waker())).await
    }

    /// The next message or event, in the order of their arrival.
    pub async fn next(&self) -> Event {
        poll_fn(|cx| self.cell.poll_any(cx.waker())).await
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
        self.cell.send(&to.into(), topic, payload.into())
    }

    /// Watches a process: one [`Event::Exit`] when it ends, at once if it is not alive (P3).
    ///
    /// # Errors
    ///
    /// [`SendFault::NoProcess`] when nobody holds the name.
    pub fn monitor(&self, target: impl Into<Destination>) -> Result<Pid, SendFault> {
        self.cell.monitor(&target.into())
    }

    /// Stops watching a process.
    ///
    /// # Errors
    ///
    /// As [`Context::monitor`].
    pub fn demonitor(&self, target: impl Into<Destination>) -> Result<Pid, SendFault> {
        self.cell.demonitor(&target.into())
    }

    /// Links this process and another (P4).
    ///
    /// # Errors
    ///
    /// As [`Context::monitor`].
    pub fn link(&self, peer: impl Into<Destination>) -> Result<Pid, SendFault> {
        self.cell.link(&peer.into())
    }

    /// Takes the link away.
    ///
    /// # Errors
    ///
    /// As [`Context::monitor`].
    pub fn unlink(&self, peer: impl Into<Destination>) -> Result<Pid, SendFault> {
        self.cell.unlink(&peer.into())
    }

    /// Whether a linked process's crash becomes an [`Event::LinkDown`] instead of this process's end.
    pub fn trap_links(&self, trap: bool) {
        self.cell.trap_links(trap);
    }

    /// Registers a name for this process (P6).
    ///
    /// # Errors
    ///
    /// [`NameFault`], and nothing has changed.
    pub fn register(&self, name: &str) -> Result<(), NameFault> {
        self.cell.register(name)
    }

    /// Gives a name up. Whether this process held it.
    pub fn unregister(&self, name: &str) -> bool {
        self.node.unregister(name, self.pid())
    }
}

/// How the return value of a process's function becomes the reason of its end.
pub trait IntoExit {
    /// The reason.
    fn into_exit(self) -> ExitReason;
}

impl IntoExit for () {
    fn into_exit(self) -> ExitReason {
        ExitReason::Normal
    }
}

impl IntoExit for ExitReason {
    fn into_exit(self) -> ExitReason {
        self
    }
}

impl<E: fmt::Display> IntoExit for Result<(), E> {
    /// An error is a crash, in the error's words.
    fn into_exit(self) -> ExitReason {
        match self {
            Ok(()) => ExitReason::Normal,
            Err(error) => ExitReason::crashed(&error.to_string()),
        }
    }
}

/// The task of one async process: its function, and what can end it from outside.
pub(crate) struct Runner<B> {
    cell: Arc<ProcessCell>,
    /// Gone once the process has ended.
    body: Option<Pin<Box<B>>>,
}

impl<B> Runner<B> {
    pub(crate) fn new(cell: Arc<ProcessCell>, body: B) -> Self {
        Self { cell, body: Some(Box::pin(body)) }
    }

    /// Ends the process. Its function is dropped first, wherever it waits; a destructor that panics harms
    /// nobody else.
    fn end(&mut self, reason: ExitReason) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(self.body.take()))) {
            tracing::error!(pid = %self.cell.pid(), reason = %panic_reason(&*panic), "destructor panicked");
        }
        self.cell.end(reason);
    }
}

impl<B: Future> Runner<B> {
    fn poll_body(&mut self, cx: &mut task::Context<'_>) -> Poll<B::Output> {
        match &mut self.body {
            Some(body) => body.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<B: Future<Output: IntoExit>> Future for Runner<B> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let reason = match self.cell.pump(cx.waker()) {
            Some(reason) => reason,
            None => match catch_unwind(AssertUnwindSafe(|| self.poll_body(cx))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(result)) => result.into_exit(),
                Err(panic) => {
                    let reason = panic_reason(&*panic);
                    tracing::error!(pid = %self.cell.pid(), %reason, "process panicked");
                    reason
                }
            },
        };
        self.end(reason);
        Poll::Ready(())
    }
}

impl<B> Drop for Runner<B> {
    /// A task that is dropped before its end, as when the runtime stops, is a process that was killed.
    fn drop(&mut self) {
        self.end(ExitReason::Killed);
    }
}
