//! The canaries: one file for each part of what is copied.

mod client;
mod deflate;
mod host;
mod process;
mod session;
mod slips;

use crate::canary::{Canary, Edit, Slip};

/// All of them, with their numbers.
pub(crate) fn all() -> impl Iterator<Item = (usize, &'static Canary)> {
    let all = [session::ALL, client::ALL, process::ALL, host::ALL, deflate::ALL];
    (1..).zip(all.into_iter().flatten())
}

/// The slips, with the numbers that follow.
pub(crate) fn slips() -> impl Iterator<Item = (usize, &'static Slip)> {
    (all().count() + 1..).zip(slips::ALL)
}

/// What all of them change, with their numbers and names.
pub(crate) fn edits() -> impl Iterator<Item = (usize, &'static str, &'static Edit)> {
    let canaries = all().map(|(number, canary)| (number, canary.name, canary.edits));
    let slips = slips().map(|(number, slip)| (number, slip.name, slip.edits));
    canaries.chain(slips).flat_map(|(number, name, edits)| edits.iter().map(move |edit| (number, name, edit)))
}
