//! How many instructions a message costs in single pieces, by valgrind's callgrind: no noise at all.

use crate::Result;
use crate::args::Iterations;
use crate::pieces::{self, Piece};
use crate::table::{Table, count};
use std::env;
use std::fs;
use std::process::{self, Command, Stdio};

/// Enough for what is done once in a while to be seen, and soon done under valgrind.
const TIMES: u64 = 2_000;

/// Prints one table.
pub(crate) fn run() -> Result<()> {
    let is_there = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !is_there.is_ok_and(|status| status.success()) {
        return Err("instructions are counted by valgrind, which is not installed".into());
    }
    let mut table = Table::new(&["piece", "instructions a message"]);
    for Piece { name, about, messages, .. } in pieces::ALL {
        // What the start costs is in both.
        let more = instructions(name, 2 * TIMES)? - instructions(name, TIMES)?;
        table.row(vec![format!("`{name}`: {about}"), count(more / TIMES as f64 / f64::from(*messages))]);
    }
    print!("{}", table.render("instructions"));
    Ok(())
}

/// What this program executes in all when it does a piece so often.
fn instructions(piece: &str, times: u64) -> Result<f64> {
    let file = env::temp_dir().join(format!("wsrelay-bench-{}.callgrind", process::id()));
    let mut out = "--callgrind-out-file=".to_owned();
    out.push_str(file.to_str().ok_or("the folder for temporary files has no readable name")?);
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", &out])
        .arg(env::current_exe()?)
        .args(["iterate", piece, &times.to_string()])
        .status();
    let text = fs::read_to_string(&file);
    _ = fs::remove_file(&file);
    if !status?.success() {
        return Err(format!("`iterate {piece}` failed under valgrind").into());
    }
    let text = text?;
    let summary = text.lines().find_map(|line| line.strip_prefix("summary: ")).ok_or("no summary")?;
    Ok(summary.trim().parse()?)
}

/// Does a piece as often as told.
pub(crate) fn iterate(Iterations { piece, times }: &Iterations) -> Result<()> {
    let found = pieces::ALL.iter().find(|each| each.name == piece).ok_or("no such piece")?;
    let mut step = (found.prepare)();
    for _ in 0..*times {
        step();
    }
    Ok(())
}
