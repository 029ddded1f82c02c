//! What an actor wants done.

use super::{Pid, Signal, SignalSink};
use crate::message::{Destination, Entry, Message, Payload, Run, Runs, Topic};
use crate::wire::Data;
use alloc::sync::Arc;

/// One thing that an actor wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Deliver a signal.
    Signal {
        /// To whom.
        to: Destination,
        /// What.
        signal: Signal,
    },
    /// Register a name for this process (P6). Refused, and logged, when another process holds it.
    Register(Arc<str>),
    /// Give the name up, if this process holds it.
    Unregister(Arc<str>),
}

/// What an actor wants done, in order.
///
/// Messages of text or bytes for one process that follow each other are held as a [`Run`].
#[derive(Clone, Debug, Default)]
pub struct Effects {
    list: Runs<Letters, Effect>,
    len: usize,
}

/// What messages of text or bytes that follow each other have in common.
#[derive(Clone, Debug)]
pub struct Letters {
    /// To whom.
    pub to: Pid,
    /// From whom.
    pub from: Pid,
    /// On which topic; not one for which there is [always room](Topic::always_has_room).
    pub topic: Topic,
}

impl Letters {
    /// The message with this payload.
    #[must_use]
    pub fn message(&self, data: Data) -> Message {
        Message { from: Some(self.from), topic: self.topic.clone(), payload: Payload::Data(data) }
    }
}

impl Effects {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { list: Runs::new(), len: 0 }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the last effect may wait for more of its kind: it is a message of text or bytes.
    #[must_use]
    pub fn is_gathering(&self) -> bool {
        self.list.last_one().is_none()
    }

    /// Takes everything out, in order, and keeps the room.
    pub fn drain(&mut self) -> impl Iterator<Item = Effect> {
        core::iter::from_fn(|| {
            self.len = self.len.saturating_sub(1);
            self.list.pop_one(|letters, data| Effect::Signal {
                to: Destination::Pid(letters.to),
                signal: Signal::Message(letters.message(data)),
            })
        })
    }

    /// Takes the next effect out, or the next messages in a row as a whole: for drivers that have a short way for
    /// them.
    #[inline]
    pub fn pop(&mut self) -> Option<Entry<Letters, Effect>> {
        let entry = self.list.pop()?;
        self.len -= match &entry {
            Entry::One(_) => 1,
            Entry::Run(run) => run.len(),
        };
        Some(entry)
    }

    /// The next payload of messages that were just taken out.
    #[inline]
    pub fn next_data(&mut self, run: &mut Run<Letters>) -> Option<Data> {
        self.list.next_data(run)
    }

    /// The payloads of messages that were just taken out, to look at.
    pub fn peek(&self, run: &Run<Letters>) -> impl Iterator<Item = &Data> {
        self.list.peek(run)
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.list.clear();
        self.len = 0;
    }

    #[inline]
    pub(super) fn push(&mut self, effect: Effect) {
        self.len += 1;
        self.list.push(effect);
    }

    /// A message of text or bytes.
    #[inline]
    pub(super) fn push_data(&mut self, to: Pid, from: Pid, topic: &Topic, data: Data) {
        self.len += 1;
        self.list.push_data(data);
        let is_same = |run: &Letters| run.to == to && run.topic == *topic && run.from == from;
        self.list.count(1, is_same, || Letters { to, from, topic: topic.clone() });
    }
}

impl SignalSink for Effects {
    fn signal(&mut self, to: Pid, signal: Signal) {
        self.push(Effect::Signal { to: Destination::Pid(to), signal });
    }
}
