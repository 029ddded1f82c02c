//! The `wsrelay` command.

use clap::Parser as _;
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
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
