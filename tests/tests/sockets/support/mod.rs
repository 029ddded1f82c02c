//! What the tests stand on: a server to itself for each, two kinds of client, and a process that tells
//! the test what it sees.

mod client;
mod probe;
mod raw;
mod world;

pub(crate) use client::Client;
pub(crate) use probe::{Gated, Probe, text_of};
pub(crate) use raw::{KEY, Raw, Reply, frame};
pub(crate) use world::{Setup, World};

use smol::Timer;
use std::future::Future;
use std::time::Duration;

/// The longest wait for anything. Only a failing test gets there.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a test.
pub(crate) fn run(test: impl Future<Output = ()>) {
    smol::block_on(test);
}

/// Awaits what has to come, and fails in words when it does not.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let late = async {
        Timer::after(PATIENCE).await;
        panic!("waited {PATIENCE:?} in vain for {what}")
    };
    smol::future::or(future, late).await
}

/// Lets the others work until `is_so`, for what is seen in counters only.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    within(what, async {
        while !is_so() {
            smol::future::yield_now().await;
        }
    })
    .await;
}

/// A short span for deadlines that a test lets pass.
pub(crate) const SHORT: Duration = Duration::from_millis(100);
/// A span that no test lives to see the end of.
pub(crate) const LONG: Duration = Duration::from_secs(3600);
