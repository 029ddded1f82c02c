//! The `wsrelay` command.

use clap::Parser as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use wsrelay::args::{Args, Command};
use wsrelay::{demo, logs};

fn main() -> ExitCode {
    let args = Args::parse();
    logs::start(&args.log);
    let command = args.command.unwrap_or_else(Command::default);
    let result = match command {
        Command::Demo(options) => demo::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not through the log, which may be off.
            _ = writeln!(io::stderr(), "wsrelay: {error}");
            ExitCode::FAILURE
        }
    }
}
