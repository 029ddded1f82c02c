//! Whose memory it is: each process of a state has a category of its own.

mod total;

use crate::runtime::HubOptions;
use mlua::Lua;

/// What is known of the memory of a state's processes.
///
/// Luau counts what each category holds, garbage and all. So when a process holds more than it may by that count, everything is
/// collected and each is looked at again; as a rule, not before the state has allocated half of what it held when that was done last,
/// or half a bound. So the work is in proportion to what is allocated, and nobody goes past the bound by more than that.
///
/// Luau has each text once, on the account of whoever made it first, though others may hold it now. What a process has sent is
/// therefore taken off, as long as the state is not large; so is what lay in its category before it.
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

/// Most categories: those of Luau are 256, and some are its own.
const CATEGORIES_MAX: usize = 250;
/// What a category may hold that somebody moves into, unless there is no other.
const INHERITED_MAX: usize = 64 * 1024;
/// A state is large when it holds so many bounds.
const LARGE_BOUNDS: usize = 4;

/// What may lie about.
const LEFT_MAX: usize = 1024 * 1024;

/// What is known of one process.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// What it held when that was last looked at.
    held: usize,
    /// What it has allocated since.
    allocated: usize,
    /// What the category held before the process came: what former ones have made, and others hold.
    inherited: usize,
    /// Bytes of text that it has sent to others.
    sent: usize,
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
        self.residents < self.residents_max && !self.is_large(lua)
    }

    fn is_large(&self, lua: &Lua) -> bool {
        lua.used_memory() / LARGE_BOUNDS >= self.bytes_max
    }

    /// Whether nobody lives here.
    pub(super) const fn is_empty(&self) -> bool {
        self.residents == 0
    }

    /// A category for a new process: a free one that holds little, or else a new one.
    pub(super) fn move_in(&mut self, lua: &Lua) -> mlua::Result<Category> {
        let mut least = None;
        for category in (0..self.accounts.len()).filter(|category| self.accounts[*category].is_none()) {
            let held = total::bytes(lua, category)?;
            if least.is_none_or(|(_, least)| held < least) {
                least = Some((category, held));
            }
            if held <= INHERITED_MAX {
                break;
            }
        }
        let (category, inherited) = match least {
            Some((category, held)) if held <= INHERITED_MAX || self.accounts.len() >= CATEGORIES_MAX => {
                (category, held)
            }
            _ => {
                self.accounts.push(None);
                (self.accounts.len() - 1, 0)
            }
        };
        self.residents += 1;
        self.accounts[category] = Some(Account { held: inherited, inherited, ..Account::default() });
        Ok(category)
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

    /// Adds what a process has allocated; `sent` is what it has sent in all. Whether it holds more than it may.
    pub(super) fn allocated(
        &mut self,
        lua: &Lua,
        category: Category,
        bytes: usize,
        sent: usize,
    ) -> mlua::Result<bool> {
        self.allocated = self.allocated.saturating_add(bytes);
        let Some(account) = &mut self.accounts[category] else { return Ok(false) };
        account.allocated = account.allocated.saturating_add(bytes);
        account.sent = sent;
        if account.is_over {
            return Ok(true);
        }
        let bound = self.bytes_max.saturating_add(account.inherited);
        if account.held.saturating_add(account.allocated) <= bound {
            return Ok(false);
        }
        (account.held, account.allocated) = (total::bytes(lua, category)?, 0);
        if account.held <= bound || self.allocated < self.held.max(self.bytes_max) / 2 {
            return Ok(false);
        }
        self.collect(lua)?;
        Ok(self.accounts[category].is_some_and(|account| account.is_over))
    }

    /// Collects everything, and looks at each process.
    fn collect(&mut self, lua: &Lua) -> mlua::Result<()> {
        lua.gc_collect()?;
        (self.held, self.allocated) = (lua.used_memory(), 0);
        let (is_large, bytes_max) = (self.is_large(lua), self.bytes_max);
        for (category, account) in self.accounts.iter_mut().enumerate() {
            if let Some(account) = account {
                (account.held, account.allocated) = (total::bytes(lua, category)?, 0);
                let others = account.inherited.saturating_add(if is_large { 0 } else { account.sent });
                account.is_over = account.held.saturating_sub(others) > bytes_max;
            }
        }
        Ok(())
    }
}

/// What a category is called in the state.
pub(super) fn name(category: Category) -> String {
    format!("process-{category}")
}
