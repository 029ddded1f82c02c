//! Lists of effects that several files of tests expect.

use crate::{Seen, demonitor, down, exit, leave, target, watcher};
use wsrelay_core::process::ExitReason;

/// What everybody is told when it is over: the target, the watcher, and that the process has ended.
#[must_use]
pub fn gone(code: u16, reason: &str, clean: bool, why: ExitReason) -> Vec<Seen> {
    vec![leave(code, reason, clean), exit(why.clone()), down(watcher(), why), demonitor(target())]
}

/// These effects, and then more.
#[must_use]
pub fn and(mut seen: Vec<Seen>, more: impl IntoIterator<Item = Seen>) -> Vec<Seen> {
    seen.extend(more);
    seen
}
