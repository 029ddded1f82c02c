//! A timer that is seldom touched.

use smol::Timer;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use wsrelay_core::time::{Instant, Wake};
use wsrelay_host::Clock;

/// Wakes a task when a state machine's wake is due.
///
/// Most wakes move into the future again and again without ever coming due: each byte puts off the next
/// ping. So the timer is set anew only for a wake that comes before the one it is set for; one that
/// fires too early costs a look and no more.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: Clock,
    timer: Timer,
    set_for: Wake,
}

impl Alarm {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, timer: Timer::never(), set_for: Wake::Never }
    }

    /// Sees to it that the task is woken when `wake` is due. Ready when that may be now: read the time
    /// anew, and look.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, now: Instant, wake: Wake) -> Poll<()> {
        if wake.is_due(now) {
            return Poll::Ready(());
        }
        if wake < self.set_for
            && let Wake::At(at) = wake
        {
            self.timer.set_at(self.clock.to_system(at));
            self.set_for = wake;
        }
        if self.set_for != Wake::Never && Pin::new(&mut self.timer).poll(cx).is_ready() {
            self.set_for = Wake::Never;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
