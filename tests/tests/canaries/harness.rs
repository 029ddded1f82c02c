//! Looks for one defect: its number, a number of seeds, and the invariants that are not looked at.
//!
//! Prints `caught`, the seed, the invariant and what was seen; or `escaped`.

#![expect(clippy::print_stdout, reason = "what a command is for")]

use std::sync::atomic::Ordering;
use wsrelay_core::canary::WHICH;
use wsrelay_sim::swarm::Plan;
use wsrelay_sim::{Invariant, Violation};

fn main() {
    let mut args = std::env::args().skip(1);
    let mut number = || args.next().and_then(|arg| arg.parse().ok()).expect("a number");
    let (which, seeds) = (number(), number());
    let without: Vec<Invariant> = args.map(|name| name.parse().expect("an invariant")).collect();
    WHICH.store(u32::try_from(which).expect("a small number"), Ordering::Relaxed);
    // What is found is told below.
    std::panic::set_hook(Box::new(|_| ()));
    for seed in 0..seeds {
        if let Some(Violation { invariant, what }) = violation(seed, &without) {
            return println!("caught {seed} {invariant} {what:?}");
        }
    }
    println!("escaped");
}

/// What is wrong in the world of this seed, and whether it is the same one a second time.
fn violation(seed: u64, without: &[Invariant]) -> Option<Violation> {
    let plan = Plan::from_seed(seed);
    if without.is_empty() { plan.check().err() } else { plan.run(false, without).violation }
}
