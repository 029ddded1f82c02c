//! Rounds of runs, and the tables of their medians.

use crate::Result;
use crate::args::Options;
use crate::load::idle::{self, raise_descriptors};
use crate::load::{self, Found};
use crate::measure::machine::{self, Cores, pin};
use crate::scenario::{Kind, Scenario};
use crate::servers::ServerKind;
use crate::servers::child::Server;
use crate::table::{Table, count, figure, median, percent, spread};
use std::thread::available_parallelism;
use std::time::Duration;

/// Prints a table for each scenario as soon as it is measured.
pub(crate) fn run(options: &Options) -> Result<()> {
    let cores = Cores::choose();
    let count = available_parallelism().map_or(1, Into::into);
    if let Some(core) = cores.client {
        pin(core)?;
    }
    println!("{}", machine::describe(count));
    println!(
        "\n{}; {} × {:?} for each server, in turns; medians of the undisturbed runs (†: there was none).",
        cores.describe(),
        options.runs,
        options.time
    );
    for scenario in &options.scenarios {
        let servers: Vec<_> =
            options.servers.iter().copied().filter(|server| server.kinds.contains(&scenario.kind)).collect();
        if servers.is_empty() {
            continue;
        }
        let text = match scenario.kind {
            Kind::Echo | Kind::Fanout => rates(scenario, &servers, options, cores)?,
            Kind::Idle => idle(scenario, &servers, options, cores)?,
        };
        print!("\n{text}");
    }
    Ok(())
}

/// One server's figures of one run.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Messages a second.
    rate: f64,
    /// In µs.
    p50: f64,
    p99: f64,
    p999: f64,
    /// In µs of computing for a message.
    server: f64,
    server_user: f64,
    /// Shares of a core.
    server_share: f64,
    client_share: f64,
    others_share: f64,
}

impl Sample {
    fn measure(
        server: &ServerKind,
        scenario: &'static Scenario,
        time: Duration,
        cores: Cores,
    ) -> Result<Self> {
        let child = Server::start(server, cores.server)?;
        let Found { messages, span, latencies } = load::run(&child, scenario, time)
            .map_err(|error| format!("{} in {}: {error}", server.name, scenario.name))?;
        let messages = messages as f64;
        Ok(Self {
            rate: messages / span.wall,
            p50: latencies.quantile(0.5) / 1e3,
            p99: latencies.quantile(0.99) / 1e3,
            p999: latencies.quantile(0.999) / 1e3,
            server: span.server * 1e6 / messages,
            server_user: span.server_user * 1e6 / messages,
            server_share: span.server / span.wall,
            client_share: span.client / span.wall,
            others_share: span.others / span.wall,
        })
    }
}

fn rates(
    scenario: &'static Scenario,
    servers: &[&'static ServerKind],
    options: &Options,
    cores: Cores,
) -> Result<String> {
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); servers.len()];
    for _ in 0..options.runs {
        for (server, samples) in servers.iter().zip(&mut samples) {
            samples.push(Sample::measure(server, scenario, options.time, cores)?);
        }
    }
    let is_disturbed: Vec<_> = samples.iter_mut().map(keep_undisturbed).collect();
    let rate = |samples: &[Sample]| median(samples.iter().map(|sample| sample.rate));
    let limit = servers.iter().position(|server| server.name == LIMIT).map(|index| rate(&samples[index]));
    let mut table = Table::new(&[
        "server",
        unit(scenario),
        "÷ raw",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "server CPU µs/msg",
        "of it user",
        "server CPU",
        "client CPU",
        "others",
        "spread",
    ]);
    for ((server, samples), is_disturbed) in servers.iter().zip(&samples).zip(is_disturbed) {
        let of = |field: fn(&Sample) -> f64| median(samples.iter().map(field));
        let rates: Vec<_> = samples.iter().map(|sample| sample.rate).collect();
        let scale = if scenario.is_large() { scenario.payload_bytes as f64 / 1e6 } else { 1.0 };
        table.row(vec![
            if is_disturbed { format!("{} †", server.name) } else { server.name.to_owned() },
            count(rate(samples) * scale),
            limit.map_or_else(|| "–".to_owned(), |limit| format!("{:.2}", rate(samples) / limit)),
            figure(of(|sample| sample.p50)),
            figure(of(|sample| sample.p99)),
            figure(of(|sample| sample.p999)),
            figure(of(|sample| sample.server)),
            figure(of(|sample| sample.server_user)),
            percent(of(|sample| sample.server_share)),
            percent(of(|sample| sample.client_share)),
            percent(of(|sample| sample.others_share)),
            spread(&rates),
        ]);
    }
    Ok(table.render(&format!("{} (`{}`)", scenario.title, scenario.name)))
}

fn idle(
    scenario: &'static Scenario,
    servers: &[&'static ServerKind],
    options: &Options,
    cores: Cores,
) -> Result<String> {
    raise_descriptors(scenario.connections)?;
    let mut found: Vec<Vec<idle::Found>> = servers.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.runs {
        for (server, found) in servers.iter().zip(&mut found) {
            let child = Server::start(server, cores.server)?;
            let run = idle::run(&child, scenario);
            found.push(run.map_err(|error| format!("{} in {}: {error}", server.name, scenario.name))?);
        }
    }
    let mut table = Table::new(&[
        "server",
        "handshakes/s",
        "server CPU µs/handshake",
        "handshake p50 ms",
        "RSS/connection B, joined",
        "RSS/connection B, after one echo",
        "server CPU",
        "others",
    ]);
    for (server, found) in servers.iter().zip(&found) {
        let of = |field: fn(&idle::Found) -> f64| median(found.iter().map(field));
        table.row(vec![
            server.name.to_owned(),
            count(of(|found| found.handshakes_per_second)),
            figure(of(|found| found.server_cpu) * 1e6),
            figure(of(|found| found.handshakes.quantile(0.5)) / 1e6),
            count(of(|found| found.resident_joined)),
            count(of(|found| found.resident_echoed)),
            percent(of(|found| found.server_share)),
            percent(of(|found| found.others_share)),
        ]);
    }
    Ok(table.render(&format!("{} (`{}`)", scenario.title, scenario.name)))
}

/// Leaves only the runs beside which little else ran, unless there is none. Whether there is none.
fn keep_undisturbed(samples: &mut Vec<Sample>) -> bool {
    let is_quiet = |sample: &Sample| sample.others_share <= OTHERS_SHARE_MAX;
    if !samples.iter().any(is_quiet) {
        return true;
    }
    samples.retain(is_quiet);
    false
}

/// What else may run, as a share of one core, in a run that counts.
const OTHERS_SHARE_MAX: f64 = 0.1;
/// The server that the others are compared with.
const LIMIT: &str = "raw";

const fn unit(scenario: &Scenario) -> &'static str {
    match scenario.kind {
        Kind::Fanout => "delivered/s",
        Kind::Echo | Kind::Idle if scenario.is_large() => "MB/s",
        Kind::Echo | Kind::Idle => "msg/s",
    }
}
