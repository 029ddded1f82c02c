//! What a connection costs that has nothing to say: heap, resident memory and time, for ten thousand of
//! them. See `docs/performance.md`.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod support;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::mem::size_of;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};
use support::{Result, ServerProcess, Status, frame, upgrade};
use wsrelay_host::{Mailbox, Port, Work};
use wsrelay_smol::core::connection::{Connection, Output, Outputs};
use wsrelay_smol::core::message::{Message, Payload, Topic};
use wsrelay_smol::core::process::{Actor, Context, Event};
use wsrelay_smol::core::relay::{RelayOptions, Session};
use wsrelay_smol::core::wire::Decoder;

const CONNECTIONS: usize = 10_000;
/// Each run has a server of its own.
const RUNS: usize = 3;
/// Descriptors beside the connections.
const DESCRIPTORS_BESIDE: u64 = 64;
/// The goal, in heap bytes a connection.
const HEAP_MAX: f64 = 4096.0;
const PAYLOAD: &[u8; 16] = b"0123456789abcdef";

fn main() -> Result<()> {
    raise_descriptors()?;
    if support::server_argument().is_some() {
        return support::serve(RelayOptions::default(), |node| vec![("/echo", node.spawn_actor(Echo))]);
    }
    println!(
        "{CONNECTIONS} connections, a server of its own for each run; bytes a connection, and µs to open one."
    );
    println!();
    println!(
        "| run | heap, joined | heap, after one echo | RSS, joined | RSS, after one echo | µs | server CPU µs | heap KiB, before | after all left | after a second crowd left |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let runs = (1..=RUNS).map(Run::measure).collect::<Result<Vec<_>>>()?;
    println!();
    let worst = runs.iter().map(|run| run.heap_echoed.max(run.heap_joined)).fold(0.0, f64::max);
    println!("Goal: under {HEAP_MAX} bytes of heap: {}.", if worst < HEAP_MAX { "met" } else { "missed" });
    println!();
    print_sizes();
    Ok(())
}

/// Returns each message.
#[derive(Debug)]
struct Echo;

impl Actor for Echo {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
            context.send(client.pid, Topic::SEND, client.data);
        }
    }
}

/// As many descriptors as this process may have; both ends of every connection need one.
fn raise_descriptors() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    match maximum {
        Some(most) if most < CONNECTIONS as u64 + DESCRIPTORS_BESIDE => {
            Err(format!("{CONNECTIONS} connections need more descriptors than {most} (see ulimit -Hn)")
                .into())
        }
        Some(_) | None => Ok(()),
    }
}

/// What one run found.
#[derive(Clone, Copy, Debug)]
struct Run {
    heap_joined: f64,
    heap_echoed: f64,
}

impl Run {
    fn measure(number: usize) -> Result<Self> {
        let mut server = ServerProcess::start("echo")?;
        // What exists once, such as a thread's read buffer, is not any connection's.
        let fresh = after_one_more(&mut server)?;
        let began = Instant::now();
        let mut clients = join_all(&server, CONNECTIONS)?;
        let took = began.elapsed();
        let joined = settled(&mut server)?;
        for client in &mut clients {
            echo(client)?;
        }
        let echoed = settled(&mut server)?;
        drop(clients);
        let left = after_one_more(&mut server)?;
        drop(join_all(&server, CONNECTIONS)?);
        let left_again = after_one_more(&mut server)?;
        let each = |now: usize, before: usize| float(now - before) / float(CONNECTIONS);
        let run =
            Self { heap_joined: each(joined.heap, fresh.heap), heap_echoed: each(echoed.heap, fresh.heap) };
        println!(
            "| {number} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {} | {} | {} |",
            run.heap_joined,
            run.heap_echoed,
            each(joined.resident, fresh.resident),
            each(echoed.resident, fresh.resident),
            took.as_secs_f64() * 1e6 / float(CONNECTIONS),
            (joined.cpu - fresh.cpu).as_secs_f64() * 1e6 / float(CONNECTIONS),
            fresh.heap / 1024,
            left.heap / 1024,
            left_again.heap / 1024,
        );
        Ok(run)
    }
}

/// How the server is when nobody is connected and one client has come and gone last: the timers of those
/// who went are forgotten with the next event, and their memory with the timers.
fn after_one_more(server: &mut ServerProcess) -> Result<Status> {
    server.wait_until_left()?;
    drop(join_all(server, 1)?);
    server.wait_until_left()
}

/// One after the other, so that no listen queue overflows.
fn join_all(server: &ServerProcess, count: usize) -> Result<Vec<TcpStream>> {
    let join = |_| {
        let mut stream = TcpStream::connect(server.address())?;
        upgrade(&mut stream, "/echo")?;
        Ok(stream)
    };
    (0..count).map(join).collect()
}

fn echo(client: &mut TcpStream) -> Result<()> {
    let mut message = Vec::new();
    frame(&mut message, PAYLOAD);
    client.write_all(&message)?;
    let mut answer = [0; 2 + PAYLOAD.len()];
    client.read_exact(&mut answer)?;
    if answer[2..] == PAYLOAD[..] { Ok(()) } else { Err("an echo came back changed".into()) }
}

/// Once everybody has joined, and the work of the last ones is done.
fn settled(server: &mut ServerProcess) -> Result<Status> {
    thread::sleep(Duration::from_millis(200));
    let status = server.status()?;
    if status.connections == CONNECTIONS {
        // Asked again: the list of connections, which the first answer needed, is on the heap itself.
        server.status()
    } else {
        Err(format!("{} of {CONNECTIONS} connections are there", status.connections).into())
    }
}

fn print_sizes() {
    println!("| type | bytes |");
    println!("|---|---|");
    let sizes = [
        ("Port", size_of::<Port>()),
        ("  of it Connection", size_of::<Connection>()),
        ("    of it Session", size_of::<Session>()),
        ("      of it Decoder", size_of::<Decoder>()),
        ("  of it Outputs", size_of::<Outputs>()),
        ("  of it Work", size_of::<Work>()),
        ("Mailbox", size_of::<Mailbox>()),
        ("Output (in Outputs)", size_of::<Output>()),
    ];
    for (name, bytes) in sizes {
        println!("| {name} | {bytes} |");
    }
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
