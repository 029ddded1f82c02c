//! A server in a process of its own, whose memory is nobody else's, and clients for it.

use peak_alloc::PeakAlloc;
use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use wsrelay_smol::core::connection::ConnectionOptions;
use wsrelay_smol::core::process::Pid;
use wsrelay_smol::core::relay::{RelayConfig, RelayOptions};
use wsrelay_smol::core::upgrade::Response;
use wsrelay_smol::{Node, NodeOptions, Runtime, Server};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Threads that run the server's processes. One, so that a client has the second core to itself.
const SERVER_THREADS: usize = 1;
/// The argument that makes this program the server.
const SERVE: &str = "--serve";
/// A client that waits longer than this for an answer has found a bug.
const PATIENCE: Duration = Duration::from_secs(10);

/// If this process was started as a server: the argument it was started with.
pub(crate) fn server_argument() -> Option<String> {
    let mut args = env::args().skip(1);
    args.find(|arg| arg == SERVE).and_then(|_| args.next())
}

/// Serves until the process that started this one is gone. `spawn` starts the processes that clients may
/// reach, and returns their paths.
pub(crate) fn serve(
    relay: RelayOptions,
    spawn: impl FnOnce(&Node) -> Vec<(&'static str, Pid)>,
) -> Result<()> {
    let runtime = Runtime::start(SERVER_THREADS)?;
    let node = runtime.node(NodeOptions::default());
    let routes = spawn(&node);
    let options = ConnectionOptions { relay: Arc::new(relay), ..ConnectionOptions::default() };
    let server = Server::new(node.clone(), options, move |request| {
        let target = routes.iter().find(|(path, _)| *path == request.path());
        let response =
            target.map_or_else(|| Response::text(404, "\n"), |(_, pid)| RelayConfig::to(*pid).into());
        async move { response }
    })?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || runtime.block_on(server.serve(listener)));
    let mut stdout = io::stdout();
    writeln!(stdout, "{port}")?;
    for line in io::stdin().lines() {
        if line? == "reset" {
            HEAP.reset_peak_usage();
        }
        writeln!(stdout, "{}", Status::of(&node)?.to_line())?;
    }
    Ok(())
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    /// Heap bytes in use.
    pub(crate) heap: usize,
    /// Most heap bytes in use since the last reset.
    pub(crate) heap_peak: usize,
    /// Resident memory, in bytes.
    pub(crate) resident: usize,
    /// Most resident memory since the start, in bytes.
    pub(crate) resident_peak: usize,
    /// Connections that relay.
    pub(crate) connections: usize,
    /// Messages that the outboxes of these connections dropped.
    pub(crate) dropped: usize,
    /// What its threads have computed since the start.
    pub(crate) cpu: Duration,
}

impl Status {
    fn of(node: &Node) -> Result<Self> {
        // Read first: the list of connections is itself on the heap.
        let (heap, heap_peak) = (HEAP.current_usage(), HEAP.peak_usage());
        let connections = node.connections();
        let dropped = connections.iter().map(|connection| connection.counters.messages_dropped).sum::<u64>();
        let memory = fs::read_to_string("/proc/self/status")?;
        Ok(Self {
            heap,
            heap_peak,
            resident: kib_field(&memory, "VmRSS:")? * 1024,
            resident_peak: kib_field(&memory, "VmHWM:")? * 1024,
            connections: connections.len(),
            dropped: usize::try_from(dropped)?,
            cpu: cpu_time()?,
        })
    }

    fn to_line(self) -> String {
        let Self { heap, heap_peak, resident, resident_peak, connections, dropped, cpu } = self;
        let cpu = cpu.as_nanos();
        format!("{heap} {heap_peak} {resident} {resident_peak} {connections} {dropped} {cpu}")
    }

    fn parse(line: &str) -> Result<Self> {
        let numbers: Vec<usize> =
            line.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
        match numbers[..] {
            [heap, heap_peak, resident, resident_peak, connections, dropped, cpu] => {
                let cpu = Duration::from_nanos(cpu as u64);
                Ok(Self { heap, heap_peak, resident, resident_peak, connections, dropped, cpu })
            }
            _ => Err(format!("no status: {line:?}").into()),
        }
    }
}

/// What all threads of this process have computed so far.
fn cpu_time() -> Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let schedstat = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += schedstat.split_whitespace().next().ok_or("no schedstat")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}

fn kib_field(status: &str, name: &str) -> Result<usize> {
    let value = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such field")?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}

/// A server that runs as a child of this process, and ends with it.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    address: SocketAddrV4,
}

impl ServerProcess {
    /// Starts this program again as a server.
    pub(crate) fn start(argument: &str) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([SERVE, argument])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take().ok_or("no pipe to the server")?;
        let mut answers = BufReader::new(child.stdout.take().ok_or("no pipe from the server")?);
        let mut port = String::new();
        answers.read_line(&mut port)?;
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port.trim().parse()?);
        Ok(Self { child, questions, answers, address })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::V4(self.address)
    }

    /// How it is.
    pub(crate) fn status(&mut self) -> Result<Status> {
        self.ask("status")
    }

    /// Asks `status`, or `reset`, which begins the peak anew.
    pub(crate) fn ask(&mut self, question: &str) -> Result<Status> {
        writeln!(self.questions, "{question}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Status::parse(&line)
    }

    /// Waits until nobody is connected any more.
    pub(crate) fn wait_until_left(&mut self) -> Result<Status> {
        for _ in 0..1000 {
            if self.status()?.connections == 0 {
                // The last connections let go of their sockets a moment after they left.
                thread::sleep(Duration::from_millis(20));
                return self.status();
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err("clients that are gone are still connected".into())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Turns a TCP connection into a WebSocket one.
pub(crate) fn upgrade(stream: &mut TcpStream, path: &str) -> Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // The key is the example of RFC 6455 §1.3.
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    read_head(stream)
}

/// Reads the answer byte by byte, so that of what follows it nothing is lost.
fn read_head(stream: &mut TcpStream) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    if head.starts_with(b"HTTP/1.1 101 ") {
        Ok(())
    } else {
        Err(format!("refused: {}", String::from_utf8_lossy(&head)).into())
    }
}

/// Appends one masked frame that is a text message of its own.
pub(crate) fn frame(into: &mut Vec<u8>, payload: &[u8]) {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    into.push(0x81);
    let len = payload.len();
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len), _) if len < 126 => into.push(0x80 | len),
        (_, Ok(len)) => {
            into.push(0x80 | 126);
            into.extend_from_slice(&len.to_be_bytes());
        }
        (_, Err(_)) => {
            into.push(0x80 | 127);
            into.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    into.extend_from_slice(&MASK);
    into.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}
