//! Monitors and links, as they are seen from outside.

use super::Invariant;
use std::collections::{BTreeMap, BTreeSet};
use wsrelay_core::process::{ExitReason, Pid, Signal};

#[derive(Debug, Default)]
pub(crate) struct Relations {
    /// Who watches whom.
    watching: BTreeSet<(Pid, Pid)>,
    /// Who was ever linked with whom, the lower PID first; and whether nobody ever took the link away.
    linked: BTreeMap<(Pid, Pid), bool>,
    /// Who has told whom that they are not linked any more, as one that ends normally does.
    unlinked: BTreeSet<(Pid, Pid)>,
    /// Who has seen whose crash over a link.
    seen_down: BTreeSet<(Pid, Pid)>,
    /// Whose monitor of whom, and whose link, came while its receiver was alive: it is told how that one ended.
    monitored_alive: BTreeSet<(Pid, Pid)>,
    linked_alive: BTreeSet<(Pid, Pid)>,
}

fn pair(a: Pid, b: Pid) -> (Pid, Pid) {
    (a.min(b), a.max(b))
}

fn mark(pairs: &mut BTreeSet<(Pid, Pid)>, of: (Pid, Pid), is_in: bool) {
    if is_in {
        pairs.insert(of);
    } else {
        pairs.remove(&of);
    }
}

impl Relations {
    pub(crate) fn signal(&mut self, to: Pid, signal: &Signal, late: bool) {
        match signal {
            Signal::Monitor { watcher } => {
                self.watching.insert((*watcher, to));
                mark(&mut self.monitored_alive, (*watcher, to), !late);
            }
            Signal::Demonitor { watcher } => {
                self.watching.remove(&(*watcher, to));
                self.monitored_alive.remove(&(*watcher, to));
            }
            Signal::Link { peer } => {
                self.linked.entry(pair(*peer, to)).or_insert(true);
                self.unlinked.remove(&(to, *peer));
                mark(&mut self.linked_alive, (*peer, to), !late);
            }
            Signal::Unlink { peer } => {
                self.linked.insert(pair(*peer, to), false);
                self.unlinked.insert((*peer, to));
                self.linked_alive.remove(&(*peer, to));
            }
            Signal::Message(_)
            | Signal::Exit { .. }
            | Signal::Down { .. }
            | Signal::Cancel { .. }
            | Signal::Kill => {}
        }
    }

    pub(crate) fn saw_exit(
        &mut self,
        who: Pid,
        from: Pid,
        reason: &ExitReason,
        ended: Option<&ExitReason>,
        is_over: bool,
    ) -> Option<String> {
        if !self.watching.remove(&(who, from)) {
            return Some(format!("{who} sees the exit of {from}, which it does not watch any more"));
        }
        let was_late = !self.monitored_alive.remove(&(who, from));
        let is_true = is_over && ((was_late && *reason == ExitReason::NoProcess) || ended == Some(reason));
        (!is_true).then(|| format!("{who} sees {from} exit with {reason:?}, which ended with {ended:?}"))
    }

    pub(crate) fn saw_link_down(
        &mut self,
        who: Pid,
        from: Pid,
        reason: &ExitReason,
        ended: Option<&ExitReason>,
    ) -> Option<String> {
        self.seen_down.insert((who, from));
        if !self.linked.contains_key(&pair(who, from)) {
            return Some(format!("{who} sees the crash of {from}, to which it was never linked"));
        }
        let was_late = !self.linked_alive.contains(&(who, from));
        let is_true =
            (was_late && *reason == ExitReason::NoProcess) || (ended == Some(reason) && !reason.is_normal());
        (!is_true).then(|| format!("{who} sees {from} crash with {reason:?}, which ended with {ended:?}"))
    }

    /// Who waits for an answer gets none any more.
    pub(crate) fn at_rest(
        &self,
        over: &BTreeSet<Pid>,
        ended: &BTreeMap<Pid, ExitReason>,
        found: &mut Vec<(Invariant, String)>,
    ) {
        for (watcher, target) in &self.watching {
            // Whoever watches from outside sees nothing.
            if over.contains(target) && !over.contains(watcher) && watcher.node() == target.node() {
                found.push((Invariant::Monitors, format!("{watcher} is never told of the end of {target}")));
            }
        }
        let crashed = |pid: &Pid| ended.get(pid).is_some_and(|reason| !reason.is_normal());
        for ((a, b), is_lasting) in &self.linked {
            for (one, other) in [(a, b), (b, a)] {
                if *is_lasting
                    && crashed(one)
                    && !over.contains(other)
                    && !self.seen_down.contains(&(*other, *one))
                {
                    found.push((Invariant::Links, format!("{other} outlives the crash of {one}, its link")));
                }
            }
        }
        for (pid, _) in ended.iter().filter(|(_, reason)| **reason == ExitReason::Linked) {
            // A link that came too late for one that ended normally is answered as a crash.
            let has_failed = |peer: &Pid| {
                let was_late = !self.linked_alive.contains(&(*pid, *peer));
                crashed(peer) || (was_late && over.contains(peer) && !self.unlinked.contains(&(*peer, *pid)))
            };
            let has_cause =
                self.linked.keys().any(|(a, b)| (a == pid && has_failed(b)) || (b == pid && has_failed(a)));
            if !has_cause {
                found.push((Invariant::Links, format!("{pid} ended with a link that did not crash")));
            }
        }
    }
}
