//! What the tests stand on: a server to itself for each, a client that writes and reads bytes, and processes
//! that tell the test what they see.

mod client;
mod processes;
mod world;

pub(crate) use client::{Client, frame};
pub(crate) use processes::{Echo, Probe, act, forward, number_of, text_of};
pub(crate) use world::{Setup, World};

use std::fmt::Debug;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;
use wsrelay_core::message::Topic;
use wsrelay_core::time::Instant;
use wsrelay_host::Clock;

/// The longest wait for anything. Only a failing test gets there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// A span that no test lives to see the end of.
pub(crate) const LONG: Duration = Duration::from_secs(3600);
/// A short span for deadlines that a test lets pass.
pub(crate) const SHORT: Duration = Duration::from_millis(10);

/// A topic of the application's own.
pub(crate) fn topic() -> Topic {
    Topic::from("test")
}

/// What a test is told by others.
pub(crate) struct Heard<T>(Receiver<T>);

/// A channel to the test.
pub(crate) fn channel<T>() -> (Sender<T>, Heard<T>) {
    let (sender, receiver) = mpsc::channel();
    (sender, Heard(receiver))
}

impl<T: Debug> Heard<T> {
    /// What is told next, which has to come.
    pub(crate) fn next(&self, what: &str) -> T {
        self.0.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{what} did not come: {error}"))
    }

    /// Everybody who could tell something has to be gone, without having told anything more.
    pub(crate) fn end(&self, what: &str) {
        let next = self.0.recv_timeout(PATIENCE);
        assert_eq!(next.err(), Some(RecvTimeoutError::Disconnected), "{what} was to end");
    }

    /// Whether nothing was told so far.
    pub(crate) fn is_silent(&self) -> bool {
        self.0.try_recv().is_err()
    }
}

/// Does on another thread what could take for ever, and fails in words when it does.
pub(crate) fn within<T: Debug + Send + 'static>(what: &str, body: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = channel();
    thread::spawn(move || done.send(body()));
    result.next(what)
}

/// Lets the others work until `is_so`, for what no event tells of.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let clock = Clock::start();
    while !is_so() {
        assert!(clock.now().since(Instant::ZERO) < PATIENCE, "waited in vain for {what}");
        thread::yield_now();
    }
}
