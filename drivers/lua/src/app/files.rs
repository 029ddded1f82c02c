//! Where an application is read from: a folder on disk, or, in tests, a list of paths and texts.

use super::finding::{Finding, Place};
use super::scan;
use std::fmt;
use std::io;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest file that is read, in bytes: 4 MiB. Sources are written by people; what is larger is something else.
pub(super) const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The files of an application. Paths are relative to its root, with `/` between their parts.
pub(super) trait Files {
    /// The root, absolute.
    fn root(&self) -> &Path;

    /// Whether this absolute path is a folder.
    fn is_folder(&self, path: &Path) -> bool;

    /// All files below `folder` in which entries may be, in order. What had to be passed over goes to `out`.
    fn scan(&self, folder: &str, out: &mut Vec<Finding>) -> Vec<String>;

    /// The text of a file that has to lie within the folder `within`.
    fn read(&self, path: &str, within: &str) -> Result<String, ReadFault>;
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReadFault {
    /// Nothing is there.
    Missing,
    /// A folder, a pipe, a device.
    NotAFile,
    /// It lies outside, or a symbolic link leads there.
    Outside,
    /// Larger than [`FILE_BYTES_MAX`].
    TooLarge,
    /// Not UTF-8.
    NotText,
    /// The system refused.
    Refused(String),
}

impl fmt::Display for ReadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file"),
            Self::NotAFile => f.write_str("it is not a file"),
            Self::Outside => f.write_str("it leads out of the application's sources"),
            Self::TooLarge => write!(f, "it is larger than {} MiB", FILE_BYTES_MAX / (1024 * 1024)),
            Self::NotText => f.write_str("it is not UTF-8"),
            Self::Refused(reason) => write!(f, "it cannot be read: {reason}"),
        }
    }
}

/// Follows `relative` from `folder`. `None` if it leads out of the root, or is absolute.
pub(super) fn join(folder: &str, relative: &str) -> Option<String> {
    if relative.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Whether a path leads into this folder.
pub(super) fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|behind| behind.starts_with('/'))
}

/// The folder in which a file lies.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether entries may be in the file at this path. JSON is YAML. Hidden files are what editors and systems leave behind.
pub(super) fn may_hold_entries(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    name.rsplit_once('.').is_some_and(|(_, extension)| {
        !name.starts_with('.') && matches!(extension.to_ascii_lowercase().as_str(), "yaml" | "yml" | "json")
    })
}

/// Whether a folder of this name is passed over: what package managers and tools keep for themselves.
pub(super) fn is_passed_over(folder: &str) -> bool {
    folder == "node_modules" || folder.starts_with('.')
}

/// Bytes as text, without the mark that some editors put at the start.
fn to_text(bytes: Vec<u8>) -> Result<String, ReadFault> {
    let text = String::from_utf8(bytes).map_err(|_| ReadFault::NotText)?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// A place that stands for a whole file.
pub(super) fn whole_file(file: &str) -> Place {
    Place { file: Arc::from(file), line: 1, column: 1 }
}

/// A folder on disk.
#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The folder `root`, which has to exist.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        if root.is_dir() { Ok(Self { root }) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }
}

impl Files for Disk {
    fn root(&self) -> &Path {
        &self.root
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn scan(&self, folder: &str, out: &mut Vec<Finding>) -> Vec<String> {
        scan::scan(&self.root, folder, out)
    }

    fn read(&self, path: &str, within: &str) -> Result<String, ReadFault> {
        let fault = |error: io::Error| {
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
                ReadFault::Missing
            } else {
                ReadFault::Refused(error.to_string())
            }
        };
        let real = self.root.join(path).canonicalize().map_err(fault)?;
        let top = self.root.join(within).canonicalize().map_err(fault)?;
        if !real.starts_with(&top) {
            return Err(ReadFault::Outside);
        }
        if !real.metadata().map_err(fault)?.is_file() {
            return Err(ReadFault::NotAFile);
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&real).map_err(fault)?;
        // One byte more than allowed tells a file that is too large, even one that grows.
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(fault)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(ReadFault::TooLarge);
        }
        to_text(bytes)
    }
}

/// Paths and their texts, for tests.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct Memory {
    files: std::collections::BTreeMap<String, Vec<u8>>,
}

#[cfg(test)]
impl Memory {
    /// These files.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|&(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        Self { files: files.collect() }
    }

    /// And one more, which may be anything.
    pub(super) fn and(mut self, path: &str, bytes: Vec<u8>) -> Self {
        self.files.insert(path.to_owned(), bytes);
        self
    }
}

#[cfg(test)]
impl Files for Memory {
    fn root(&self) -> &Path {
        Path::new("/memory")
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.starts_with(self.root())
            && self.files.keys().any(|file| self.root().join(folder_of(file)).starts_with(path))
    }

    fn scan(&self, folder: &str, _out: &mut Vec<Finding>) -> Vec<String> {
        let is_one = |path: &&String| {
            let mut folders = folder_of(path).split('/');
            !folders.any(is_passed_over) && may_hold_entries(path)
        };
        self.files.keys().filter(|path| is_within(path, folder)).filter(is_one).cloned().collect()
    }

    fn read(&self, path: &str, within: &str) -> Result<String, ReadFault> {
        if !is_within(path, within) {
            return Err(ReadFault::Outside);
        }
        let bytes = self.files.get(path).ok_or(ReadFault::Missing)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(ReadFault::TooLarge);
        }
        to_text(bytes.clone())
    }
}
