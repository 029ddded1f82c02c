//! How much a Lua process costs: a thousand of them, each with a client, and what an endless loop among them does to the
//! others.
//!
//!     cargo run --release -p wsrelay-lua --example crowd -- [PROCESSES] [SECONDS]
//!
//! Prints memory for each process (resident memory of the whole program, clients and connections included, and what is left
//! when the connections' share is measured with one native process), and the round trips of one client at a time before and
//! while a process loops on every worker.

use smol::Async;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, io};
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::process::Pid;
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::upgrade::Request;
use wsrelay_lua::runtime::HubOptions;
use wsrelay_lua::vm::Values;
use wsrelay_lua::{Instance, check};
use wsrelay_smol::{NodeOptions, Runtime, Server};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const HOST: &str = "processes:host";

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let processes: usize = arguments.next().map_or(Ok(1000), |number| number.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(3), |number| number.parse())?;
    let runtime = Runtime::start(1)?;
    let node = runtime.node(NodeOptions::default());
    let checked = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/processes"));
    let options = HubOptions { workers: 1, budget: u64::MAX, ..HubOptions::default() };
    let instance = runtime.block_on(Instance::start(checked, &node, options))?;
    let hub = instance.hub();
    let mut out = io::stdout();

    let before = resident()?;
    let spawned = runtime.block_on(async {
        let mut pids = Vec::new();
        for _ in 0..processes {
            pids.push(hub.spawn("processes:echo", HOST, Values::default()).await?);
        }
        Ok::<_, Box<dyn std::error::Error>>(pids)
    })?;
    let alone = resident()?;
    writeln!(out, "{processes} Lua processes: {} bytes each", (alone - before) / processes)?;

    let address = serve(&runtime, &node, spawned)?;
    let clients = runtime.block_on(async {
        let mut clients = Vec::new();
        for number in 0..processes {
            clients.push(connect(address, number).await?);
        }
        Ok::<_, io::Error>(clients)
    })?;
    let with_clients = resident()?;
    writeln!(
        out,
        "with a client each (both ends in this program): {} bytes each",
        (with_clients - before) / processes
    )?;

    let calm = runtime.block_on(round_trips(&clients, seconds))?;
    let looping = runtime.block_on(hub.spawn("processes:loop", HOST, Values::default()))?;
    let beside = runtime.block_on(round_trips(&clients, seconds))?;
    writeln!(out, "alone:           {calm}")?;
    writeln!(out, "beside the loop: {beside}")?;
    writeln!(
        out,
        "p99 × {:.2}, and the loop is {}",
        beside.p99 / calm.p99,
        if node.is_alive(looping) { "alive" } else { "dead" }
    )?;
    Ok(())
}

/// A server whose clients go to these processes in turn.
fn serve(runtime: &Runtime, node: &wsrelay_smol::Node, pids: Vec<Pid>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let handler = move |request: Request| {
        let number = request.query("n").and_then(|number| number.parse::<usize>().ok()).unwrap_or(0);
        let target = pids[number % pids.len()];
        async move { RelayConfig::to(target).into() }
    };
    let server = Server::new(node.clone(), ConnectionOptions::default(), handler)?;
    node.spawn(move |_| async move { server.serve(listener).await });
    _ = runtime;
    Ok(address)
}

async fn connect(address: SocketAddr, number: usize) -> io::Result<Async<TcpStream>> {
    let mut stream = Async::<TcpStream>::connect(address).await?;
    stream.get_ref().set_nodelay(true)?;
    let request = format!(
        "GET /?n={number} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        head.push(byte[0]);
    }
    Ok(stream)
}

struct Times {
    count: usize,
    p50: f64,
    p99: f64,
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} round trips, p50 {:.0} µs, p99 {:.0} µs", self.count, self.p50, self.p99)
    }
}

/// One message after the other, each of another client.
async fn round_trips(clients: &[Async<TcpStream>], seconds: u64) -> io::Result<Times> {
    // A masked text frame of four bytes, and the frame that comes back.
    const SENT: [u8; 10] = [0x81, 0x84, 0, 0, 0, 0, b'p', b'i', b'n', b'g'];
    let mut times = Vec::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    for client in clients.iter().cycle() {
        let started = Instant::now();
        if started >= end {
            break;
        }
        let mut client = client;
        client.write_all(&SENT).await?;
        let mut echo = [0; 6];
        client.read_exact(&mut echo).await?;
        times.push(started.elapsed());
    }
    times.sort();
    let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1e6;
    Ok(Times { count: times.len(), p50: at(50), p99: at(99) })
}

/// This program's resident memory, in bytes (Linux).
fn resident() -> Result<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: usize = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}
