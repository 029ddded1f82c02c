//! The `wsrelay` command.

use clap::Parser as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use wsrelay::args::{Args, Command};
use wsrelay::{app, demo, logs};

fn main() -> ExitCode {
    let args = Args::parse();
    logs::start(&args.log);
    let result = match args.command {
        None => app::run_example(),
        Some(command) => run(command),
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

fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Run(options) => app::run(&options),
        Command::Check(options) => app::check(&options),
        Command::New(options) => app::new(&options),
        Command::Demo(options) => demo::run(&options),
    }
}
