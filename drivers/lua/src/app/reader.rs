//! From entries to the model: one function for each kind, in the files below.

mod code;
mod http;
mod lifecycle;
mod process;

use super::entry::Entry;
use super::fields::{Fields, expected_found};
use super::finding::{Finding, Place};
use super::index::Index;
use super::kinds::Kind;
use super::model::{Application, EntryId};
use super::yaml::{Node, find};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Reads entries into an application.
pub(super) struct Reader<'a> {
    index: &'a Index,
    /// Whether a folder is there, by its absolute path.
    is_folder: &'a dyn Fn(&std::path::Path) -> bool,
    /// The folders that static files may come from.
    folders: BTreeMap<EntryId, PathBuf>,
    app: Application,
    out: Vec<Finding>,
}

impl<'a> Reader<'a> {
    /// A reader for an application at `root`.
    pub(super) fn new(
        root: PathBuf,
        index: &'a Index,
        is_folder: &'a dyn Fn(&std::path::Path) -> bool,
    ) -> Self {
        let app = Application { root, ..Application::default() };
        Self { index, is_folder, folders: BTreeMap::new(), app, out: Vec::new() }
    }

    /// Reads all of them.
    pub(super) fn read(mut self, entries: &[(Kind, Entry)]) -> (Application, Vec<Finding>) {
        // Static files ask for the folders, so these come first.
        for (_, entry) in entries.iter().filter(|(kind, _)| *kind == Kind::Folder) {
            self.entry(Kind::Folder, entry);
        }
        for (kind, entry) in entries.iter().filter(|(kind, _)| *kind != Kind::Folder) {
            self.entry(*kind, entry);
        }
        (self.app, self.out)
    }

    fn entry(&mut self, kind: Kind, entry: &Entry) {
        let mut fields = Fields::new(&entry.data);
        match kind {
            Kind::Server => self.server(entry, &mut fields),
            Kind::Router => self.router(entry, &mut fields),
            Kind::Endpoint => self.endpoint(entry, &mut fields),
            Kind::Static => self.statics(entry, &mut fields),
            Kind::Folder => self.folder(entry, &mut fields),
            Kind::Function => self.function(entry, &mut fields),
            Kind::Process => self.process(entry, &mut fields),
            Kind::Library => self.library(entry, &mut fields),
            Kind::Host => self.host(entry, &mut fields),
            Kind::Service => self.service(entry, &mut fields),
        }
        fields.finish(kind.name(), &mut self.out);
    }

    /// A text that has to be there.
    fn required<'n>(
        &mut self,
        entry: &Entry,
        fields: &mut Fields<'n>,
        key: &'static str,
        expected: &str,
    ) -> Option<(&'n str, &'n Place)> {
        if fields.get(key).is_none() {
            self.missing(entry, key);
            return None;
        }
        fields.text(key, expected, &mut self.out)
    }

    fn missing(&mut self, entry: &Entry, key: &str) {
        self.out.push(Finding::error(&entry.place, format!("{} has no `{key}`", entry.called())));
    }

    /// A reference in a key of the entry, which has to be there.
    fn reference(
        &mut self,
        entry: &Entry,
        fields: &mut Fields<'_>,
        key: &'static str,
        kinds: &[Kind],
    ) -> Option<EntryId> {
        let Some(node) = fields.get(key) else {
            self.missing(entry, key);
            return None;
        };
        self.follow(entry, key, node, kinds)
    }

    /// A reference in the entry's `meta`.
    fn meta_reference(&mut self, entry: &Entry, key: &str, kinds: &[Kind]) -> Option<EntryId> {
        let member = find(&entry.meta, key).filter(|member| !member.value.is_null())?;
        self.follow(entry, &format!("meta.{key}"), &member.value, kinds)
    }

    /// Resolves a reference in the namespace that declares it, and checks where it leads.
    fn follow(&mut self, entry: &Entry, key: &str, node: &Node, kinds: &[Kind]) -> Option<EntryId> {
        let Some(text) = node.text().filter(|text| !text.text.is_empty()) else {
            self.out.push(expected_found(key, node, "the name of an entry"));
            return None;
        };
        let target = EntryId::resolve(entry.id.namespace(), &text.text);
        self.index.check(key, &node.place, &target, kinds, &mut self.out);
        Some(target)
    }
}
