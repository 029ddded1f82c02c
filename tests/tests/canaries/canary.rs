//! What a canary is.

use wsrelay_sim::Invariant;

/// One defect.
#[derive(Debug)]
pub(crate) struct Canary {
    /// What is wrong, as a sentence.
    pub(crate) name: &'static str,
    /// The invariant that finds it.
    pub(crate) invariant: Invariant,
    /// It is found in one of so many worlds, from seed 0 on.
    pub(crate) seeds: u64,
    /// Whether no other invariant finds it in those.
    pub(crate) is_alone: bool,
    pub(crate) edits: &'static [Edit],
}

/// A defect in what reads bytes.
#[derive(Debug)]
pub(crate) struct Slip {
    /// What is wrong, as a sentence.
    pub(crate) name: &'static str,
    /// The fuzz target whose oracle finds it, with the inputs that are kept for it.
    pub(crate) target: &'static str,
    pub(crate) edits: &'static [Edit],
}

impl Slip {
    pub(crate) const fn new(name: &'static str, target: &'static str, edits: &'static [Edit]) -> Self {
        Self { name, target, edits }
    }
}

/// One place where the copy differs.
#[derive(Debug)]
pub(crate) struct Edit {
    /// From the root of the repository.
    pub(crate) file: &'static str,
    /// What stands there, once in the whole file.
    pub(crate) anchor: &'static str,
    /// What stands there instead. `CANARY` asks whether this defect is the one that is looked for.
    pub(crate) with: &'static str,
}

impl Canary {
    pub(crate) const fn new(
        name: &'static str,
        invariant: Invariant,
        seeds: u64,
        edits: &'static [Edit],
    ) -> Self {
        Self { name, invariant, seeds, is_alone: false, edits }
    }

    /// Nothing but its invariant finds it.
    pub(crate) const fn alone(self) -> Self {
        Self { is_alone: true, ..self }
    }
}

impl Edit {
    pub(crate) const fn new(file: &'static str, anchor: &'static str, with: &'static str) -> Self {
        Self { file, anchor, with }
    }
}
