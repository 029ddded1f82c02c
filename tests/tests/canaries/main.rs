//! Canaries: defects that the simulator, or the oracle of a fuzz target, has to find.
//!
//! A simulator that finds nothing may be blind. Here it gets a copy of the sources, its own among them, into which a
//! list of defects is planted, one of them awake at a time; and each has to be found by the invariant that it breaks,
//! within so many seeds. An invariant that finds nothing which no other one finds would be there for nothing.
//!
//! The shipped sources know nothing of this: a defect is a piece of text and what stands there instead. Where the text
//! has changed, the list has to follow.

mod canary;
mod copy;
mod flock;
mod list;

use flock::{Fate, Search, ask, search};
use std::collections::BTreeSet;
use wsrelay_sim::Invariant;
use wsrelay_tests::fuzz::TARGETS;

#[test]
fn every_defect_has_its_place() {
    let files = copy::files();
    for (number, name, edit) in list::edits() {
        assert!(files[edit.file].contains(&format!("canary::is({number})")), "{name:?} is always there");
    }
}

#[test]
fn every_defect_is_found_within_its_seeds() {
    let all: Vec<_> = list::all().collect();
    assert!(all.len() >= 20, "there are {}", all.len());
    let names: BTreeSet<_> = all.iter().map(|(_, canary)| canary.name).collect();
    assert_eq!(names.len(), all.len(), "two have the same name");
    // Without any defect nothing is found in all these worlds.
    let seeds = all.iter().map(|(_, canary)| canary.seeds).max().unwrap_or(0);
    let mut searches = vec![Search { number: 0, seeds, without: None }];
    searches.extend(all.iter().map(|(number, canary)| Search::new(*number, canary)));
    let mut fates = search(&searches).into_iter();
    assert_eq!(fates.next(), Some(Fate::Escaped), "without a defect");
    let mut wrong = Vec::new();
    for ((_, canary), fate) in all.iter().zip(fates) {
        println!("{:?}: {fate}", canary.name);
        if !matches!(&fate, Fate::Caught { invariant, .. } if *invariant == canary.invariant) {
            let expected = canary.invariant;
            wrong.push(format!("{:?}, within {} seeds by {expected}: {fate}", canary.name, canary.seeds));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Without any one of the invariants, some defect is not found.
#[test]
fn every_invariant_earns_its_place() {
    let alone: Vec<_> = list::all().filter(|(_, canary)| canary.is_alone).collect();
    let useful: BTreeSet<_> = alone.iter().map(|(_, canary)| canary.invariant).collect();
    assert_eq!(useful, BTreeSet::from(Invariant::ALL), "each has a canary that is its alone");
    let searches: Vec<_> = alone
        .iter()
        .map(|(number, canary)| Search { without: Some(canary.invariant), ..Search::new(*number, canary) })
        .collect();
    let mut wrong = Vec::new();
    for ((_, canary), fate) in alone.iter().zip(search(&searches)) {
        if fate != Fate::Escaped {
            wrong.push(format!("{:?}, without {}: {fate}", canary.name, canary.invariant));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the fuzzer has kept is enough for each oracle to find what it is there for.
#[test]
fn every_slip_is_shown_by_what_is_kept_for_its_target() {
    let slips: Vec<_> = list::slips().collect();
    let targets: BTreeSet<_> = slips.iter().map(|(_, slip)| slip.target).collect();
    assert_eq!(targets, TARGETS.iter().map(|target| target.name).collect(), "each target has a slip");
    let mut escaped = Vec::new();
    for ((_, slip), found) in slips.iter().zip(ask(&slips)) {
        println!("{:?}: {found:?}", slip.name);
        if found.is_none() {
            escaped.push(format!("{}: {}", slip.target, slip.name));
        }
    }
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
}
