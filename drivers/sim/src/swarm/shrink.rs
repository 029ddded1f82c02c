//! From a plan that fails to a small one that fails in the same way.

use super::Plan;
use crate::options::Network;
use crate::watch::Invariant;

impl Plan {
    /// A plan with fewer steps, on a calmer network, in which the same invariant does not hold; after at most so many runs.
    #[must_use]
    pub fn shrink(&self, invariant: Invariant, runs_max: usize) -> Self {
        let mut runs = 0;
        self.shrink_while(|plan| {
            runs += 1;
            runs <= runs_max && plan.run(false, &[]).violation.is_some_and(|it| it.invariant == invariant)
        })
    }

    /// A plan with fewer steps, on a calmer network, of which this is still true.
    #[must_use]
    pub fn shrink_while(&self, mut fails: impl FnMut(&Self) -> bool) -> Self {
        let mut best = self.clone();
        for calmer in [
            Self { network: Network::CALM, workers: 1, ..best.clone() },
            Self { network: Network::CALM, ..best.clone() },
            Self { workers: 1, ..best.clone() },
        ] {
            if fails(&calmer) {
                best = calmer;
                break;
            }
        }
        // Half of what is left, a quarter, and so on, as long as that helps.
        let mut size = best.steps.len().div_ceil(2);
        while size > 0 {
            let mut start = 0;
            let before = best.steps.len();
            while start < best.steps.len() {
                let mut fewer = best.clone();
                fewer.steps.drain(start..(start + size).min(fewer.steps.len()));
                if fails(&fewer) {
                    best = fewer;
                } else {
                    start += size;
                }
            }
            if size == 1 && best.steps.len() == before {
                break;
            }
            size = if size == 1 { 1 } else { size / 2 };
        }
        best
    }
}
