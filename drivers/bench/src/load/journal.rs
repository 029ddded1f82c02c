//! When messages were sent, a note for each write instead of one for each message.

use crate::measure::histogram::Histogram;
use std::collections::VecDeque;

/// The writes whose messages may still come back.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    writes: VecDeque<Write>,
    /// How many writes were forgotten.
    forgotten: u64,
}

#[derive(Clone, Copy, Debug)]
struct Write {
    /// Messages that were sent with it or before.
    until: u64,
    nanos: u64,
}

/// How far somebody has read along.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reader {
    /// Messages that came back.
    pub(crate) messages: u64,
    write: u64,
}

impl Journal {
    /// All messages up to `until` have been sent by now.
    #[inline]
    pub(crate) fn sent(&mut self, until: u64, nanos: u64) {
        self.writes.push_back(Write { until, nanos });
    }

    /// The next `count` messages came back, and their latencies are known. Whether all of them were sent.
    #[inline]
    pub(crate) fn came_back(
        &self,
        reader: &mut Reader,
        count: u64,
        nanos: u64,
        latencies: &mut Histogram,
    ) -> bool {
        let until = reader.messages + count;
        while reader.messages < until {
            let index = usize::try_from(reader.write - self.forgotten).unwrap_or(usize::MAX);
            let Some(write) = self.writes.get(index) else { return false };
            let step = write.until.min(until);
            latencies.record(nanos.saturating_sub(write.nanos), step - reader.messages);
            reader.messages = step;
            if step == write.until {
                reader.write += 1;
            }
        }
        true
    }

    /// Everybody has everything up to `until`, which then needs no note.
    #[inline]
    pub(crate) fn forget(&mut self, until: u64) {
        while self.writes.front().is_some_and(|write| write.until <= until) {
            self.writes.pop_front();
            self.forgotten += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_the_latency_of_its_write() {
        let mut journal = Journal::default();
        let (mut reader, mut latencies) = (Reader::default(), Histogram::new());
        journal.sent(3, 100);
        assert!(journal.came_back(&mut reader, 2, 110, &mut latencies));
        journal.forget(reader.messages);
        journal.sent(5, 120);
        assert!(journal.came_back(&mut reader, 3, 140, &mut latencies));
        journal.forget(reader.messages);
        assert_eq!([0.4, 0.8, 1.0].map(|share| latencies.quantile(share)), [10.0, 20.0, 40.0]);
        assert!(journal.writes.is_empty());
        assert!(!journal.came_back(&mut reader, 1, 150, &mut latencies));
    }
}
