//! What happens when.

use std::collections::BTreeMap;
use wsrelay_core::time::Instant;

/// Things that are due at some moment; of those at the same moment the first that was put in comes first.
#[derive(Debug)]
pub(crate) struct Timeline<T> {
    things: BTreeMap<(Instant, u64), T>,
    count: u64,
}

impl<T> Timeline<T> {
    pub(crate) const fn new() -> Self {
        Self { things: BTreeMap::new(), count: 0 }
    }

    pub(crate) fn put(&mut self, at: Instant, thing: T) {
        self.things.insert((at, self.count), thing);
        self.count += 1;
    }

    /// When the next thing is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.things.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next thing that is due by then.
    pub(crate) fn due(&mut self, now: Instant) -> Option<T> {
        let first = self.things.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}
