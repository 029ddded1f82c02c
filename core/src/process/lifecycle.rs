//! From start to end: monitors, links, trapping, cancel and kill (P3–P5).

use super::{Event, ExitReason, Pid, Signal, SignalSink};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// The life of one process, whatever kind it is: a connection, an actor, an async function, a script.
///
/// Relations live here, in the process they concern, and not in a table of the node. The sets are
/// ordered so that the end of a process always sends its signals in the same order.
///
/// ```text
///          handle(signal)                              end(reason)
///  alive ───────────────────► alive ───────────────────────────────────► ended
///                               │                                          │
///                               ├─► Reaction::Event: for the process's     └─► Down to each watcher,
///                               │   own code                                   Exit or Unlink to each link;
///                               └─► Reaction::End: it has to end now:          a late Monitor → Down noproc
///                                   say what is left to say, then end(reason)
/// ```
#[derive(Debug)]
pub struct Lifecycle {
    pid: Pid,
    trap_links: bool,
    /// Whose `Down` we wait for.
    watching: Pids,
    /// Most processes have none.
    relations: Option<Box<Relations>>,
    ended: Option<ExitReason>,
}

/// What others want of a process, and its links.
#[derive(Debug, Default)]
struct Relations {
    /// Who gets a `Down` from us.
    watchers: BTreeSet<Pid>,
    links: BTreeSet<Pid>,
    /// Whom we have sent unlinks, and how many of them are not answered yet.
    unlinking: BTreeMap<Pid, u32>,
}

/// A set of processes that seldom has more than one.
#[derive(Debug)]
enum Pids {
    None,
    One(Pid),
    #[expect(clippy::box_collection, reason = "every connection has such a set, and hardly one has more")]
    Many(Box<BTreeSet<Pid>>),
}

impl Pids {
    /// Whether it was not there before.
    fn insert(&mut self, pid: Pid) -> bool {
        match self {
            Self::None => *self = Self::One(pid),
            Self::One(one) if *one == pid => return false,
            Self::One(one) => *self = Self::Many(Box::new(BTreeSet::from([*one, pid]))),
            Self::Many(pids) => return pids.insert(pid),
        }
        true
    }

    /// Whether it was there.
    fn remove(&mut self, pid: Pid) -> bool {
        match self {
            Self::None => false,
            Self::One(one) => {
                let is_it = *one == pid;
                if is_it {
                    *self = Self::None;
                }
                is_it
            }
            Self::Many(pids) => pids.remove(&pid),
        }
    }

    /// All of them, in their order.
    fn into_vec(self) -> Vec<Pid> {
        match self {
            Self::None => Vec::new(),
            Self::One(pid) => Vec::from([pid]),
            Self::Many(pids) => pids.into_iter().collect(),
        }
    }
}

/// What a signal asks of its receiver.
#[derive(Clone, Debug, PartialEq)]
pub enum Reaction {
    /// Nothing more.
    Quiet,
    /// The process's own code has to see this.
    Event(Event),
    /// The process has to end, for this reason; the caller calls [`Lifecycle::end`] when its own last
    /// words are said.
    End(ExitReason),
}

impl Lifecycle {
    /// A live process without relations.
    #[must_use]
    pub const fn new(pid: Pid) -> Self {
        Self { pid, trap_links: false, watching: Pids::None, relations: None, ended: None }
    }

    /// The process's own PID.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Why the process ended; `None` while it lives.
    #[must_use]
    pub const fn ended(&self) -> Option<&ExitReason> {
        self.ended.as_ref()
    }

    /// Whether a linked process's crash becomes an [`Event::LinkDown`] instead of our own end.
    pub const fn trap_links(&mut self, trap: bool) {
        self.trap_links = trap;
    }

    fn relations(&mut self) -> &mut Relations {
        self.relations.get_or_insert_default()
    }

    /// Takes one signal.
    pub fn handle(&mut self, signal: Signal, out: &mut impl SignalSink) -> Reaction {
        if self.ended.is_some() {
            // P3: what comes after the end is answered as if there had never been a process.
            answer_for_the_dead(self.pid, &ExitReason::NoProcess, &signal, out);
            return Reaction::Quiet;
        }
        match signal {
            Signal::Message(message) => return Reaction::Event(Event::Message(message)),
            Signal::Monitor { watcher } => _ = self.relations().watchers.insert(watcher),
            Signal::Demonitor { watcher } => {
                if let Some(relations) = &mut self.relations {
                    relations.watchers.remove(&watcher);
                }
            }
            Signal::Link { peer } => self.linked(peer),
            Signal::Unlink { peer } => self.unlinked(peer, out),
            // An unlink may have crossed the exit; then it is no concern of ours any more.
            Signal::Exit { from, reason } => {
                let Some(relations) = &mut self.relations else { return Reaction::Quiet };
                relations.unlinking.remove(&from);
                if relations.links.remove(&from) {
                    return if self.trap_links {
                        Reaction::Event(Event::LinkDown { from, reason })
                    } else {
                        Reaction::End(ExitReason::Linked)
                    };
                }
            }
            // Likewise a demonitor.
            Signal::Down { from, reason } => {
                if self.watching.remove(from) {
                    return Reaction::Event(Event::Exit { from, reason });
                }
            }
            Signal::Cancel { from, reason } => return Reaction::Event(Event::Cancel { from, reason }),
            Signal::Kill => return Reaction::End(ExitReason::Killed),
        }
        Reaction::Quiet
    }

    /// Starts to watch `target`. Watching twice is watching once.
    pub fn monitor(&mut self, target: Pid, out: &mut impl SignalSink) {
        if self.expect_down(target) {
            out.signal(target, Signal::Monitor { watcher: self.pid });
        }
    }

    /// As [`Lifecycle::monitor`], for a monitor signal that was already delivered by other means.
    /// Whether it is the first one.
    pub fn expect_down(&mut self, target: Pid) -> bool {
        self.ended.is_none() && self.watching.insert(target)
    }

    /// Stops watching `target`: no exit event of it comes afterwards, even if it is on its way.
    pub fn demonitor(&mut self, target: Pid, out: &mut impl SignalSink) {
        if self.watching.remove(target) {
            out.signal(target, Signal::Demonitor { watcher: self.pid });
        }
    }

    /// Links this process and `peer`. To itself, a process is linked anyway.
    pub fn link(&mut self, peer: Pid, out: &mut impl SignalSink) {
        if self.ended.is_none() && peer != self.pid && self.relations().links.insert(peer) {
            out.signal(peer, Signal::Link { peer: self.pid });
        }
    }

    /// Takes the link away, on both ends.
    pub fn unlink(&mut self, peer: Pid, out: &mut impl SignalSink) {
        if let Some(relations) = &mut self.relations
            && relations.links.remove(&peer)
        {
            *relations.unlinking.entry(peer).or_default() += 1;
            out.signal(peer, Signal::Unlink { peer: self.pid });
        }
    }

    /// A link that the peer made before it saw our unlink is none: it will see the unlink next.
    fn linked(&mut self, peer: Pid) {
        let relations = self.relations();
        if !relations.unlinking.contains_key(&peer) {
            relations.links.insert(peer);
        }
    }

    /// An unlink is answered with one, so that its sender knows from when on a link is a new one. Two that
    /// cross answer each other.
    fn unlinked(&mut self, peer: Pid, out: &mut impl SignalSink) {
        let Some(relations) = &mut self.relations else { return };
        match relations.unlinking.get_mut(&peer) {
            Some(1) => _ = relations.unlinking.remove(&peer),
            Some(unanswered) => *unanswered -= 1,
            None => {
                if relations.links.remove(&peer) {
                    out.signal(peer, Signal::Unlink { peer: self.pid });
                }
            }
        }
    }

    /// Ends the process and tells everybody concerned, once. Later calls change nothing.
    pub fn end(&mut self, reason: ExitReason, out: &mut impl SignalSink) {
        if self.ended.is_some() {
            return;
        }
        let pid = self.pid;
        let Relations { watchers, links, .. } = self.relations.take().map(|boxed| *boxed).unwrap_or_default();
        for watcher in watchers {
            out.signal(watcher, Signal::Down { from: pid, reason: reason.clone() });
        }
        for target in core::mem::replace(&mut self.watching, Pids::None).into_vec() {
            out.signal(target, Signal::Demonitor { watcher: pid });
        }
        for peer in links {
            out.signal(peer, last_word(pid, &reason));
        }
        self.ended = Some(reason);
    }
}

/// What a process that ends says to one that is linked to it. P4: a normal end does not propagate; the peer only forgets
/// the link.
fn last_word(dead: Pid, reason: &ExitReason) -> Signal {
    if reason.is_normal() {
        Signal::Unlink { peer: dead }
    } else {
        Signal::Exit { from: dead, reason: reason.clone() }
    }
}

/// Answers `signal` in the name of a process that is not alive: a monitor with `Down`, a link with `Exit`, or with
/// `Unlink` after a normal end. Everything else needs no answer: an unlink has crossed the word of the end.
///
/// `reason` is what the process ended with where the signal was in its mailbox by then, though the process never took it
/// out; [`ExitReason::NoProcess`] where it has come later (P3).
pub fn answer_for_the_dead(dead: Pid, reason: &ExitReason, signal: &Signal, out: &mut impl SignalSink) {
    match *signal {
        Signal::Monitor { watcher } => {
            out.signal(watcher, Signal::Down { from: dead, reason: reason.clone() });
        }
        Signal::Link { peer } => out.signal(peer, last_word(dead, reason)),
        Signal::Message(_)
        | Signal::Demonitor { .. }
        | Signal::Unlink { .. }
        | Signal::Exit { .. }
        | Signal::Down { .. }
        | Signal::Cancel { .. }
        | Signal::Kill => {}
    }
}
