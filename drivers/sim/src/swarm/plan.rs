//! A random world as data.

use super::{Act, Deed, Door, Habit};
use crate::count::Counts;
use crate::options::{Network, Options};
use crate::watch::Violation;
use std::fmt::Write as _;

/// A random world as data: what is drawn from a seed, and what everybody does when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// From which limits and policies follow ([`Options::from_seed`]), and every turn of chance.
    pub seed: u64,
    /// The network.
    pub network: Network,
    /// Virtual threads.
    pub workers: usize,
    /// What happens, with the millisecond at which it does; in that order.
    pub steps: Vec<(u64, Step)>,
}

/// One thing that somebody does. Clients and processes have numbers; what concerns one that has not come has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// This process starts.
    Spawn(usize, Habit),
    /// This client connects to this process.
    Connect(usize, usize, Door),
    /// This client does something.
    Client(usize, Deed),
    /// This client sends these bytes, whatever they are.
    Writes(usize, Vec<u8>),
    /// This process does something.
    Process(usize, Act),
    /// This process rests for so many milliseconds.
    Rest(usize, u64),
    /// This client's socket takes nothing at the server's end for so many milliseconds.
    Stall(usize, u64),
    /// The node drains within so many milliseconds.
    Drain(u64),
    /// The clock jumps by so many milliseconds.
    Jump(u64),
}

/// What came of a plan.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was simulated.
    pub counts: Counts,
    /// A number that stands for all that happened.
    pub hash: u64,
    /// The invariant that did not hold.
    pub violation: Option<Violation>,
    /// What happened, in lines, if that was asked for.
    pub trace: Vec<String>,
}

impl Plan {
    /// The options of its world.
    #[must_use]
    pub fn options(&self) -> Options {
        Options { network: self.network, workers: self.workers, ..Options::from_seed(self.seed) }
    }

    /// The plan as a test in Rust, to be pasted into one of one's own.
    #[must_use]
    pub fn to_rust(&self) -> String {
        let Self { seed, network, workers, steps } = self;
        let mut body = String::new();
        for (at, step) in steps {
            // A string takes everything.
            _ = writeln!(body, "            ({at}, {}),", step.to_rust());
        }
        let globs = [
            ("Act::*", " Process("),
            ("Broken::*", "Misbehaves("),
            ("Deed::*", " Client("),
            ("Door::*", " Connect("),
            ("Habit::*", " Spawn("),
            ("Step::*", "("),
            ("Head", "Head::"),
            ("Plan", ""),
            ("Whom::*", "(Connection("),
            ("Whom::*", "(Other("),
        ];
        let mut names: Vec<&str> = Vec::new();
        for (name, sign) in globs {
            if body.contains(sign) && !names.contains(&name) {
                names.push(name);
            }
        }
        let names = names.join(", ");
        format!(
            "#[test]\nfn seed_{seed}() {{\n    use wsrelay_sim::Network;\n    use wsrelay_sim::swarm::{{{names}}};\n    \
             let plan = Plan {{\n        seed: {seed},\n        network: {network:?},\n        workers: {workers},\n        \
             steps: vec![\n{body}        ],\n    }};\n    plan.check().unwrap();\n}}\n"
        )
    }
}

impl Step {
    /// As Rust: what is derived, with the names of heads, which are those of others too, in full.
    fn to_rust(&self) -> String {
        match self {
            Self::Writes(client, bytes) => format!("Writes({client}, vec!{bytes:?})"),
            Self::Connect(client, process, Door::Wrong(head)) => {
                format!("Connect({client}, {process}, Wrong(Head::{head:?}))")
            }
            Self::Spawn(..)
            | Self::Connect(..)
            | Self::Client(..)
            | Self::Process(..)
            | Self::Rest(..)
            | Self::Stall(..)
            | Self::Drain(_)
            | Self::Jump(_) => format!("{self:?}"),
        }
    }
}
