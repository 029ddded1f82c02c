//! How many signals may wait for one process (P8).

use crate::deliveries::Deliveries;
use wsrelay_core::connection::{Outputs, Relayed};
use wsrelay_core::message::{Message, Payload, Run};
use wsrelay_core::process::{Effects, Letters, Signal};
use wsrelay_core::wire::Data;

/// How much a mailbox may hold, and what it does past that.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most messages.
    pub messages_max: usize,
    /// Most payload bytes. A larger message is taken by an empty mailbox.
    pub bytes_max: usize,
    /// What happens to a message that finds no room.
    pub overflow: WhenFull,
}

/// What happens to a message that finds no room in a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Its sender is told.
    Refuse,
    /// Its sender is told, and so is the owner, once.
    RefuseAndTellOwner,
    /// The oldest message makes room.
    DropOldest,
}

/// A signal that could not be put into a mailbox.
#[derive(Debug, PartialEq)]
pub enum Undelivered {
    /// The process has ended.
    Closed(Signal),
    /// There is no room.
    Full(Signal),
    /// It is a message for a client, and larger than all that may wait for one.
    TooBig(Signal),
}

/// Whether a mailbox has room for more after it took something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It has.
    Left,
    /// It has not: whoever can wait should.
    None,
}

/// A part of a mailbox's bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    messages: usize,
    bytes: usize,
}

impl Charge {
    /// Nothing: signals, and messages for which there is always room.
    pub const NOTHING: Self = Self { messages: 0, bytes: 0 };

    /// So many messages with so many payload bytes in all.
    #[must_use]
    pub const fn new(messages: usize, bytes: usize) -> Self {
        Self { messages, bytes }
    }

    /// How many messages.
    #[must_use]
    pub const fn messages(self) -> usize {
        self.messages
    }

    /// How many payload bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.bytes
    }

    /// What a signal takes.
    #[inline]
    pub(crate) fn of(signal: &Signal) -> Self {
        match signal {
            Signal::Message(message) if !message.topic.always_has_room() => {
                Self { messages: 1, bytes: message.payload.len() }
            }
            Signal::Message(_)
            | Signal::Monitor { .. }
            | Signal::Demonitor { .. }
            | Signal::Link { .. }
            | Signal::Unlink { .. }
            | Signal::Exit { .. }
            | Signal::Down { .. }
            | Signal::Cancel { .. }
            | Signal::Kill => Self::NOTHING,
        }
    }

    /// Both together.
    pub const fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }

    pub(crate) const fn remove(&mut self, other: Self) {
        self.messages -= other.messages;
        self.bytes -= other.bytes;
    }

    pub(crate) const fn and(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    /// Whether so much more exceeds the bounds. What is larger than they are has room where nothing is held.
    #[inline]
    const fn would_overflow(self, more: Self, bounds: &Bounds) -> bool {
        more.messages > 0
            && self.messages > 0
            && (self.messages + more.messages > bounds.messages_max
                || self.bytes + more.bytes > bounds.bytes_max)
    }

    /// Whether this much leaves no room at all.
    const fn fills(self, bounds: &Bounds) -> bool {
        self.messages >= bounds.messages_max || self.bytes >= bounds.bytes_max
    }

    /// Whether half of the room is free.
    pub(crate) const fn is_roomy(self, bounds: &Bounds) -> bool {
        self.messages <= bounds.messages_max / 2 && self.bytes <= bounds.bytes_max / 2
    }
}

/// How many bytes of a message the client would get, where that is known before a connection has read it.
pub(crate) fn client_bytes(signal: &Signal) -> usize {
    match signal {
        Signal::Message(Message { payload: Payload::Data(_) | Payload::Send(_), .. }) => {
            Charge::of(signal).bytes()
        }
        // JSON weighs more than the message that it holds.
        Signal::Message(_)
        | Signal::Monitor { .. }
        | Signal::Demonitor { .. }
        | Signal::Link { .. }
        | Signal::Unlink { .. }
        | Signal::Exit { .. }
        | Signal::Down { .. }
        | Signal::Cancel { .. }
        | Signal::Kill => 0,
    }
}

/// Signals in the order of their arrival, within bounds. For one thread at a time.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    signals: Deliveries,
    /// Held by the signals that wait here, and by what the owner has taken out but not consumed.
    pub(crate) held: Charge,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.signals.is_empty()
    }

    /// Takes out everything, the room included. What was taken is still held.
    pub(crate) fn take(&mut self) -> Deliveries {
        std::mem::take(&mut self.signals)
    }

    /// Gives it room that another one has left, if it has none.
    #[inline]
    pub(crate) fn lend(&mut self, spare: &mut Vec<Deliveries>) {
        if self.signals.is_without_room()
            && let Some(room) = spare.pop()
        {
            self.signals = room;
        }
    }

    /// Puts in what another queue has held, of this weight.
    pub(crate) fn append(&mut self, mut signals: Deliveries, held: Charge) {
        self.held.add(held);
        self.signals.append(&mut signals);
    }

    /// Keeps the room of what was taken before.
    pub(crate) fn keep(&mut self, empty: Deliveries) {
        self.signals = empty;
    }

    /// Puts a signal in. `beside` is what the same process holds in another queue; messages that had to
    /// make room are appended to `evicted`.
    pub(crate) fn push(
        &mut self,
        signal: Signal,
        charge: Charge,
        bounds: &Bounds,
        beside: Charge,
        evicted: &mut Vec<Message>,
    ) -> Result<Room, Undelivered> {
        if self.would_overflow(charge, bounds, beside) {
            match bounds.overflow {
                WhenFull::Refuse | WhenFull::RefuseAndTellOwner => return Err(Undelivered::Full(signal)),
                WhenFull::DropOldest => {
                    if !self.drop_oldest(charge, bounds, beside, evicted) {
                        return Err(Undelivered::Full(signal));
                    }
                }
            }
        }
        Ok(self.put(signal, charge, bounds, beside))
    }

    /// Puts a signal in, whatever the bounds say.
    #[inline]
    pub(crate) fn put(&mut self, signal: Signal, charge: Charge, bounds: &Bounds, beside: Charge) -> Room {
        self.held.add(charge);
        self.signals.push(signal, charge);
        self.room(bounds, beside)
    }

    /// Puts all messages of a client's run in, whatever the bounds say.
    #[inline]
    pub(crate) fn put_run(
        &mut self,
        run: &mut Run<Relayed>,
        out: &mut Outputs,
        bounds: &Bounds,
        beside: Charge,
    ) -> Room {
        let (count, mut bytes) = (run.len(), 0);
        let signals = &mut self.signals;
        while let Some(data) = out.next_data(run) {
            bytes += data.len();
            signals.push_data(data);
        }
        let Relayed { from, topic, metadata, .. } = &run.key;
        signals.count_client(count, Some(*from), topic, *from, metadata);
        self.held.add(Charge::new(count, bytes));
        self.room(bounds, beside)
    }

    /// Puts messages of text or bytes in, one after the other, as long as they fit. The first that does not comes
    /// back.
    #[inline]
    pub(crate) fn put_data(
        &mut self,
        run: &mut Run<Letters>,
        effects: &mut Effects,
        bounds: &Bounds,
        data_bytes_max: usize,
    ) -> Option<Data> {
        let mut held = self.held;
        let signals = &mut self.signals;
        let mut count = 0;
        let mut left = None;
        while let Some(data) = effects.next_data(run) {
            let charge = Charge::new(1, data.len());
            if held.would_overflow(charge, bounds) || data.len() > data_bytes_max {
                left = Some(data);
                break;
            }
            held.add(charge);
            signals.push_data(data);
            count += 1;
        }
        let Letters { from, topic, .. } = &run.key;
        signals.count_data(count, Some(*from), topic);
        self.held = held;
        left
    }

    #[inline]
    const fn room(&self, bounds: &Bounds, beside: Charge) -> Room {
        if self.is_full(bounds, beside) { Room::None } else { Room::Left }
    }

    #[inline]
    pub(crate) const fn is_full(&self, bounds: &Bounds, beside: Charge) -> bool {
        self.held.and(beside).fills(bounds)
    }

    #[inline]
    pub(crate) const fn would_overflow(&self, charge: Charge, bounds: &Bounds, beside: Charge) -> bool {
        self.held.and(beside).would_overflow(charge, bounds)
    }

    /// Drops the oldest messages until there is room. False when what is held cannot be dropped any
    /// more, because the owner has it already.
    fn drop_oldest(
        &mut self,
        charge: Charge,
        bounds: &Bounds,
        beside: Charge,
        evicted: &mut Vec<Message>,
    ) -> bool {
        while self.would_overflow(charge, bounds, beside) {
            let Some((message, dropped)) = self.signals.drop_oldest() else { return false };
            self.held.remove(dropped);
            evicted.push(message);
        }
        true
    }
}
