//! The processes that one thread runs: they reach each other without a lock.

use crate::carrier::{Carrier, Posting};
use crate::deliveries::Deliveries;
use crate::home::{self, Home};
use crate::mailbox::Mailbox;
use crate::node::Node;
use crate::queue::{Bounds, Charge, Queue, Room, Undelivered};
use std::collections::VecDeque;
use std::sync::Arc;
use wsrelay_core::connection::{Outputs, Relayed};
use wsrelay_core::message::{Message, Run};
use wsrelay_core::process::{Effects, Letters, Pid, Signal, SignalSink};

/// The mailboxes of the processes that live on one thread.
///
/// A signal from one of them to another is a push into a queue of this thread's. Whatever comes from other
/// threads waits in the [`Mailbox`], and is fetched once a round ([`Local::fetch`]).
#[derive(Debug)]
pub struct Local {
    node: Node,
    home: Arc<Home>,
    /// By place.
    boxes: Vec<Option<LocalBox>>,
    /// The places of processes that something has come for, each once: the user's, and the connections.
    processes: VecDeque<u32>,
    ports: VecDeque<u32>,
    /// Empty queues with room, so that a process that has nothing to do keeps none.
    spare: Vec<Deliveries>,
    woken: Vec<u32>,
    evicted: Vec<Message>,
}

/// The queue of one process.
#[derive(Debug)]
struct LocalBox {
    pid: Pid,
    place: u32,
    /// What the driver knows the process by.
    key: u32,
    /// Whether its place is in the list of those that something has come for.
    is_ready: bool,
    is_port: bool,
    /// As the mailbox has them, at hand.
    bounds: Bounds,
    queue: Queue,
    mailbox: Arc<Mailbox>,
}

impl LocalBox {
    /// Gets the queue ready for something. What others have sent before it, such as a handler of the same thread, comes
    /// before it where nothing waits yet.
    #[inline]
    fn prepare(&mut self, spare: &mut Vec<Deliveries>) {
        if self.queue.is_empty() {
            self.queue.lend(spare);
            if self.mailbox.has_unfetched() {
                self.mailbox.move_home(&mut self.queue);
            }
        }
    }

    /// Most bytes of one message: a client could never be sent more than its outbox holds.
    #[inline]
    const fn message_bytes_max(&self) -> usize {
        if self.is_port { self.bounds.bytes_max } else { usize::MAX }
    }

    /// Whether this much can be put in without further ado.
    #[inline]
    const fn takes(&self, charge: Charge) -> bool {
        charge.bytes() <= self.message_bytes_max()
            && !self.queue.would_overflow(charge, &self.bounds, Charge::NOTHING)
    }
}

/// Most empty queues that are kept.
const SPARE_MAX: usize = 64;

impl Local {
    /// A thread without processes.
    #[must_use]
    pub const fn new(node: Node, home: Arc<Home>) -> Self {
        Self {
            node,
            home,
            boxes: Vec::new(),
            processes: VecDeque::new(),
            ports: VecDeque::new(),
            spare: Vec::new(),
            woken: Vec::new(),
            evicted: Vec::new(),
        }
    }

    /// Where this thread's processes are at home.
    #[must_use]
    pub const fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// Takes in a process that was [opened](Node::open_at) for this thread; the driver knows it by `key`.
    /// What was sent to it meanwhile makes it ready.
    pub fn install(&mut self, mailbox: &Arc<Mailbox>, key: u32) {
        let Some(place) = mailbox.place_at(&self.home) else { return };
        let index = place as usize;
        if self.boxes.len() <= index {
            self.boxes.resize_with(index + 1, || None);
        }
        let mailbox = Arc::clone(mailbox);
        self.boxes[index] = Some(LocalBox {
            pid: mailbox.pid(),
            place,
            key,
            is_ready: false,
            is_port: mailbox.is_port(),
            bounds: *mailbox.bounds(),
            queue: Queue::default(),
            mailbox,
        });
        self.fetch_one(index);
    }

    /// Fetches what has come from other threads.
    pub fn fetch(&mut self) {
        let mut woken = std::mem::take(&mut self.woken);
        self.home.take_woken(&mut woken);
        for place in woken.drain(..) {
            self.fetch_one(place as usize);
        }
        self.woken = woken;
    }

    fn fetch_one(&mut self, place: usize) {
        if let Some(Some(its)) = self.boxes.get_mut(place) {
            its.mailbox.move_home(&mut its.queue);
            make_ready(its, &mut self.processes, &mut self.ports);
        }
    }

    /// The key of the next process of the user's that something has come for. It is forgotten here: the
    /// process then takes what there is.
    pub fn next_process(&mut self) -> Option<u32> {
        next_ready(&mut self.boxes, &mut self.processes)
    }

    /// The same for connections.
    pub fn next_port(&mut self) -> Option<u32> {
        next_ready(&mut self.boxes, &mut self.ports)
    }

    /// How many processes of the user's something has come for.
    #[must_use]
    pub fn ready_processes(&self) -> usize {
        self.processes.len()
    }

    /// How many connections something has come for.
    #[must_use]
    pub fn ready_ports(&self) -> usize {
        self.ports.len()
    }

    /// Whether something has come for anybody.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.processes.is_empty() || !self.ports.is_empty()
    }

    fn of(&mut self, mailbox: &Mailbox) -> Option<&mut LocalBox> {
        let place = self.find(mailbox.pid())?;
        self.boxes[place].as_mut()
    }

    /// The place of a process on this thread.
    #[inline]
    fn find(&self, pid: Pid) -> Option<usize> {
        let place = Node::place_of(pid);
        // A process of another thread, or of an earlier time, is not the one that has this place here.
        matches!(self.boxes.get(place), Some(Some(its)) if its.pid == pid).then_some(place)
    }

    /// Puts a signal into a queue of this thread's. What other threads have sent since it last looked is not
    /// counted: the bound can be exceeded by that.
    #[inline]
    fn push_at(&mut self, place: usize, signal: Signal) -> Result<Room, Undelivered> {
        let Self { boxes, processes, ports, spare, .. } = self;
        let Some(its) = &mut boxes[place] else { return Err(Undelivered::Closed(signal)) };
        let charge = Charge::of(&signal);
        if !its.takes(charge) {
            return self.push_over(place, signal);
        }
        its.prepare(spare);
        let room = its.queue.put(signal, charge, &its.bounds, Charge::NOTHING);
        if room == Room::None {
            its.mailbox.fill_at_home(its.queue.held);
        }
        make_ready(its, processes, ports);
        Ok(room)
    }

    /// The same where the bounds are reached.
    #[cold]
    fn push_over(&mut self, place: usize, signal: Signal) -> Result<Room, Undelivered> {
        let Self { boxes, processes, ports, evicted, node, .. } = self;
        let Some(its) = &mut boxes[place] else { return Err(Undelivered::Closed(signal)) };
        let result = its.mailbox.push_into(&mut its.queue, signal, Charge::NOTHING, evicted);
        make_ready(its, processes, ports);
        if !evicted.is_empty() {
            let pid = its.pid;
            let evicted = std::mem::take(evicted);
            node.clone().drop_evicted(pid, evicted, &mut Posting(self));
        }
        result
    }

    #[inline]
    fn push(&mut self, pid: Pid, signal: Signal) -> Result<Room, Undelivered> {
        match self.find(pid) {
            Some(place) => self.push_at(place, signal),
            None => self.node.push(pid, signal),
        }
    }
}

#[inline]
fn make_ready(its: &mut LocalBox, processes: &mut VecDeque<u32>, ports: &mut VecDeque<u32>) {
    if !std::mem::replace(&mut its.is_ready, true) {
        if its.is_port { ports } else { processes }.push_back(its.place);
    }
}

/// The key of the first of these that is still there and ready.
#[inline]
fn next_ready(boxes: &mut [Option<LocalBox>], places: &mut VecDeque<u32>) -> Option<u32> {
    while let Some(place) = places.pop_front() {
        if let Some(Some(its)) = boxes.get_mut(place as usize)
            && std::mem::take(&mut its.is_ready)
        {
            return Some(its.key);
        }
    }
    None
}

impl Carrier for Local {
    fn node(&self) -> &Node {
        &self.node
    }

    fn push_to(&mut self, mailbox: &Mailbox, signal: Signal) -> Result<Room, Undelivered> {
        match self.find(mailbox.pid()) {
            Some(place) => self.push_at(place, signal),
            None => self.node.push_to(mailbox, signal),
        }
    }

    #[inline]
    fn push_run(&mut self, mailbox: &Mailbox, run: &mut Run<Relayed>, out: &mut Outputs) -> Option<Room> {
        let Some(place) = self.find(mailbox.pid()) else { return mailbox.push_run(run, out) };
        let Self { boxes, processes, ports, spare, .. } = self;
        let its = boxes[place].as_mut()?;
        its.prepare(spare);
        let room = its.queue.put_run(run, out, &its.bounds, Charge::NOTHING);
        if room == Room::None {
            its.mailbox.fill_at_home(its.queue.held);
        }
        make_ready(its, processes, ports);
        Some(room)
    }

    #[inline]
    fn post_data(&mut self, run: &mut Run<Letters>, effects: &mut Effects) {
        if let Some(place) = self.find(run.key.to) {
            let Self { boxes, processes, ports, spare, .. } = self;
            if let Some(its) = &mut boxes[place] {
                its.prepare(spare);
                let data_bytes_max = its.message_bytes_max();
                let left = its.queue.put_data(run, effects, &its.bounds, data_bytes_max);
                if its.queue.is_full(&its.bounds, Charge::NOTHING) {
                    its.mailbox.fill_at_home(its.queue.held);
                }
                make_ready(its, processes, ports);
                if let Some(data) = left {
                    self.post(run.key.to, Signal::Message(run.key.message(data)));
                }
            }
        }
        // What found no room, or no process on this thread.
        while let Some(data) = effects.next_data(run) {
            self.post(run.key.to, Signal::Message(run.key.message(data)));
        }
    }

    #[inline]
    fn post(&mut self, to: Pid, signal: Signal) {
        if let Err(undelivered) = self.push(to, signal) {
            self.node.clone().fail(to, undelivered, &mut Answering(self));
        }
    }

    fn take(&mut self, own: &Mailbox, into: &mut Deliveries) -> bool {
        let Some(its) = self.of(own) else { return false };
        if its.queue.is_empty() {
            return false;
        }
        own.released_at_home(its.queue.held);
        let mut taken = its.queue.take();
        if into.is_empty() {
            std::mem::swap(into, &mut taken);
        } else {
            into.append(&mut taken);
        }
        self.recycle(taken);
        true
    }

    fn release(&mut self, own: &Mailbox, charge: Charge) {
        if charge == Charge::NOTHING {
            return;
        }
        if let Some(its) = self.of(own) {
            its.queue.held.remove(charge);
            own.released_at_home(its.queue.held);
        }
    }

    fn close(&mut self, own: &Mailbox) -> Deliveries {
        let here = self.find(own.pid()).and_then(|place| self.boxes[place].take());
        let mut left = here.map(|mut its| its.queue.take()).unwrap_or_default();
        left.append(&mut self.node.retire(own.pid()));
        left
    }

    fn wait_for_room(&mut self, own: &Mailbox, target: &Mailbox) -> bool {
        // Seldom: only where a target has no room is a waker made at all.
        if target.has_room() {
            return false;
        }
        let Some(place) = own.place_at(&self.home) else { return false };
        target.wait_for_room(own.pid(), &home::waker(&self.home, place))
    }
}

/// Answers in the name of a process that may be another thread's: behind what that process has sent itself, and nobody
/// has fetched yet (P2).
struct Answering<'a>(&'a mut Local);

impl SignalSink for Answering<'_> {
    fn signal(&mut self, to: Pid, signal: Signal) {
        let Self(local) = self;
        if let Some(place) = local.find(to)
            && local.boxes[place].as_ref().is_some_and(|its| its.mailbox.has_unfetched())
        {
            local.fetch_one(place);
        }
        local.post(to, signal);
    }
}

impl Local {
    /// Keeps the room of a queue that is empty by now.
    pub(crate) fn recycle(&mut self, empty: Deliveries) {
        if empty.is_empty() && empty.is_worth_keeping() && self.spare.len() < SPARE_MAX {
            self.spare.push(empty);
        }
    }
}
