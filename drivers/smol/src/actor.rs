//! Pure actors as tasks.

use crate::alarm::Alarm;
use std::future::poll_fn;
use std::task::Poll;
use wsrelay_core::process::Actor;
use wsrelay_host::{ActorRunner, Clock, Next};

/// Runs an actor to its end.
pub(crate) async fn run<A: Actor>(mut runner: ActorRunner<A>, clock: Clock) {
    let mut alarm = Alarm::new(clock);
    poll_fn(|cx| {
        loop {
            let now = clock.now();
            match runner.poll(now, cx.waker()) {
                Next::Ended => return Poll::Ready(()),
                Next::Again => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Next::Wait(wake) => {
                    if alarm.poll(cx, now, wake).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    })
    .await;
}
