//! How long a script may run: pre-emption, and the end of a script that never waits.

use mlua::{Lua, VmState};
use std::cell::Cell;
use std::rc::Rc;

/// Counts the safepoints that scripts pass: loops, calls, returns. About ten nanoseconds' worth of work each.
///
/// After a slice of them the script is pre-empted, where that can be done; where it cannot (within a comparison of
/// `table.sort`, say) it goes on, and counts on. When it has used its whole budget without waiting or receiving anything, it gets an error, and
/// another one at each safepoint from then on, so that no `pcall` keeps it alive.
#[derive(Debug)]
pub(super) struct Budget {
    slice: Cell<u32>,
    fuel: Cell<u32>,
    left: Cell<u64>,
    full: Cell<u64>,
}

/// Safepoints of a slice: some 100 microseconds.
const SLICE: u32 = 8 * 1024;
/// Safepoints of a slice of a script that has been pre-empted before.
const SLICE_OF_THE_BUSY: u32 = 2 * 1024;

/// What a script that has used its budget is told.
pub(super) const EXHAUSTED: &str = "the script ran for too long without waiting or receiving anything";

impl Budget {
    /// Installs the count in a state.
    #[must_use]
    pub(super) fn install(lua: &Lua) -> Rc<Self> {
        let budget = Rc::new(Self {
            slice: Cell::new(SLICE),
            fuel: Cell::new(u32::MAX),
            left: Cell::new(u64::MAX),
            full: Cell::new(u64::MAX),
        });
        let counted = Rc::clone(&budget);
        lua.set_interrupt(move |_| counted.safepoint());
        budget
    }

    /// Begins a turn of a script that has so much of its budget left.
    pub(super) fn begin(&self, left: u64, full: u64, is_busy: bool) {
        self.slice.set(if is_busy { SLICE_OF_THE_BUSY } else { SLICE });
        self.fuel.set(self.slice.get());
        self.left.set(left);
        self.full.set(full);
    }

    /// The script has received something: who is kept busy by others does not run for its own sake.
    pub(super) fn refill(&self) {
        self.left.set(self.full.get());
    }

    /// Ends the turn. What is left of the budget.
    pub(super) fn end(&self) -> u64 {
        let used = self.slice.get().saturating_sub(self.fuel.get());
        self.fuel.set(u32::MAX);
        let left = self.left.replace(u64::MAX);
        left.saturating_sub(used.into())
    }

    fn safepoint(&self) -> mlua::Result<VmState> {
        match self.fuel.get().checked_sub(1) {
            Some(fuel) => {
                self.fuel.set(fuel);
                Ok(VmState::Continue)
            }
            None => self.slice_over(),
        }
    }

    #[cold]
    fn slice_over(&self) -> mlua::Result<VmState> {
        let left = self.left.get().saturating_sub(self.slice.get().into());
        self.left.set(left);
        if left == 0 {
            return Err(mlua::Error::runtime(EXHAUSTED));
        }
        self.fuel.set(self.slice.get());
        Ok(VmState::Yield)
    }
}
