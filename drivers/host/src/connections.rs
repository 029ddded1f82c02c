//! The connections that live on a node, for operators.

use crate::mailbox::Mailbox;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use wsrelay_core::process::Pid;
use wsrelay_core::relay::{Counters, Session};
use wsrelay_core::time::Instant;

/// One live connection, as it was when the list was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The connection's process.
    pub pid: Pid,
    /// The process that its messages go to.
    pub target: Pid,
    /// The client's address, if it has one.
    pub peer: Option<String>,
    /// When the relay began, on the node's clock.
    pub opened_at: Instant,
    /// What has been counted so far.
    pub counters: Counters,
}

/// What a connection lets others see of itself, without stopping for them.
#[derive(Debug)]
pub(crate) struct LiveConnection {
    peer: Option<Arc<str>>,
    opened_at: Instant,
    target: Mutex<Pid>,
    messages_in: AtomicU64,
    bytes_in: AtomicU64,
    messages_out: AtomicU64,
    bytes_out: AtomicU64,
    messages_dropped: AtomicU64,
    commands_refused: AtomicU64,
    transfers: AtomicU64,
}

impl LiveConnection {
    pub(crate) fn new(session: &Session) -> Self {
        let live = Self {
            peer: session.peer().cloned(),
            opened_at: session.opened_at(),
            target: Mutex::new(session.target()),
            messages_in: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            messages_out: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            messages_dropped: AtomicU64::new(0),
            commands_refused: AtomicU64::new(0),
            transfers: AtomicU64::new(0),
        };
        live.publish(session);
        live
    }

    /// Shows the session's present state.
    pub(crate) fn publish(&self, session: &Session) {
        let counters = session.counters();
        if self.transfers.swap(counters.transfers, Ordering::Relaxed) != counters.transfers
            && let Ok(mut target) = self.target.lock()
        {
            *target = session.target();
        }
        self.messages_in.store(counters.messages_in, Ordering::Relaxed);
        self.bytes_in.store(counters.bytes_in, Ordering::Relaxed);
        self.messages_out.store(counters.messages_out, Ordering::Relaxed);
        self.bytes_out.store(counters.bytes_out, Ordering::Relaxed);
        self.messages_dropped.store(counters.messages_dropped, Ordering::Relaxed);
        self.commands_refused.store(counters.commands_refused, Ordering::Relaxed);
    }

    /// What is in `mailbox`, this connection's own, counts with it.
    pub(crate) fn info(&self, mailbox: &Mailbox) -> Option<ConnectionInfo> {
        Some(ConnectionInfo {
            pid: mailbox.pid(),
            target: *self.target.lock().ok()?,
            peer: self.peer.as_deref().map(String::from),
            opened_at: self.opened_at,
            counters: Counters {
                messages_in: self.messages_in.load(Ordering::Relaxed),
                bytes_in: self.bytes_in.load(Ordering::Relaxed),
                messages_out: self.messages_out.load(Ordering::Relaxed),
                bytes_out: self.bytes_out.load(Ordering::Relaxed),
                messages_dropped: self.messages_dropped.load(Ordering::Relaxed) + mailbox.dropped(),
                commands_refused: self.commands_refused.load(Ordering::Relaxed),
                transfers: self.transfers.load(Ordering::Relaxed),
            },
        })
    }
}
