//! The only clock.

use std::time;
use wsrelay_core::time::Instant;

/// Turns the system's monotonic clock into the core's [`Instant`].
#[derive(Clone, Copy, Debug)]
pub struct Clock(time::Instant);

impl Clock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn start() -> Self {
        Self(time::Instant::now())
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.0.elapsed()
    }

    /// The system's instant for one of the core's, for a runtime's own timers.
    #[must_use]
    pub fn to_system(&self, instant: Instant) -> time::Instant {
        self.0 + instant.since(Instant::ZERO)
    }
}
