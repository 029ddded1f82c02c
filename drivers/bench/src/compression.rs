//! What compression costs: computing and bytes for a message, memory for a connection; beside npm's `ws`, where that is
//! installed.

use crate::Result;
use crate::load::idle::raise_descriptors;
use crate::measure::cpu::{Moment, resident_bytes};
use crate::measure::machine::{self, Cores, pin};
use crate::scenario::Kind;
use crate::servers::child::Server;
use crate::servers::{Protocol, ServerKind, serve_nothing, smol, thread};
use crate::table::{Table, count, figure, median};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::{available_parallelism, sleep};
use std::time::{Duration, Instant};
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::deflate::{Context, Deflate, Deflater, Inflater};
use wsrelay_core::relay::{Compression, RelayOptions};
use wsrelay_core::wire::{FrameHeader, Opcode, mask};

/// Each server in each mode; what remembers is called so.
pub(crate) const SERVERS: &[ServerKind] = &[
    server("thread-off", thread::serve),
    server("thread-shared", |listener| thread::serve_with(listener, compressing(Context::Shared))),
    server("thread-takeover", |listener| thread::serve_with(listener, compressing(Context::Takeover))),
    server("smol-off", smol::serve),
    server("smol-shared", |listener| smol::serve_with(listener, compressing(Context::Shared))),
    server("smol-takeover", |listener| smol::serve_with(listener, compressing(Context::Takeover))),
    server("ws-off", serve_nothing),
    server("ws-shared", serve_nothing),
    server("ws-takeover", serve_nothing),
];

const fn server(name: &'static str, serve: fn(std::net::TcpListener) -> Result<()>) -> ServerKind {
    ServerKind { name, about: "", speaks: Protocol::WebSocket, kinds: &[Kind::Echo], serve }
}

/// How the servers compress where they do: with the relay's defaults.
fn compressing(context: Context) -> ConnectionOptions {
    let compression = Compression::Deflate(Deflate { context, ..Deflate::default() });
    let relay = RelayOptions { compression, ..RelayOptions::default() };
    ConnectionOptions { relay: Arc::new(relay), ..ConnectionOptions::default() }
}

/// npm's `ws` as its README shows it, with the relay's default settings.
const NODE: &str = "
const { WebSocketServer } = require('ws');
const is = (name) => process.argv.includes(name);
const perMessageDeflate = is('ws-off') ? false : {
  serverNoContextTakeover: is('ws-shared'), clientNoContextTakeover: is('ws-shared'),
  threshold: 128, zlibDeflateOptions: { level: 6, memLevel: 8 },
};
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate }, () =>
  console.log(server.address().port));
server.on('connection', (client) =>
  client.on('message', (data, isBinary) => client.send(data, { binary: isBinary })));
process.stdin.on('end', () => process.exit()).resume();
";

/// Sizes of the messages, in bytes.
const SIZES: [usize; 3] = [200, 1024, 16 * 1024];
/// Different messages of a connection, which come again and again: those of all connections are many times what a server
/// remembers of what it has compressed.
const fn messages(size: usize) -> usize {
    2 * 1024 * 1024 / size
}
/// And with less: still more than what can be referred to.
const FEW: usize = 64;
const CONNECTIONS: usize = 16;
/// Connections whose memory is looked at.
const CROWD: usize = 500;
const RUNS: usize = 3;
const TIME: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);

/// Prints a table for each size, and one of memory.
pub(crate) fn run() -> Result<()> {
    let cores = Cores::choose();
    raise_descriptors(CROWD)?;
    let servers: Vec<_> = SERVERS.iter().filter(|kind| !is_node(kind) || has_ws()).collect();
    let all = available_parallelism().map_or(1, Into::into);
    if let Some(core) = cores.client {
        pin(core)?;
    }
    println!(
        "{}\n\n{}; {RUNS} × {TIME:?} for each server, in turns; medians.",
        machine::describe(all),
        cores.describe()
    );
    if servers.len() < SERVERS.len() {
        println!("npm's ws is left out: `node -e \"require('ws')\"` fails (NODE_PATH says where it is).");
    }
    for size in SIZES {
        let mut found = vec![Vec::new(); servers.len()];
        for _ in 0..RUNS {
            for (kind, found) in servers.iter().zip(&mut found) {
                found.push(cost(kind, size, cores).map_err(|error| format!("{}: {error}", kind.name))?);
            }
        }
        let mut table =
            Table::new(&["server", "messages/s", "server CPU µs", "bytes to it", "bytes from it"]);
        for (kind, found) in servers.iter().zip(&found) {
            let of = |part: fn(&Cost) -> f64| median(found.iter().map(part));
            table.row(vec![
                kind.name.to_owned(),
                count(of(|cost| cost.rate)),
                figure(of(|cost| cost.server_micros)),
                count(of(|cost| cost.up)),
                count(of(|cost| cost.down)),
            ]);
        }
        print!("\n{}", table.render(&format!("echo of JSON, {CONNECTIONS} × {size} B, 1 in flight")));
    }
    let mut table = Table::new(&["server", "KiB a connection"]);
    for kind in servers {
        let bytes = memory(kind, cores).map_err(|error| format!("{}: {error}", kind.name))?;
        table.row(vec![kind.name.to_owned(), figure(bytes / 1024.0)]);
    }
    print!(
        "\n{}",
        table.render(&format!("resident memory, {CROWD} connections that have echoed {FEW} × 1 KiB"))
    );
    Ok(())
}

fn is_node(kind: &ServerKind) -> bool {
    kind.name.starts_with("ws-")
}

fn has_ws() -> bool {
    let found = Command::new("node").args(["-e", "require('ws')"]).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

fn start(kind: &ServerKind, cores: Cores) -> Result<Server> {
    if !is_node(kind) {
        return Server::start(kind, cores.server);
    }
    let mut command = match cores.server {
        Some(core) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &core.to_string(), "node"]);
            command
        }
        None => Command::new("node"),
    };
    command.args(["-e", NODE, "--"]);
    Server::start_by(command, kind, None)
}

/// What a message costs.
#[derive(Clone, Copy, Debug)]
struct Cost {
    rate: f64,
    server_micros: f64,
    /// Bytes on the wire.
    up: f64,
    down: f64,
}

fn cost(kind: &ServerKind, size: usize, cores: Cores) -> Result<Cost> {
    let server = start(kind, cores)?;
    let mut talks = (0..CONNECTIONS)
        .map(|number| Talk::open(server.address, kind, size, number, messages(size)))
        .collect::<Result<Vec<_>>>()?;
    // Each message once, every byte of it checked.
    for _ in 0..messages(size) {
        rounds(&mut talks, true)?;
    }
    let warm = Instant::now();
    while warm.elapsed() < TIME / 4 {
        rounds(&mut talks, false)?;
    }
    let before = Moment::now(server.id())?;
    let (start, mut messages, mut up, mut down) = (Instant::now(), 0.0, 0, 0);
    while start.elapsed() < TIME {
        let (sent, got) = rounds(&mut talks, false)?;
        (up, down) = (up + sent, down + got);
        messages += CONNECTIONS as f64;
    }
    let span = Moment::now(server.id())?.since(&before);
    Ok(Cost {
        rate: messages / span.wall,
        server_micros: span.server * 1e6 / messages,
        up: up as f64 / messages,
        down: down as f64 / messages,
    })
}

/// A message of each connection, and its echo; how many bytes went and came.
fn rounds(talks: &mut [Talk], is_checked: bool) -> Result<(usize, usize)> {
    let (mut up, mut down) = (0, 0);
    for talk in &mut *talks {
        up += talk.say()?;
    }
    for talk in talks {
        down += talk.hear(is_checked)?;
    }
    Ok((up, down))
}

/// Bytes that a connection adds to what the server holds.
fn memory(kind: &ServerKind, cores: Cores) -> Result<f64> {
    let server = start(kind, cores)?;
    let mut talks = Vec::new();
    let mut before = 0.0;
    for number in 0..=CROWD {
        // The first fills what exists once.
        let number_of_messages = if number == 0 { messages(1024) } else { FEW };
        let mut talk = Talk::open(server.address, kind, 1024, number, number_of_messages)?;
        for _ in 0..number_of_messages {
            talk.say()?;
            talk.hear(true)?;
        }
        talks.push(talk);
        if number == 0 {
            // What exists once is not any connection's.
            sleep(Duration::from_millis(200));
            before = resident_bytes(server.id())?;
        }
    }
    sleep(Duration::from_millis(200));
    Ok((resident_bytes(server.id())? - before) / CROWD as f64)
}

/// A connection with its messages, in frames that were made in advance.
#[derive(Debug)]
struct Talk {
    stream: TcpStream,
    messages: Vec<String>,
    frames: Vec<Vec<u8>>,
    at: usize,
    inflater: Inflater,
    forgets: bool,
    buffer: Vec<u8>,
}

/// RFC 6455 §5.3 wants one that nobody can guess; here nobody wants to.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

impl Talk {
    fn open(
        address: SocketAddr,
        kind: &ServerKind,
        size: usize,
        number: usize,
        messages: usize,
    ) -> Result<Self> {
        let (compresses, forgets) = (!kind.name.ends_with("off"), kind.name.ends_with("shared"));
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let offer = match (compresses, forgets) {
            (false, _) => "",
            (true, false) => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            (true, true) => {
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
            }
        };
        write!(
            stream,
            "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
        )?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        if !head.starts_with("HTTP/1.1 101") || head.contains("permessage-deflate") != compresses {
            return Err(format!("not what was asked for: {head}").into());
        }
        let messages: Vec<String> =
            (0..messages).map(|message| json(size, (number * 1_000_000 + message) as u64)).collect();
        let mut deflater = Deflater::new(15, 6);
        let frames =
            messages.iter().map(|message| frame(&mut deflater, message, compresses, forgets)).collect();
        let inflater = Inflater::new();
        Ok(Self { stream, messages, frames, at: 0, inflater, forgets, buffer: Vec::new() })
    }

    fn say(&mut self) -> Result<usize> {
        self.stream.write_all(&self.frames[self.at])?;
        Ok(self.frames[self.at].len())
    }

    fn hear(&mut self, is_checked: bool) -> Result<usize> {
        let (header, header_bytes) = loop {
            if let Some(found) = FrameHeader::parse_with(&self.buffer, true)? {
                break found;
            }
            self.read()?;
        };
        let end = header_bytes + usize::try_from(header.len)?;
        while self.buffer.len() < end {
            self.read()?;
        }
        if is_checked {
            let payload = &self.buffer[header_bytes..end];
            let mut message = Vec::new();
            if header.rsv1 {
                if self.forgets {
                    self.inflater.reset();
                }
                self.inflater.inflate(payload, usize::MAX, None, &mut message)?;
            } else {
                message.extend_from_slice(payload);
            }
            if message != self.messages[self.at].as_bytes() {
                return Err("an echo is not what was sent".into());
            }
        }
        self.buffer.drain(..end);
        self.at = (self.at + 1) % self.messages.len();
        Ok(end)
    }

    fn read(&mut self) -> Result<()> {
        let mut piece = [0; 32 * 1024];
        match self.stream.read(&mut piece)? {
            0 => Err("the server ended a connection".into()),
            len => {
                self.buffer.extend_from_slice(&piece[..len]);
                Ok(())
            }
        }
    }
}

fn frame(deflater: &mut Deflater, message: &str, compresses: bool, forgets: bool) -> Vec<u8> {
    let mut payload = Vec::new();
    if compresses {
        if forgets {
            deflater.reset();
        }
        deflater.compress(message.as_bytes(), &mut payload);
    } else {
        payload.extend_from_slice(message.as_bytes());
    }
    let len = payload.len() as u64;
    let header =
        FrameHeader { fin: true, rsv1: compresses, opcode: Opcode::Text, mask: Some(KEY), len }.encode();
    mask(KEY, 0, &mut payload);
    [&header[..], &payload].concat()
}

/// Something like what a chat or a game says, of so many bytes.
fn json(size: usize, number: u64) -> String {
    const WORDS: [&str; 16] = [
        "hello",
        "who",
        "has",
        "seen",
        "the",
        "report",
        "of",
        "yesterday",
        "it",
        "was",
        "meant",
        "to",
        "be",
        "here",
        "at",
        "noon",
    ];
    let mut state = number;
    let mut next = || {
        // The constants of Knuth's MMIX.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut text = format!(
        "{{\"type\":\"message\",\"id\":{number},\"from\":\"user{}\",\"room\":\"general\",\"at\":{},\"text\":\"",
        next() % 1000,
        1_764_000_000_000 + next() % 1_000_000_000
    );
    while text.len() < size - 2 {
        text.push_str(WORDS[usize::try_from(next() % 16).unwrap_or(0)]);
        text.push(' ');
    }
    text.truncate(size - 2);
    text.push_str("\"}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_size_that_was_asked_for() {
        for size in SIZES {
            assert_eq!(json(size, 7).len(), size);
        }
        assert_ne!(json(200, 7), json(200, 8));
    }
}
