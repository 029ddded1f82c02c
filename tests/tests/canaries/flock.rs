//! The programs that have all the defects, and what they find.

use crate::canary::{Canary, Slip};
use crate::copy;
use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use wsrelay_sim::Invariant;
use wsrelay_tests::fuzz::Target;

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

/// Makes these searches.
pub(crate) fn search(searches: &[Search]) -> Vec<Fate> {
    in_parallel(searches, |search| run(&programs().sim, search))
}

/// The input that shows each of these slips, among those that are kept for its target.
pub(crate) fn ask(slips: &[(usize, &Slip)]) -> Vec<Option<String>> {
    in_parallel(slips, |(number, slip)| {
        let mut command = Command::new(&programs().oracle);
        command.args([&number.to_string(), slip.target]).args(Target::named(slip.target).inputs());
        let output = command.output().expect("the program was built");
        let text = String::from_utf8_lossy(&output.stdout);
        match text.trim().split_once(' ') {
            Some(("caught", path)) => Some(path.to_owned()),
            None if text.trim() == "escaped" => None,
            _ => panic!("{slip:?}: {text}{}", String::from_utf8_lossy(&output.stderr)),
        }
    })
}

/// Does this with all of these, as many at a time as there are processors.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let left = Mutex::new(items.iter().enumerate().collect::<VecDeque<_>>());
    let mut done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((index, item)) = next else { return };
                    let result = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let done = done.get_mut().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.drain(..).map(|(_, result)| result).collect()
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

/// The programs that have all the defects.
struct Programs {
    sim: PathBuf,
    oracle: PathBuf,
}

/// Builds them, once.
fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(build)
}

fn build() -> Programs {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target directory");
    let folder = target.join("canaries");
    copy::write(&copy::files(), &folder);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--offline", "--bins"]).current_dir(&folder);
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
    let program = |name| folder.join("target/debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    Programs { sim: program("wsrelay-sim"), oracle: program("wsrelay-tests") }
}
