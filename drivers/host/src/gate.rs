//! How many connections there are, how many there may be, and the drain.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// Counts connections in and out.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Sockets, whether they relay or not.
    open: AtomicUsize,
    relaying: AtomicUsize,
    relaying_max: usize,
    drain: OnceLock<Duration>,
    waiting_for_idle: Mutex<Vec<Waker>>,
    waiting_for_drain: Mutex<Vec<Waker>>,
}

impl Gate {
    pub(crate) fn new(relaying_max: usize) -> Self {
        Self {
            open: AtomicUsize::new(0),
            relaying: AtomicUsize::new(0),
            relaying_max,
            drain: OnceLock::new(),
            waiting_for_idle: Mutex::default(),
            waiting_for_drain: Mutex::default(),
        }
    }

    /// A client's socket was accepted.
    pub(crate) fn open(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
    }

    /// A client's socket is gone.
    pub(crate) fn close(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            wake_all(&self.waiting_for_idle);
        }
    }

    /// Takes one of the places for connections that relay. False when there is none left (H9).
    pub(crate) fn enter(&self) -> bool {
        let max = self.relaying_max;
        self.relaying
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| (now < max).then_some(now + 1))
            .is_ok()
    }

    /// Gives the place back.
    pub(crate) fn leave(&self) {
        self.relaying.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether another connection could begin to relay.
    pub(crate) fn has_place(&self) -> bool {
        self.relaying.load(Ordering::Acquire) < self.relaying_max
    }

    /// Begins the drain. False when it has begun before.
    pub(crate) fn drain(&self, window: Duration) -> bool {
        let begins = self.drain.set(window).is_ok();
        if begins {
            wake_all(&self.waiting_for_drain);
        }
        begins
    }

    pub(crate) fn draining(&self) -> Option<Duration> {
        self.drain.get().copied()
    }

    /// The drain window; else `waker` is called when the drain begins.
    pub(crate) fn poll_draining(&self, waker: &Waker) -> Poll<Duration> {
        add_waker(&self.waiting_for_drain, waker);
        // Asked after the waker is in place: a drain that begins meanwhile calls it.
        self.draining().map_or(Poll::Pending, Poll::Ready)
    }

    /// Whether no socket is open; else `waker` is called when the last one is gone.
    pub(crate) fn is_idle(&self, waker: &Waker) -> bool {
        add_waker(&self.waiting_for_idle, waker);
        // Asked after the waker is in place: the last connection to go calls it.
        self.open.load(Ordering::Acquire) == 0
    }
}

fn add_waker(waiting: &Mutex<Vec<Waker>>, waker: &Waker) {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    if !waiting.iter().any(|other| other.will_wake(waker)) {
        waiting.push(waker.clone());
    }
}

fn wake_all(waiting: &Mutex<Vec<Waker>>) {
    let waiting = std::mem::take(&mut *waiting.lock().unwrap_or_else(PoisonError::into_inner));
    waiting.into_iter().for_each(Waker::wake);
}
