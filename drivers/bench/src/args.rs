//! The command line.

use crate::Result;
use crate::compression;
use crate::scenario::{self, Scenario};
use crate::servers::{self, ServerKind};
use crate::syscalls;
use lexopt::prelude::*;
use std::fmt::Write as _;
use std::time::Duration;

/// What this process is to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Print this text.
    Help(String),
    /// Be a server, until the standard input ends.
    Serve(Child),
    /// Measure and print tables.
    Run(Options),
    /// Count the servers' system calls.
    Syscalls(Options),
    /// Measure what compression costs.
    Compression,
    /// Count the instructions of single pieces.
    Instructions,
    /// Be the program whose instructions are counted.
    Iterate(Iterations),
}

/// A piece, and how often to do it.
#[derive(Debug)]
pub(crate) struct Iterations {
    pub(crate) piece: String,
    pub(crate) times: u64,
}

/// What to measure.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) scenarios: Vec<&'static Scenario>,
    pub(crate) servers: Vec<&'static ServerKind>,
    /// The measured time of a run, after its warm-up.
    pub(crate) time: Duration,
    pub(crate) runs: usize,
}

/// A server to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child {
    pub(crate) server: &'static ServerKind,
    /// The core it runs on.
    pub(crate) core: Option<usize>,
}

const USAGE: &str = "\
Measures wsrelay beside other WebSocket servers and bare TCP; prints tables as Markdown.

usage: cargo run --release -p wsrelay-bench -- [command] [options]

commands:
  (none)              all scenarios with all servers, interleaved; medians over the rounds
  syscalls            system calls for a message, by strace
  instructions        instructions for a message in the core's and the host's pieces, by valgrind's callgrind
  compression         what compression costs, beside npm's ws where it is installed
  serve NAME          be one server: prints its port, ends with its standard input (--core N pins it)

options:
  --only NAMES        scenarios, separated by commas (or --scenario)
  --servers NAMES     servers, separated by commas; the ratios need `raw`
  --seconds S         measured time of a run, after half a second of warm-up [3]
  --runs N            rounds [3]

Each server is a process on core 0, the load one thread on core 1 (Linux; with one core they share it). A
connection keeps its messages in flight and sends the next when one comes back; all that comes back is
checked. \"÷ raw\" compares rates within one run of this program. \"server CPU µs\" is the time of all the
server's threads for a message, and does not depend on the load; where the client's CPU is at 100 % it is
the better measure. \"others\" is what else ran on the machine, or what a virtual machine's host withheld:
runs with more than a tenth of a core of it are left out, and a row marked † had no other.
Everything runs over loopback, in plain TCP.
";

/// Reads the command line.
pub(crate) fn parse() -> Result<Command> {
    let mut parser = lexopt::Parser::from_env();
    let mut words: Vec<String> = Vec::new();
    let mut scenarios = None;
    let mut options = Options {
        scenarios: scenario::ALL.iter().collect(),
        servers: servers::ALL.iter().collect(),
        time: Duration::from_secs(3),
        runs: 3,
    };
    let mut core = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help(help())),
            Long("only" | "scenario") => {
                scenarios = Some(named(&parser.value()?.string()?, &scenario::ALL, |each| each.name)?);
            }
            Long("servers") => {
                options.servers = named(&parser.value()?.string()?, servers::ALL, |each| each.name)?;
            }
            Long("seconds") => options.time = Duration::try_from_secs_f64(parser.value()?.parse()?)?,
            Long("runs") => options.runs = parser.value()?.parse::<usize>()?.max(1),
            Long("core") => core = Some(parser.value()?.parse()?),
            Value(word) => words.push(word.string()?),
            Short(_) | Long(_) => return Err(argument.unexpected().into()),
        }
    }
    let is_counting = words.first().is_some_and(|word| word == "syscalls");
    if let Some(scenarios) = scenarios {
        options.scenarios = scenarios;
    } else if is_counting {
        options.scenarios = named(syscalls::SCENARIOS, &scenario::ALL, |each| each.name)?;
    }
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(Command::Run(options)),
        ["syscalls"] => Ok(Command::Syscalls(options)),
        ["compression"] => Ok(Command::Compression),
        ["instructions"] => Ok(Command::Instructions),
        ["iterate", piece, times] => {
            Ok(Command::Iterate(Iterations { piece: piece.to_owned(), times: times.parse()? }))
        }
        ["serve", name] => {
            let server = match compression::SERVERS.iter().find(|each| each.name == name) {
                Some(server) => server,
                None => named(name, servers::ALL, |each| each.name)?[0],
            };
            Ok(Command::Serve(Child { server, core }))
        }
        _ => Err(format!("unknown command: {} (see --help)", words.join(" ")).into()),
    }
}

/// Those of `all` that `list` names, in its order.
fn named<T>(list: &str, all: &'static [T], name: fn(&T) -> &'static str) -> Result<Vec<&'static T>> {
    list.split(',')
        .map(|wanted| {
            all.iter().find(|each| name(each) == wanted.trim()).ok_or_else(|| {
                let names: Vec<_> = all.iter().map(name).collect();
                format!("no {wanted:?}; there is {}", names.join(", ")).into()
            })
        })
        .collect()
}

fn help() -> String {
    let mut text = USAGE.to_owned();
    text.push_str("\nscenarios:\n");
    for scenario in &scenario::ALL {
        _ = writeln!(text, "  {:<20}{}", scenario.name, scenario.title);
    }
    text.push_str("\nservers:\n");
    for server in servers::ALL {
        _ = writeln!(text, "  {:<26}{}", server.name, server.about);
    }
    text
}
