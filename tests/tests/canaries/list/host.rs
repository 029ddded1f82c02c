//! Defects of the host, which carries what passes between processes, and of the driver.

use crate::canary::{Canary, Edit};
use wsrelay_sim::Invariant::{Bounds, Determinism, Leftovers, Letters, Progress, Wire};

const LOCAL: &str = "drivers/host/src/local.rs";
const MAILBOX: &str = "drivers/host/src/mailbox.rs";
const NODE: &str = "drivers/host/src/node.rs";
const PORT: &str = "drivers/host/src/port.rs";
const QUEUE: &str = "drivers/host/src/queue.rs";
const SERVED: &str = "drivers/sim/src/world/served.rs";

pub(super) const ALL: &[Canary] = &[
    Canary::new(
        "a letter to somebody who has three already is lost",
        Letters,
        10,
        &[Edit::new(
            QUEUE,
            "            let charge = Charge::new(1, data.len());\n            if held",
            "            let charge = Charge::new(1, data.len());
            if CANARY && data_bytes_max == usize::MAX && held.messages > 2 {
                continue;
            }
            if held",
        )],
    )
    .alone(),
    Canary::new(
        "what goes to one process has no bound",
        Bounds,
        100,
        &[Edit::new(
            QUEUE,
            "            if held.would_overflow(charge, bounds) || data.len() > data_bytes_max {\n",
            "            if (!CANARY && held.would_overflow(charge, bounds)) || data.len() > data_bytes_max {\n",
        )],
    ),
    Canary::new(
        "the names of a process outlive it",
        Leftovers,
        10,
        &[Edit::new(NODE, "        if named {\n", "        if named && !CANARY {\n")],
    )
    .alone(),
    Canary::new(
        "a connection that is gone is counted for ever",
        Leftovers,
        10,
        &[Edit::new(
            PORT,
            "        node.gate().close();\n",
            "        if !CANARY {\n            node.gate().close();\n        }\n",
        )],
    ),
    Canary::new(
        "everything is drawn anew at each start",
        Determinism,
        10,
        &[Edit::new(
            NODE,
            "        Self::build(options, homes, Seeds::from(seed), clock)\n",
            "        let seeds = if CANARY { Seeds::drawn() } else { Seeds::from(seed) };
        Self::build(options, homes, seeds, clock)
",
        )],
    )
    .alone(),
    Canary::new(
        "time waits while there are messages",
        Progress,
        10,
        &[Edit::new(
            PORT,
            "        if self.wake().is_due(now) {\n",
            "        if self.wake().is_due(now) && !(CANARY && self.connection.ended().is_none() && !self.mailbox.is_empty()) {\n",
        )],
    )
    .alone(),
    Canary::new(
        "a full mailbox does not stop who reads for it",
        Bounds,
        300,
        &[Edit::new(
            PORT,
            "        if let Some(target) = &self.target {\n            let pid = target.pid();\n            self.connection",
            "        if let Some(target) = &self.target && !CANARY {\n            let pid = target.pid();\n            self.connection",
        )],
    ),
    Canary::new(
        "a message from another thread wakes nobody",
        Leftovers,
        10,
        &[Edit::new(
            MAILBOX,
            "                    && !knows\n",
            "                    && !knows\n                    && !CANARY\n",
        )],
    ),
    Canary::new(
        "what comes over the bounds of a mailbox at home is lost without a word",
        Letters,
        300,
        &[Edit::new(
            LOCAL,
            "                if let Some(data) = left {\n",
            "                if let Some(data) = left && !CANARY {\n",
        )],
    ),
    Canary::new(
        "the driver writes the pieces of what is long in a wrong order",
        Wire,
        10,
        &[Edit::new(
            SERVED,
            "    if writes.len() == 1 {\n",
            "    if CANARY && writes.len() == 2 {
        writes.swap(0, 1);
    }
    if writes.len() == 1 {
",
        )],
    ),
];
