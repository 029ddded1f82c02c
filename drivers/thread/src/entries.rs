//! What a worker runs, by key.

use crate::client::Client;
use crate::shared::Process;
use crate::timers::Alarm;

/// What a worker runs under one key.
pub(crate) enum Entry {
    Free,
    /// Being run.
    Busy,
    Client(Box<Client>),
    Process(Box<Running>),
}

/// A process that a worker runs.
pub(crate) struct Running {
    pub(crate) process: Box<dyn Process>,
    pub(crate) alarm: Alarm,
    pub(crate) is_in_turns: bool,
}

impl Running {
    pub(crate) fn entry(process: Box<dyn Process>) -> Entry {
        Entry::Process(Box::new(Self { process, alarm: Alarm::default(), is_in_turns: false }))
    }
}

/// The clients and processes of a worker. A key is given out again when its owner is gone; whoever still has it finds
/// another one there, or nobody.
#[derive(Default)]
pub(crate) struct Entries {
    all: Vec<Entry>,
    free: Vec<u32>,
}

/// The key that a poller's token stands for.
pub(crate) fn key_of(token: usize) -> u32 {
    u32::try_from(token).unwrap_or(u32::MAX)
}

impl Entries {
    pub(crate) fn len(&self) -> u32 {
        key_of(self.all.len())
    }

    pub(crate) fn get(&self, key: u32) -> Option<&Entry> {
        self.all.get(key as usize)
    }

    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut Entry> {
        self.all.get_mut(key as usize)
    }

    /// Takes out a client or a process, to be [put](Self::put) back or [released](Self::release). What is free stays so.
    pub(crate) fn take(&mut self, key: u32) -> Entry {
        match self.all.get_mut(key as usize) {
            Some(Entry::Free) | None => Entry::Free,
            Some(entry) => std::mem::replace(entry, Entry::Busy),
        }
    }

    /// Takes out a client, if that is what has this key now.
    pub(crate) fn take_client(&mut self, key: u32) -> Option<Box<Client>> {
        let entry = self.get_mut(key)?;
        match std::mem::replace(entry, Entry::Busy) {
            Entry::Client(client) => Some(client),
            other @ (Entry::Process(_) | Entry::Free | Entry::Busy) => {
                *entry = other;
                None
            }
        }
    }

    /// Takes out a process, if that is what has this key now.
    pub(crate) fn take_process(&mut self, key: u32) -> Option<Box<Running>> {
        let entry = self.get_mut(key)?;
        match std::mem::replace(entry, Entry::Busy) {
            Entry::Process(running) => Some(running),
            other @ (Entry::Client(_) | Entry::Free | Entry::Busy) => {
                *entry = other;
                None
            }
        }
    }

    pub(crate) fn put(&mut self, key: u32, entry: Entry) {
        self.all[key as usize] = entry;
    }

    /// A key for something new.
    pub(crate) fn reserve(&mut self) -> u32 {
        let key = self.free.pop().unwrap_or_else(|| {
            self.all.push(Entry::Free);
            self.len() - 1
        });
        self.put(key, Entry::Busy);
        key
    }

    pub(crate) fn release(&mut self, key: u32) {
        self.put(key, Entry::Free);
        self.free.push(key);
    }

    /// Whether the client or process of this key waits in the list of those that want another turn.
    pub(crate) fn mark(&mut self, key: u32) -> Option<&mut bool> {
        match self.get_mut(key)? {
            Entry::Client(client) => Some(&mut client.is_in_turns),
            Entry::Process(running) => Some(&mut running.is_in_turns),
            Entry::Free | Entry::Busy => None,
        }
    }
}
