//! Everything that is left to chance, drawn from a seed.

use std::time::Duration;
use wsrelay_core::seed;

/// Numbers that follow from a seed, the same ones for ever: the seeds of failures are kept.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn roll(&mut self) -> u64 {
        seed::next(&mut self.0)
    }

    /// Other numbers, which do not depend on how many of these are drawn.
    #[must_use]
    pub const fn split(&mut self) -> Self {
        Self(self.roll())
    }

    /// A number from 0 to `end`, which is left out; 0 when that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        let product = u128::from(self.roll()) * u128::from(end);
        // The upper half of a product is below its factor.
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// The same for lengths and indices.
    #[expect(clippy::cast_possible_truncation, reason = "below a number of this type")]
    pub fn index(&mut self, end: usize) -> usize {
        self.below(end as u64) as usize
    }

    /// Whether it is the one case among so many.
    pub fn one_in(&mut self, cases: u64) -> bool {
        self.below(cases) == 0
    }

    /// One of these.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// A length of time from nothing to `max`.
    pub fn span(&mut self, max: Duration) -> Duration {
        let nanos = u64::try_from(max.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.below(nanos.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_always_the_same_numbers() {
        let mut dice = Dice::new(7);
        assert_eq!([dice.roll(), dice.roll()], [0x63cb_e1e4_5932_0dd7, 0x044c_3cd7_f43c_661c]);
    }

    #[test]
    fn every_number_below_the_end_comes_up_and_the_end_does_not() {
        let mut dice = Dice::new(1);
        let mut seen = [0; 6];
        for _ in 0..6_000 {
            seen[dice.index(6)] += 1;
        }
        assert!(seen.iter().all(|times| *times > 800), "{seen:?}");
        assert_eq!(dice.below(0), 0);
    }
}
