//! How many system calls a message costs a server, by `strace -c -f`.

use crate::Result;
use crate::args::Options;
use crate::load;
use crate::measure::machine::{Cores, pin};
use crate::scenario::{Kind, Scenario};
use crate::servers::ServerKind;
use crate::servers::child::Server;
use crate::table::{Table, figure};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::{self, Command, Stdio};

/// What is counted unless told otherwise.
pub(crate) const SCENARIOS: &str = "echo-64x16,echo-64x16-32,echo-1x1m-binary,fanout-1000x64-16";
/// A call that is rarer than this is not named.
const SHOWN_MIN: f64 = 0.005;

/// Prints a table for each scenario.
pub(crate) fn run(options: &Options) -> Result<()> {
    let is_there = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !is_there.is_ok_and(|status| status.success()) {
        return Err("system calls are counted by strace, which is not installed".into());
    }
    let cores = Cores::choose();
    if let Some(core) = cores.client {
        pin(core)?;
    }
    for scenario in &options.scenarios {
        if scenario.kind == Kind::Idle {
            continue;
        }
        let mut table = Table::new(&["server", "system calls a message", "which"]);
        for server in options.servers.iter().filter(|server| server.kinds.contains(&scenario.kind)) {
            let calls = calls_per_message(server, scenario, cores)
                .map_err(|error| format!("{} in {}: {error}", server.name, scenario.name))?;
            let mut shown: Vec<_> = calls.iter().filter(|(_, count)| **count >= SHOWN_MIN).collect();
            shown.sort_by(|(_, one), (_, other)| other.total_cmp(one));
            let which: Vec<_> =
                shown.iter().map(|(name, count)| format!("{} {name}", figure(**count))).collect();
            table.row(vec![server.name.to_owned(), figure(calls.values().sum()), which.join(", ")]);
        }
        print!("{}", table.render(&format!("system calls: {} (`{}`)", scenario.title, scenario.name)));
        println!();
    }
    Ok(())
}

/// The difference of two runs, of which the second has twice as many messages: what a start and its
/// handshakes cost is in both.
fn calls_per_message(
    server: &ServerKind,
    scenario: &'static Scenario,
    cores: Cores,
) -> Result<BTreeMap<String, f64>> {
    let messages = match scenario.kind {
        Kind::Fanout => 50_000,
        Kind::Echo | Kind::Idle if scenario.is_large() => 200,
        Kind::Echo | Kind::Idle => 20_000,
    };
    let (few, calls_of_few) = count(server, scenario, cores, messages)?;
    let (many, calls_of_many) = count(server, scenario, cores, 2 * messages)?;
    let difference = many.saturating_sub(few) as f64;
    let each = calls_of_many.into_iter().map(|(name, count)| {
        let more = count as f64 - calls_of_few.get(&name).copied().unwrap_or(0) as f64;
        (name, more.max(0.0) / difference)
    });
    Ok(each.collect())
}

/// How many messages came back, and the server's calls by name.
fn count(
    server: &ServerKind,
    scenario: &'static Scenario,
    cores: Cores,
    messages: u64,
) -> Result<(u64, BTreeMap<String, u64>)> {
    let file = env::temp_dir().join(format!("wsrelay-bench-{}.strace", process::id()));
    let mut strace = Command::new("strace");
    strace.args(["-c", "-f", "-o"]).arg(&file).arg(env::current_exe()?);
    let child = Server::start_by(strace, server, cores.server)?;
    let came_back = load::run_some(&child, scenario, messages);
    // Its table is written when the server has ended.
    drop(child);
    let text = fs::read_to_string(&file);
    _ = fs::remove_file(&file);
    Ok((came_back?, calls(&text?)))
}

/// The lines of strace's table: share, seconds, µs a call, calls, errors if there were any, name.
fn calls(text: &str) -> BTreeMap<String, u64> {
    text.lines()
        .filter_map(|line| {
            let cells: Vec<_> = line.split_whitespace().collect();
            let name = *cells.last()?;
            let calls = cells.get(3)?.parse().ok()?;
            (name != "total").then(|| (name.to_owned(), calls))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_strace_is_read() {
        let text = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.22    0.002500           5       500           sendto
 38.78    0.001584           3       528        28 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.004084           3      1028        28 total
";
        let expected = BTreeMap::from([("sendto".to_owned(), 500), ("recvfrom".to_owned(), 528)]);
        assert_eq!(calls(text), expected);
    }
}
