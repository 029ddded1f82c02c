//! From seeds to the first that fails.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wsrelay_host::panic_text;

/// Builds a world of each seed, twice, until one fails: `world` runs it and gives its [hash](crate::World::hash), or says
/// what was wrong; a panic, such as that of an assertion, says so too. The seed that failed and why; a seed whose two worlds
/// differ fails as well.
///
/// ```
/// use std::time::Duration;
/// use wsrelay_sim::{Violation, World, search};
///
/// let failure = search(0..10, |seed| {
///     let mut world = World::from_seed(seed);
///     world.connect("/");
///     world.run_for(Duration::from_secs(60));
///     world.finish()?;
///     Ok::<_, Violation>(world.hash())
/// });
/// assert_eq!(failure, None);
/// ```
pub fn search<E: fmt::Display>(
    seeds: impl IntoIterator<Item = u64>,
    mut world: impl FnMut(u64) -> Result<u64, E>,
) -> Option<(u64, String)> {
    let mut run = |seed| match catch_unwind(AssertUnwindSafe(|| world(seed))) {
        Ok(result) => result.map_err(|why| why.to_string()),
        Err(panic) => Err(panic_text(&*panic)),
    };
    seeds.into_iter().find_map(|seed| {
        let why = match run(seed) {
            Err(why) => why,
            Ok(first) => match run(seed) {
                Err(why) => why,
                Ok(second) if first != second => {
                    format!("the same seed went {first:016x} and then {second:016x}")
                }
                Ok(_) => return None,
            },
        };
        Some((seed, why))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_seed_that_fails_is_found_with_its_reason() {
        let is_odd = |seed| if seed % 2 == 0 { Ok(seed) } else { Err(format!("{seed} is odd")) };
        assert_eq!(search(4..9, is_odd), Some((5, "5 is odd".to_owned())));
        assert_eq!(search([2, 4], is_odd), None);
    }

    #[test]
    fn an_assertion_that_does_not_hold_is_a_failure_with_its_seed() {
        let found = search(0..9, |seed| {
            assert!(seed != 3, "not three");
            Ok::<_, String>(0)
        });
        assert_eq!(found, Some((3, "panicked: not three".to_owned())));
    }

    #[test]
    fn a_world_that_is_another_one_the_second_time_fails() {
        let mut count = 0;
        let found = search([7], |_| {
            count += 1;
            Ok::<_, String>(count)
        });
        let why = "the same seed went 0000000000000001 and then 0000000000000002";
        assert_eq!(found, Some((7, why.to_owned())));
    }
}
