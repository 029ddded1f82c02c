//! Signals in the order of their arrival, messages in a row held together.

use crate::queue::Charge;
use wsrelay_core::connection::Connection;
use wsrelay_core::message::{ClientMessage, Entry, Message, Metadata, Payload, Run, Runs, Topic};
use wsrelay_core::process::{Pid, Signal};
use wsrelay_core::wire::Data;

/// From this many messages on, payloads are copied out of the buffers they arrived in: what waits for long
/// must not keep a whole read buffer for a few bytes.
const DEEP: usize = 16;

/// Signals in the order of their arrival, as they are taken out of a mailbox. Small to move; without room until
/// something is put in.
#[derive(Debug, Default)]
pub struct Deliveries(Option<Box<Runs<Kind, (Signal, Charge)>>>);

/// What messages that follow each other have in common.
#[derive(Debug)]
pub(crate) struct Kind {
    from: Option<Pid>,
    topic: Topic,
    /// For clients' messages, what is attached to each.
    client: Option<(Pid, Metadata)>,
}

impl Kind {
    /// Whether a message of this kind may take the short way to this connection's client.
    #[inline]
    pub(crate) fn can_be_sent(&self, connection: &Connection, data: &Data) -> bool {
        self.client.is_none() && connection.can_send(&self.topic, data)
    }

    #[inline]
    pub(crate) fn message(&self, data: Data) -> Message {
        let payload = match &self.client {
            None => Payload::Data(data),
            Some((pid, metadata)) => {
                Payload::Client(ClientMessage { pid: *pid, data, metadata: metadata.clone() })
            }
        };
        Message { from: self.from, topic: self.topic.clone(), payload }
    }

    fn delivery(&self, data: Data) -> (Signal, Charge) {
        let charge = Charge::new(1, data.len());
        (Signal::Message(self.message(data)), charge)
    }
}

impl Deliveries {
    /// Nothing yet, and no room for anything.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Whether nothing is left.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|runs| runs.is_empty())
    }

    /// The next signal, and what it takes of the bounds, to be [released](crate::Mailbox::release) when it is
    /// consumed.
    pub fn pop(&mut self) -> Option<(Signal, Charge)> {
        self.0.as_mut()?.pop_one(Kind::delivery)
    }

    /// All signals, without what they take of the bounds.
    pub(crate) fn signals(self) -> impl Iterator<Item = Signal> {
        self.map(|(signal, _)| signal)
    }

    /// The next signal, messages in a row as a whole.
    #[inline]
    pub(crate) fn pop_whole(&mut self) -> Option<Entry<Kind, (Signal, Charge)>> {
        self.0.as_mut()?.pop()
    }

    /// The next payload of messages that were just taken out, and what it takes of the bounds.
    #[inline]
    pub(crate) fn next_data(&mut self, run: &mut Run<Kind>) -> Option<(Data, Charge)> {
        let data = self.0.as_mut()?.next_data(run)?;
        let charge = Charge::new(1, data.len());
        Some((data, charge))
    }

    /// Puts back what is left of them.
    pub(crate) fn put_back(&mut self, run: Run<Kind>) {
        self.runs().put_back(run);
    }

    /// Takes out everything that `other` has.
    pub(crate) fn append(&mut self, other: &mut Self) {
        if let Some(theirs) = &mut other.0 {
            self.runs().append(theirs);
        }
    }

    /// Whether it has room that is worth keeping, and no more than that.
    pub(crate) fn is_worth_keeping(&self) -> bool {
        /// A queue that has held more than this is not kept for its room.
        const CAPACITY_MAX: usize = 4096;
        self.0.as_ref().is_some_and(|runs| (1..=CAPACITY_MAX).contains(&runs.capacity()))
    }

    /// Whether it has no room at all.
    #[inline]
    pub(crate) const fn is_without_room(&self) -> bool {
        self.0.is_none()
    }

    #[inline]
    fn runs(&mut self) -> &mut Runs<Kind, (Signal, Charge)> {
        self.0.get_or_insert_default()
    }

    pub(crate) fn push(&mut self, signal: Signal, charge: Charge) {
        let Signal::Message(message) = signal else { return self.runs().push((signal, charge)) };
        // What always has room is not counted, and so not in a run.
        if charge.messages() == 0 {
            return self.runs().push((Signal::Message(message), charge));
        }
        let Message { from, topic, payload } = message;
        match payload {
            Payload::Data(data) => {
                self.push_data(data);
                self.count_data(1, from, &topic);
            }
            Payload::Client(ClientMessage { pid, data, metadata }) => {
                self.push_data(data);
                self.count_client(1, from, &topic, pid, &metadata);
            }
            Payload::Empty
            | Payload::Json(_)
            | Payload::Term(_)
            | Payload::Join(_)
            | Payload::Heartbeat(_)
            | Payload::Leave(_)
            | Payload::Abort(_)
            | Payload::Ack(_)
            | Payload::Send(_)
            | Payload::Close(_)
            | Payload::Control(_) => {
                let payload = if self.is_deep() { payload.compact() } else { payload };
                self.runs().push((Signal::Message(Message { from, topic, payload }), charge));
            }
        }
    }

    #[inline]
    pub(crate) fn push_data(&mut self, data: Data) {
        // A short text is in place anyway.
        let runs = self.runs();
        let data = if runs.depth() >= DEEP && !data.is_in_place() { data.compact() } else { data };
        runs.push_data(data);
    }

    fn is_deep(&self) -> bool {
        self.0.as_ref().is_some_and(|runs| runs.depth() >= DEEP)
    }

    /// So many payloads that were put in are messages of text or bytes.
    #[inline]
    pub(crate) fn count_data(&mut self, count: usize, from: Option<Pid>, topic: &Topic) {
        let is_same = |kind: &Kind| kind.client.is_none() && kind.from == from && kind.topic == *topic;
        self.runs().count(count, is_same, || Kind { from, topic: topic.clone(), client: None });
    }

    /// So many payloads that were put in are clients' messages.
    #[inline]
    pub(crate) fn count_client(
        &mut self,
        count: usize,
        from: Option<Pid>,
        topic: &Topic,
        pid: Pid,
        metadata: &Metadata,
    ) {
        let is_same = |kind: &Kind| match &kind.client {
            Some((client, its)) => {
                *client == pid && its.is_same(metadata) && kind.from == from && kind.topic == *topic
            }
            None => false,
        };
        let client = || Some((pid, metadata.clone()));
        self.runs().count(count, is_same, || Kind { from, topic: topic.clone(), client: client() });
    }

    /// Takes out the oldest message that counts.
    pub(crate) fn drop_oldest(&mut self) -> Option<(Message, Charge)> {
        match self.0.as_mut()?.remove_first(|(_, charge)| *charge != Charge::NOTHING, Kind::delivery)? {
            (Signal::Message(message), charge) => Some((message, charge)),
            // Only messages count.
            (_, _) => None,
        }
    }
}

impl Iterator for Deliveries {
    type Item = (Signal, Charge);

    fn next(&mut self) -> Option<(Signal, Charge)> {
        self.pop()
    }
}
