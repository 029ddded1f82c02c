//! A worker as other threads see it, and what they may ask of it.

use crate::server::Service;
use mio::net::TcpListener;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use wsrelay_core::process::{Actor, ExitReason, Pid};
use wsrelay_core::time::{self, Instant};
use wsrelay_core::upgrade::Response;
use wsrelay_host::{ActorRunner, Home, Local, Mailbox, Next, ProcessCell};

/// A process that a worker runs.
pub(crate) trait Process: Send {
    /// Its mailbox at the worker's home, if it has one there.
    fn mailbox(&self) -> Option<&Arc<Mailbox>>;

    /// One turn's worth of work.
    fn turn(&mut self, now: Instant, local: &mut Local) -> Next;
}

impl<A: Actor + Send> Process for ActorRunner<A> {
    fn mailbox(&self) -> Option<&Arc<Mailbox>> {
        Some(Self::mailbox(self))
    }

    fn turn(&mut self, now: Instant, local: &mut Local) -> Next {
        self.poll(now, local)
    }
}

/// A process whose code runs on a thread of its own. Lost by whoever was to attend to it, as when a worker stops, it
/// ends.
pub(crate) struct Attended(pub(crate) Arc<ProcessCell>);

impl Drop for Attended {
    /// Where it has ended already, nothing changes.
    fn drop(&mut self) {
        self.0.end(ExitReason::Killed);
    }
}

/// Sorts the mailbox of such a process, and ends it when it has to end, whatever its thread is busy with.
pub(crate) struct Attendant {
    pub(crate) attended: Attended,
    pub(crate) waker: Waker,
}

impl Process for Attendant {
    fn mailbox(&self) -> Option<&Arc<Mailbox>> {
        None
    }

    fn turn(&mut self, _: Instant, _: &mut Local) -> Next {
        let Attended(cell) = &self.attended;
        if let Some(reason) = cell.pump(&self.waker) {
            cell.end(reason);
        }
        if cell.is_ended() { Next::Ended } else { Next::Wait(time::Wake::Never) }
    }
}

/// What a worker is asked to do.
pub(crate) enum Task {
    /// Run a process.
    Start(Box<dyn Process>),
    /// Run an [`Attendant`], which gets its waker from the worker.
    Attend(Attended),
    /// Give a process that has no mailbox at home its turn.
    Turn(u32),
    /// Accept clients.
    Listen(u64, TcpListener, Arc<Service>),
    /// Accept no more of them there.
    Unlisten(u64),
    /// Take a handler's answer to the request of this client.
    Answer(u32, Pid, Box<Response>),
    /// Come to an end.
    Stop,
}

/// One worker, for others.
pub(crate) struct Shared {
    pub(crate) home: Arc<Home>,
    /// None once the worker has stopped.
    tasks: Mutex<Option<Vec<Task>>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("home", &self.home).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(number: usize, waker: mio::Waker) -> Arc<Self> {
        let notify = move || {
            // An error would be a poller that is gone, and with it the worker.
            if let Err(error) = waker.wake() {
                tracing::error!(%error, "cannot wake a worker");
            }
        };
        Arc::new(Self { home: Home::new(number, notify), tasks: Mutex::new(Some(Vec::new())) })
    }

    /// Asks for something. Where the worker has stopped, it is dropped.
    pub(crate) fn ask(&self, task: Task) {
        let late = match &mut *self.tasks() {
            Some(tasks) => {
                tasks.push(task);
                None
            }
            None => Some(task),
        };
        // Outside the lock: a task may be a process, and its end concern others.
        drop(late);
        self.home.knock();
    }

    pub(crate) fn take_tasks(&self) -> Vec<Task> {
        self.tasks().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The worker has stopped: what was asked for and not done is dropped.
    pub(crate) fn close(&self) {
        let left = self.tasks().take();
        drop(left);
    }

    fn tasks(&self) -> MutexGuard<'_, Option<Vec<Task>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces that the worker is about to sleep. Whether it may.
    pub(crate) fn may_sleep(&self) -> bool {
        self.home.may_sleep() && self.tasks().as_ref().is_none_or(Vec::is_empty)
    }

    /// Wakes the process `key` of this worker.
    pub(crate) fn waker(self: &Arc<Self>, key: u32) -> Waker {
        struct Turn(Arc<Shared>, u32);
        impl Wake for Turn {
            fn wake(self: Arc<Self>) {
                self.0.ask(Task::Turn(self.1));
            }
        }
        Waker::from(Arc::new(Turn(Arc::clone(self), key)))
    }
}

/// All workers of a runtime.
#[derive(Debug)]
pub(crate) struct Workers {
    all: Vec<Arc<Shared>>,
    next: AtomicUsize,
    listeners: AtomicU64,
}

thread_local! {
    /// The worker that this thread is.
    static HERE: std::cell::RefCell<Option<Arc<Shared>>> = const { std::cell::RefCell::new(None) };
}

impl Workers {
    pub(crate) const fn new(all: Vec<Arc<Shared>>) -> Self {
        Self { all, next: AtomicUsize::new(0), listeners: AtomicU64::new(0) }
    }

    pub(crate) fn all(&self) -> &[Arc<Shared>] {
        &self.all
    }

    /// Where a new process shall live: with whom starts it, if that is one of these workers; else they
    /// take turns.
    pub(crate) fn choose(&self) -> &Arc<Shared> {
        let here = HERE.with_borrow(|here| {
            let here = here.as_ref()?;
            self.all.iter().find(|worker| Arc::ptr_eq(worker, here))
        });
        here.unwrap_or_else(|| &self.all[self.next.fetch_add(1, Ordering::Relaxed) % self.all.len()])
    }

    /// Has this thread known as this worker.
    pub(crate) fn is_here(worker: &Arc<Shared>) {
        HERE.set(Some(Arc::clone(worker)));
    }

    /// Has all workers accept clients, each on one of these listeners. The number to
    /// [forget](Self::unlisten) them by.
    pub(crate) fn listen(&self, listeners: Vec<TcpListener>, service: &Arc<Service>) -> u64 {
        let number = self.listeners.fetch_add(1, Ordering::Relaxed);
        for (worker, listener) in self.all.iter().zip(listeners) {
            worker.ask(Task::Listen(number, listener, Arc::clone(service)));
        }
        number
    }

    pub(crate) fn unlisten(&self, number: u64) {
        for worker in &self.all {
            worker.ask(Task::Unlisten(number));
        }
    }

    pub(crate) fn stop(&self) {
        for worker in &self.all {
            worker.ask(Task::Stop);
        }
    }

    /// One listener for each worker, on the same socket.
    pub(crate) fn share(&self, listener: &std::net::TcpListener) -> io::Result<Vec<TcpListener>> {
        listener.set_nonblocking(true)?;
        self.all.iter().map(|_| Ok(TcpListener::from_std(listener.try_clone()?))).collect()
    }
}
