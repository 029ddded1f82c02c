//! The load: a closed loop on one thread, edge-triggered.

mod check;
mod connection;
mod frames;
pub(crate) mod idle;
mod journal;
mod open;

use crate::Result;
use crate::measure::cpu::{Moment, Span};
use crate::measure::histogram::Histogram;
use crate::scenario::{Kind, Scenario};
use crate::servers::Protocol;
use crate::servers::child::Server;
use connection::Connection;
use frames::Frames;
use journal::Journal;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::mem;
use std::time::{Duration, Instant};

/// What a run found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Messages that came back in the measured time: for a fan-out, to anybody.
    pub(crate) messages: u64,
    pub(crate) span: Span,
    pub(crate) latencies: Histogram,
}

/// In the warm-up, which is no longer than what is measured, every byte is checked.
const WARM_UP_MAX: Duration = Duration::from_millis(500);
/// How long everything that was sent may take to come back at the end.
const RETURN_WAIT_MAX: Duration = Duration::from_secs(20);
/// How often the loop looks at the clock when nothing comes back.
const POLL_MAX: Duration = Duration::from_millis(100);
const READ_BYTES: usize = 256 * 1024;
/// The ring of frames should stay in the cache.
const RING_BYTES: usize = 128 * 1024;

/// Connects, warms up, measures for `time`, and waits until everything has come back.
pub(crate) fn run(server: &Server, scenario: &'static Scenario, time: Duration) -> Result<Found> {
    let mut load = Load::open(server, scenario)?;
    load.start()?;
    load.turns(Instant::now() + WARM_UP_MAX.min(time))?;
    load.every_byte = false;
    load.latencies.clear();
    let (before, messages_before) = (Moment::now(server.id())?, load.came_back);
    load.turns(Instant::now() + time)?;
    let (after, messages_after) = (Moment::now(server.id())?, load.came_back);
    let latencies = mem::replace(&mut load.latencies, Histogram::new());
    load.finish()?;
    Ok(Found { messages: messages_after - messages_before, span: after.since(&before), latencies })
}

/// Connects, has at least this many messages come back, every byte of them checked, and waits for those
/// that are still on their way; how many there were in all.
pub(crate) fn run_some(server: &Server, scenario: &'static Scenario, messages: u64) -> Result<u64> {
    let mut load = Load::open(server, scenario)?;
    load.start()?;
    while load.came_back < messages {
        load.turn()?;
    }
    load.finish()
}

/// All connections to one server.
struct Load {
    scenario: &'static Scenario,
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    /// One for each connection of an echo; for a fan-out the one of who publishes.
    journals: Vec<Journal>,
    buffer: Vec<u8>,
    out: Frames,
    expected: Frames,
    began: Instant,
    latencies: Histogram,
    came_back: u64,
    every_byte: bool,
    /// Whether the next message is sent when one comes back.
    refill: bool,
}

impl Load {
    fn open(server: &Server, scenario: &'static Scenario) -> Result<Self> {
        let Scenario { kind, connections, payload_bytes, in_flight, content, .. } = *scenario;
        let windows = if kind == Kind::Fanout { LAG_WINDOWS } else { 2 };
        let messages = (RING_BYTES / payload_bytes).clamp(2, 64).max(windows * in_flight);
        // A stretch may begin with the ring's last message.
        let more = (windows - 1) * in_flight - 1;
        let frames = |masked| Frames::new(content, payload_bytes, messages, more, masked);
        let (out, expected) = (frames(true), frames(server.speaks == Protocol::Bytes));
        let poll = Poll::new()?;
        let mut opened = Vec::with_capacity(connections);
        for index in 0..connections {
            let stream = open::open(server.address, server.speaks, kind)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
            // Not all with the same number, so that a message which comes back to somebody else is noticed.
            let first = match kind {
                Kind::Echo | Kind::Idle => index * 7 % messages,
                Kind::Fanout => 0,
            };
            opened.push(Connection::new(stream, &out, &expected, first));
        }
        let journals = match kind {
            Kind::Echo | Kind::Idle => connections,
            Kind::Fanout => 1,
        };
        Ok(Self {
            scenario,
            poll,
            events: Events::with_capacity(1024),
            connections: opened,
            journals: (0..journals).map(|_| Journal::default()).collect(),
            buffer: vec![0; READ_BYTES],
            out,
            expected,
            began: Instant::now(),
            latencies: Histogram::new(),
            came_back: 0,
            every_byte: true,
            refill: true,
        })
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn start(&mut self) -> Result<()> {
        match self.scenario.kind {
            Kind::Echo | Kind::Idle => {
                for index in 0..self.connections.len() {
                    let nanos = self.nanos();
                    self.send(index, index, self.scenario.in_flight, nanos)?;
                }
                Ok(())
            }
            Kind::Fanout => self.publish(),
        }
    }

    /// Serves whatever is ready, until then.
    fn turns(&mut self, until: Instant) -> Result<()> {
        while Instant::now() < until {
            self.turn()?;
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<()> {
        let mut events = mem::replace(&mut self.events, Events::with_capacity(0));
        let polled = self.poll.poll(&mut events, Some(POLL_MAX));
        if let Err(error) = polled
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        for event in &events {
            let Token(index) = event.token();
            if event.is_writable() {
                self.connections[index].write(&self.out)?;
            }
            if event.is_readable() {
                match self.scenario.kind {
                    Kind::Echo | Kind::Idle => self.serve(index)?,
                    Kind::Fanout => _ = self.receive(index, 0)?,
                }
            }
        }
        self.events = events;
        if self.refill && self.scenario.kind == Kind::Fanout { self.publish() } else { Ok(()) }
    }

    /// Reads an echo's answers and sends as many messages.
    #[inline]
    fn serve(&mut self, index: usize) -> Result<()> {
        let (whole, nanos) = self.receive(index, index)?;
        if whole > 0 {
            self.journals[index].forget(self.connections[index].reader.messages);
            if self.refill {
                return self.send(index, index, whole, nanos);
            }
        }
        Ok(())
    }

    /// Reads what is at hand: how many messages came back, and when. One look at the clock serves all.
    #[inline]
    fn receive(&mut self, index: usize, journal: usize) -> Result<(usize, u64)> {
        let connection = &mut self.connections[index];
        let whole = connection.read(&mut self.buffer, &self.expected, self.every_byte)?;
        if whole == 0 {
            return Ok((0, 0));
        }
        let nanos = self.nanos();
        let reader = &mut self.connections[index].reader;
        if !self.journals[journal].came_back(reader, whole as u64, nanos, &mut self.latencies) {
            return Err("more came back than was sent".into());
        }
        self.came_back += whole as u64;
        Ok((whole, nanos))
    }

    #[inline]
    fn send(&mut self, index: usize, journal: usize, messages: usize, nanos: u64) -> Result<()> {
        let connection = &mut self.connections[index];
        // Noted before the write, which may take longer than the answer.
        self.journals[journal].sent(connection.sent + messages as u64, nanos);
        connection.send(messages, &self.out)
    }

    /// The last to join publishes: as many messages as have come back to itself, unless the others are far
    /// behind, which then decide.
    fn publish(&mut self) -> Result<()> {
        let crowd = self.connections.len() as u64;
        let in_flight = self.scenario.in_flight as u64;
        let Some(publisher) = self.connections.last() else { return Ok(()) };
        let free = in_flight - (publisher.sent - publisher.reader.messages);
        let lag = publisher.sent * crowd - self.came_back;
        if free == 0 || lag >= (LAG_WINDOWS as u64 - 1) * in_flight * crowd {
            return Ok(());
        }
        let nanos = self.nanos();
        self.send(self.connections.len() - 1, 0, usize::try_from(free)?, nanos)
    }

    /// Sends nothing more, and waits for what is on its way; how many messages came back in all.
    fn finish(mut self) -> Result<u64> {
        self.refill = false;
        let deadline = Instant::now() + RETURN_WAIT_MAX;
        loop {
            let sent: u64 = self.connections.iter().map(|connection| connection.sent).sum();
            let due = match self.scenario.kind {
                Kind::Echo | Kind::Idle => sent,
                Kind::Fanout => sent * self.connections.len() as u64,
            };
            if self.came_back == due {
                return Ok(due);
            }
            if Instant::now() > deadline {
                return Err(format!("{} messages never came back", due - self.came_back).into());
            }
            self.turn()?;
        }
    }
}

/// How far some subscribers of a fan-out may be behind, in windows of what is in flight.
const LAG_WINDOWS: usize = 4;
