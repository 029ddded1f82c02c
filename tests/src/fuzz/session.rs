//! A whole world: connections, processes and clients that do what the bytes say, against the simulator's model and all
//! of its invariants.

use super::Verdict;
use wsrelay_sim::swarm::Plan;

/// The bytes are the choices of a plan.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let plan = Plan::from_bytes(bytes);
    match plan.check() {
        Ok(outcome) => Verdict::of(outcome.counts.messages_in + outcome.counts.messages_out > 0),
        Err(violation) => panic!("{violation}\n{}", plan.to_rust()),
    }
}
