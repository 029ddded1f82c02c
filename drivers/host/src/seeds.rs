//! Numbers for what is to be spread.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers that never come twice (splitmix64).
#[derive(Debug)]
pub(crate) struct Seeds(AtomicU64);

/// The step of splitmix64: every state comes up once before one comes up again.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Seeds {
    /// Other ones at each start.
    pub(crate) fn drawn() -> Self {
        Self::from(RandomState::new().hash_one("node"))
    }

    pub(crate) fn next(&self) -> u64 {
        let mut bits = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

impl From<u64> for Seeds {
    fn from(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}
