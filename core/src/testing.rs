//! What the unit tests of several modules share.

use quickcheck::{Gen, QuickCheck, Testable};
use std::hash::{BuildHasher, RandomState};

/// Runs a property, every time with other cases, and fails when one was discarded. The seed is printed
/// with a failure; `WSRELAY_SEED` repeats it.
pub(crate) fn check(cases: u64, property: impl Testable) {
    let seed = std::env::var("WSRELAY_SEED").map_or_else(
        |_| RandomState::new().hash_one("core"),
        |seed| seed.parse().expect("WSRELAY_SEED is a number"),
    );
    std::println!("WSRELAY_SEED={seed}");
    let generator = Gen::from_size_and_seed(64, seed);
    QuickCheck::new()
        .rng(generator)
        .tests(cases)
        .max_tests(cases)
        .min_tests_passed(cases)
        .quickcheck(property);
}
