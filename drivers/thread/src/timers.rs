//! When each process of a worker wants to be called.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use wsrelay_core::time::{Instant, Wake};

/// The alarms of many processes. Setting one costs the logarithm of their number; the idle ones cost nothing.
///
/// Most wakes move into the future again and again without ever coming due: each byte puts off the next
/// ping. So an [`Alarm`] is set anew only for a wake that comes before the one it is set for; one that goes
/// off too early costs a look and no more.
#[derive(Debug, Default)]
pub(crate) struct Timers(BinaryHeap<Reverse<(Instant, u32)>>);

/// For when one process's alarm is set.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Wake);

impl Timers {
    /// Sees to it that the process `key` is called when `wake` is due.
    pub(crate) fn set(&mut self, key: u32, alarm: &mut Alarm, wake: Wake) {
        if wake < alarm.0
            && let Wake::At(at) = wake
        {
            alarm.0 = wake;
            self.0.push(Reverse((at, key)));
        }
    }

    /// When the first alarm goes off.
    pub(crate) fn next(&self) -> Wake {
        self.0.peek().map_or(Wake::Never, |Reverse((at, _))| Wake::At(*at))
    }

    /// The next alarm that is due, taken out: its instant and its process. Where that has
    /// [gone off](Alarm::goes_off) already, or is another one by now, there is nothing to do.
    pub(crate) fn due(&mut self, now: Instant) -> Option<(Instant, u32)> {
        if !self.next().is_due(now) {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }
}

impl Alarm {
    /// Whether this alarm was set for `at`; if so, it is not set any more.
    pub(crate) fn goes_off(&mut self, at: Instant) -> bool {
        let does = self.0 == Wake::At(at);
        if does {
            self.0 = Wake::Never;
        }
        does
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due_at(timers: &mut Timers, millis: u64) -> Vec<u32> {
        std::iter::from_fn(|| timers.due(Instant::from_millis(millis))).map(|(_, key)| key).collect()
    }

    #[test]
    fn alarms_go_off_in_the_order_of_their_instants() {
        let mut timers = Timers::default();
        for (key, millis) in [(1, 30), (2, 10), (3, 20)] {
            timers.set(key, &mut Alarm::default(), Wake::At(Instant::from_millis(millis)));
        }
        assert_eq!(timers.next(), Wake::At(Instant::from_millis(10)));
        assert_eq!(due_at(&mut timers, 9), [0; 0]);
        assert_eq!(due_at(&mut timers, 20), [2, 3]);
        assert_eq!(due_at(&mut timers, 30), [1]);
        assert_eq!(timers.next(), Wake::Never);
    }

    #[test]
    fn a_wake_that_is_put_off_again_and_again_sets_one_alarm() {
        let (mut timers, mut alarm) = (Timers::default(), Alarm::default());
        for millis in 10..1000 {
            timers.set(1, &mut alarm, Wake::At(Instant::from_millis(millis)));
        }
        assert_eq!(due_at(&mut timers, 2000), [1]);
    }

    #[test]
    fn an_alarm_that_was_set_earlier_goes_off_once() {
        let (mut timers, mut alarm) = (Timers::default(), Alarm::default());
        timers.set(1, &mut alarm, Wake::At(Instant::from_millis(20)));
        timers.set(1, &mut alarm, Wake::At(Instant::from_millis(10)));
        let gone_off: Vec<bool> = std::iter::from_fn(|| timers.due(Instant::from_millis(20)))
            .map(|(at, _)| alarm.goes_off(at))
            .collect();
        assert_eq!(gone_off, [true, false]);
    }
}
