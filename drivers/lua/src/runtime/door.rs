//! A Lua process as other threads see it.

use crate::vm::Values;
use crate::vm::modules::errors::ErrorObject;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use wsrelay_core::process::Pid;
use wsrelay_host::{Node, ProcessCell};

/// The result of something that a process began: what its code gets.
#[derive(Clone, Debug)]
pub enum Completion {
    /// A process was spawned.
    Spawned(Pid),
    /// A process has ended with these values.
    Returned(Values),
    /// It failed.
    Failed(ErrorObject),
}

/// A process, and the results that wait for it.
#[derive(Debug)]
pub struct Door {
    cell: Arc<ProcessCell>,
    completions: Mutex<VecDeque<(u64, Completion)>>,
    waker: OnceLock<Waker>,
}

impl Door {
    /// The door of a new process.
    #[must_use]
    pub fn new(node: &Node) -> Arc<Self> {
        Arc::new(Self { cell: ProcessCell::new(node), completions: Mutex::default(), waker: OnceLock::new() })
    }

    /// The process.
    #[must_use]
    pub const fn cell(&self) -> &Arc<ProcessCell> {
        &self.cell
    }

    /// How its worker is told that there is something for it.
    pub(crate) fn waker(&self, make: impl FnOnce() -> Waker) -> &Waker {
        self.waker.get_or_init(make)
    }

    /// Hands a result over.
    pub fn complete(&self, token: u64, completion: Completion) {
        self.completions().push_back((token, completion));
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// The next result.
    #[must_use]
    pub fn take_completion(&self) -> Option<(u64, Completion)> {
        self.completions().pop_front()
    }

    fn completions(&self) -> MutexGuard<'_, VecDeque<(u64, Completion)>> {
        self.completions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
