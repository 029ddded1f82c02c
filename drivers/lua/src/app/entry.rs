//! From files to entries: what a file may look like, and what each entry says.

use super::fields::expected_found;
use super::files::{Files, ReadFault, folder_of, is_within, join, whole_file};
use super::finding::{Finding, Place};
use super::model::EntryId;
use super::suggest::did_you_mean;
use super::yaml::{self, Member, Node, Text, Value, find};
use std::sync::Arc;

/// An entry that has a name and a kind; nothing else of it has been looked at.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its whole name.
    pub(super) id: EntryId,
    /// Where its name stands.
    pub(super) place: Place,
    /// Its kind, as written.
    pub(super) kind: String,
    /// Where that stands.
    pub(super) kind_place: Place,
    /// `meta`, the file's merged under its own.
    pub(super) meta: Vec<Member>,
    /// All that is its own besides, or what is in `data`.
    pub(super) data: Vec<Member>,
    /// The folder of its file, which `file://` begins from.
    pub(super) folder: String,
}

/// What belongs to every entry and not to its data.
const OWN_KEYS: [&str; 3] = ["name", "kind", "meta"];

/// Reads one file. A file that says no `namespace` is none of ours.
pub(super) fn entries_of(path: &str, text: &str, out: &mut Vec<Finding>) -> Vec<Entry> {
    let file: Arc<str> = Arc::from(path);
    let Some(root) = yaml::parse(&file, text, out) else { return Vec::new() };
    let Some(members) = root.members() else { return Vec::new() };
    let entries = find(members, "entries");
    let Some(namespace) = find(members, "namespace") else {
        if let Some(entries) = entries {
            let message = "`entries` without a `namespace`";
            out.push(Finding::error(&entries.place, message));
        }
        return Vec::new();
    };
    let Some(namespace) = namespace_of(&namespace.value, out) else { return Vec::new() };
    let file = File { namespace, meta: meta_of(members, out), folder: folder_of(path) };
    match entries {
        Some(entries) => {
            warn_of_file_keys(members, out);
            file.list(&entries.value, out)
        }
        None if find(members, "name").is_some() || find(members, "kind").is_some() => {
            let own: Vec<Member> = members
                .iter()
                .filter(|member| !matches!(member.key.as_str(), "version" | "namespace"))
                .cloned()
                .collect();
            file.entry(&root.place, &own, out).into_iter().collect()
        }
        None => {
            warn_of_file_keys(members, out);
            Vec::new()
        }
    }
}

fn namespace_of<'n>(node: &'n Node, out: &mut Vec<Finding>) -> Option<&'n str> {
    let text = node.text().map(|text| &*text.text);
    let good = text.filter(|text| !text.is_empty() && !text.contains([':', ' ', '\n', '\t']));
    if good.is_none() {
        out.push(expected_found("namespace", node, "a name without colons and blanks, such as `app.ws`"));
    }
    good
}

fn meta_of(members: &[Member], out: &mut Vec<Finding>) -> Vec<Member> {
    let Some(meta) = find(members, "meta").filter(|meta| !meta.value.is_null()) else { return Vec::new() };
    let Some(members) = meta.value.members() else {
        out.push(expected_found("meta", &meta.value, "a map"));
        return Vec::new();
    };
    members.to_vec()
}

fn warn_of_file_keys(members: &[Member], out: &mut Vec<Finding>) {
    const KEYS: [&str; 4] = ["version", "namespace", "meta", "entries"];
    for member in members {
        if !KEYS.contains(&member.key.as_str()) {
            let near = did_you_mean(&member.key, KEYS);
            let message = format!("a file of entries has no key `{}`, ignored{near}", member.key);
            out.push(Finding::warning(&member.place, message));
        }
    }
}

/// What the entries of one file have in common.
struct File<'a> {
    namespace: &'a str,
    meta: Vec<Member>,
    folder: &'a str,
}

impl File<'_> {
    fn list(&self, node: &Node, out: &mut Vec<Finding>) -> Vec<Entry> {
        let items = match &node.value {
            Value::Null => return Vec::new(),
            Value::List(items) => items,
            Value::Bool(_) | Value::Number(..) | Value::Text(_) | Value::Map(_) => {
                out.push(expected_found("entries", node, "a list"));
                return Vec::new();
            }
        };
        let mut entries = Vec::new();
        for item in items {
            match item.members() {
                Some(members) => entries.extend(self.entry(&item.place, members, out)),
                None => out.push(expected_found("entries", item, "an entry, which is a map")),
            }
        }
        entries
    }

    fn entry(&self, place: &Place, members: &[Member], out: &mut Vec<Finding>) -> Option<Entry> {
        let name = required_text(place, members, "name", out);
        let kind = required_text(place, members, "kind", out);
        let own_meta = meta_of(members, out);
        let (name, kind) = (name?, kind?);
        let mut meta = own_meta;
        for member in &self.meta {
            if find(&meta, &member.key).is_none() {
                meta.push(member.clone());
            }
        }
        let data = members.iter().filter(|member| !OWN_KEYS.contains(&member.key.as_str())).cloned();
        Some(Entry {
            id: EntryId::new(self.namespace, &name.1),
            place: name.0,
            kind: kind.1,
            kind_place: kind.0,
            meta,
            data: data.collect(),
            folder: self.folder.to_owned(),
        })
    }
}

/// A text that has to be there and must not be empty.
fn required_text(
    place: &Place,
    members: &[Member],
    key: &str,
    out: &mut Vec<Finding>,
) -> Option<(Place, String)> {
    let Some(member) = find(members, key) else {
        out.push(Finding::error(place, format!("the entry has no `{key}`")));
        return None;
    };
    let text = member.value.text().filter(|text| !text.text.trim().is_empty());
    if text.is_none() {
        out.push(expected_found(key, &member.value, "a text"));
    }
    text.map(|text| (member.value.place.clone(), text.text.to_string()))
}

impl Entry {
    /// How the entry is called in messages.
    pub(super) fn called(&self) -> String {
        format!("{} `{}`", self.kind, self.id)
    }

    /// Lets `data` replace all that stands beside it.
    pub(super) fn unwrap_data(&mut self, out: &mut Vec<Finding>) {
        let Some(data) = find(&self.data, "data").filter(|data| !data.value.is_null()).cloned() else {
            return;
        };
        let Some(members) = data.value.members() else {
            out.push(expected_found("data", &data.value, "a map"));
            return;
        };
        for member in self.data.iter().filter(|member| member.key != "data") {
            let message = format!("`{}` is ignored, since `data` stands for the whole entry", member.key);
            out.push(Finding::warning(&member.place, message));
        }
        self.data = members.to_vec();
    }

    /// Puts the contents of files in the place of every text that begins with `file://`.
    pub(super) fn insert_files(&mut self, files: &dyn Files, sources: &str, out: &mut Vec<Finding>) {
        let inserter = Inserter { files, sources, folder: &self.folder };
        for member in self.meta.iter_mut().chain(&mut self.data) {
            inserter.insert(&mut member.value, out);
        }
    }
}

struct Inserter<'a> {
    files: &'a dyn Files,
    /// The folder of all sources, which nothing may lead out of.
    sources: &'a str,
    folder: &'a str,
}

impl Inserter<'_> {
    fn insert(&self, node: &mut Node, out: &mut Vec<Finding>) {
        match &mut node.value {
            Value::Text(text) => {
                let Some(path) = text.text.strip_prefix("file://") else { return };
                match self.read(path) {
                    Ok(read) => *text = read,
                    Err(fault) => {
                        let message = format!("`file://{}`: {fault}", path.trim_end());
                        out.push(Finding::error(&node.place, message));
                        // The address is no source, and need not be complained about as one.
                        text.text = String::new().into();
                    }
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.insert(item, out)),
            Value::Map(members) => members.iter_mut().for_each(|member| self.insert(&mut member.value, out)),
            Value::Null | Value::Bool(_) | Value::Number(..) => {}
        }
    }

    fn read(&self, written: &str) -> Result<Text, ReadFault> {
        let written = written.trim_end();
        let path = match written.strip_prefix('/') {
            Some(from_top) => join(self.sources, from_top),
            None => join(self.folder, written),
        };
        let path = path.filter(|path| is_within(path, self.sources)).ok_or(ReadFault::Outside)?;
        let text = self.files.read(&path, self.sources)?;
        Ok(Text { text: text.into(), begins: whole_file(&path) })
    }
}
