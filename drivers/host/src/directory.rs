//! From a PID to its mailbox.

use crate::home::Home;
use crate::mailbox::{Mailbox, Owner};
use crate::queue::Bounds;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use wsrelay_core::process::{NodeId, Pid};

/// Sharded so that cores do not contend: a shard is chosen when a process starts, and its number is
/// part of the PID. The first shards belong to threads that have processes of their own, one each; the
/// others take turns.
///
/// ```text
///   serial = generation (32 bits) | slot (26 bits) | shard (6 bits)
/// ```
///
/// A slot's generation counts up each time it is given out, so that no serial is ever used twice; a
/// slot whose generation is used up is retired.
#[derive(Debug)]
pub(crate) struct Directory {
    node: NodeId,
    /// Shards that belong to a thread.
    homes: usize,
    next: AtomicUsize,
    shards: [RwLock<Shard>; SHARDS],
}

const SHARD_BITS: u32 = 6;
const SLOT_BITS: u32 = 26;
const SHARDS: usize = 1 << SHARD_BITS;

#[derive(Debug, Default)]
struct Shard {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    mailbox: Option<Arc<Mailbox>>,
}

impl Directory {
    /// Some shards are left for processes that live nowhere in particular.
    pub(crate) const HOMES_MAX: usize = SHARDS - 16;

    pub(crate) fn new(node: NodeId, homes: usize) -> Self {
        let homes = homes.min(Self::HOMES_MAX);
        Self { node, homes, next: AtomicUsize::new(0), shards: std::array::from_fn(|_| RwLock::default()) }
    }

    /// Opens a mailbox under a new PID, for a process that may live at a home.
    ///
    /// # Panics
    ///
    /// When 67 million processes live in one shard at once, or a home has a number that it may not have.
    pub(crate) fn open(&self, owner: Owner, bounds: Bounds, home: Option<&Arc<Home>>) -> Arc<Mailbox> {
        let number = match home {
            Some(home) => home.shard(),
            None => self.homes + self.next.fetch_add(1, Ordering::Relaxed) % (SHARDS - self.homes),
        };
        let mut shard = self.shards[number].write().unwrap_or_else(PoisonError::into_inner);
        let slot = shard.free.pop().unwrap_or_else(|| {
            let slot = u32::try_from(shard.slots.len()).unwrap_or(u32::MAX);
            assert!(slot < 1 << SLOT_BITS, "too many processes at once");
            shard.slots.push(Slot { generation: 0, mailbox: None });
            slot
        });
        let entry = &mut shard.slots[slot as usize];
        entry.generation += 1;
        let serial = u64::from(entry.generation) << (SHARD_BITS + SLOT_BITS)
            | u64::from(slot) << SHARD_BITS
            | number as u64;
        let serial = NonZeroU64::new(serial).expect("generations start at 1");
        let residence = home.map(|home| (home, slot));
        let mailbox = Arc::new(Mailbox::new(Pid::new(self.node, serial), owner, bounds, residence));
        entry.mailbox = Some(Arc::clone(&mailbox));
        mailbox
    }

    /// The mailbox of a process that is alive.
    pub(crate) fn get(&self, pid: Pid) -> Option<Arc<Mailbox>> {
        let (shard, slot, generation) = self.place(pid)?;
        let shard = self.shards[shard].read().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.slots.get(slot)?;
        if entry.generation == generation { entry.mailbox.clone() } else { None }
    }

    /// Forgets a process. Its PID never comes back.
    pub(crate) fn remove(&self, pid: Pid) -> Option<Arc<Mailbox>> {
        let (shard, slot, generation) = self.place(pid)?;
        let mut shard = self.shards[shard].write().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.slots.get_mut(slot)?;
        if entry.generation != generation {
            return None;
        }
        let mailbox = entry.mailbox.take()?;
        if generation < u32::MAX {
            shard.free.push(u32::try_from(slot).ok()?);
        }
        Some(mailbox)
    }

    /// All mailboxes, as they are one shard after the other.
    pub(crate) fn all(&self) -> Vec<Arc<Mailbox>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.slots.iter().filter_map(|slot| slot.mailbox.clone()));
        }
        all
    }

    /// The slot in its shard that a process has, or had, if it is one of this node's at all.
    #[inline]
    pub(crate) const fn slot_of(pid: Pid) -> usize {
        (pid.serial().get() >> SHARD_BITS & ((1 << SLOT_BITS) - 1)) as usize
    }

    #[expect(clippy::cast_possible_truncation, reason = "the parts are cut to their bits")]
    #[inline]
    fn place(&self, pid: Pid) -> Option<(usize, usize, u32)> {
        let serial = pid.serial().get();
        let shard = (serial & (SHARDS as u64 - 1)) as usize;
        let slot = Self::slot_of(pid);
        let generation = (serial >> (SHARD_BITS + SLOT_BITS)) as u32;
        (pid.node() == self.node).then_some((shard, slot, generation))
    }
}
