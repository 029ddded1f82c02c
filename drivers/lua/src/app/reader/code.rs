//! `function.lua`, `process.lua` and `library.lua`.

use super::Reader;
use crate::app::entry::Entry;
use crate::app::fields::{Fields, expected_found};
use crate::app::finding::{Finding, Place};
use crate::app::kinds::Kind;
use crate::app::model::{Code, CodeKind, EntryId, Service};
use crate::app::modules::module_fault;
use crate::app::yaml::map_to_json;
use std::sync::Arc;

impl Reader<'_> {
    pub(super) fn function(&mut self, entry: &Entry, fields: &mut Fields<'_>) {
        let method = self.required(entry, fields, "method", "the name of a function");
        if let Some(mut pool) = fields.map("pool", &mut self.out) {
            check_pool(&mut pool, &mut self.out);
            pool.finish("`pool`", &mut self.out);
        }
        // What is missing has been told; the rest of the entry is still worth reading.
        self.code(entry, fields, CodeKind::Function, method.map_or("", |(method, _)| method));
    }

    pub(super) fn process(&mut self, entry: &Entry, fields: &mut Fields<'_>) {
        let method = fields.text("method", "the name of a function", &mut self.out);
        self.code(entry, fields, CodeKind::Process, method.map_or("main", |(method, _)| method));
        let place = fields.member("lifecycle").map(|member| &member.place);
        let lifecycle = self.lifecycle(entry, fields);
        let Some(place) = place.filter(|_| lifecycle.auto_start) else { return };
        // The specification's pages on supervision have processes that start by themselves, without a
        // process.service; the only host there is has to be the one that they mean.
        match self.index.sole(Kind::Host) {
            Ok(host) => self.app.services.push(Service {
                id: entry.id.clone(),
                place: entry.place.clone(),
                process: entry.id.clone(),
                host: host.clone(),
                input: Vec::new(),
                lifecycle,
            }),
            Err(count) => {
                let message = format!(
                    "{} starts by itself, which needs exactly one process.host, and the application has {count}",
                    entry.called()
                );
                self.out.push(Finding::error(place, message));
            }
        }
    }

    pub(super) fn library(&mut self, entry: &Entry, fields: &mut Fields<'_>) {
        self.code(entry, fields, CodeKind::Library, "");
    }

    fn code(&mut self, entry: &Entry, fields: &mut Fields<'_>, kind: CodeKind, method: &str) {
        let source = self.required(entry, fields, "source", "Lua, or a `file://` that leads to some");
        let begins = fields.get("source").and_then(|node| node.text()).map(|text| &text.begins);
        let modules = self.modules(fields);
        let imports = self.imports(entry, fields);
        let (Some((source, place)), Some(begins)) = (source, begins) else { return };
        if source.ends_with(".lua") && !source.contains(char::is_whitespace) {
            let message = format!("`source`: a path begins with `file://`: write `file://{source}`");
            self.out.push(Finding::error(place, message));
            return;
        }
        let code = Code {
            id: entry.id.clone(),
            place: entry.place.clone(),
            kind,
            source: Arc::from(source),
            source_place: begins.clone(),
            method: method.to_owned(),
            modules,
            imports,
            meta: map_to_json(&entry.meta),
        };
        self.app.code.insert(entry.id.clone(), Arc::new(code));
    }

    fn modules(&mut self, fields: &mut Fields<'_>) -> Vec<(String, Place)> {
        let modules = fields.texts("modules", &mut self.out);
        for (name, place) in &modules {
            if let Some(fault) = module_fault(name) {
                self.out.push(Finding::error(place, fault));
            }
        }
        modules
    }

    fn imports(&mut self, entry: &Entry, fields: &mut Fields<'_>) -> Vec<(String, EntryId, Place)> {
        let Some(node) = fields.get("imports") else { return Vec::new() };
        let Some(members) = node.members() else {
            self.out.push(expected_found("imports", node, "a map from names to libraries"));
            return Vec::new();
        };
        let mut imports = Vec::new();
        for member in members {
            let key = format!("imports.{}", member.key);
            if let Some(id) = self.follow(entry, &key, &member.value, &[Kind::Library]) {
                imports.push((member.key.clone(), id, member.value.place.clone()));
            }
        }
        imports
    }
}

/// How many states a function may have at once changes no result, so it is checked and left at that.
fn check_pool(pool: &mut Fields<'_>, out: &mut Vec<Finding>) {
    const TYPES: &str = "one of inline lazy static adaptive";
    if let Some((name, _)) = pool.text("type", TYPES, out)
        && !matches!(name, "inline" | "lazy" | "static" | "adaptive")
        && let Some(node) = pool.get("type")
    {
        pool.wrong::<()>("type", node, TYPES, out);
    }
    for key in ["size", "workers", "buffer", "max_size"] {
        pool.whole(key, 0..=u32::MAX, out);
    }
}
