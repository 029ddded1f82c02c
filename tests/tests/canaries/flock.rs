//! The program that has all the defects, and what it finds.

use crate::canary::Canary;
use crate::{copy, list};
use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use wsrelay_sim::Invariant;

/// What the simulator makes of a defect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// In the world of this seed this invariant does not hold.
    Caught {
        seed: u64,
        invariant: Invariant,
        what: String,
    },
    Escaped,
}

/// One search: the number of the defect, 0 for none, and how far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    pub(crate) number: usize,
    pub(crate) seeds: u64,
    pub(crate) without: Option<Invariant>,
}

impl Search {
    /// For this one, as far as it should be necessary.
    pub(crate) const fn new(number: usize, canary: &Canary) -> Self {
        Self { number, seeds: canary.seeds, without: None }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caught { seed, invariant, what } => {
                write!(f, "caught with seed {seed} by {invariant}: {what:.300}")
            }
            Self::Escaped => f.write_str("escaped"),
        }
    }
}

/// Makes these searches, as many at a time as there are processors.
pub(crate) fn search(searches: &[Search]) -> Vec<Fate> {
    let program = program();
    let left = Mutex::new(searches.iter().enumerate().collect::<VecDeque<_>>());
    let mut found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((index, search)) = next else { return };
                    let fate = run(program, search);
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((index, fate));
                }
            });
        }
    });
    let found = found.get_mut().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(index, _)| *index);
    found.drain(..).map(|(_, fate)| fate).collect()
}

fn run(program: &Path, search: &Search) -> Fate {
    let Search { number, seeds, without } = search;
    let mut command = Command::new(program);
    command.args([number.to_string(), seeds.to_string()]).args(without.iter().map(Invariant::to_string));
    let output = command.output().expect("the program was built");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.trim().splitn(4, ' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some("caught"), Some(seed), Some(invariant), Some(what)) => Fate::Caught {
            seed: seed.parse().expect("a seed"),
            invariant: invariant.parse().expect("an invariant"),
            what: what.to_owned(),
        },
        (Some("escaped"), ..) => Fate::Escaped,
        _ => panic!("{search:?}: {text}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// Variables of cargo's that are not for the copy.
const FOREIGN: [&str; 5] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
];

/// Builds it, once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(build)
}

fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target directory");
    let folder = target.join("canaries");
    let files = copy::files(list::all());
    copy::write(&files, &folder);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--offline", "--package", "wsrelay-sim"]).current_dir(&folder);
    command.env("CARGO_TARGET_DIR", folder.join("target"));
    // Fast enough to run, and fast to build.
    let profile = [("OPT_LEVEL", "1"), ("DEBUG", "false"), ("INCREMENTAL", "false")];
    command.envs(profile.map(|(name, value)| (format!("CARGO_PROFILE_DEV_{name}"), value)));
    // How the tests themselves are built, for their coverage perhaps, is no concern of its.
    for name in FOREIGN {
        command.env_remove(name);
    }
    let output = command.output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("target/debug").join(format!("wsrelay-sim{}", std::env::consts::EXE_SUFFIX))
}
