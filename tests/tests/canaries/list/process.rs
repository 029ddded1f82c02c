//! Defects of the life of processes: monitors, links, ends.

use crate::canary::{Canary, Edit};
use wsrelay_sim::Invariant::{Ending, Links, Monitors};

const LIFECYCLE: &str = "core/src/process/lifecycle.rs";

pub(super) const ALL: &[Canary] = &[
    Canary::new(
        "only the first watcher is told why a process failed",
        Monitors,
        10,
        &[Edit::new(
            LIFECYCLE,
            "        for watcher in watchers {
            out.signal(watcher, Signal::Down { from: pid, reason: reason.clone() });
",
            "        for (place, watcher) in watchers.into_iter().enumerate() {
            let reason = match &reason {
                ExitReason::Crashed(_) if CANARY && place > 0 => ExitReason::crashed(\"it failed\"),
                reason => reason.clone(),
            };
            out.signal(watcher, Signal::Down { from: pid, reason });
",
        )],
    )
    .alone(),
    Canary::new(
        "who watches a process that is over waits in vain",
        Monitors,
        20,
        &[Edit::new(
            LIFECYCLE,
            "        Signal::Monitor { watcher } => {\n",
            "        Signal::Monitor { .. } if CANARY => {}
        Signal::Monitor { watcher } => {\n",
        )],
    ),
    Canary::new(
        "who watches a process just before it ends is told that there was none",
        Monitors,
        100,
        &[Edit::new(
            LIFECYCLE,
            "pub fn answer_for_the_dead(dead: Pid, reason: &ExitReason, signal: &Signal, out: &mut impl SignalSink) {\n",
            "pub fn answer_for_the_dead(dead: Pid, reason: &ExitReason, signal: &Signal, out: &mut impl SignalSink) {
    let reason = if CANARY { &ExitReason::NoProcess } else { reason };\n",
        )],
    ),
    Canary::new(
        "a process hears of the end of one that it does not watch any more",
        Monitors,
        100,
        &[
            Edit::new(
                LIFECYCLE,
                "                if let Some(relations) = &mut self.relations {
                    relations.watchers.remove(&watcher);
                }
",
                "                if let Some(relations) = &mut self.relations && !CANARY {
                    relations.watchers.remove(&watcher);
                }
",
            ),
            Edit::new(
                LIFECYCLE,
                "                if self.watching.remove(from) {\n",
                "                if self.watching.remove(from) || CANARY {\n",
            ),
        ],
    ),
    Canary::new(
        "a crash does not go over a link",
        Links,
        10,
        &[Edit::new(
            LIFECYCLE,
            "        for peer in links {\n",
            "        for peer in links {
            if CANARY && !reason.is_normal() {
                continue;
            }
",
        )],
    )
    .alone(),
    Canary::new(
        "a normal end goes over a link",
        Ending,
        20,
        &[Edit::new(
            LIFECYCLE,
            "            out.signal(peer, last_word(pid, &reason));\n",
            "            if CANARY {
                out.signal(peer, Signal::Exit { from: pid, reason: reason.clone() });
                continue;
            }
            out.signal(peer, last_word(pid, &reason));\n",
        )],
    ),
    Canary::new(
        "a process does not know of the links that others have begun",
        Links,
        10,
        &[Edit::new(
            LIFECYCLE,
            "            Signal::Link { peer } => self.linked(peer),\n",
            "            Signal::Link { .. } if CANARY => {}\n            Signal::Link { peer } => self.linked(peer),\n",
        )],
    ),
];
