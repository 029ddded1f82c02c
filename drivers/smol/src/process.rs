//! Async functions as processes.

use crate::runtime::Node;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use wsrelay_core::message::Message;
use wsrelay_core::process::{Event, ExitReason};
use wsrelay_host::{Handle, IntoExit, ProcessCell, panic_reason};

/// What an async process sees of the world: itself and what it may do toward others ([`Handle`]), and its
/// inbox.
#[derive(Clone, Debug)]
pub struct Context {
    handle: Handle,
    node: Node,
}

impl Deref for Context {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Context {
    pub(crate) const fn new(cell: Arc<ProcessCell>, node: Node) -> Self {
        Self { handle: Handle::new(cell), node }
    }

    /// The node, to start other processes and to look names up.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// The next message of the inbox. Messages that wait count against the mailbox's bounds until they
    /// are received.
    pub async fn receive(&self) -> Message {
        poll_fn(|cx| self.handle.cell().poll_message(cx.waker())).await
    }

    /// The next event that is no message: the exit of a monitored process, the crash of a linked one if
    /// links are trapped, a cancel.
    pub async fn event(&self) -> Event {
        poll_fn(|cx| self.handle.cell().poll_event(cx.waker())).await
    }

    /// The next message or event, in the order of their arrival.
    pub async fn next(&self) -> Event {
        poll_fn(|cx| self.handle.cell().poll_any(cx.waker())).await
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
