//! A thread that runs Lua processes, one slice of one process after the other.

use super::context::Context;
use super::door::Door;
use super::ending::{end, finish};
use super::hub::Hub;
use super::start::{Reply, Start};
use crate::vm::modules::errors::{ErrorObject, Kind};
use crate::vm::{Outcome, Script, Values, Vm};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use wsrelay_core::process::ExitReason;
use wsrelay_core::time::Instant;

/// What other threads see of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Worker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    number: usize,
    inbox: Mutex<Inbox>,
    /// Processes that live here, or are to.
    seats: AtomicUsize,
}

/// A process's part of its worker, as long as it lives.
#[derive(Debug)]
struct Seat(Arc<Shared>);

impl Seat {
    fn take(shared: &Arc<Shared>) -> Self {
        shared.seats.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.seats.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Inbox {
    starts: Vec<(Seat, Start)>,
    woken: Vec<Place>,
    stopping: bool,
    /// The thread, while it sleeps.
    sleeper: Option<Thread>,
}

/// Where a process is kept: a slot, and which of its tenants this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    slot: usize,
    tenant: u64,
}

impl Worker {
    pub(crate) fn new(number: usize) -> Self {
        Self(Arc::new(Shared { number, inbox: Mutex::default(), seats: AtomicUsize::new(0) }))
    }

    /// Has a process started.
    pub(crate) fn start(&self, start: Start) {
        let seat = Seat::take(&self.0);
        self.0.put(|inbox| inbox.starts.push((seat, start)));
    }

    /// How many processes live here.
    pub(crate) fn load(&self) -> usize {
        self.0.seats.load(Ordering::Relaxed)
    }

    /// Ends the thread, and every process that is left on it.
    pub(crate) fn stop(&self) {
        self.0.put(|inbox| inbox.stopping = true);
    }
}

impl Shared {
    fn put(&self, what: impl FnOnce(&mut Inbox)) {
        let mut inbox = self.inbox();
        what(&mut inbox);
        let sleeper = inbox.sleeper.take();
        drop(inbox);
        if let Some(thread) = sleeper {
            thread.unpark();
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes one process.
struct ProcessWaker {
    shared: Arc<Shared>,
    place: Place,
}

impl Wake for ProcessWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.shared.put(|inbox| inbox.woken.push(self.place));
    }
}

/// Starts the thread of a worker. It ends when it is stopped.
pub(crate) fn run(worker: &Worker, hub: &Arc<Hub>) -> io::Result<()> {
    let (shared, hub) = (Arc::clone(&worker.0), Arc::clone(hub));
    let name = format!("wsrelay-lua-{}", shared.number);
    thread::Builder::new().name(name).spawn(move || Bench::new(shared).work(&hub))?;
    Ok(())
}

/// A process on its worker.
struct Process {
    place: Place,
    seat: Seat,
    door: Arc<Door>,
    waker: Waker,
    context: Rc<Context>,
    script: Script,
    ended: Option<Reply>,
    /// What is left of its budget, until it waits.
    budget: u64,
    /// Whether it is in a queue.
    queued: bool,
    /// When it wants to go on although nothing happened.
    alarm: Option<Instant>,
}

/// The thread's own state.
struct Bench {
    shared: Arc<Shared>,
    states: Vec<Vm>,
    slots: Vec<Option<Process>>,
    free: Vec<usize>,
    tenants: u64,
    /// Those that can run, and those that were pre-empted: they run when nobody else does, or had their turn.
    ready: VecDeque<Place>,
    busy: VecDeque<Place>,
    alarms: BTreeSet<(Instant, Place)>,
    starts: Vec<(Seat, Start)>,
    woken: Vec<Place>,
}

/// What an upgrade costs of the budget: some 100 microseconds.
const UPGRADE_SAFEPOINTS: u64 = 10_000;

/// Processes that run before the inbox is looked at again.
const TURNS: usize = 32;

impl Bench {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            states: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            tenants: 0,
            ready: VecDeque::new(),
            busy: VecDeque::new(),
            alarms: BTreeSet::new(),
            starts: Vec::new(),
            woken: Vec::new(),
        }
    }

    fn work(mut self, hub: &Arc<Hub>) {
        while self.look(hub) {
            for _ in 0..TURNS {
                let Some(place) = self.ready.pop_front() else { break };
                self.turn(hub, place);
            }
            if let Some(place) = self.busy.pop_front() {
                self.turn(hub, place);
            } else if self.ready.is_empty() {
                self.sleep(hub);
            }
        }
        for slot in 0..self.slots.len() {
            if let Some(process) = self.slots[slot].take() {
                end(&process.context, process.ended, ExitReason::Killed);
            }
        }
    }

    /// Takes what others have put into the inbox, and what is due. Whether to go on.
    fn look(&mut self, hub: &Arc<Hub>) -> bool {
        let mut inbox = self.shared.inbox();
        mem::swap(&mut inbox.starts, &mut self.starts);
        mem::swap(&mut inbox.woken, &mut self.woken);
        if inbox.stopping {
            return false;
        }
        drop(inbox);
        for (seat, start) in mem::take(&mut self.starts) {
            self.start(hub, seat, start);
        }
        for place in mem::take(&mut self.woken) {
            self.queue(place);
        }
        if !self.alarms.is_empty() {
            let now = hub.node().clock().now();
            while let Some(&(at, place)) = self.alarms.first()
                && at <= now
            {
                self.alarms.pop_first();
                if let Some(process) = self.process(place) {
                    process.alarm = None;
                }
                self.queue(place);
            }
        }
        true
    }

    fn process(&mut self, place: Place) -> Option<&mut Process> {
        let process = self.slots.get_mut(place.slot)?.as_mut()?;
        (process.place == place).then_some(process)
    }

    fn queue(&mut self, place: Place) {
        if let Some(process) = self.process(place)
            && !process.queued
        {
            process.queued = true;
            self.ready.push_back(place);
        }
    }

    /// Sleeps until something is put into the inbox, or is due; before that, it tidies up.
    fn sleep(&self, hub: &Arc<Hub>) {
        let is_untidy = self.states.iter().any(Vm::tidy);
        // Whoever woke this thread may have more for it, and share its core: after a yield all of that is here, and nobody has to be woken.
        thread::yield_now();
        let mut inbox = self.shared.inbox();
        if is_untidy || !inbox.starts.is_empty() || !inbox.woken.is_empty() || inbox.stopping {
            return;
        }
        inbox.sleeper = Some(thread::current());
        drop(inbox);
        match self.alarms.first() {
            Some((at, _)) => {
                let clock = hub.node().clock();
                thread::park_timeout(at.since(clock.now()));
            }
            None => thread::park(),
        }
        self.shared.inbox().sleeper = None;
    }

    fn start(&mut self, hub: &Arc<Hub>, seat: Seat, start: Start) {
        let Start { door, program, arguments, loaded, ended, call } = start;
        let context = Rc::new(hub.context(&door, &program));
        context.loaded.replace(loaded);
        context.call.replace(call);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.tenants += 1;
        let place = Place { slot, tenant: self.tenants };
        let script = self.state(hub).and_then(|state| Script::start(state, &context, &arguments));
        match script {
            Ok(script) => {
                let shared = Arc::clone(&self.shared);
                let waker = door.waker(|| Waker::from(Arc::new(ProcessWaker { shared, place }))).clone();
                self.slots[slot] = Some(Process {
                    place,
                    seat,
                    door,
                    waker,
                    context,
                    script,
                    ended,
                    budget: hub.options().budget,
                    queued: true,
                    alarm: None,
                });
                self.ready.push_back(place);
            }
            Err(error) => {
                self.free.push(slot);
                let error = ErrorObject::new(Kind::Unavailable, format!("no Lua state: {error}"));
                tracing::error!(pid = %door.cell().pid(), %error, "process not started");
                finish(&context, ended, Err(error));
            }
        }
    }

    /// The state for the next process: the first with room.
    fn state(&mut self, hub: &Arc<Hub>) -> mlua::Result<&Vm> {
        let options = hub.options();
        let with_room = self.states.iter().position(Vm::has_room);
        let at = if let Some(at) = with_room {
            at
        } else {
            self.states.push(Vm::new(&hub.node().clock(), options)?);
            self.states.len() - 1
        };
        Ok(&self.states[at])
    }

    /// One slice of one process.
    fn turn(&mut self, hub: &Arc<Hub>, place: Place) {
        let Some(process) = self.process(place) else { return };
        process.queued = false;
        if let Some(reason) = process.door.cell().pump(&process.waker) {
            self.remove(place, Err(reason));
            return;
        }
        let full = hub.options().budget;
        let Process { script, budget, .. } = process;
        // P5: a mistake of ours costs this process, and not the thread that runs the others.
        let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| script.resume(budget, full))) else {
            tracing::error!(pid = %process.door.cell().pid(), "Lua process panicked");
            self.remove(place, Err(ExitReason::crashed("internal error")));
            return;
        };
        match outcome {
            Outcome::Waits(alarm) => {
                process.budget = full;
                let old = mem::replace(&mut process.alarm, alarm);
                if old != alarm {
                    if let Some(at) = old {
                        self.alarms.remove(&(at, place));
                    }
                    if let Some(at) = alarm {
                        self.alarms.insert((at, place));
                    }
                }
            }
            Outcome::Preempted => {
                process.queued = true;
                self.busy.push_back(place);
            }
            Outcome::Ended(result) => self.remove(place, Ok(result)),
            Outcome::Upgrades => self.upgrade(hub, place),
        }
    }

    /// P5 and the like: other code under the same PID.
    fn upgrade(&mut self, hub: &Arc<Hub>, place: Place) {
        let Some(process) = self.process(place) else { return };
        let Some((program, arguments)) = process.context.upgrade.take() else { return };
        process.context.hub.runs(process.context.pid(), &program);
        process.context.become_program(program);
        // It takes time that no safepoint counts.
        process.budget = process.budget.saturating_sub(UPGRADE_SAFEPOINTS);
        if process.budget == 0 {
            let error = Script::exhausted(hub.options().budget);
            self.remove(place, Ok(Err(error)));
            return;
        }
        match process.script.replace(&process.context, &arguments) {
            Ok(()) => self.queue(place),
            Err(error) => {
                let error = ErrorObject::new(Kind::Internal, format!("upgrade failed: {error}"));
                self.remove(place, Ok(Err(error)));
            }
        }
    }

    /// States without processes are given back, but for one, which would soon be made again.
    fn drop_empty_states(&mut self) {
        if self.states.iter().filter(|state| state.is_empty()).count() > 1 {
            let mut has_spare = false;
            self.states.retain(|state| !state.is_empty() || !mem::replace(&mut has_spare, true));
        }
    }

    fn remove(&mut self, place: Place, why: Result<Result<Values, ErrorObject>, ExitReason>) {
        let Some(process) = self.slots.get_mut(place.slot).and_then(Option::take) else { return };
        self.free.push(place.slot);
        if let Some(at) = process.alarm {
            self.alarms.remove(&(at, place));
        }
        let Process { context, ended, script, seat, .. } = process;
        // What it held is garbage, and its place is free, before anybody hears of its end.
        drop((script, seat));
        self.drop_empty_states();
        match why {
            Ok(result) => finish(&context, ended, result),
            Err(reason) => end(&context, ended, reason),
        }
    }
}
