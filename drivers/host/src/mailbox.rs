//! Where the signals for one process wait (P8).

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use wsrelay_core::message::{Message, Topic};
use wsrelay_core::process::{Pid, Signal};

use crate::connections::LiveConnection;

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

/// One signal as it lies in a mailbox, with what it weighs.
#[derive(Debug)]
pub struct Delivery {
    /// The signal.
    pub signal: Signal,
    /// What it takes of the bounds, to be [released](Mailbox::release) when it is consumed.
    pub charge: Charge,
}

/// A part of a mailbox's bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    messages: usize,
    bytes: usize,
}

impl Charge {
    /// Nothing: signals, and messages for which there is always room.
    const NOTHING: Self = Self { messages: 0, bytes: 0 };

    fn of(signal: &Signal) -> Self {
        match signal {
            Signal::Message(message) if !is_reserved(message) => {
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
    pub fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }
}

/// P8, P9: join, leave, exit signals and commands that end or move a connection always have room.
fn is_reserved(message: &Message) -> bool {
    [Topic::JOIN, Topic::LEAVE, Topic::ABORT, Topic::ACK, Topic::CLOSE, Topic::CONTROL]
        .contains(&message.topic)
}

/// From this many signals on, messages are copied out of the buffers they arrived in: what waits for long
/// must not keep a whole read buffer for a few bytes.
const DEEP: usize = 16;

/// Whose mailbox it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A process of the user's.
    Process,
    /// A client's connection.
    Port,
}

/// The mailbox of one process.
#[derive(Debug)]
pub struct Mailbox {
    pid: Pid,
    kind: Owner,
    bounds: Bounds,
    /// Mirrors [`Inner::is_full`], to be asked without the lock.
    full: AtomicBool,
    /// Messages that found no room, or had to make it.
    dropped: AtomicU64,
    inner: Mutex<Inner>,
    /// Set for a connection that relays.
    pub(crate) connection: OnceLock<LiveConnection>,
}

#[derive(Debug)]
struct Inner {
    open: bool,
    /// Whether the owner holds names; known here so that registering and ending cannot cross.
    named: bool,
    overflowed: bool,
    queue: VecDeque<Delivery>,
    /// Held by the queue and by what the owner has taken out but not consumed.
    held: Charge,
    owner: Option<Waker>,
    waiting_for_room: BTreeMap<Pid, Waker>,
}

impl Mailbox {
    /// An empty mailbox for `pid`.
    pub(crate) fn new(pid: Pid, kind: Owner, bounds: Bounds) -> Self {
        Self {
            pid,
            kind,
            bounds,
            full: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            inner: Mutex::new(Inner {
                open: true,
                named: false,
                overflowed: false,
                queue: VecDeque::new(),
                held: Charge::NOTHING,
                owner: None,
                waiting_for_room: BTreeMap::new(),
            }),
            connection: OnceLock::new(),
        }
    }

    /// Whose mailbox it is.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether it is a connection's.
    pub(crate) fn is_port(&self) -> bool {
        self.kind == Owner::Port
    }

    /// Whether there is room for a message. Cheap, and may be out of date at once.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.full.load(Ordering::Acquire)
    }

    /// Puts a signal in.
    ///
    /// Messages that had to make room for it are appended to `evicted`.
    ///
    /// # Errors
    ///
    /// The signal comes back when the process has ended, or there is no room for it.
    pub fn push(&self, signal: Signal, evicted: &mut Vec<Message>) -> Result<Room, Undelivered> {
        let evicted_before = evicted.len();
        let result = self.try_push(signal, evicted);
        let dropped = evicted.len() - evicted_before
            + usize::from(matches!(result, Err(Undelivered::Full(_) | Undelivered::TooBig(_))));
        if dropped > 0 {
            self.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
        }
        result
    }

    /// How many messages found no room, or had to make it.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn try_push(&self, signal: Signal, evicted: &mut Vec<Message>) -> Result<Room, Undelivered> {
        let charge = Charge::of(&signal);
        let mut inner = self.lock();
        if !inner.open {
            return Err(Undelivered::Closed(signal));
        }
        if self.is_port() && charge.bytes > self.bounds.bytes_max {
            // No client is too slow for what could never be sent.
            return Err(Undelivered::TooBig(signal));
        }
        if charge != Charge::NOTHING && inner.would_overflow(charge, self.bounds) {
            match self.bounds.overflow {
                WhenFull::Refuse => return Err(Undelivered::Full(signal)),
                WhenFull::RefuseAndTellOwner => {
                    inner.overflowed = true;
                    wake(inner);
                    return Err(Undelivered::Full(signal));
                }
                WhenFull::DropOldest => {
                    if !inner.drop_oldest(charge, self.bounds, evicted) {
                        return Err(Undelivered::Full(signal));
                    }
                }
            }
        }
        Ok(self.put(inner, Delivery { signal, charge }))
    }

    /// Puts a client's message in, even past the bounds: its connection was told to stop reading and
    /// hands over what it had decoded, one turn's worth at most. No client message is dropped (P8).
    ///
    /// # Errors
    ///
    /// The signal comes back when the process has ended.
    pub fn push_relayed(&self, signal: Signal) -> Result<Room, Undelivered> {
        let charge = Charge::of(&signal);
        let inner = self.lock();
        if !inner.open {
            return Err(Undelivered::Closed(signal));
        }
        Ok(self.put(inner, Delivery { signal, charge }))
    }

    fn put(&self, mut inner: MutexGuard<'_, Inner>, mut delivery: Delivery) -> Room {
        if inner.queue.len() >= DEEP
            && let Signal::Message(message) = &mut delivery.signal
        {
            message.payload = std::mem::take(&mut message.payload).compact();
        }
        inner.held.add(delivery.charge);
        inner.queue.push_back(delivery);
        let is_full = inner.is_full(self.bounds);
        if is_full {
            self.full.store(true, Ordering::Release);
        }
        wake(inner);
        if is_full { Room::None } else { Room::Left }
    }

    /// Takes everything out, in order; when there is nothing, `waker` is called once there is. Whether
    /// there was something.
    ///
    /// What was taken still counts against the bounds until it is [released](Self::release).
    pub fn drain(&self, into: &mut VecDeque<Delivery>, waker: &Waker) -> bool {
        let mut inner = self.lock();
        if inner.queue.is_empty() {
            if !inner.owner.as_ref().is_some_and(|owner| owner.will_wake(waker)) {
                inner.owner = Some(waker.clone());
            }
            return false;
        }
        if into.is_empty() {
            // A queue that a crowd has made large is not kept for quieter times.
            const CAPACITY_MAX: usize = 4096;
            if into.capacity() > CAPACITY_MAX {
                *into = VecDeque::new();
            }
            std::mem::swap(&mut inner.queue, into);
        } else {
            into.append(&mut inner.queue);
        }
        true
    }

    /// Gives back what consumed signals took of the bounds, and wakes who waits for room once half of
    /// it is free: waking them for each single place would make them quarrel over it.
    pub fn release(&self, charge: Charge) {
        if charge == Charge::NOTHING {
            return;
        }
        let mut inner = self.lock();
        inner.held.messages -= charge.messages;
        inner.held.bytes -= charge.bytes;
        let is_roomy = inner.held.messages <= self.bounds.messages_max / 2
            && inner.held.bytes <= self.bounds.bytes_max / 2;
        if is_roomy && self.full.swap(false, Ordering::AcqRel) {
            let waiting = std::mem::take(&mut inner.waiting_for_room);
            drop(inner);
            waiting.into_values().for_each(Waker::wake);
        }
    }

    /// Calls `waker`, that of the process `who`, once there is room. Whether there is none at present.
    #[must_use]
    pub fn wait_for_room(&self, who: Pid, waker: &Waker) -> bool {
        let mut inner = self.lock();
        let must_wait = inner.open && self.full.load(Ordering::Acquire);
        if must_wait {
            inner.waiting_for_room.insert(who, waker.clone());
        }
        must_wait
    }

    /// Forgets that `who` waits for room.
    pub fn forget_waiting(&self, who: Pid) {
        self.lock().waiting_for_room.remove(&who);
    }

    /// Whether there is room for one more message, though perhaps not enough to wake anybody for.
    #[must_use]
    pub fn is_below_bounds(&self) -> bool {
        let inner = self.lock();
        !inner.open || !inner.is_full(self.bounds)
    }

    /// Whether a message was refused since the last call, for an owner that wants to know.
    pub fn take_overflowed(&self) -> bool {
        std::mem::take(&mut self.lock().overflowed)
    }

    /// Wakes the owner although nothing was put in.
    pub fn nudge(&self) {
        wake(self.lock());
    }

    /// Ends the mailbox: nothing can be put in afterwards. What is left comes back, and whether the
    /// owner held names.
    pub(crate) fn close(&self) -> (VecDeque<Delivery>, bool) {
        let mut inner = self.lock();
        inner.open = false;
        let waiting = std::mem::take(&mut inner.waiting_for_room);
        let left = std::mem::take(&mut inner.queue);
        let named = inner.named;
        inner.owner = None;
        self.full.store(false, Ordering::Release);
        drop(inner);
        waiting.into_values().for_each(Waker::wake);
        (left, named)
    }

    /// Marks the owner as the holder of a name. False when it has ended.
    pub(crate) fn mark_named(&self) -> bool {
        let mut inner = self.lock();
        inner.named |= inner.open;
        inner.open
    }

    /// Messages that wait, or were taken out and not consumed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().held.messages
    }

    /// Whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that can panic runs under this lock, and every field is sound at every moment.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls the owner's waker, after the lock is given back.
fn wake(mut inner: MutexGuard<'_, Inner>) {
    let owner = inner.owner.take();
    drop(inner);
    if let Some(owner) = owner {
        owner.wake();
    }
}

impl Inner {
    fn is_full(&self, bounds: Bounds) -> bool {
        self.held.messages >= bounds.messages_max || self.held.bytes >= bounds.bytes_max
    }

    fn would_overflow(&self, charge: Charge, bounds: Bounds) -> bool {
        self.held.messages > 0
            && (self.held.messages + charge.messages > bounds.messages_max
                || self.held.bytes + charge.bytes > bounds.bytes_max)
    }

    /// Drops the oldest messages until there is room. False when what is held cannot be dropped any
    /// more, because the owner has it already.
    fn drop_oldest(&mut self, charge: Charge, bounds: Bounds, evicted: &mut Vec<Message>) -> bool {
        while self.would_overflow(charge, bounds) {
            let Some(oldest) = self.queue.iter().position(|delivery| delivery.charge != Charge::NOTHING)
            else {
                return false;
            };
            if let Some(dropped) = self.queue.remove(oldest) {
                self.held.messages -= dropped.charge.messages;
                self.held.bytes -= dropped.charge.bytes;
                if let Signal::Message(message) = dropped.signal {
                    evicted.push(message);
                }
            }
        }
        true
    }
}
