//! Whose memory it is: each process of a state has a category of its own.

use crate::runtime::HubOptions;
use mlua::Lua;
use std::collections::HashMap;

/// What is known of the memory of a state's processes.
///
/// Luau counts by category, but tells only in a dump of the whole heap, which is slow: about a microsecond for each object. So
/// what a process allocates is added up, garbage and all, and looked into only when that may have brought it past its bound:
/// first at what the whole state holds, then at that without garbage, and only when the state really has grown, exactly.
/// Work is in proportion to what was allocated: what it takes to be looked into grows with the state.
#[derive(Debug)]
pub(super) struct Ledger {
    /// By category; `None` where nobody lives.
    accounts: Vec<Option<Account>>,
    residents: usize,
    residents_max: usize,
    bytes_max: usize,
    /// What the state holds without processes.
    base: usize,
    /// What the processes held together when that was last known exactly.
    total: usize,
}

/// What is known of one process.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// What it held when that was last known exactly.
    held: usize,
    /// What it has allocated since it was last looked into.
    allocated: usize,
}

/// The names of categories are kept for ever by the state, so they are few and used again.
pub(super) type Category = usize;

impl Ledger {
    pub(super) fn new(lua: &Lua, options: &HubOptions) -> Self {
        Self {
            accounts: Vec::new(),
            residents: 0,
            residents_max: options.processes_per_state.clamp(1, 200),
            bytes_max: options.memory_bytes_max,
            base: lua.used_memory(),
            total: 0,
        }
    }

    pub(super) const fn has_room(&self) -> bool {
        self.residents < self.residents_max
    }

    /// A category for a new process.
    pub(super) fn move_in(&mut self) -> Category {
        self.residents += 1;
        let free = self.accounts.iter().position(Option::is_none);
        let category = free.unwrap_or_else(|| {
            self.accounts.push(None);
            self.accounts.len() - 1
        });
        self.accounts[category] = Some(Account::default());
        category
    }

    pub(super) fn move_out(&mut self, category: Category) {
        self.residents -= 1;
        let held = self.accounts[category].take().map_or(0, |account| account.held);
        self.total = self.total.saturating_sub(held);
    }

    /// Lets the state grow by as much as a process may hold, and half of that again for garbage.
    pub(super) fn allow(&self, lua: &Lua) -> mlua::Result<()> {
        lua.set_memory_limit(lua.used_memory() + self.bytes_max + self.bytes_max / 2).map(|_| ())
    }

    /// Adds what a process has allocated. Whether it holds more than it may.
    pub(super) fn allocated(&mut self, lua: &Lua, category: Category, bytes: usize) -> mlua::Result<bool> {
        let Some(account) = &mut self.accounts[category] else { return Ok(false) };
        account.allocated = account.allocated.saturating_add(bytes);
        if account.held + account.allocated <= self.bytes_max + self.total / 2 {
            return Ok(false);
        }
        account.allocated = 0;
        if self.has_grown(lua)? {
            self.count(lua)?;
        }
        Ok(self.accounts[category].is_some_and(|account| account.held > self.bytes_max))
    }

    /// Whether the processes hold so much more than when that was last known that one of them may be past its bound.
    #[cold]
    fn has_grown(&self, lua: &Lua) -> mlua::Result<bool> {
        let step = (self.bytes_max / 2).max(self.total / 4);
        let expected = self.base + self.bytes_max.max(self.total + step);
        if lua.used_memory() <= expected {
            return Ok(false);
        }
        lua.gc_collect()?;
        Ok(lua.used_memory() > expected)
    }

    /// Finds out what each process holds.
    fn count(&mut self, lua: &Lua) -> mlua::Result<()> {
        let dump = lua.heap_dump()?;
        let sizes: HashMap<&str, u64> = dump.size_by_category();
        for (category, account) in self.accounts.iter_mut().enumerate() {
            if let Some(account) = account {
                let size = sizes.get(&*name(category)).copied().unwrap_or(0);
                *account = Account { held: usize::try_from(size).unwrap_or(usize::MAX), allocated: 0 };
            }
        }
        self.total = lua.used_memory().saturating_sub(self.base);
        Ok(())
    }
}

/// What a category is called in the state.
pub(super) fn name(category: Category) -> String {
    format!("process-{category}")
}
