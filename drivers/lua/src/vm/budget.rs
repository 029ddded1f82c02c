//! How long a script may run: pre-emption, and the end of a script that never waits.

use mlua::{Lua, VmState};
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use wsrelay_core::time::Instant;
use wsrelay_host::Clock;

/// Counts the safepoints that scripts pass: loops, calls, returns, steps of patterns. About ten nanoseconds' worth of work each, as a
/// rule.
///
/// After a slice of them the script is pre-empted, where that can be done. Where it cannot (within a pattern, or a comparison of
/// `table.sort`) it goes on, and counts on; there, time is looked at, too, for a step of a pattern can be as long as the text, and
/// past a bound it gets an error. When it has used its whole budget without waiting or receiving anything, it gets an error, and
/// another one at each safepoint from then on, so that no `pcall` keeps it alive.
#[derive(Debug)]
pub(super) struct Budget {
    /// Safepoints until the next look.
    fuel: Cell<u32>,
    /// Looks until the end of the slice.
    looks: Cell<u32>,
    left: Cell<u64>,
    full: Cell<u64>,
    /// When the turn began, or was last found to last long.
    since: Cell<Option<Instant>>,
    stretch: Cell<Option<Stretch>>,
    /// What the state held then, and by how much it may grow until the memory is looked at.
    memory: Cell<usize>,
    growth_max: usize,
    clock: Clock,
}

/// Time that a script has computed without a chance to pre-empt it.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Duration,
    charged_to: Duration,
}

/// Safepoints between two looks at the clock, which cost a few percent of so many.
const LOOK: u32 = 64;
/// Looks of a slice: some 100 microseconds.
const SLICE: u32 = 128;
/// Looks of a slice of a script that has been pre-empted before.
const SLICE_OF_THE_BUSY: u32 = 32;

/// A turn that lasts longer has steps that are.
const LONG_TURN: Duration = Duration::from_millis(5);
/// Computing time without a chance to pre-empt.
const STRETCH_MAX: Duration = Duration::from_millis(200);
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
            looks: Cell::new(u32::MAX),
            left: Cell::new(u64::MAX),
            full: Cell::new(u64::MAX),
            since: Cell::new(None),
            stretch: Cell::new(None),
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
        self.fuel.set(LOOK);
        self.looks.set(if is_busy { SLICE_OF_THE_BUSY } else { SLICE });
        self.left.set(left);
        self.full.set(full);
        self.since.set(Some(self.clock.now()));
        self.stretch.set(None);
        self.memory.set(memory);
    }

    /// The script has received something: who is kept busy by others does not run for its own sake.
    pub(super) fn refill(&self) {
        self.left.set(self.full.get());
    }

    /// Ends the turn. What is left of the budget.
    pub(super) fn end(&self) -> u64 {
        let used = LOOK.saturating_sub(self.fuel.replace(u32::MAX));
        self.since.set(None);
        self.left.replace(u64::MAX).saturating_sub(used.into())
    }

    fn safepoint(&self, lua: &Lua) -> mlua::Result<VmState> {
        match self.fuel.get().checked_sub(1) {
            Some(fuel) => {
                self.fuel.set(fuel);
                Ok(VmState::Continue)
            }
            None => self.look(lua),
        }
    }

    #[cold]
    fn look(&self, lua: &Lua) -> mlua::Result<VmState> {
        self.charge(LOOK.into())?;
        self.fuel.set(LOOK);
        let now = self.clock.now();
        if self.since.get().is_some_and(|since| now.since(since) > LONG_TURN) {
            self.since.set(Some(now));
            self.lasts_long()?;
            return Ok(VmState::Yield);
        }
        if lua.used_memory().saturating_sub(self.memory.get()) > self.growth_max {
            return Ok(VmState::Yield);
        }
        let looks = self.looks.get().saturating_sub(1);
        self.looks.set(looks);
        Ok(if looks == 0 { VmState::Yield } else { VmState::Continue })
    }

    fn charge(&self, safepoints: u64) -> mlua::Result<()> {
        let left = self.left.get().saturating_sub(safepoints);
        self.left.set(left);
        if left == 0 { Err(mlua::Error::runtime(EXHAUSTED)) } else { Ok(()) }
    }

    /// It was to be pre-empted and could not be, if this is not the first time in this turn. Only time in which it computes counts.
    fn lasts_long(&self) -> mlua::Result<()> {
        let now = computing_time();
        let Some(stretch) = self.stretch.get() else {
            self.stretch.set(Some(Stretch { from: now, charged_to: now }));
            return Ok(());
        };
        self.stretch.set(Some(Stretch { charged_to: now, ..stretch }));
        let nanos = now.saturating_sub(stretch.charged_to).as_nanos();
        self.charge(u64::try_from(nanos / SAFEPOINT_NANOS).unwrap_or(u64::MAX))?;
        if now.saturating_sub(stretch.from) <= STRETCH_MAX {
            return Ok(());
        }
        self.stretch.set(None);
        Err(mlua::Error::runtime(TOO_LONG))
    }
}

/// How long this thread has computed.
fn computing_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}
