//! Whose memory it is: each process of a state has a category of its own.

mod total;

use crate::runtime::HubOptions;
use mlua::Lua;

/// What is known of the memory of a state's processes.
///
/// Luau counts what each category holds, garbage and all. So when a process holds more than it may by that count, everything is
/// collected and each is looked at again; as a rule, not before the state has allocated half of what it held when that was done last,
/// or half a bound. So the work is in proportion to what is allocated, and nobody goes past the bound by more than that.
#[derive(Debug)]
pub(super) struct Ledger {
    /// By category; `None` where nobody lives.
    accounts: Vec<Option<Account>>,
    residents: usize,
    residents_max: usize,
    bytes_max: usize,
    /// What was held when everything was collected last, and what has been allocated since.
    held: usize,
    allocated: usize,
    /// What processes that are gone had allocated, as far as it was not collected on their account.
    left: usize,
}

/// What may lie about.
const LEFT_MAX: usize = 1024 * 1024;

/// What is known of one process.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// What it held when that was last looked at.
    held: usize,
    /// What it has allocated since.
    allocated: usize,
    /// Whether it held more than it may when everything was collected.
    is_over: bool,
}

/// The names of categories are kept for ever by the state, so they are few and used again, the lowest that is free first.
pub(super) type Category = usize;

impl Ledger {
    pub(super) fn new(options: &HubOptions) -> Self {
        Self {
            accounts: Vec::new(),
            residents: 0,
            residents_max: options.processes_per_state.clamp(1, 200),
            bytes_max: options.memory_bytes_max,
            held: 0,
            allocated: 0,
            left: 0,
        }
    }

    /// Whether another process may live here: a state that is large takes no more, for its garbage is collected as a whole.
    pub(super) fn has_room(&self, lua: &Lua) -> bool {
        self.residents < self.residents_max && lua.used_memory() / 4 < self.bytes_max
    }

    /// Whether nobody lives here.
    pub(super) const fn is_empty(&self) -> bool {
        self.residents == 0
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

    /// The process is gone. Whether those that are gone have left so much that it should be collected, also if nobody needs room.
    pub(super) fn move_out(&mut self, lua: &Lua, category: Category) -> bool {
        self.residents -= 1;
        if let Some(Account { held, allocated, .. }) = self.accounts[category].take() {
            self.left = self.left.saturating_add(held).saturating_add(allocated);
        }
        let is_much = self.left > LEFT_MAX.max(lua.used_memory() / 4);
        if is_much {
            self.left = 0;
        }
        is_much
    }

    /// Lets the state grow by as much as a process may hold, half of that again, and as much garbage as it may have before that is
    /// collected.
    pub(super) fn allow(&self, lua: &Lua) -> mlua::Result<()> {
        let limit = lua.used_memory().saturating_mul(2).saturating_add(self.bytes_max + self.bytes_max / 2);
        lua.set_memory_limit(limit).map(|_| ())
    }

    /// Adds what a process has allocated. Whether it holds more than it may.
    pub(super) fn allocated(&mut self, lua: &Lua, category: Category, bytes: usize) -> mlua::Result<bool> {
        self.allocated = self.allocated.saturating_add(bytes);
        let Some(account) = &mut self.accounts[category] else { return Ok(false) };
        account.allocated = account.allocated.saturating_add(bytes);
        if account.is_over {
            return Ok(true);
        }
        if account.held.saturating_add(account.allocated) <= self.bytes_max {
            return Ok(false);
        }
        let held = total::bytes(lua, category)?;
        *account = Account { held, ..Account::default() };
        if held <= self.bytes_max || self.allocated < self.held.max(self.bytes_max) / 2 {
            return Ok(false);
        }
        self.collect(lua)?;
        Ok(self.accounts[category].is_some_and(|account| account.is_over))
    }

    /// Collects everything, and looks at each process.
    fn collect(&mut self, lua: &Lua) -> mlua::Result<()> {
        lua.gc_collect()?;
        (self.held, self.allocated) = (lua.used_memory(), 0);
        for (category, account) in self.accounts.iter_mut().enumerate() {
            if let Some(account) = account {
                let held = total::bytes(lua, category)?;
                *account = Account { held, allocated: 0, is_over: held > self.bytes_max };
            }
        }
        Ok(())
    }
}

/// What a category is called in the state.
pub(super) fn name(category: Category) -> String {
    format!("process-{category}")
}
