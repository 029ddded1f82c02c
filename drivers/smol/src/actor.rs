//! Pure actors as tasks.

use crate::alarm::Alarm;
use std::future::poll_fn;
use std::task::Poll;
use wsrelay_core::process::Actor;
use wsrelay_host::{ActorRunner, Anywhere, Next, Node};

/// Runs an actor to its end.
pub(crate) async fn run<A: Actor>(mut runner: ActorRunner<A>, node: Node) {
    let clock = node.clock();
    let mut alarm = Alarm::new(clock.clone());
    poll_fn(|cx| {
        let now = clock.now();
        let again = match runner.poll(now, &mut Anywhere::new(&node, cx.waker())) {
            Next::Ended => return Poll::Ready(()),
            Next::Again => true,
            Next::Wait(wake) => alarm.poll(cx, now, wake).is_ready(),
        };
        // Others get their turn first, also where an alarm is always due.
        if again {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await;
}
