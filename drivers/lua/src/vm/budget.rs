//! How long a script may run: pre-emption, and the end of a script that never waits.

use mlua::{Lua, VmState};
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::time::Duration;
use wsrelay_core::time::Instant;
use wsrelay_host::Clock;

/// Counts the safepoints that scripts pass: loops, calls, returns, steps of patterns. About ten nanoseconds' worth of work each, as a
/// rule.
///
/// After a slice of them the script is pre-empted, where that can be done; sooner if what lies between two of them takes long, or
/// much memory. Where it cannot (within a pattern, or a comparison of `table.sort`) it goes on, and past a bound of computing time
/// it gets an error. If it catches that, and goes on where it still cannot be pre-empted, or when it has used its whole budget
/// without waiting or receiving anything, it gets another one at each safepoint from then on, so that no `pcall` keeps it alive.
#[derive(Debug)]
pub(super) struct Budget {
    /// Safepoints until the next glance.
    fuel: Cell<u32>,
    /// Glances until the end of the slice.
    glances: Cell<u32>,
    left: Cell<u64>,
    full: Cell<u64>,
    /// What the coarse clock said at the last look at the other one.
    coarse: Cell<Duration>,
    /// When the turn began, or was last found to last long.
    since: Cell<Option<Instant>>,
    stretch: Cell<Stretch>,
    /// What the state held when the turn began, and by how much it may grow until it ends.
    memory: Cell<usize>,
    growth_max: usize,
    clock: Clock,
}

/// Computing without a chance to pre-empt it, of a script in one turn.
#[derive(Clone, Copy, Debug)]
enum Stretch {
    /// None that was noticed.
    None,
    /// Since a time, and charged for up to another one.
    Since { from: Duration, charged_to: Duration },
    /// It was too long, and the script was told, so many times.
    Told(u32),
    /// It was told, and is to be pre-empted. The coroutine where that was tried last: if it goes on there, it cannot be.
    Ending(*const c_void, u32),
}

/// Safepoints between two glances at the coarse clock and the memory, which cost next to nothing. What runs between two safepoints can
/// be long.
const GLANCE: u32 = 4;
/// Glances of a slice: some 100 microseconds.
const SLICE: u32 = 2048;
/// Glances of a slice of a script that has been pre-empted before.
const SLICE_OF_THE_BUSY: u32 = 512;

/// A turn that lasts longer has steps that are.
const LONG_TURN: Duration = Duration::from_millis(5);
/// Computing time without a chance to pre-empt.
const STRETCH_MAX: Duration = Duration::from_millis(200);
/// How often a script that catches errors is told before it gets one at each safepoint.
const TIMES_MAX: u32 = 16;
/// What one safepoint stands for, where time is counted instead.
const SAFEPOINT_NANOS: u128 = 10;

/// What a script that has used its budget is told.
pub(super) const EXHAUSTED: &str = "the script ran for too long without waiting or receiving anything";
/// What one is told that keeps all others waiting.
const TOO_LONG: &str = "a pattern, or a function that sorts or replaces, took more than 200 ms of computing, in which no other process can run";

impl Budget {
    /// Installs the count in a state.
    #[must_use]
    pub(super) fn install(lua: &Lua, clock: &Clock, growth_max: usize) -> Rc<Self> {
        let budget = Rc::new(Self {
            fuel: Cell::new(u32::MAX),
            glances: Cell::new(u32::MAX),
            left: Cell::new(u64::MAX),
            full: Cell::new(u64::MAX),
            coarse: Cell::new(Duration::ZERO),
            since: Cell::new(None),
            stretch: Cell::new(Stretch::None),
            memory: Cell::new(usize::MAX),
            growth_max,
            clock: clock.clone(),
        });
        let counted = Rc::clone(&budget);
        lua.set_interrupt(move |lua| counted.safepoint(lua));
        budget
    }

    /// Begins a turn of a script that has so much of its budget left, in a state that holds so much.
    pub(super) fn begin(&self, left: u64, full: u64, is_busy: bool, memory: usize) {
        self.fuel.set(GLANCE);
        self.glances.set(if is_busy { SLICE_OF_THE_BUSY } else { SLICE });
        self.left.set(left);
        self.full.set(full);
        self.coarse.set(coarse_time());
        self.since.set(Some(self.clock.now()));
        self.stretch.set(Stretch::None);
        self.memory.set(memory);
    }

    /// The script has received something: who is kept busy by others does not run for its own sake.
    pub(super) fn refill(&self) {
        self.left.set(self.full.get());
    }

    /// Ends the turn. What is left of the budget.
    pub(super) fn end(&self) -> u64 {
        let used = GLANCE.saturating_sub(self.fuel.replace(u32::MAX));
        self.since.set(None);
        self.left.replace(u64::MAX).saturating_sub(used.into())
    }

    fn safepoint(&self, lua: &Lua) -> mlua::Result<VmState> {
        match self.fuel.get().checked_sub(1) {
            Some(fuel) => {
                self.fuel.set(fuel);
                Ok(VmState::Continue)
            }
            None => self.glance(lua),
        }
    }

    fn glance(&self, lua: &Lua) -> mlua::Result<VmState> {
        self.charge(GLANCE.into())?;
        self.fuel.set(GLANCE);
        match self.stretch.get() {
            Stretch::None | Stretch::Since { .. } => {}
            Stretch::Told(times) => return self.end_turn(lua, ptr::null(), times),
            Stretch::Ending(tried, times) => return self.end_turn(lua, tried, times),
        }
        let coarse = coarse_time();
        if self.coarse.replace(coarse) != coarse && self.lasts_long()? {
            return Ok(VmState::Yield);
        }
        if lua.used_memory().saturating_sub(self.memory.get()) > self.growth_max {
            return Ok(VmState::Yield);
        }
        let glances = self.glances.get().saturating_sub(1);
        self.glances.set(glances);
        Ok(if glances == 0 { VmState::Yield } else { VmState::Continue })
    }

    /// Pre-empts the coroutine that runs, and, once it has stopped, those that resumed it. One that goes on is told again, and then
    /// it is tried again, for what was in the way may be over; but not for ever.
    #[cold]
    fn end_turn(&self, lua: &Lua, tried: *const c_void, times: u32) -> mlua::Result<VmState> {
        self.fuel.set(0);
        let running = lua.current_thread().to_pointer();
        if running != tried {
            self.stretch.set(Stretch::Ending(running, times));
            return Ok(VmState::Yield);
        }
        if times < TIMES_MAX {
            self.stretch.set(Stretch::Told(times + 1));
        }
        Err(mlua::Error::runtime(TOO_LONG))
    }

    /// Whether the turn lasts long, by the clock.
    #[cold]
    fn lasts_long(&self) -> mlua::Result<bool> {
        let now = self.clock.now();
        let is_long = self.since.get().is_some_and(|since| now.since(since) > LONG_TURN);
        if is_long {
            self.since.set(Some(now));
            self.count_stretch()?;
        }
        Ok(is_long)
    }

    fn charge(&self, safepoints: u64) -> mlua::Result<()> {
        let left = self.left.get().saturating_sub(safepoints);
        self.left.set(left);
        if left == 0 { Err(mlua::Error::runtime(EXHAUSTED)) } else { Ok(()) }
    }

    /// It was to be pre-empted and could not be, if this is not the first time in this turn. Only time in which it computes counts.
    fn count_stretch(&self) -> mlua::Result<()> {
        let now = computing_time();
        let Stretch::Since { from, charged_to } = self.stretch.get() else {
            self.stretch.set(Stretch::Since { from: now, charged_to: now });
            return Ok(());
        };
        self.stretch.set(Stretch::Since { from, charged_to: now });
        let nanos = now.saturating_sub(charged_to).as_nanos();
        self.charge(u64::try_from(nanos / SAFEPOINT_NANOS).unwrap_or(u64::MAX))?;
        if now.saturating_sub(from) <= STRETCH_MAX {
            return Ok(());
        }
        self.stretch.set(Stretch::Told(1));
        self.fuel.set(0);
        Err(mlua::Error::runtime(TOO_LONG))
    }
}

/// A time that is read in no time, and goes on in steps of some milliseconds.
fn coarse_time() -> Duration {
    #[cfg(target_os = "linux")]
    const COARSE: ClockId = ClockId::MonotonicCoarse;
    #[cfg(not(target_os = "linux"))]
    const COARSE: ClockId = ClockId::Monotonic;
    duration(clock_gettime(COARSE))
}

/// How long this thread has computed.
fn computing_time() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

fn duration(time: Timespec) -> Duration {
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}
