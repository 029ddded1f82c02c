//! The loop of one worker: wait, read each ready socket once, run the processes that got signals, write once
//! a connection.

use crate::client::Client;
use crate::door::Door;
use crate::entries::{Entries, Entry, Running, key_of};
use crate::shared::{Attendant, Process, Shared, Task, Workers};
use crate::timers::Timers;
use mio::{Events, Interest, Poll, Token};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wsrelay_core::time::Instant;
use wsrelay_host::{Carrier as _, Clock, Desk, Local, Next, ReadBuffer, Scratch, panic_text};

/// The token of what other threads wake a worker by. Those of listeners follow downwards.
pub(crate) const WAKER: Token = Token(usize::MAX);
/// Events that are fetched at once.
const EVENTS_MAX: usize = 1024;
/// Connections that get what came for them at once, in the middle of a round; when there are more, they
/// wait for its end, when more may have come for each.
const SOON_MAX: usize = 64;

/// One worker's thread.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    poll: Poll,
    clock: Clock,
    desk: Desk<Local>,
    buffer: ReadBuffer,
    entries: Entries,
    timers: Timers,
    doors: Vec<Door>,
    /// Clients to read from, and to write to.
    reads: VecDeque<u32>,
    writes: VecDeque<u32>,
    /// Clients that something was done with in this round.
    touched: Vec<u32>,
    /// Clients and processes whose turn was not enough.
    again: VecDeque<u32>,
    stopping: bool,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, poll: Poll, local: Local) -> Self {
        Self {
            shared,
            poll,
            clock: local.node().clock(),
            desk: Desk::new(Scratch::new(), local),
            buffer: ReadBuffer::new(),
            entries: Entries::default(),
            timers: Timers::default(),
            doors: Vec::new(),
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            touched: Vec::new(),
            again: VecDeque::new(),
            stopping: false,
        }
    }

    /// Works until it is told to stop; then every process and connection ends.
    pub(crate) fn run(mut self) {
        Workers::is_here(&self.shared);
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.stopping {
            if let Err(error) = self.wait(&mut events)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "a worker cannot wait for events any more");
                break;
            }
            // The time is read after the wait, never before.
            let now = self.clock.now();
            self.hear(now, &events);
            self.round(now);
        }
        for key in 0..self.entries.len() {
            self.remove(key);
        }
        self.shared.close();
    }

    /// The only place that waits.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let is_busy = !self.reads.is_empty()
            || !self.writes.is_empty()
            || !self.again.is_empty()
            || self.desk.carrier.has_ready();
        let may_sleep = !is_busy && self.shared.may_sleep();
        let timeout = if may_sleep {
            let doors = self.doors.iter().map(Door::wake).min().unwrap_or_default();
            self.timers.next().min(doors).wait(self.clock.now())
        } else {
            Some(wsrelay_core::time::Duration::ZERO)
        };
        let result = self.poll.poll(events, timeout);
        self.shared.home.awake();
        result
    }

    /// What has happened since the last round.
    fn hear(&mut self, now: Instant, events: &Events) {
        for event in events {
            match event.token() {
                WAKER => {}
                Token(token) if let Some(door) = self.door(token) => door.is_open = true,
                Token(token) => {
                    let key = key_of(token);
                    if let Some(Entry::Client(client)) = self.entries.get_mut(key) {
                        client.note(event);
                        enlist(key, client, &mut self.reads, &mut self.writes);
                    }
                }
            }
        }
        for task in self.shared.take_tasks() {
            self.task(now, task);
        }
        self.desk.carrier.fetch();
        while let Some((at, key)) = self.timers.due(now) {
            let alarm = match self.entries.get_mut(key) {
                Some(Entry::Client(client)) => &mut client.alarm,
                Some(Entry::Process(running)) => &mut running.alarm,
                Some(Entry::Free | Entry::Busy) | None => continue,
            };
            if alarm.goes_off(at) {
                self.call_again(key);
            }
        }
    }

    fn door(&mut self, token: usize) -> Option<&mut Door> {
        self.doors.iter_mut().find(|door| door.token == Token(token))
    }

    /// Serves everybody once: first whoever has something to read, one after the other, each with the
    /// processes that this concerns; then all others; then what is to be written.
    fn round(&mut self, now: Instant) {
        self.accept(now);
        // What has arrived is heard before anybody is called silent.
        for _ in 0..self.reads.len() {
            if let Some(key) = self.reads.pop_front() {
                self.with_client(now, key, |client, worker| {
                    client.is_in_reads = false;
                    if client.wants_read() {
                        client.read(now, &mut worker.buffer, &mut worker.desk);
                    }
                    client.awaits_room()
                });
                self.run_processes(now);
                if self.desk.carrier.ready_ports() <= SOON_MAX {
                    self.run_ports(now);
                }
            }
        }
        for _ in 0..self.again.len() {
            if let Some(key) = self.again.pop_front() {
                if let Some(mark) = self.entries.mark(key) {
                    *mark = false;
                }
                self.turn(now, key);
            }
        }
        self.run_processes(now);
        self.run_ports(now);
        for _ in 0..self.writes.len() {
            if let Some(key) = self.writes.pop_front() {
                self.with_client(now, key, |client, worker| {
                    client.is_in_writes = false;
                    client.write(now, &mut worker.buffer, &mut worker.desk);
                    false
                });
            }
        }
        self.look_after(now);
    }

    /// Gives the client or process of this key another turn soon, once.
    fn call_again(&mut self, key: u32) {
        if let Some(mark) = self.entries.mark(key)
            && !std::mem::replace(mark, true)
        {
            self.again.push_back(key);
        }
    }

    /// Gives each process that something has come for its turn. What they send each other meanwhile waits.
    fn run_processes(&mut self, now: Instant) {
        for _ in 0..self.desk.carrier.ready_processes() {
            if let Some(key) = self.desk.carrier.next_process() {
                self.turn(now, key);
            }
        }
    }

    /// The same for the connections.
    fn run_ports(&mut self, now: Instant) {
        for _ in 0..self.desk.carrier.ready_ports() {
            if let Some(key) = self.desk.carrier.next_port() {
                self.turn(now, key);
            }
        }
    }

    fn turn(&mut self, now: Instant, key: u32) {
        match self.entries.get(key) {
            Some(Entry::Client(_)) => {
                self.with_client(now, key, |client, worker| {
                    client.turn(now, &mut worker.buffer, &mut worker.desk)
                });
            }
            Some(Entry::Process(_)) => self.run_process(now, key),
            Some(Entry::Free | Entry::Busy) | None => {}
        }
    }

    fn run_process(&mut self, now: Instant, key: u32) {
        let Some(mut running) = self.entries.take_process(key) else { return };
        let wants_turn = match running.process.turn(now, &mut self.desk.carrier) {
            Next::Ended => {
                self.entries.release(key);
                self.drop_process(running.process);
                return;
            }
            Next::Again => true,
            Next::Wait(wake) if wake.is_due(now) => true,
            Next::Wait(wake) => {
                self.timers.set(key, &mut running.alarm, wake);
                false
            }
        };
        self.entries.put(key, Entry::Process(running));
        if wants_turn {
            self.call_again(key);
        }
    }

    /// Does something with a client, which may want to be called again soon, and sees to what follows from it.
    fn with_client(&mut self, now: Instant, key: u32, work: impl FnOnce(&mut Client, &mut Self) -> bool) {
        let Some(mut client) = self.entries.take_client(key) else { return };
        let result = catch_unwind(AssertUnwindSafe(|| {
            let again = work(&mut client, self);
            self.settle(now, key, &mut client, again);
        }));
        let is_over = match result {
            Ok(()) => client.is_cut(),
            Err(panic) => {
                // A mistake of ours costs this connection and not the thread that serves the others.
                let why = panic_text(&*panic);
                tracing::error!(why, "connection panicked");
                self.desk.clear();
                true
            }
        };
        if is_over {
            self.entries.release(key);
            self.drop_client(client);
        } else {
            self.entries.put(key, Entry::Client(client));
        }
    }

    /// What anything that was done with a client may have made possible.
    fn settle(&mut self, now: Instant, key: u32, client: &mut Client, again: bool) {
        if client.port().work().request.is_some() {
            client.ask(now, &self.shared, key, &mut self.desk);
            client.wants_turn |= client.awaits_room();
        }
        enlist(key, client, &mut self.reads, &mut self.writes);
        client.wants_turn |= again;
        if !std::mem::replace(&mut client.is_touched, true) {
            self.touched.push(key);
        }
    }

    /// Looks after everybody who was served in this round, once.
    fn look_after(&mut self, now: Instant) {
        for key in self.touched.drain(..) {
            let Some(Entry::Client(client)) = self.entries.get_mut(key) else { continue };
            (client.is_touched, client.has_written) = (false, false);
            client.port().publish();
            let wake = client.port().wake();
            if std::mem::take(&mut client.wants_turn) || wake.is_due(now) {
                if !std::mem::replace(&mut client.is_in_turns, true) {
                    self.again.push_back(key);
                }
            } else {
                self.timers.set(key, &mut client.alarm, wake);
            }
        }
    }

    fn task(&mut self, now: Instant, task: Task) {
        match task {
            Task::Start(process) => self.start(process),
            Task::Attend(cell) => {
                let key = self.entries.reserve();
                let waker = self.shared.waker(key);
                self.entries.put(key, Running::entry(Box::new(Attendant { attended: cell, waker })));
                self.call_again(key);
            }
            Task::Turn(key) => self.call_again(key),
            Task::Listen(number, listener, service) => self.listen(number, listener, service),
            Task::Unlisten(number) => self.doors.retain(|door| door.number != number),
            Task::Answer(key, pid, response) => {
                if let Some(Entry::Client(client)) = self.entries.get(key)
                    && client.mailbox().pid() == pid
                {
                    self.with_client(now, key, |client, worker| {
                        client.port().response(now, *response, &mut worker.desk);
                        client.awaits_room()
                    });
                }
            }
            Task::Stop => self.stopping = true,
        }
    }

    fn start(&mut self, process: Box<dyn Process>) {
        let key = self.entries.reserve();
        if let Some(mailbox) = process.mailbox() {
            self.desk.carrier.install(mailbox, key);
        }
        self.entries.put(key, Running::entry(process));
        // Its first turn, whether something has come for it or not.
        self.call_again(key);
    }

    fn listen(&mut self, number: u64, listener: mio::net::TcpListener, service: Arc<crate::server::Service>) {
        let taken = |token| self.doors.iter().any(|door| door.token == token);
        let token = (1..).map(|below| Token(usize::MAX - below)).find(|token| !taken(*token));
        let mut door = Door::new(number, token.unwrap_or(WAKER), listener, service);
        match self.poll.registry().register(&mut door.listener, door.token, Interest::READABLE) {
            Ok(()) => self.doors.push(door),
            Err(error) => tracing::error!(%error, "a worker cannot listen"),
        }
    }

    /// Lets clients in.
    fn accept(&mut self, now: Instant) {
        for index in 0..self.doors.len() {
            for _ in 0..Door::TURN_MAX {
                let door = &mut self.doors[index];
                let Some((stream, peer)) = door.accept(now) else { break };
                let service = Arc::clone(&door.service);
                // Counted from now on, so that a drain waits for this client too.
                let client = Client::new(stream, peer, &service, &self.desk);
                self.admit(now, client);
            }
        }
    }

    fn admit(&mut self, now: Instant, client: Client) {
        let key = self.entries.reserve();
        let mut client = Box::new(client);
        self.desk.carrier.install(client.mailbox(), key);
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(client.stream(), Token(key as usize), interest) {
            tracing::error!(%error, "a client cannot be served");
            self.entries.release(key);
            return self.drop_client(client);
        }
        self.entries.put(key, Entry::Client(client));
        self.with_client(now, key, |_, _| false);
    }

    fn remove(&mut self, key: u32) {
        match self.entries.take(key) {
            Entry::Free | Entry::Busy => {}
            Entry::Client(client) => self.drop_client(client),
            Entry::Process(running) => self.drop_process(running.process),
        }
    }

    fn drop_client(&mut self, client: Box<Client>) {
        let mailbox = Arc::clone(client.mailbox());
        _ = catch_unwind(AssertUnwindSafe(|| drop(client)));
        self.desk.carrier.reap(&mailbox);
    }

    fn drop_process(&mut self, process: Box<dyn Process>) {
        let mailbox = process.mailbox().cloned();
        // The state of an actor is the user's: a destructor that panics harms nobody else.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(process))) {
            tracing::error!(why = panic_text(&*panic), "destructor panicked");
        }
        if let Some(mailbox) = mailbox {
            self.desk.carrier.reap(&mailbox);
        }
    }
}

/// Puts a client into the lists of those to read from and to write to, if it is to be there.
fn enlist(key: u32, client: &mut Client, reads: &mut VecDeque<u32>, writes: &mut VecDeque<u32>) {
    if !client.is_in_reads && client.wants_read() {
        client.is_in_reads = true;
        reads.push_back(key);
    }
    if !client.is_in_writes && client.wants_write() {
        client.is_in_writes = true;
        writes.push_back(key);
    }
}
