//! Waiting on the present thread for something that calls a waker.

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::thread::{self, Thread};
use wsrelay_core::time;
use wsrelay_host::Clock;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

thread_local! {
    static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
}

/// Asks `poll` until it has an answer, and sleeps in between. `None` when it had none until `deadline`.
pub(crate) fn wait_for<T>(
    clock: &Clock,
    deadline: time::Wake,
    mut poll: impl FnMut(&Waker) -> Poll<T>,
) -> Option<T> {
    WAKER.with(|waker| {
        loop {
            if let Poll::Ready(answer) = poll(waker) {
                return Some(answer);
            }
            match deadline.wait(clock.now()) {
                None => thread::park(),
                Some(rest) if rest.is_zero() => return None,
                Some(rest) => thread::park_timeout(rest),
            }
        }
    })
}
