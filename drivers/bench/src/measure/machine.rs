//! The machine at hand.

use crate::Result;
use std::fs;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the server and its load run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    pub(crate) server: Option<usize>,
    pub(crate) client: Option<usize>,
}

impl Cores {
    /// One each, where there are two; asked before this process is pinned to one.
    pub(crate) fn choose() -> Self {
        if cfg!(target_os = "linux") && available_parallelism().is_ok_and(|cores| cores.get() > 1) {
            Self { server: Some(0), client: Some(1) }
        } else {
            Self { server: None, client: None }
        }
    }

    /// In words, for the head of the tables.
    pub(crate) const fn describe(self) -> &'static str {
        if self.server.is_some() {
            "server on core 0, load on core 1"
        } else {
            "server and load share what cores there are: only CPU times can be compared"
        }
    }
}

/// Binds this thread, and those it starts, to a core.
#[cfg(target_os = "linux")]
pub(crate) fn pin(core: usize) -> Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    set.set(core);
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

/// Elsewhere threads run where the system wants.
#[cfg(not(target_os = "linux"))]
pub(crate) fn pin(_core: usize) -> Result<()> {
    Ok(())
}

/// The machine, the compiler and the day, in one line.
pub(crate) fn describe(cores: usize) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let compiler =
        Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let compiler =
        String::from_utf8_lossy(&compiler).split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let model = model.unwrap_or("unknown processor").trim();
    format!("{model}, {cores} cores, Linux {}, {compiler}, {}", kernel.trim(), today())
}

/// The date in UTC, as RFC 3339 writes it.
fn today() -> String {
    let days = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() / 86_400);
    let (year, month, day) = date(days);
    format!("{year}-{month:02}-{day:02}")
}

/// The Gregorian date this many days after 1970-01-01. A year begins in March, so that its odd day is last.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(20_454), (2026, 1, 1));
    }
}
