//! Registered names (P6).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use wsrelay_core::process::Pid;

/// Name → process, and back; one owner a name.
#[derive(Debug, Default)]
pub(crate) struct Names(RwLock<Tables>);

#[derive(Debug, Default)]
struct Tables {
    owners: HashMap<Arc<str>, Pid>,
    names: HashMap<Pid, Vec<Arc<str>>>,
}

impl Names {
    pub(crate) fn get(&self, name: &str) -> Option<Pid> {
        self.read().owners.get(name).copied()
    }

    /// All of them, in their order.
    pub(crate) fn all(&self) -> Vec<(Arc<str>, Pid)> {
        let mut all: Vec<_> = self.read().owners.iter().map(|(name, pid)| (Arc::clone(name), *pid)).collect();
        all.sort();
        all
    }

    /// Gives `name` to `pid` if nobody holds it and `is_alive`, asked under the lock, agrees.
    /// The holder comes back when there is one already, be it `pid` itself.
    pub(crate) fn register(
        &self,
        name: Arc<str>,
        pid: Pid,
        is_alive: impl FnOnce() -> bool,
    ) -> Result<(), Option<Pid>> {
        let mut tables = self.write();
        if let Some(owner) = tables.owners.get(&name) {
            return if *owner == pid { Ok(()) } else { Err(Some(*owner)) };
        }
        if !is_alive() {
            return Err(None);
        }
        tables.owners.insert(Arc::clone(&name), pid);
        tables.names.entry(pid).or_default().push(name);
        Ok(())
    }

    /// Frees `name` if `pid` holds it.
    pub(crate) fn unregister(&self, name: &str, pid: Pid) -> bool {
        let mut tables = self.write();
        if tables.owners.get(name) != Some(&pid) {
            return false;
        }
        tables.owners.remove(name);
        if let Some(names) = tables.names.get_mut(&pid) {
            names.retain(|held| &**held != name);
            if names.is_empty() {
                tables.names.remove(&pid);
            }
        }
        true
    }

    /// Frees all names of a process that has ended.
    pub(crate) fn release(&self, pid: Pid) {
        let mut tables = self.write();
        for name in tables.names.remove(&pid).unwrap_or_default() {
            tables.owners.remove(&name);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
