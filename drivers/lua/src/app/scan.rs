//! Walking through the folders of an application on disk.

use super::files::{is_passed_over, may_hold_entries, whole_file};
use super::finding::Finding;
use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

/// All files below `root/folder` in which entries may be, relative to `root`, in order.
pub(super) fn scan(root: &Path, folder: &str, out: &mut Vec<Finding>) -> Vec<String> {
    let top = root.join(folder);
    let top = top.canonicalize().unwrap_or(top);
    let mut scan = Scan { root, top, files: Vec::new(), links: VecDeque::new(), seen: BTreeSet::new(), out };
    scan.folder(folder);
    // Links come last, so that what they lead to is known by its own name where it has one.
    while let Some(link) = scan.links.pop_front() {
        scan.link(&link);
    }
    scan.files.sort();
    scan.files
}

struct Scan<'a> {
    root: &'a Path,
    top: PathBuf,
    files: Vec<String>,
    links: VecDeque<String>,
    /// What has been visited, by its real path: links may lead in circles.
    seen: BTreeSet<PathBuf>,
    out: &'a mut Vec<Finding>,
}

impl Scan<'_> {
    fn folder(&mut self, folder: &str) {
        match self.names_in(folder) {
            Ok(names) => {
                for (name, kind) in names {
                    let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
                    self.found(&path, &name, kind);
                }
            }
            Err(error) => {
                let place = whole_file(if folder.is_empty() { "." } else { folder });
                self.out.push(Finding::error(&place, format!("the folder cannot be read: {error}")));
            }
        }
    }

    /// What is in a folder, in order; nothing if it has been visited.
    fn names_in(&mut self, folder: &str) -> std::io::Result<Vec<(String, std::fs::FileType)>> {
        let path = self.root.join(folder);
        if !self.seen.insert(path.canonicalize()?) {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for entry in path.read_dir()? {
            let entry = entry?;
            let name = entry.file_name();
            // A name that is not UTF-8 still shows by its end whether it was meant to be read.
            if name.to_str().is_none() && may_hold_entries(&name.to_string_lossy()) {
                let place = whole_file(&format!("{folder}/{}", name.to_string_lossy()));
                self.out.push(Finding::warning(&place, "the file's name is not UTF-8, ignored"));
            }
            if let Ok(name) = name.into_string() {
                names.push((name, entry.file_type()?));
            }
        }
        names.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(names)
    }

    fn found(&mut self, path: &str, name: &str, kind: std::fs::FileType) {
        if kind.is_symlink() {
            if !is_passed_over(name) {
                self.links.push_back(path.to_owned());
            }
        } else if kind.is_dir() {
            if !is_passed_over(name) {
                self.folder(path);
            }
        } else if may_hold_entries(name) {
            self.file(path);
        }
    }

    fn file(&mut self, path: &str) {
        let real = self.root.join(path).canonicalize().unwrap_or_else(|_| self.root.join(path));
        if self.seen.insert(real) {
            self.files.push(path.to_owned());
        }
    }

    fn link(&mut self, path: &str) {
        let Ok(real) = self.root.join(path).canonicalize() else {
            if may_hold_entries(path) {
                self.out
                    .push(Finding::warning(&whole_file(path), "the symbolic link leads nowhere, ignored"));
            }
            return;
        };
        let is_folder = real.is_dir();
        if !is_folder && !may_hold_entries(path) {
            return;
        }
        if !real.starts_with(&self.top) {
            let message = "the symbolic link leads out of the application's sources, not followed";
            self.out.push(Finding::warning(&whole_file(path), message));
        } else if is_folder {
            self.folder(path);
        } else {
            self.file(path);
        }
    }
}
