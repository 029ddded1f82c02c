//! The `wsrelay-sim` command.

#![expect(clippy::print_stderr, reason = "where a command says what was wrong with it")]

mod args;
mod report;

use args::Args;
use clap::Parser as _;
use report::Progress;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use wsrelay_sim::Violation;
use wsrelay_sim::swarm::{Outcome, Plan};

fn main() -> ExitCode {
    let args = Args::parse();
    let seeds = match args.seeds() {
        Ok(seeds) => seeds,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let failed = match args.seed {
        Some(seed) => one(&args, seed),
        None => many(&args, &seeds),
    };
    match failed {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::FAILURE,
        // Whoever was reading has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One seed, with all that is to be known of it. Whether it failed.
fn one(args: &Args, seed: u64) -> io::Result<bool> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let plan = Plan::from_seed(seed);
    let outcome = plan.run(args.trace, &args.without);
    for line in &outcome.trace {
        writeln!(out, "{line}")?;
    }
    report::summary(&mut out, &outcome.counts)?;
    let violation = match outcome.violation {
        Some(violation) => Some(violation),
        None if args.without.is_empty() => plan.check().err(),
        None => None,
    };
    if let Some(violation) = &violation {
        explain(&mut out, &plan, violation, args.shrink_runs)?;
    } else {
        writeln!(out, "seed {seed}: no invariant was broken; hash {:016x}", outcome.hash)?;
    }
    out.flush()?;
    Ok(violation.is_some())
}

/// Many seeds, on several threads. Whether one failed.
fn many(args: &Args, seeds: &[u64]) -> io::Result<bool> {
    let next = AtomicUsize::new(0);
    let progress = Mutex::new(Progress::new(seeds.len() as u64));
    let failure: Mutex<Option<(u64, Violation)>> = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..args.jobs.max(1) {
            scope.spawn(|| {
                while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if lock(&failure).is_some() {
                        return;
                    }
                    match check(args, seed) {
                        Ok(outcome) => lock(&progress).done(&outcome.counts),
                        Err(violation) => {
                            let mut first = lock(&failure);
                            // The lowest of those that were under way.
                            if first.as_ref().is_none_or(|(other, _)| seed < *other) {
                                *first = Some((seed, violation));
                            }
                        }
                    }
                }
            });
        }
    });
    let mut out = io::stdout().lock();
    lock(&progress).finish(&mut out)?;
    let failure = lock(&failure);
    if let Some((seed, violation)) = &*failure {
        explain(&mut out, &Plan::from_seed(*seed), violation, args.shrink_runs)?;
    }
    Ok(failure.is_some())
}

fn check(args: &Args, seed: u64) -> Result<Outcome, Violation> {
    let plan = Plan::from_seed(seed);
    if args.without.is_empty() {
        return plan.check();
    }
    let outcome = plan.run(false, &args.without);
    match &outcome.violation {
        Some(violation) => Err(violation.clone()),
        None => Ok(outcome),
    }
}

/// A failure: its seed, what was wrong, how to see it again, and the smallest plan that shows it.
fn explain(out: &mut impl Write, plan: &Plan, violation: &Violation, shrink_runs: usize) -> io::Result<()> {
    let seed = plan.seed;
    writeln!(out, "\nseed {seed} failed: {violation}")?;
    writeln!(out, "\nsee it again:\n  cargo run --release -p wsrelay-sim -- --seed {seed} --trace")?;
    if shrink_runs == 0 {
        return Ok(());
    }
    out.flush()?;
    let small = plan.shrink(violation.invariant, shrink_runs);
    writeln!(out, "\nas a test, with {} steps of {}:\n", small.steps.len(), plan.steps.len())?;
    writeln!(out, "{}", small.to_rust())?;
    match small.run(false, &[]).violation {
        Some(violation) => writeln!(out, "which breaks {violation}"),
        None => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
