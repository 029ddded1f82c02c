//! What the command shows.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};
use wsrelay_sim::{Counts, Fault};

/// How far it has come.
pub(crate) struct Progress {
    seeds: u64,
    done: u64,
    counts: Counts,
    start: Instant,
    shown: Instant,
}

impl Progress {
    pub(crate) fn new(seeds: u64) -> Self {
        let now = Instant::now();
        Self { seeds, done: 0, counts: Counts::default(), start: now, shown: now }
    }

    /// A seed is done.
    pub(crate) fn done(&mut self, counts: &Counts) {
        self.done += 1;
        self.counts.add(counts);
        if self.shown.elapsed() > Duration::from_millis(200) && io::stdout().is_terminal() {
            self.shown = Instant::now();
            // A terminal that is gone is noticed at the end.
            _ = self.show(&mut io::stdout());
        }
    }

    fn show(&self, out: &mut impl Write) -> io::Result<()> {
        const WIDTH: u64 = 40;
        let filled = self.done * WIDTH / self.seeds.max(1);
        let bar: String = (0..WIDTH).map(|place| if place < filled { '█' } else { '·' }).collect();
        write!(out, "\r{bar} {}/{} seeds, {}/s ", self.done, self.seeds, self.rate(self.done))?;
        out.flush()
    }

    /// So many in the time that has passed, a second.
    fn rate(&self, count: u64) -> u64 {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        count.saturating_mul(1_000) / millis
    }

    pub(crate) fn finish(&self, out: &mut impl Write) -> io::Result<()> {
        if io::stdout().is_terminal() {
            self.show(out)?;
            writeln!(out)?;
        }
        let elapsed = self.start.elapsed();
        let messages = self.counts.messages_in + self.counts.messages_out;
        writeln!(
            out,
            "{} seeds in {}.{:03} s, each run twice: {} seeds a second, {} messages a millisecond",
            self.done,
            elapsed.as_secs(),
            elapsed.subsec_millis(),
            self.rate(self.done),
            self.rate(messages * 2) / 1_000,
        )?;
        summary(out, &self.counts)
    }
}

/// What was simulated.
pub(crate) fn summary(out: &mut impl Write, counts: &Counts) -> io::Result<()> {
    let minutes = counts.open.as_secs() / 60;
    writeln!(
        out,
        "{} clients, {}.{:02} connection-hours, {} messages in and {} out, {} and {} compressed, {} transfers, {} dead letters, {} steps",
        counts.clients,
        minutes / 60,
        minutes % 60 * 100 / 60,
        counts.messages_in,
        counts.messages_out,
        counts.compressed_in,
        counts.compressed_out,
        counts.transfers,
        counts.dead_letters,
        counts.steps,
    )?;
    for kinds in Fault::ALL.chunks(3) {
        for kind in kinds {
            write!(out, "  {kind:<24}{:>10}", counts.of(*kind))?;
        }
        writeln!(out)?;
    }
    Ok(())
}
