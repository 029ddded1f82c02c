//! The only clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time;
use wsrelay_core::time::Instant;

/// Turns the system's monotonic clock into the core's [`Instant`], or is set by hand.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The system's instant that is the origin.
    System(time::Instant),
    /// Nanoseconds since the origin.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn start() -> Self {
        Self(Source::System(time::Instant::now()))
    }

    /// A clock that stands still until it is [set](Self::set): for simulations. All its clones are one clock.
    #[must_use]
    pub fn manual(now: Instant) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(now.as_nanos()))))
    }

    /// Sets a clock that is set by hand. The system's goes its own way.
    pub fn set(&self, now: Instant) {
        if let Source::Manual(nanos) = &self.0 {
            nanos.store(now.as_nanos(), Ordering::Relaxed);
        }
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::System(origin) => Instant::ZERO + origin.elapsed(),
            Source::Manual(nanos) => Instant::from_nanos(nanos.load(Ordering::Relaxed)),
        }
    }

    /// The time of day, since the beginning of 1970 (UTC). A clock that is set by hand counts its own time from there.
    #[must_use]
    pub fn wall(&self) -> time::Duration {
        match &self.0 {
            // A system whose clock stands before 1970 has none.
            Source::System(_) => time::SystemTime::now().duration_since(time::UNIX_EPOCH).unwrap_or_default(),
            Source::Manual(nanos) => time::Duration::from_nanos(nanos.load(Ordering::Relaxed)),
        }
    }

    /// The system's instant for one of the core's, for a runtime's own timers. A clock that is set by hand has none: now.
    #[must_use]
    pub fn to_system(&self, instant: Instant) -> time::Instant {
        let origin = match &self.0 {
            Source::System(origin) => *origin,
            // Nobody waits for real where time is set by hand.
            Source::Manual(_) => return time::Instant::now(),
        };
        origin + instant.since(Instant::ZERO)
    }
}
