//! What is tried on hostile bytes: for each part that reads them one oracle, which panics where it is contradicted.
//!
//! A target of the fuzzer hands its bytes to [`Target::check`] and does nothing else. The corpora that it has found are
//! replayed by the tests, and what is close to them is tried there as well.

mod command;
mod decode;
mod differential;
mod duration;
mod header;
mod inflate;
pub mod naive;
mod negotiate;
mod origin;
mod peer;
mod plain_http;
mod plain_origin;
mod relay_header;
mod roundtrip;
mod session;
mod upgrade;

pub use decode::{Bounds, Outcome, decode};

use std::path::{Path, PathBuf};

/// What became of an input. A target all of whose inputs are refused proves little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It was sound, as a whole or in its beginning, and something came of it.
    Taken,
    /// It was wrong, or there was not enough of it.
    Refused,
}

impl Verdict {
    const fn of(taken: bool) -> Self {
        if taken { Self::Taken } else { Self::Refused }
    }
}

/// Something that reads bytes, with its oracle.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the target, and of the folder with its corpus.
    pub name: &'static str,
    /// The oracle. It panics where something does not hold.
    pub check: fn(&[u8]) -> Verdict,
}

/// All of them.
pub const TARGETS: [Target; 12] = [
    Target { name: "header", check: header::check },
    Target { name: "decode", check: decode::check },
    Target { name: "differential", check: differential::check },
    Target { name: "upgrade", check: upgrade::check },
    Target { name: "relay_header", check: relay_header::check },
    Target { name: "command", check: command::check },
    Target { name: "origin", check: origin::check },
    Target { name: "duration", check: duration::check },
    Target { name: "negotiate", check: negotiate::check },
    Target { name: "inflate", check: inflate::check },
    Target { name: "session", check: session::check },
    Target { name: "roundtrip", check: roundtrip::check },
];

impl Target {
    /// The target of this name.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        TARGETS.into_iter().find(|target| target.name == name).expect("the name of a target")
    }

    /// The files with its inputs, in the order of their names: those that somebody thought of, those that the fuzzer has
    /// kept, and those that have failed once.
    #[must_use]
    pub fn inputs(&self) -> Vec<PathBuf> {
        ["seeds", "corpus", "findings"]
            .into_iter()
            .flat_map(|kind| files(&format!("{kind}/{}", self.name)))
            .collect()
    }
}

/// The files of a folder below `fuzz/`, in the order of their names; none where there is no such folder.
///
/// # Panics
///
/// When it cannot be read.
#[must_use]
pub fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(folder);
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// Tries an input on the target of this name.
///
/// # Panics
///
/// When something does not hold, or there is no such target.
pub fn check(name: &str, bytes: &[u8]) -> Verdict {
    (Target::named(name).check)(bytes)
}
