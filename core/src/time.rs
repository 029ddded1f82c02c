//! Time as an argument.
//!
//! Nothing in this crate reads a clock. Every call that may depend on time is handed the
//! present [`Instant`], and every state machine says with a [`Wake`] when it wants to be called
//! again if nothing else happens.

use core::ops::{Add, Sub};
pub use core::time::Duration;

/// A point on a monotonic clock, in nanoseconds since an origin that the driver chose.
///
/// Only differences mean anything. 64 bits of nanoseconds last 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The clock's origin.
    pub const ZERO: Self = Self(0);

    /// The instant `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero when it lies in the future, so that a clock that jumps
    /// back never makes a duration wrap.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the end of the clock instead of wrapping.
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// The same as [`Instant::since`].
    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// When a state machine wants to be called again if nothing happens before.
///
/// Ordered so that the sooner of two is their `min`: `Never` is later than every instant.
///
/// ```
/// use wsrelay_core::time::{Instant, Wake};
///
/// let soon = Wake::At(Instant::from_millis(5));
/// assert_eq!(soon.min(Wake::Never), soon);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wake {
    /// At this instant, or as soon after it as the driver can.
    At(Instant),
    /// Only when something happens.
    #[default]
    Never,
}

impl Wake {
    /// Whether this wake is due at `now`.
    #[must_use]
    pub fn is_due(self, now: Instant) -> bool {
        match self {
            Self::At(at) => at <= now,
            Self::Never => false,
        }
    }

    /// How long to wait from `now`: zero when it is due, `None` when nothing is waited for.
    #[must_use]
    pub fn wait(self, now: Instant) -> Option<Duration> {
        match self {
            Self::At(at) => Some(at.since(now)),
            Self::Never => None,
        }
    }
}

/// A timeout that can be turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timeout {
    /// Never fires.
    Off,
    /// Fires when this long has passed.
    After(Duration),
}

impl Timeout {
    /// When the timeout fires, counted from `start`.
    #[must_use]
    pub fn from(self, start: Instant) -> Wake {
        match self {
            Self::Off => Wake::Never,
            Self::After(span) => Wake::At(start + span),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sooner_of_two_wakes_is_their_minimum() {
        let early = Wake::At(Instant::from_millis(1));
        let late = Wake::At(Instant::from_millis(2));
        assert_eq!([late, Wake::Never, early].into_iter().min(), Some(early));
    }

    #[test]
    fn a_clock_that_runs_backwards_yields_no_time_at_all() {
        assert_eq!(Instant::from_millis(1).since(Instant::from_millis(5)), Duration::ZERO);
        assert_eq!(Instant::from_nanos(u64::MAX) + Duration::MAX, Instant::from_nanos(u64::MAX));
    }
}
