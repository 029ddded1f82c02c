//! How fast wsrelay is, beside other servers and beside bare TCP, on the machine at hand.
//!
//! `cargo run --release -p wsrelay-bench` prints tables as Markdown; `-- --help` says what can be chosen.
//!
//! # Method
//!
//! Each server is this program again, as a process of its own on core 0; the load comes from one thread on
//! core 1. The loop is closed: each connection keeps a fixed number of messages in flight and sends the next
//! when one comes back. Servers take turns within each round, so that a disturbance does not hit one alone,
//! and a table has the medians of all rounds.
//!
//! `raw` (bytes come back as they are) is the machine's limit, `floor` (the least that a WebSocket echo must
//! do) a second one. The column "÷ raw" is what holds on other machines; absolute figures do not.
//!
//! Frames are made in advance, with one fixed masking key and a sequence number at both ends of each payload.
//! What comes back is checked against the same numbers, every byte of it during the warm-up, and at the end
//! the load waits until everything that was sent has come back: a loss is an error, not a high rate.
//!
//! # Limits
//!
//! - Loopback: no network card, no loss, no TLS. System calls and copies cost the same as elsewhere.
//! - With one message in flight both ends pay the same system calls, so that neither core has a pause. There
//!   and wherever the client's core is full, compare "server CPU µs", which does not depend on the client.
//! - Latency is a closed loop's round trip under full load: mostly the number in flight divided by the rate.
//! - Two virtual cores may be one physical core, and what else runs is seen in the column "others".
#![expect(clippy::print_stdout, reason = "the tables are what this program is for")]

mod args;
mod compression;
mod instructions;
mod load;
mod measure;
pub mod pieces;
mod run;
mod scenario;
mod servers;
mod syscalls;
mod table;

use args::Command;
use std::error::Error;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Does what the command line asks for.
#[must_use]
pub fn main() -> ExitCode {
    match args::parse().and_then(perform) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "why a program ends early is said where errors are looked for")]
fn report(error: &(dyn Error + Send + Sync)) {
    eprintln!("wsrelay-bench: {error}");
}

fn perform(command: Command) -> Result<()> {
    match command {
        Command::Help(text) => print!("{text}"),
        Command::Serve(child) => servers::serve(&child)?,
        Command::Run(options) => run::run(&options)?,
        Command::Syscalls(options) => syscalls::run(&options)?,
        Command::Compression => compression::run()?,
        Command::Instructions => instructions::run()?,
        Command::Iterate(iterations) => instructions::iterate(&iterations)?,
    }
    Ok(())
}
