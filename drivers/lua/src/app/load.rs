//! From a folder to an application, with everything that is wrong in it.

use super::check::check;
use super::entry::{Entry, entries_of};
use super::fields::expected_found;
use super::files::{Disk, Files, ReadFault, is_within, join, whole_file};
use super::finding::{Finding, Severity};
use super::index::Index;
use super::kinds::{Kind, passed_over};
use super::model::Application;
use super::reader::Reader;
use super::yaml::{self, Member, Value, find};
use std::path::Path;
use std::sync::Arc;

/// What [`load`] found.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The application. Where there are errors, what they concern is missing from it, so that it must not run.
    pub application: Application,
    /// All that is wrong, in the order of files and lines.
    pub findings: Vec<Finding>,
}

impl Loaded {
    /// Whether the application must not run.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Reads the application in this folder. Nothing is written, and no code runs.
///
/// Entries are looked for where `wippy.lock` says (`directories.src`), else in `src`, else in the folder itself.
#[must_use]
pub fn load(root: &Path) -> Loaded {
    match Disk::open(root) {
        Ok(disk) => load_from(&disk),
        Err(error) => {
            let place = whole_file(&root.to_string_lossy());
            let finding = Finding::error(&place, format!("the folder cannot be read: {error}"));
            Loaded { application: Application::default(), findings: vec![finding] }
        }
    }
}

/// Reads the application in these files.
pub(super) fn load_from(files: &dyn Files) -> Loaded {
    let mut out = Vec::new();
    let sources = source_folder(files, &mut out);
    let mut index = Index::default();
    let mut entries: Vec<(Kind, Entry)> = Vec::new();
    let mut any = false;
    for file in source_files(files, &sources, &mut out) {
        out.extend(file.findings);
        for mut entry in file.entries {
            any = true;
            let is_first = index.insert(&entry, &mut out);
            let Some(kind) = Kind::named(&entry.kind) else {
                out.push(Finding::warning(&entry.kind_place, passed_over(&entry.kind)));
                continue;
            };
            if is_first {
                entry.unwrap_data(&mut out);
                entry.insert_files(files, &sources, &mut out);
                entries.push((kind, entry));
            }
        }
    }
    // Where something could not be read, there may well be entries.
    if !any && out.iter().all(|finding| finding.severity == Severity::Warning) {
        let place = whole_file(if sources.is_empty() { "." } else { &sources });
        let message = "there are no entries in this folder: no YAML file with a `namespace` and `entries`";
        out.push(Finding::error(&place, message));
    }
    let is_folder = |path: &Path| files.is_folder(path);
    let reader = Reader::new(files.root().to_owned(), &index, &is_folder);
    let (application, mut found) = reader.read(&entries);
    out.append(&mut found);
    check(&application, &mut out);
    out.sort_by(|left, right| (&left.place, left.severity).cmp(&(&right.place, right.severity)));
    Loaded { application, findings: out }
}

/// A file in which entries may be.
struct SourceFile {
    path: String,
    entries: Vec<Entry>,
    findings: Vec<Finding>,
    /// The folders that it makes data of. One that the file lies in itself is none.
    data_folders: Vec<String>,
}

/// All of them. What lies in an `fs.directory` is data, and not the application: others may put files there, and what those say of
/// other folders counts for nothing.
fn source_files(files: &dyn Files, sources: &str, out: &mut Vec<Finding>) -> Vec<SourceFile> {
    let mut unread = Vec::new();
    let mut undecided = Vec::new();
    for path in files.scan(sources, &mut unread) {
        let mut findings = Vec::new();
        let entries = read_file(files, &path, sources, &mut findings);
        let named = entries.iter().filter_map(|entry| data_folder(files, entry));
        let data_folders = named.filter(|folder| !is_within(&path, folder)).collect();
        undecided.push(SourceFile { path, entries, findings, data_folders });
    }
    let (mut own, mut folders) = (Vec::new(), Vec::new());
    loop {
        // Data is what lies in a folder of the application's; its own is a file that no other that may be so has in a folder.
        let (data, left): (Vec<_>, Vec<_>) =
            undecided.into_iter().partition(|file: &SourceFile| lies_in(&file.path, &folders));
        for file in data.iter().filter(|file| !file.entries.is_empty()) {
            let message = "the file lies in an `fs.directory`, so its entries are not read";
            out.push(Finding::warning(&whole_file(&file.path), message));
        }
        let disputed: Vec<String> = left.iter().flat_map(|file| file.data_folders.clone()).collect();
        let (rest, free): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|file| lies_in(&file.path, &disputed));
        undecided = rest;
        if free.is_empty() {
            break;
        }
        folders.extend(free.iter().flat_map(|file| file.data_folders.clone()));
        own.extend(free);
    }
    for file in undecided {
        let message = "the file lies in an `fs.directory` of a file that lies in one of this file's, so that it may be data";
        out.push(Finding::error(&whole_file(&file.path), message));
    }
    out.extend(unread.into_iter().filter(|finding| {
        !folders.contains(&finding.place.file.to_string()) && !lies_in(&finding.place.file, &folders)
    }));
    own.sort_by(|left, right| left.path.cmp(&right.path));
    own
}

fn lies_in(path: &str, folders: &[String]) -> bool {
    folders.iter().any(|folder| is_within(path, folder))
}

/// The folder of an `fs.directory`, by its real name, if that is a part of the application's.
fn data_folder(files: &dyn Files, entry: &Entry) -> Option<String> {
    let data = find(&entry.data, "data").and_then(|data| data.value.members()).unwrap_or(&entry.data);
    let directory = find(data, "directory").filter(|_| Kind::named(&entry.kind) == Some(Kind::Folder))?;
    let path = files.root().join(&*directory.value.text()?.text);
    let path = path.canonicalize().unwrap_or(path);
    let relative = path.strip_prefix(files.root()).ok()?.to_str()?;
    join("", relative)
}

fn read_file(files: &dyn Files, path: &str, sources: &str, out: &mut Vec<Finding>) -> Vec<Entry> {
    match files.read(path, sources) {
        Ok(text) => entries_of(path, &text, out),
        Err(fault) => {
            out.push(Finding::error(&whole_file(path), format!("the file is not read: {fault}")));
            Vec::new()
        }
    }
}

/// The folder in which the sources are.
fn source_folder(files: &dyn Files, out: &mut Vec<Finding>) -> String {
    if let Some(folder) = locked_folder(files, out) {
        return folder;
    }
    if files.is_folder(&files.root().join("src")) { "src".to_owned() } else { String::new() }
}

/// What `wippy.lock` says about it.
fn locked_folder(files: &dyn Files, out: &mut Vec<Finding>) -> Option<String> {
    const LOCK: &str = "wippy.lock";
    let text = match files.read(LOCK, "") {
        Ok(text) => text,
        Err(ReadFault::Missing) => return None,
        Err(fault) => {
            out.push(Finding::error(&whole_file(LOCK), format!("the file is not read: {fault}")));
            return None;
        }
    };
    let lock = yaml::parse(&Arc::from(LOCK), &text, out)?;
    let members = lock.members()?;
    warn_of_dependencies(members, out);
    let directories = find(members, "directories")?;
    let source = find(directories.value.members()?, "src").filter(|source| !source.value.is_null())?;
    let Some(written) = source.value.text() else {
        out.push(expected_found("directories.src", &source.value, "a folder"));
        return None;
    };
    let folder = join("", &written.text).filter(|folder| files.is_folder(&files.root().join(folder)));
    if folder.is_none() {
        let expected = "a folder of the application";
        out.push(expected_found("directories.src", &source.value, expected));
    }
    folder
}

/// The original fetches dependencies that are locked; here nothing does.
fn warn_of_dependencies(members: &[Member], out: &mut Vec<Finding>) {
    for key in ["modules", "dependencies"] {
        let Some(member) = find(members, key) else { continue };
        if let Value::List(modules) = &member.value.value
            && !modules.is_empty()
        {
            out.push(Finding::warning(&member.place, format!("`{key}` is not supported, ignored")));
        }
    }
}
