//! Properties.

use quickcheck::{Arbitrary, Gen, QuickCheck, Testable};
use std::hash::{BuildHasher, RandomState};

/// Runs a property on `cases` random cases, other ones each time. A discarded case is a failure, so that
/// no property passes for want of cases.
///
/// The seed is printed, and shown with a failure; `WSRELAY_SEED` repeats it.
///
/// # Panics
///
/// When a case fails, with the shrunk case, or when `WSRELAY_SEED` is not a number.
#[expect(clippy::print_stdout, reason = "shown with a failing test alone")]
pub fn check(cases: u64, property: impl Testable) {
    let seed = std::env::var("WSRELAY_SEED").map_or_else(
        |_| RandomState::new().hash_one("wsrelay"),
        |seed| seed.parse().expect("WSRELAY_SEED is a number"),
    );
    println!("WSRELAY_SEED={seed}");
    QuickCheck::new()
        .rng(Gen::from_size_and_seed(48, seed))
        .tests(cases)
        .max_tests(cases)
        .min_tests_passed(cases)
        .quickcheck(property);
}

/// A number below this one, of a case of a property.
pub fn below(g: &mut Gen, bound: usize) -> usize {
    usize::arbitrary(g) % bound
}
