//! All entries by name, before any of them has been read, so that references can be followed in either direction.

use super::entry::Entry;
use super::finding::{Finding, Place};
use super::kinds::Kind;
use super::model::EntryId;
use super::suggest::did_you_mean;
use std::collections::BTreeMap;

/// What is known of each entry, of kinds that are not read as well: a reference to one of those should be told apart
/// from one that leads nowhere.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: BTreeMap<EntryId, (String, Place)>,
}

impl Index {
    /// Takes up an entry. Whether its name was still free.
    pub(super) fn insert(&mut self, entry: &Entry, out: &mut Vec<Finding>) -> bool {
        if let Some((_, first)) = self.entries.get(&entry.id) {
            out.push(Finding::error(&entry.place, format!("`{}` is already the entry at {first}", entry.id)));
            return false;
        }
        self.entries.insert(entry.id.clone(), (entry.kind.clone(), entry.place.clone()));
        true
    }

    /// The only entry of a kind, or else how many there are.
    pub(super) fn sole(&self, kind: Kind) -> Result<&EntryId, usize> {
        let mut of_kind = self.of_kind(kind);
        match (of_kind.next(), of_kind.count()) {
            (None, _) => Err(0),
            (Some(id), 0) => Ok(id),
            (Some(_), more) => Err(1 + more),
        }
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &EntryId> {
        self.entries.iter().filter(move |(_, (name, _))| name == kind.name()).map(|(id, _)| id)
    }

    /// Tells if `target` is not an entry of one of these kinds. `key` is how the reference is called.
    pub(super) fn check(
        &self,
        key: &str,
        place: &Place,
        target: &EntryId,
        kinds: &[Kind],
        out: &mut Vec<Finding>,
    ) {
        let message = match self.entries.get(target) {
            Some((name, _)) if kinds.iter().any(|kind| kind.name() == name) => return,
            Some((name, _)) => {
                format!("`{key}`: expected {}, but `{target}` is {} {name}", list(kinds), article(name))
            }
            None => {
                let candidates = kinds.iter().flat_map(|&kind| self.of_kind(kind)).map(EntryId::as_str);
                format!("`{key}`: there is no `{target}`{}", did_you_mean(target.as_str(), candidates))
            }
        };
        out.push(Finding::error(place, message));
    }
}

/// "an http.service", "a process.lua or process.host".
fn list(kinds: &[Kind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    format!("{} {}", article(names.first().unwrap_or(&"")), names.join(" or "))
}

/// The article of a kind, as it is spoken: an "aitch tee tee pee".
fn article(kind: &str) -> &'static str {
    if kind.starts_with("http") || kind.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}
