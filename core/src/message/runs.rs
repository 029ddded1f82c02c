//! Queues of things among which are many messages.

use crate::wire::Data;
use alloc::collections::VecDeque;

/// A queue in which messages that follow each other and differ in nothing but their payloads are held as a
/// [`Run`]: what they have in common, `K`, is held once, and each costs no more than its payload. Everything
/// else in the queue is a `T`.
#[derive(Clone, Debug)]
pub struct Runs<K, T> {
    entries: VecDeque<Entry<K, T>>,
    /// The payloads of all runs, one after the other.
    data: VecDeque<Data>,
}

/// What stands in the queue.
#[derive(Clone, Debug)]
pub enum Entry<K, T> {
    /// Something that is in no run.
    One(T),
    /// A run, whose payloads are to be [taken](Runs::next_data) before anything else.
    Run(Run<K>),
}

/// Messages in a row that differ in nothing but their payloads.
#[derive(Clone, Debug)]
pub struct Run<K> {
    /// What they have in common.
    pub key: K,
    len: usize,
}

impl<K> Run<K> {
    /// How many payloads are not taken yet.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether all are taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// For how many an empty queue keeps room.
const CAPACITY_KEPT: usize = 4096;

impl<K, T> Default for Runs<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, T> Runs<K, T> {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: VecDeque::new(), data: VecDeque::new() }
    }

    /// Whether it is empty.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// At least how many there are, and how many payloads of runs among them.
    #[must_use]
    #[inline]
    pub fn depth(&self) -> usize {
        self.entries.len() + self.data.len()
    }

    /// For how many entries or payloads it has room, whichever is more.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.entries.capacity().max(self.data.capacity())
    }

    /// What came last, if it is in no run.
    #[must_use]
    pub fn last_one(&self) -> Option<&T> {
        match self.entries.back()? {
            Entry::One(one) => Some(one),
            Entry::Run(_) => None,
        }
    }

    /// Adds something.
    #[inline]
    pub fn push(&mut self, one: T) {
        self.push_entry(Entry::One(one));
    }

    /// The first gets room for itself alone: many a queue never holds more.
    #[inline]
    fn push_entry(&mut self, entry: Entry<K, T>) {
        if self.entries.capacity() == 0 {
            self.entries.reserve_exact(1);
        }
        self.entries.push_back(entry);
    }

    /// Adds a payload, which is to be [counted](Self::count) before anything else is done.
    #[inline]
    pub fn push_data(&mut self, data: Data) {
        if self.data.capacity() == 0 {
            self.data.reserve_exact(1);
        }
        self.data.push_back(data);
    }

    /// Counts so many payloads that were added to the run that came last, if it is of this kind, or else to a new
    /// one.
    #[inline]
    pub fn count(&mut self, count: usize, is_of_kind: impl FnOnce(&K) -> bool, key: impl FnOnce() -> K) {
        if let Some(Entry::Run(run)) = self.entries.back_mut()
            && is_of_kind(&run.key)
        {
            run.len += count;
        } else if count > 0 {
            self.push_entry(Entry::Run(Run { key: key(), len: count }));
        }
    }

    /// Takes out the first entry, a run as a whole.
    #[inline]
    pub fn pop(&mut self) -> Option<Entry<K, T>> {
        let entry = self.entries.pop_front();
        if entry.is_none() && self.capacity() > CAPACITY_KEPT {
            *self = Self::new();
        }
        entry
    }

    /// The next payload of the run that was just taken out.
    #[inline]
    pub fn next_data(&mut self, run: &mut Run<K>) -> Option<Data> {
        run.len = run.len.checked_sub(1)?;
        self.data.pop_front()
    }

    /// The payloads of the run that was just taken out, to look at.
    pub fn peek(&self, run: &Run<K>) -> impl Iterator<Item = &Data> {
        self.data.iter().take(run.len)
    }

    /// Puts back what is left of the run that was just taken out.
    pub fn put_back(&mut self, run: Run<K>) {
        if !run.is_empty() {
            self.entries.push_front(Entry::Run(run));
        }
    }

    /// Takes out the first thing: of a run, `message` makes one of each payload.
    pub fn pop_one(&mut self, message: impl FnOnce(&K, Data) -> T) -> Option<T> {
        match self.pop()? {
            Entry::One(one) => Some(one),
            Entry::Run(mut run) => {
                let data = self.next_data(&mut run)?;
                let one = message(&run.key, data);
                self.put_back(run);
                Some(one)
            }
        }
    }

    /// Takes out the first thing that is in a run or of which this is so, in the same way.
    pub fn remove_first(
        &mut self,
        is_it: impl Fn(&T) -> bool,
        message: impl FnOnce(&K, Data) -> T,
    ) -> Option<T> {
        let index = self.entries.iter().position(|entry| match entry {
            Entry::One(one) => is_it(one),
            Entry::Run(_) => true,
        })?;
        match self.entries.remove(index)? {
            Entry::One(one) => Some(one),
            Entry::Run(mut run) => {
                // The first of all runs, so that its payloads come first.
                let data = self.next_data(&mut run)?;
                let one = message(&run.key, data);
                if !run.is_empty() {
                    self.entries.insert(index, Entry::Run(run));
                }
                Some(one)
            }
        }
    }

    /// Moves everything of `other` to the end.
    pub fn append(&mut self, other: &mut Self) {
        self.entries.append(&mut other.entries);
        self.data.append(&mut other.data);
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.data.clear();
    }
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "what a property and a queue hand over")]
mod tests {
    use super::*;
    use crate::testing::check;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;
    use quickcheck::{Arbitrary, Gen};

    /// What is put into a queue: something, or a payload of a kind.
    #[derive(Clone, Debug)]
    enum Put {
        One(u8),
        Data(bool, u8),
    }

    impl Arbitrary for Put {
        fn arbitrary(g: &mut Gen) -> Self {
            if bool::arbitrary(g) {
                Self::Data(bool::arbitrary(g), u8::arbitrary(g))
            } else {
                Self::One(u8::arbitrary(g))
            }
        }
    }

    fn queue(puts: &[Put]) -> (Runs<bool, String>, Vec<String>) {
        let (mut queue, mut naive) = (Runs::new(), Vec::new());
        for put in puts {
            match *put {
                Put::One(one) => {
                    queue.push(format!("one {one}"));
                    naive.push(format!("one {one}"));
                }
                Put::Data(kind, data) => {
                    queue.push_data(Data::Text(format!("{data}").into()));
                    queue.count(1, |key| *key == kind, || kind);
                    naive.push(message(&kind, Data::Text(format!("{data}").into())));
                }
            }
        }
        (queue, naive)
    }

    fn message(kind: &bool, data: Data) -> String {
        format!("{kind} {data:?}")
    }

    #[test]
    fn everything_comes_out_in_the_order_in_which_it_came() {
        fn comes_out(puts: Vec<Put>) -> bool {
            let (mut queue, naive) = queue(&puts);
            let mut all = Vec::new();
            while let Some(one) = queue.pop_one(message) {
                all.push(one);
            }
            all == naive && queue.depth() == 0
        }
        check(2_000, comes_out as fn(Vec<Put>) -> bool);
    }

    #[test]
    fn runs_taken_out_whole_hold_the_same() {
        fn comes_out(puts: Vec<Put>) -> bool {
            let (mut queue, naive) = queue(&puts);
            let mut all = Vec::new();
            while let Some(entry) = queue.pop() {
                match entry {
                    Entry::One(one) => all.push(one),
                    Entry::Run(mut run) => {
                        while let Some(data) = queue.next_data(&mut run) {
                            all.push(message(&run.key, data));
                        }
                    }
                }
            }
            all == naive && queue.depth() == 0
        }
        check(2_000, comes_out as fn(Vec<Put>) -> bool);
    }

    #[test]
    fn the_first_of_its_kind_can_be_taken_out_of_the_middle() {
        fn comes_out(puts: Vec<Put>, one: u8) -> bool {
            let (mut queue, mut naive) = queue(&puts);
            let wanted = format!("one {one}");
            let is_it = |text: &String| *text == wanted;
            let index = naive.iter().position(|text| is_it(text) || !text.starts_with("one"));
            let expected = index.map(|index| naive.remove(index));
            let removed = queue.remove_first(is_it, message);
            let mut rest = Vec::new();
            while let Some(one) = queue.pop_one(message) {
                rest.push(one);
            }
            removed == expected && rest == naive
        }
        check(2_000, comes_out as fn(Vec<Put>, u8) -> bool);
    }
}
