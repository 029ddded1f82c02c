//! What processes and the machine have computed, from Linux's `/proc`.

use crate::Result;
use rustix::param::clock_ticks_per_second;
use std::fs;
use std::time::Instant;

/// A moment: what two processes and the whole machine have computed so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    at: Instant,
    server: Process,
    client: Process,
    machine_seconds: f64,
}

/// In seconds.
#[derive(Clone, Copy, Debug)]
struct Process {
    /// All threads, to the nanosecond.
    all: f64,
    /// Outside the kernel, in ticks of 10 ms.
    user: f64,
}

/// What was computed between two moments, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) wall: f64,
    pub(crate) server: f64,
    pub(crate) server_user: f64,
    pub(crate) client: f64,
    /// By anybody else, or withheld by the host of a virtual machine.
    pub(crate) others: f64,
}

impl Moment {
    /// Now, of the server with this process number and of this process as its client.
    pub(crate) fn now(server: u32) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            server: Process::read(&server.to_string())?,
            client: Process::read("self")?,
            machine_seconds: machine()?,
        })
    }

    pub(crate) fn since(&self, earlier: &Self) -> Span {
        let server = self.server.all - earlier.server.all;
        let client = self.client.all - earlier.client.all;
        let machine = self.machine_seconds - earlier.machine_seconds;
        Span {
            wall: self.at.duration_since(earlier.at).as_secs_f64(),
            server,
            server_user: self.server.user - earlier.server.user,
            client,
            others: (machine - server - client).max(0.0),
        }
    }
}

impl Process {
    fn read(id: &str) -> Result<Self> {
        let mut nanos = 0;
        for thread in fs::read_dir(format!("/proc/{id}/task"))? {
            let schedstat = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += schedstat.split_whitespace().next().ok_or("no schedstat")?.parse::<u64>()?;
        }
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        // Behind the name, which may hold anything: the state is field 3, the user time field 14.
        let (_, fields) = stat.rsplit_once(')').ok_or("no stat")?;
        let ticks: u64 = fields.split_whitespace().nth(11).ok_or("no user time")?.parse()?;
        Ok(Self { all: nanos as f64 / 1e9, user: ticks as f64 / ticks_per_second() })
    }
}

/// What all cores have computed since the start: everything but being idle and waiting for a disk.
fn machine() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let fields = stat.lines().next().ok_or("no stat")?.split_whitespace().skip(1);
    let ticks = fields.map(str::parse::<u64>).collect::<std::result::Result<Vec<_>, _>>()?;
    // user, nice, system, idle, iowait, irq, softirq, stolen by the host of a virtual machine
    let busy = ticks.iter().take(8).enumerate().filter(|(field, _)| ![3, 4].contains(field));
    Ok(busy.map(|(_, ticks)| *ticks).sum::<u64>() as f64 / ticks_per_second())
}

fn ticks_per_second() -> f64 {
    clock_ticks_per_second() as f64
}

/// The resident memory of a process, in bytes.
pub(crate) fn resident_bytes(id: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: u64 = value.trim().trim_end_matches(" kB").parse()?;
    Ok((kib * 1024) as f64)
}
