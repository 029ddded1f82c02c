//! The command line.

use clap::Parser;
use std::path::{Path, PathBuf};
use wsrelay_sim::Invariant;

/// Simulates random worlds of wsrelay, each from its seed, and looks for one in which an invariant is broken.
///
/// Each seed is run twice, and both runs have to be the same. A failure is shown with its seed, the command that
/// replays it, and the smallest plan found that fails in the same way, as a test in Rust.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// How many seeds
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    pub(crate) seeds: u64,

    /// The first seed
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    pub(crate) from: u64,

    /// The seeds in this file: the first word of each line, except where it is #
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "from", "seed"])]
    pub(crate) file: Option<PathBuf>,

    /// This seed alone
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "from"])]
    pub(crate) seed: Option<u64>,

    /// Show everything that happens (with --seed)
    #[arg(long, requires = "seed")]
    pub(crate) trace: bool,

    /// Threads that seeds are spread over
    #[arg(long, default_value_t = default_jobs(), value_name = "COUNT")]
    pub(crate) jobs: usize,

    /// Do not look at this invariant (can be given several times)
    #[arg(long, value_name = "INVARIANT")]
    pub(crate) without: Vec<Invariant>,

    /// Most runs that are spent on making a failure smaller; 0 for none
    #[arg(long, default_value_t = 2_000, value_name = "COUNT")]
    pub(crate) shrink_runs: usize,
}

impl Args {
    /// The seeds to run.
    ///
    /// # Errors
    ///
    /// In words, when the file cannot be read or names something that is no seed.
    pub(crate) fn seeds(&self) -> Result<Vec<u64>, String> {
        match &self.file {
            Some(file) => read_seeds(file),
            None => Ok((0..self.seeds).map(|number| self.from.wrapping_add(number)).collect()),
        }
    }
}

fn read_seeds(file: &Path) -> Result<Vec<u64>, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let words = text.lines().enumerate().filter_map(|(number, line)| {
        let word = line.split_whitespace().next()?;
        (!word.starts_with('#')).then_some((number + 1, word))
    });
    words
        .map(|(number, word)| {
            word.parse().map_err(|_| format!("{}:{number}: {word:?} is not a seed", file.display()))
        })
        .collect()
}

fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}
