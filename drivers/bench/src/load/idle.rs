//! Many connections that are opened at once, and then have next to nothing to say.

use super::frames::Frames;
use super::open::{PATIENCE, is_whole, request};
use crate::Result;
use crate::measure::cpu::{Moment, resident_bytes};
use crate::measure::histogram::Histogram;
use crate::scenario::{Content, Scenario};
use crate::servers::child::Server;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{self, Read as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

/// What a run found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) handshakes_per_second: f64,
    /// In seconds.
    pub(crate) server_cpu: f64,
    pub(crate) handshakes: Histogram,
    /// Bytes a connection.
    pub(crate) resident_joined: f64,
    pub(crate) resident_echoed: f64,
    /// A share of one core.
    pub(crate) server_share: f64,
    pub(crate) others_share: f64,
}

/// Connections that are being opened, or echo, at the same time.
const AT_ONCE: usize = 64;
/// Descriptors beside the connections.
const DESCRIPTORS_BESIDE: u64 = 64;
/// A server that has answered its last client may still have something to do.
const SETTLE: Duration = Duration::from_millis(200);

/// Opens all connections, then has each echo once.
pub(crate) fn run(server: &Server, scenario: &'static Scenario) -> Result<Found> {
    // What exists once, such as a thread's read buffer, is not any connection's.
    let mut first = Crowd::new(server, scenario, 1)?;
    first.open(&mut Histogram::new())?;
    first.echo()?;
    let resident = settled(server)?;

    let mut crowd = Crowd::new(server, scenario, scenario.connections)?;
    let mut handshakes = Histogram::new();
    let before = Moment::now(server.id())?;
    crowd.open(&mut handshakes)?;
    let span = Moment::now(server.id())?.since(&before);
    let joined = settled(server)?;
    // What a server still does for its new clients after it has answered them is part of the handshake.
    let settled_span = Moment::now(server.id())?.since(&before);
    crowd.echo()?;
    let echoed = settled(server)?;
    let connections = scenario.connections as f64;
    Ok(Found {
        handshakes_per_second: connections / span.wall,
        server_cpu: settled_span.server / connections,
        handshakes,
        resident_joined: (joined - resident) / connections,
        resident_echoed: (echoed - resident) / connections,
        server_share: span.server / span.wall,
        others_share: span.others / span.wall,
    })
}

fn settled(server: &Server) -> Result<f64> {
    thread::sleep(SETTLE);
    resident_bytes(server.id())
}

/// As many descriptors as this process may have, which its children inherit: both ends of every
/// connection need one.
pub(crate) fn raise_descriptors(connections: usize) -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    match maximum {
        Some(most) if most < connections as u64 + DESCRIPTORS_BESIDE => {
            Err(format!("{connections} connections need more descriptors than {most} (see ulimit -Hn)")
                .into())
        }
        Some(_) | None => Ok(()),
    }
}

/// Connections to one server, of which each has one thing to wait for at a time.
struct Crowd<'a> {
    server: &'a Server,
    poll: Poll,
    events: Events,
    streams: Vec<TcpStream>,
    wanted: usize,
    request: String,
    frames: Frames,
    answer: Frames,
}

/// What a connection waits for.
struct Waiting {
    index: usize,
    since: Instant,
    received: Vec<u8>,
    is_sent: bool,
}

impl<'a> Crowd<'a> {
    fn new(server: &'a Server, scenario: &Scenario, wanted: usize) -> Result<Self> {
        let frames = |masked| Frames::new(Content::Ascii, scenario.payload_bytes, 1, 0, masked);
        Ok(Self {
            server,
            poll: Poll::new()?,
            events: Events::with_capacity(AT_ONCE),
            streams: Vec::with_capacity(wanted),
            wanted,
            request: request(scenario.kind),
            frames: frames(true),
            answer: frames(false),
        })
    }

    /// Opens them, a number at a time.
    fn open(&mut self, latencies: &mut Histogram) -> Result<()> {
        let request = self.request.clone();
        self.each(request.as_bytes(), is_whole, latencies, |crowd, index| {
            let mut stream = TcpStream::connect(crowd.server.address)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            crowd.poll.registry().register(&mut stream, Token(index), interest)?;
            crowd.streams.push(stream);
            // It is written to when it is connected, of which there is an event.
            Ok(false)
        })
    }

    /// One message each.
    fn echo(&mut self) -> Result<()> {
        let frame = self.frames.stretch(0, self.frames.frame_bytes).unwrap_or_default().to_vec();
        let answer = self.answer.stretch(0, self.answer.frame_bytes).unwrap_or_default().to_vec();
        let is_answer = |received: &[u8]| {
            if answer.starts_with(received) {
                Ok(received.len() == answer.len())
            } else {
                Err("an echo came back changed".into())
            }
        };
        self.each(&frame, is_answer, &mut Histogram::new(), |_, _| Ok(true))
    }

    /// Sends `bytes` on each connection and waits for what `is_answer` is content with. `begin` says
    /// whether the connection can be written to at once.
    fn each(
        &mut self,
        bytes: &[u8],
        is_answer: impl Fn(&[u8]) -> Result<bool>,
        latencies: &mut Histogram,
        begin: impl Fn(&mut Self, usize) -> Result<bool>,
    ) -> Result<()> {
        let mut waiting: Vec<Waiting> = Vec::with_capacity(AT_ONCE);
        let mut next = 0;
        while next < self.wanted || !waiting.is_empty() {
            while next < self.wanted && waiting.len() < AT_ONCE {
                let since = Instant::now();
                let is_sent = begin(self, next)?;
                if is_sent {
                    self.streams[next].write_all(bytes)?;
                }
                waiting.push(Waiting { index: next, since, received: Vec::new(), is_sent });
                next += 1;
            }
            self.poll.poll(&mut self.events, Some(PATIENCE))?;
            if self.events.is_empty() {
                return Err(format!("{} clients wait in vain", waiting.len()).into());
            }
            for event in &self.events {
                let Token(index) = event.token();
                let Some(place) = waiting.iter().position(|each| each.index == index) else { continue };
                let (stream, each) = (&mut self.streams[index], &mut waiting[place]);
                if event.is_writable() && !each.is_sent {
                    stream.set_nodelay(true)?;
                    stream.write_all(bytes)?;
                    each.is_sent = true;
                }
                if event.is_readable() && read(stream, &mut each.received, &is_answer)? {
                    let nanos = u64::try_from(each.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    latencies.record(nanos, 1);
                    waiting.swap_remove(place);
                }
            }
        }
        Ok(())
    }
}

/// Reads what is at hand. Whether it is the whole answer.
fn read(
    stream: &mut TcpStream,
    received: &mut Vec<u8>,
    is_answer: impl Fn(&[u8]) -> Result<bool>,
) -> Result<bool> {
    let mut piece = [0; 1024];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return Err("the server ended a connection".into()),
            Ok(len) => {
                received.extend_from_slice(&piece[..len]);
                if len < piece.len() {
                    return is_answer(received);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return is_answer(received),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}
