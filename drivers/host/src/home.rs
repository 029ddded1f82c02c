//! A thread that runs processes, as other threads see it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Where processes are at home that never leave their thread: how others wake that thread, and for whom.
///
/// However many signals arrive between two rounds of the thread, it is woken at most once, and not at all
/// while it is awake.
pub struct Home {
    shard: usize,
    /// Places of the processes that something has come for.
    woken: Mutex<Vec<u32>>,
    asleep: AtomicBool,
    notify: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").field("shard", &self.shard).finish_non_exhaustive()
    }
}

impl Home {
    /// The home with this number; `notify` is called to end its thread's sleep.
    #[must_use]
    pub fn new(number: usize, notify: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            shard: number,
            woken: Mutex::default(),
            asleep: AtomicBool::new(false),
            notify: Box::new(notify),
        })
    }

    /// The part of the directory that its processes have.
    pub(crate) const fn shard(&self) -> usize {
        self.shard
    }

    /// Something has come for the process at `place`.
    pub(crate) fn wake(&self, place: u32) {
        self.woken().push(place);
        self.knock();
    }

    /// Ends the thread's sleep, if it sleeps; to be called after something was put where it will look.
    pub fn knock(&self) {
        if self.asleep.swap(false, Ordering::AcqRel) {
            (self.notify)();
        }
    }

    /// Announces that the thread is about to sleep. It has to look once more for anything that others can
    /// have put anywhere, this home included: who comes later knocks. Whether it may sleep as far as
    /// this home is concerned.
    #[must_use]
    pub fn may_sleep(&self) -> bool {
        // Whoever takes the lock after us sees the flag; whoever took it before us is seen by us.
        self.asleep.swap(true, Ordering::AcqRel);
        self.woken().is_empty()
    }

    /// The thread is awake, whatever woke it.
    pub fn awake(&self) {
        self.asleep.store(false, Ordering::Release);
    }

    /// Takes out the places of processes that something has come for.
    pub(crate) fn take_woken(&self, into: &mut Vec<u32>) {
        std::mem::swap(&mut *self.woken(), into);
    }

    fn woken(&self) -> MutexGuard<'_, Vec<u32>> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes one process at its home: for what takes a [`Waker`] and is seldom needed.
pub(crate) fn waker(home: &Arc<Home>, place: u32) -> Waker {
    struct Place {
        home: Arc<Home>,
        place: u32,
    }
    impl Wake for Place {
        fn wake(self: Arc<Self>) {
            self.home.wake(self.place);
        }
    }
    Waker::from(Arc::new(Place { home: Arc::clone(home), place }))
}
