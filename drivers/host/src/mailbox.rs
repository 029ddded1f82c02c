//! Where the signals for one process wait (P8).

use crate::connections::LiveConnection;
use crate::deliveries::Deliveries;
use crate::home::Home;
use crate::queue::{self, Bounds, Charge, Queue, Room, Undelivered, WhenFull};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use wsrelay_core::connection::{Outputs, Relayed};
use wsrelay_core::message::{Message, Run};
use wsrelay_core::process::{Pid, Signal};

/// Whose mailbox it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A process of the user's.
    Process,
    /// A client's connection.
    Port,
}

/// The mailbox of one process, as all threads see it.
///
/// A process that never leaves its thread has a queue of its own there besides, without a lock: this one
/// is then for the others ([`Local`](crate::Local)).
#[derive(Debug)]
pub struct Mailbox {
    pid: Pid,
    kind: Owner,
    bounds: Bounds,
    /// Whether there is no room, to be asked without the lock.
    full: AtomicBool,
    /// Whether a message was refused that the owner wants to know of.
    overflowed: AtomicBool,
    /// Whether something has come here for an owner at home since it last fetched it.
    unfetched: AtomicBool,
    /// Messages that found no room, or had to make it.
    dropped: AtomicU64,
    inner: Mutex<Inner>,
    /// Mirrors what is held at home, for all others.
    held_at_home: SharedCharge,
    home: Option<Residence>,
    /// Set for a connection that relays.
    pub(crate) connection: OnceLock<LiveConnection>,
}

/// Where a process is at home.
#[derive(Debug)]
struct Residence {
    home: Arc<Home>,
    place: u32,
}

#[derive(Debug, Default)]
struct SharedCharge {
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

impl SharedCharge {
    fn load(&self) -> Charge {
        let (messages, bytes) = (self.messages.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        Charge::new(messages, bytes)
    }

    fn store(&self, charge: Charge) {
        self.messages.store(charge.messages(), Ordering::Relaxed);
        self.bytes.store(charge.bytes(), Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Inner {
    open: bool,
    /// Whether the owner holds names; known here so that registering and ending cannot cross.
    named: bool,
    queue: Queue,
    owner: Alarm,
    #[expect(clippy::box_collection, reason = "every process has such a map, and hardly one is waited for")]
    waiting_for_room: Option<Box<BTreeMap<Pid, Waker>>>,
}

/// How the owner learns that something has come.
#[derive(Debug)]
enum Alarm {
    /// By a waker, once it has left one.
    Waker(Option<Waker>),
    /// At its home, once until it has [fetched](Mailbox::has_unfetched) what is here.
    Home,
}

impl Mailbox {
    /// An empty mailbox for `pid`, which may live at a place of a thread's.
    pub(crate) fn new(pid: Pid, kind: Owner, bounds: Bounds, residence: Option<(&Arc<Home>, u32)>) -> Self {
        let owner = match residence {
            None => Alarm::Waker(None),
            Some(_) => Alarm::Home,
        };
        Self {
            pid,
            kind,
            bounds,
            full: AtomicBool::new(false),
            overflowed: AtomicBool::new(false),
            unfetched: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            inner: Mutex::new(Inner {
                open: true,
                named: false,
                queue: Queue::default(),
                owner,
                waiting_for_room: None,
            }),
            held_at_home: SharedCharge::default(),
            home: residence.map(|(home, place)| Residence { home: Arc::clone(home), place }),
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

    /// How much it may hold.
    pub(crate) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The place of its owner at this home, if that is where it lives.
    pub(crate) fn place_at(&self, home: &Arc<Home>) -> Option<u32> {
        self.home.as_ref().filter(|residence| Arc::ptr_eq(&residence.home, home)).map(|its| its.place)
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
        let mut inner = self.lock();
        if !inner.open {
            return Err(Undelivered::Closed(signal));
        }
        let result = self.push_into(&mut inner.queue, signal, self.held_at_home.load(), evicted);
        match &result {
            Ok(_) => {
                self.wake(inner);
            }
            Err(Undelivered::Full(_)) if self.bounds.overflow == WhenFull::RefuseAndTellOwner => {
                self.wake(inner);
            }
            Err(_) => {}
        }
        result
    }

    /// Puts a signal into a queue of this mailbox's, this one or the one at home. Counts and marks what
    /// comes of it.
    pub(crate) fn push_into(
        &self,
        queue: &mut Queue,
        signal: Signal,
        beside: Charge,
        evicted: &mut Vec<Message>,
    ) -> Result<Room, Undelivered> {
        let charge = Charge::of(&signal);
        if self.is_port() && queue::client_bytes(&signal) > self.bounds.bytes_max {
            // No client is too slow for what could never be sent.
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return Err(Undelivered::TooBig(signal));
        }
        let evicted_before = evicted.len();
        let result = queue.push(signal, charge, &self.bounds, beside, evicted);
        let mut dropped = evicted.len() - evicted_before;
        match &result {
            Ok(Room::Left) => {}
            Ok(Room::None) => self.fill(),
            Err(_) => {
                dropped += 1;
                if self.bounds.overflow == WhenFull::RefuseAndTellOwner {
                    self.overflowed.store(true, Ordering::Release);
                }
            }
        }
        if dropped > 0 {
            self.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
        }
        result
    }

    /// Marks that there is no room.
    fn fill(&self) {
        self.full.store(true, Ordering::Release);
    }

    /// Marks that there is no room at home, where so much is held.
    #[cold]
    pub(crate) fn fill_at_home(&self, held: Charge) {
        self.held_at_home.store(held);
        self.fill();
    }

    /// Whether something waits here that the owner at home has not fetched.
    #[inline]
    pub(crate) fn has_unfetched(&self) -> bool {
        self.unfetched.load(Ordering::Acquire)
    }

    /// How many messages found no room, or had to make it.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
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
        Ok(self.put_with(inner, |queue, beside| queue.put(signal, charge, &self.bounds, beside)))
    }

    /// The same for all messages of a run. `None` when the process has ended, and nothing was taken.
    pub(crate) fn push_run(&self, run: &mut Run<Relayed>, out: &mut Outputs) -> Option<Room> {
        let inner = self.lock();
        if !inner.open {
            return None;
        }
        Some(self.put_with(inner, |queue, beside| queue.put_run(run, out, &self.bounds, beside)))
    }

    fn put_with(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        put: impl FnOnce(&mut Queue, Charge) -> Room,
    ) -> Room {
        let room = put(&mut inner.queue, self.held_at_home.load());
        if room == Room::None {
            self.fill();
        }
        self.wake(inner);
        room
    }

    /// Takes everything out, in order; when there is nothing, `waker` is called once there is. Whether
    /// there was something.
    ///
    /// What was taken still counts against the bounds until it is [released](Self::release).
    pub fn drain(&self, into: &mut Deliveries, waker: &Waker) -> bool {
        let mut inner = self.lock();
        if inner.queue.is_empty()
            && let Alarm::Waker(owner) = &mut inner.owner
            && !owner.as_ref().is_some_and(|owner| owner.will_wake(waker))
        {
            *owner = Some(waker.clone());
        }
        Self::take_out(&mut inner, into)
    }

    /// The same for an owner that only looks, and drains again before it waits.
    pub(crate) fn look(&self, into: &mut Deliveries) -> bool {
        Self::take_out(&mut self.lock(), into)
    }

    fn take_out(inner: &mut Inner, into: &mut Deliveries) -> bool {
        if inner.queue.is_empty() {
            return false;
        }
        let mut signals = inner.queue.take();
        if into.is_empty() {
            std::mem::swap(&mut signals, into);
            // A queue that a crowd has made large is not kept for quieter times.
            if signals.is_worth_keeping() {
                inner.queue.keep(signals);
            }
        } else {
            into.append(&mut signals);
        }
        true
    }

    /// Moves everything to the owner's queue at home, what it weighs included.
    pub(crate) fn move_home(&self, queue: &mut Queue) {
        let mut inner = self.lock();
        self.unfetched.store(false, Ordering::Release);
        let held = std::mem::take(&mut inner.queue.held);
        queue.append(inner.queue.take(), held);
        drop(inner);
        self.held_at_home.store(queue.held);
    }

    /// Gives back what consumed signals took of the bounds, and wakes who waits for room once half of
    /// it is free: waking them for each single place would make them quarrel over it.
    pub fn release(&self, charge: Charge) {
        if charge == Charge::NOTHING {
            return;
        }
        let mut inner = self.lock();
        inner.queue.held.remove(charge);
        let total = inner.queue.held.and(self.held_at_home.load());
        self.offer_room(inner, total);
    }

    /// The same for the queue at home, which now holds so much.
    pub(crate) fn released_at_home(&self, held: Charge) {
        self.held_at_home.store(held);
        if !self.has_room() {
            let inner = self.lock();
            let total = inner.queue.held.and(held);
            self.offer_room(inner, total);
        }
    }

    fn offer_room(&self, mut inner: MutexGuard<'_, Inner>, held: Charge) {
        if held.is_roomy(&self.bounds) && self.full.swap(false, Ordering::AcqRel) {
            let waiting = std::mem::take(&mut inner.waiting_for_room);
            drop(inner);
            waiting.into_iter().flat_map(|waiting| waiting.into_values()).for_each(Waker::wake);
        }
    }

    /// Calls `waker`, that of the process `who`, once there is room. Whether there is none at present.
    #[must_use]
    pub fn wait_for_room(&self, who: Pid, waker: &Waker) -> bool {
        let mut inner = self.lock();
        let must_wait = inner.open && self.full.load(Ordering::Acquire);
        if must_wait {
            inner.waiting_for_room.get_or_insert_default().insert(who, waker.clone());
        }
        must_wait
    }

    /// Forgets that `who` waits for room.
    pub fn forget_waiting(&self, who: Pid) {
        if let Some(waiting) = &mut self.lock().waiting_for_room {
            waiting.remove(&who);
        }
    }

    /// Whether there is room for one more message, though perhaps not enough to wake anybody for.
    #[must_use]
    pub fn is_below_bounds(&self) -> bool {
        let inner = self.lock();
        !inner.open || !inner.queue.is_full(&self.bounds, self.held_at_home.load())
    }

    /// Whether a message was refused since the last call, for an owner that wants to know.
    pub fn take_overflowed(&self) -> bool {
        // Asked often and seldom true: a read costs less than an exchange.
        self.overflowed.load(Ordering::Relaxed) && self.overflowed.swap(false, Ordering::AcqRel)
    }

    /// Wakes the owner although nothing was put in.
    pub fn nudge(&self) {
        self.wake(self.lock());
    }

    /// Ends the mailbox: nothing can be put in afterwards. What is left comes back, and whether the
    /// owner held names.
    pub(crate) fn close(&self) -> (Deliveries, bool) {
        let mut inner = self.lock();
        inner.open = false;
        let waiting = std::mem::take(&mut inner.waiting_for_room);
        let left = inner.queue.take();
        let named = inner.named;
        self.full.store(false, Ordering::Release);
        // Its driver may be another one than who has ended it.
        self.wake(inner);
        waiting.into_iter().flat_map(|waiting| waiting.into_values()).for_each(Waker::wake);
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
        self.lock().queue.held.messages() + self.held_at_home.load().messages()
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

    /// Tells the owner, after the lock is given back.
    fn wake(&self, mut inner: MutexGuard<'_, Inner>) {
        match &mut inner.owner {
            Alarm::Waker(owner) => {
                let owner = owner.take();
                drop(inner);
                if let Some(owner) = owner {
                    owner.wake();
                }
            }
            Alarm::Home => {
                let knows = self.unfetched.swap(true, Ordering::AcqRel);
                drop(inner);
                if let Some(Residence { home, place }) = &self.home
                    && !knows
                {
                    home.wake(*place);
                }
            }
        }
    }
}
