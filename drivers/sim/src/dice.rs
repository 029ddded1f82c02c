//! Everything that is left to chance, drawn from a seed; or chosen by somebody's bytes.

use std::time::Duration;
use wsrelay_core::seed;

/// Numbers that follow from a seed, the same ones for ever: the seeds of failures are kept.
///
/// Or numbers that a fuzzer's bytes [choose](Dice::from_bytes), so that whatever is drawn from a seed can be searched
/// by its coverage.
#[derive(Clone, Debug)]
pub struct Dice(Source);

#[derive(Clone, Debug)]
enum Source {
    Seed(u64),
    Chosen { bytes: Vec<u8>, used: usize },
}

impl Dice {
    /// The numbers of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Source::Seed(seed))
    }

    /// The numbers that these bytes choose: each takes as few of them as its bound needs, and once they are used up all
    /// are 0.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(Source::Chosen { bytes: bytes.to_vec(), used: 0 })
    }

    /// Whether its bytes are used up. A seed never is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match &self.0 {
            Source::Seed(_) => false,
            Source::Chosen { bytes, used } => *used >= bytes.len(),
        }
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.choose(8)
    }

    /// A number of so many bytes.
    fn choose(&mut self, count: usize) -> u64 {
        match &mut self.0 {
            Source::Seed(seed) => seed::next(seed),
            Source::Chosen { bytes, used } => {
                let end = bytes.len().min(*used + count);
                let chosen =
                    bytes[*used..end].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
                *used = end;
                chosen
            }
        }
    }

    /// Other numbers, which do not depend on how many of these are drawn.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self::new(self.roll())
    }

    /// A number from 0 to `end`, which is left out; 0 when that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        if matches!(self.0, Source::Chosen { .. }) {
            let Some(last) = end.checked_sub(1) else { return 0 };
            // As many bytes as it takes to write the last one.
            let count = (u64::BITS - last.leading_zeros()).div_ceil(8);
            return self.choose(count as usize) % end;
        }
        let product = u128::from(self.roll()) * u128::from(end);
        // The upper half of a product is below its factor.
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// Up to so many bytes, of any kind.
    pub fn bytes(&mut self, max: usize) -> Vec<u8> {
        (0..self.index(max + 1)).map(|_| self.below(256).to_le_bytes()[0]).collect()
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
    fn bytes_choose_as_many_numbers_as_they_can_and_then_noughts() {
        let mut dice = Dice::from_bytes(&[7, 0x34, 0x12, 1, 0xff]);
        assert_eq!([dice.below(5), dice.below(0x10_000), dice.below(1), dice.below(0)], [2, 0x1234, 0, 0]);
        assert!(dice.one_in(1) && !dice.one_in(3) && !dice.is_empty());
        assert_eq!([dice.roll(), dice.roll()], [0xff, 0]);
        assert!(dice.is_empty());
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
