//! Functions as processes, each on a thread of its own.

use crate::parker::wait_for;
use crate::runtime::Node;
use std::io;
use std::iter;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;
use wsrelay_core::message::Message;
use wsrelay_core::process::Event;
use wsrelay_core::time::Wake;
use wsrelay_host::{Handle, IntoExit, ProcessCell, panic_reason};

/// What a process on a thread of its own sees of the world: itself and what it may do toward others
/// ([`Handle`]), and its inbox.
///
/// Whatever waits answers `None` once the process has ended, which others can bring about while it is busy:
/// then there is nothing left to do but return.
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
    /// The node, to start other processes and to look names up.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// The messages of the inbox, one after the other, until the process ends. Messages that wait count
    /// against the mailbox's bounds until they are received.
    pub fn inbox(&self) -> impl Iterator<Item = Message> {
        iter::from_fn(|| self.receive())
    }

    /// The messages and events together, in the order of their arrival, until the process ends.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        iter::from_fn(|| self.next())
    }

    /// Waits for the next message.
    #[must_use]
    pub fn receive(&self) -> Option<Message> {
        self.wait(Wake::Never, ProcessCell::poll_message)
    }

    /// Waits for the next event that is no message: the exit of a monitored process, the crash of a linked one
    /// if links are trapped, a cancel.
    #[must_use]
    pub fn event(&self) -> Option<Event> {
        self.wait(Wake::Never, ProcessCell::poll_event)
    }

    /// Waits for the next message or event, in the order of their arrival.
    #[must_use]
    pub fn next(&self) -> Option<Event> {
        self.wait(Wake::Never, ProcessCell::poll_any)
    }

    /// The same, for so long at most. `None` when nothing came, or the process has ended; which of the two
    /// tells [`Context::is_ended`].
    #[must_use]
    pub fn next_within(&self, span: Duration) -> Option<Event> {
        let deadline = Wake::At(self.node.clock().now() + span);
        self.wait(deadline, ProcessCell::poll_any)
    }

    /// Whether the process has ended, so that nobody hears of what its code still does.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.cell().is_ended()
    }

    fn wait<T>(&self, deadline: Wake, poll: impl Fn(&ProcessCell, &Waker) -> Poll<T>) -> Option<T> {
        let answer = wait_for(&self.node.clock(), deadline, |waker| match poll(self.cell(), waker) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if self.is_ended() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        answer.flatten()
    }
}

/// Starts the thread of a process.
pub(crate) fn start<F, R>(cell: &Arc<ProcessCell>, node: &Node, body: F) -> io::Result<()>
where
    F: FnOnce(Context) -> R + Send + 'static,
    R: IntoExit,
{
    let context = Context { handle: Handle::new(Arc::clone(cell)), node: node.clone() };
    let cell = Arc::clone(cell);
    thread::Builder::new().name(format!("wsrelay {}", cell.pid())).spawn(move || {
        let reason = match catch_unwind(AssertUnwindSafe(|| body(context).into_exit())) {
            Ok(reason) => reason,
            Err(panic) => {
                let reason = panic_reason(&*panic);
                tracing::error!(pid = %cell.pid(), %reason, "process panicked");
                reason
            }
        };
        cell.end(reason);
    })?;
    Ok(())
}
