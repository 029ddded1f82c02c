//! What a client that never reads costs the others: the latency of another client of the same broadcast,
//! and the server's memory. See `docs/performance.md`.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

#[path = "support/clients.rs"]
mod clients;
mod support;

use clients::{Fast, IN_FLIGHT, PAYLOAD_BYTES, be_slow, read_all, slow_client};
use std::collections::BTreeSet;
use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use support::{Result, ServerProcess, Status, frame, upgrade};
use wsrelay_host::ReadBuffer;
use wsrelay_smol::core::limits::Limits;
use wsrelay_smol::core::message::{Message, Payload, Topic};
use wsrelay_smol::core::process::{Actor, Context, Event, Pid};
use wsrelay_smol::core::relay::{Compression, Overflow, RelayOptions};

/// Each round is one measurement of every row; the rows take turns. Many short ones, so that what else
/// runs on the machine spoils some and not all.
const ROUNDS: usize = 24;
const WARM_UP: Duration = Duration::from_millis(150);
const MEASURE: Duration = Duration::from_millis(250);
/// A message that nearly fills the buffer that all connections of a thread read into.
const BULK_BYTES: usize = 120 * 1024;
const BULK_ROUNDS_MAX: usize = 64;
/// What the documented bound leaves out, for each connection: its own fixed size.
const CONNECTION_BYTES: usize = 4096;
/// The same once: what a thread reads into, and the room it keeps for that.
const READ_BYTES: usize = ReadBuffer::BYTES_MAX;

const POLICIES: [(&str, Overflow); 3] =
    [("drop-new", Overflow::DropNew), ("drop-old", Overflow::DropOld), ("close", Overflow::Close)];

fn main() -> Result<()> {
    if let Some(argument) = support::server_argument() {
        let (_, overflow) =
            POLICIES.into_iter().find(|(name, _)| *name == argument).ok_or("no such policy")?;
        return support::serve(RelayOptions { overflow, ..RelayOptions::default() }, |node| {
            vec![("/broadcast", node.spawn_actor(Broadcast::default())), ("/sink", node.spawn_actor(Sink))]
        });
    }
    let mut beds = POLICIES.iter().map(|(name, _)| Bed::new(name)).collect::<Result<Vec<_>>>()?;
    for _ in 0..ROUNDS {
        for bed in &mut beds {
            bed.round()?;
        }
    }
    print_latencies(&beds);
    print_memory(&mut beds)
}

/// Sends each message to all clients.
#[derive(Debug, Default)]
struct Broadcast {
    clients: BTreeSet<Pid>,
}

impl Actor for Broadcast {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        let Event::Message(Message { payload, .. }) = event else { return };
        if let Payload::Join(join) = payload {
            self.clients.insert(join.pid);
        } else if let Payload::Leave(leave) = payload {
            self.clients.remove(&leave.pid);
        } else if let Payload::Client(client) = payload {
            for pid in &self.clients {
                context.send(*pid, Topic::SEND, client.data.clone());
            }
        }
    }
}

/// Answers a message of any length with a short one.
#[derive(Debug)]
struct Sink;

impl Actor for Sink {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
            context.send(client.pid, Topic::SEND, "ok");
        }
    }
}

/// Who else listens to the broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    Nobody,
    /// One client that reads: what a second recipient costs by itself.
    Reader,
    /// One client that never reads, or one after the other where they are closed.
    Slow,
}

const COMPANIES: [Company; 3] = [Company::Nobody, Company::Reader, Company::Slow];

/// One server, and what was measured on it.
#[derive(Debug)]
struct Bed {
    policy: &'static str,
    server: ServerProcess,
    /// As it was before the first client.
    fresh: Status,
    /// Of each round, in the order of `COMPANIES`.
    samples: [Vec<Sample>; 3],
    slow_heap_peak: usize,
    slow_connections: usize,
    dropped: usize,
}

/// Percentiles of one round, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Sample {
    p50: u32,
    p99: u32,
    p999: u32,
    count: usize,
}

impl Bed {
    fn new(policy: &'static str) -> Result<Self> {
        let mut server = ServerProcess::start(policy)?;
        let fresh = server.ask("reset")?;
        let samples = Default::default();
        Ok(Self { policy, server, fresh, samples, slow_heap_peak: 0, slow_connections: 0, dropped: 0 })
    }

    fn round(&mut self) -> Result<()> {
        for (company, index) in COMPANIES.into_iter().zip(0..) {
            let latencies = self.measure(company)?;
            self.samples[index].push(Sample::of(latencies));
        }
        Ok(())
    }

    fn measure(&mut self, company: Company) -> Result<Vec<u32>> {
        let (address, replaced) = (self.server.address(), self.policy == "close");
        self.server.ask("reset")?;
        let stop = AtomicBool::new(false);
        let joined = AtomicUsize::new(0);
        let mut fast = Fast::join(address)?;
        let latencies = thread::scope(|scope| {
            let others = scope.spawn(|| match company {
                Company::Nobody => Ok(()),
                Company::Reader => read_all(address, &joined, &stop),
                Company::Slow => be_slow(address, replaced, &joined, &stop),
            });
            while company != Company::Nobody && joined.load(Ordering::Acquire) == 0 && !others.is_finished() {
                thread::sleep(Duration::from_millis(1));
            }
            let latencies = self.warm_up(company, &mut fast).and_then(|()| fast.run(MEASURE));
            let status = self.server.status();
            stop.store(true, Ordering::Release);
            others.join().map_err(|_| "the other client panicked")??;
            self.note(company, status?, joined.load(Ordering::Acquire))?;
            latencies
        })?;
        drop(fast);
        self.server.wait_until_left()?;
        Ok(latencies)
    }

    /// Until the slow client is slow, where it is there all the time.
    fn warm_up(&mut self, company: Company, fast: &mut Fast) -> Result<()> {
        fast.run(WARM_UP)?;
        while company == Company::Slow && self.policy != "close" && self.server.status()?.dropped == 0 {
            fast.run(WARM_UP)?;
        }
        Ok(())
    }

    /// The slow client was really there, and slow.
    fn note(&mut self, company: Company, status: Status, joined: usize) -> Result<()> {
        if company != Company::Slow {
            return Ok(());
        }
        if self.policy == "close" {
            if joined < 2 {
                return Err("no slow client was replaced".into());
            }
        } else if status.connections != 2 || status.dropped == 0 {
            return Err(format!("the slow client is gone or not slow: {status:?}").into());
        }
        self.slow_heap_peak = self.slow_heap_peak.max(status.heap_peak);
        self.slow_connections = self.slow_connections.max(joined);
        self.dropped += status.dropped;
        Ok(())
    }

    /// The outbox of a slow client under `drop-old`, filled with short messages each of which arrived
    /// among long ones of somebody else's.
    fn fill_among_bulk(&mut self) -> Result<Status> {
        let address = self.server.address();
        let mut fast = Fast::join(address)?;
        let _slow = slow_client(address)?;
        let mut bulk = TcpStream::connect(address)?;
        upgrade(&mut bulk, "/sink")?;
        let mut before = self.server.ask("reset")?;
        while before.dropped == 0 {
            fast.run(WARM_UP)?;
            before = self.server.ask("reset")?;
        }
        let mut long = Vec::new();
        frame(&mut long, &vec![b'x'; BULK_BYTES]);
        let outbox = Limits::default().outbox_messages_max;
        // The system's own buffer may take a part of the outbox meanwhile, which then fills anew.
        for _ in 0..BULK_ROUNDS_MAX {
            for _ in 0..outbox / 4 {
                fast.exchange_one()?;
                bulk.write_all(&long)?;
                bulk.read_exact(&mut [0; 4])?;
            }
            let status = self.server.status()?;
            if status.dropped >= before.dropped + outbox {
                return Ok(status);
            }
        }
        Err("the outbox did not fill".into())
    }
}

impl Sample {
    fn of(mut latencies: Vec<u32>) -> Self {
        latencies.sort_unstable();
        let count = latencies.len();
        let at = |per_mille: usize| latencies[(count * per_mille / 1000).min(count - 1)];
        Self { p50: at(500), p99: at(990), p999: at(999), count }
    }
}

fn print_latencies(beds: &[Bed]) {
    println!(
        "One client, {IN_FLIGHT} messages of {PAYLOAD_BYTES} B in flight, {ROUNDS} rounds of {MEASURE:?}; µs."
    );
    println!("Each figure is the lower quartile over the rounds, in brackets the median.");
    println!();
    println!("| policy | beside the client | p50 | p99 | p99.9 | msg/s | p99 ÷ alone |");
    println!("|---|---|---|---|---|---|---|");
    for bed in beds {
        let alone = Spread::of(&bed.samples[0], |sample| sample.p99);
        for (company, samples) in COMPANIES.iter().zip(&bed.samples) {
            let p99 = Spread::of(samples, |sample| sample.p99);
            println!(
                "| {} | {} | {} | {p99} | {} | {:.0} | {:.2} ({:.2}) |",
                bed.policy,
                company.describe(bed.policy),
                Spread::of(samples, |sample| sample.p50),
                Spread::of(samples, |sample| sample.p999),
                rate(samples),
                p99.quartile / alone.quartile,
                p99.median / alone.median,
            );
        }
    }
    println!();
}

/// How a figure is spread over the rounds, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Spread {
    quartile: f64,
    median: f64,
}

impl Spread {
    fn of(samples: &[Sample], figure: fn(&Sample) -> u32) -> Self {
        let mut nanos: Vec<_> = samples.iter().map(figure).collect();
        nanos.sort_unstable();
        let micros = |index: usize| f64::from(nanos[index]) / 1e3;
        Self { quartile: micros(nanos.len() / 4), median: micros(nanos.len() / 2) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} ({:.0})", self.quartile, self.median)
    }
}

/// Messages a second in the better rounds: the upper quartile.
fn rate(samples: &[Sample]) -> f64 {
    let mut counts: Vec<_> = samples.iter().map(|sample| sample.count).collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    f64::from(u32::try_from(counts[counts.len() / 4]).unwrap_or(u32::MAX)) / MEASURE.as_secs_f64()
}

impl Company {
    fn describe(self, policy: &str) -> &'static str {
        match (self, policy) {
            (Self::Nobody, _) => "nobody",
            (Self::Reader, _) => "one that reads",
            (Self::Slow, "close") => "a new slow one every 50 ms",
            (Self::Slow, _) => "one that never reads",
        }
    }
}

fn print_memory(beds: &mut [Bed]) -> Result<()> {
    let each = Limits::default().memory_max(&Compression::Off);
    println!(
        "Server's memory, KiB. Bound: memory_max ({}) for each connection, and the fixed part:",
        kib(each)
    );
    println!(
        "heap before the first client, {} a connection, {} for reading.",
        kib(CONNECTION_BYTES),
        kib(READ_BYTES)
    );
    println!();
    println!(
        "| policy | connections | peak heap | bound | peak ÷ bound | dropped | heap before | heap after all left | VmHWM |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for bed in beds.iter_mut() {
        let after = bed.server.wait_until_left()?;
        print_row(bed.policy, bed.slow_connections + 1, bed.slow_heap_peak, bed.dropped, bed.fresh, after);
    }
    let bed = &mut beds[1];
    let among = bed.fill_among_bulk()?;
    let after = bed.server.wait_until_left()?;
    print_row("drop-old, among long messages", 3, among.heap_peak, among.dropped, bed.fresh, after);
    Ok(())
}

fn print_row(what: &str, connections: usize, peak: usize, dropped: usize, fresh: Status, after: Status) {
    let bound = (Limits::default().memory_max(&Compression::Off) + CONNECTION_BYTES) * connections
        + READ_BYTES
        + fresh.heap;
    println!(
        "| {what} | {connections} | {} | {} | {} % | {dropped} | {} | {} | {} |",
        kib(peak),
        kib(bound),
        peak * 100 / bound,
        kib(fresh.heap),
        kib(after.heap),
        kib(after.resident_peak),
    );
}

fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}
