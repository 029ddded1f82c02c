//! Numbers for what is to be spread.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use wsrelay_core::seed;

/// Numbers that never come twice.
#[derive(Debug)]
pub(crate) struct Seeds(AtomicU64);

impl Seeds {
    /// Other ones at each start.
    pub(crate) fn drawn() -> Self {
        Self::from(RandomState::new().hash_one("node"))
    }

    pub(crate) fn next(&self) -> u64 {
        seed::number(self.0.fetch_add(seed::STEP, Ordering::Relaxed).wrapping_add(seed::STEP))
    }
}

impl From<u64> for Seeds {
    fn from(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}
