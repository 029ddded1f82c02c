//! Strings that were chosen to be slow.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// The strings of one text or value, as far as it is known that no more of them than by chance fall together in the table where Luau keeps
/// every string that there is.
///
/// Its hash has no secret, so whoever writes them can choose strings that all lie in one place of that table. Then each one that
/// is made is compared with all that lie there: 27,000 of them, which fit into a megabyte, took two seconds.
pub(super) struct Strings {
    secret: RandomState,
    /// By a hash that nobody can foresee.
    seen: HashSet<u64>,
    /// How many different ones there are by the lowest bits of Luau's hash, by which its table begins.
    places: Vec<u16>,
}

/// Texts up to here hold too few strings to do harm.
pub(super) const HARMLESS_BYTES: usize = 4096;
/// Why they are refused.
pub(super) const SAME_HASH: &str = "too many of its strings have the same hash";

const PLACES: usize = 4096;
/// Most at one place: by chance there are seven in ten thousand strings, and some 170 in half a million.
const TOGETHER_MAX: usize = 128;

impl Strings {
    pub(super) fn new() -> Self {
        Self { secret: RandomState::new(), seen: HashSet::new(), places: vec![0; PLACES] }
    }

    /// Adds one. Whether that is one too many at its place.
    pub(super) fn falls_on_others(&mut self, string: &[u8]) -> bool {
        if !self.seen.insert(self.secret.hash_one(string)) {
            return false;
        }
        let place = &mut self.places[luau_hash(string) as usize % PLACES];
        *place = place.saturating_add(1);
        usize::from(*place) > TOGETHER_MAX + self.seen.len() / 1024
    }
}

/// Luau's hash of a string: that of Lua 5.1 for the last bytes, after one of twelve bytes at a time while there are 32 or more.
fn luau_hash(string: &[u8]) -> u32 {
    let (mut a, mut b, mut hash) = (0_u32, 0_u32, u32::try_from(string.len()).unwrap_or(u32::MAX));
    let mut rest = string;
    while rest.len() >= 32 {
        let word = |at: usize| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
        a = a.wrapping_add(word(0));
        b = b.wrapping_add(word(4));
        hash = hash.wrapping_add(word(8));
        a = (a ^ hash).wrapping_sub(hash.rotate_right(14));
        b = (b ^ a).wrapping_sub(a.rotate_right(11));
        hash = (hash ^ b).wrapping_sub(b.rotate_right(25));
        rest = &rest[12..];
    }
    rest.iter()
        .rev()
        .fold(hash, |hash, byte| hash ^ (hash << 5).wrapping_add(hash >> 2).wrapping_add(u32::from(*byte)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What `luaS_hash` of Luau 0.740 returns.
    #[test]
    fn it_is_the_hash_that_luau_has() {
        for (string, hash) in [
            (String::new(), 0),
            ("a".to_owned(), 128),
            ("client_pid".to_owned(), 1_185_885_215),
            ("x".repeat(31), 445_796_016),
            ("The quick brown fox jumps over the lazy dog".to_owned(), 75_126_836),
        ] {
            assert_eq!(luau_hash(string.as_bytes()), hash, "{string}");
        }
    }

    pub(in crate::vm) fn falling_together() -> impl Iterator<Item = String> {
        (0..).map(|n| format!("{n:024}")).filter(|text| luau_hash(text.as_bytes()).is_multiple_of(1 << 12))
    }

    #[test]
    fn strings_that_fall_together_are_noticed() {
        let mut strings = Strings::new();
        let too_many =
            falling_together().take(1000).position(|text| strings.falls_on_others(text.as_bytes()));
        assert_eq!(too_many, Some(TOGETHER_MAX));
    }

    #[test]
    fn the_same_string_and_many_that_differ_are_none() {
        let mut strings = Strings::new();
        let same = std::iter::repeat_n("same".to_owned(), 10_000);
        let different = (0..200_000).map(|n| format!("user-{n}"));
        assert_eq!(same.chain(different).find(|text| strings.falls_on_others(text.as_bytes())), None);
    }
}
