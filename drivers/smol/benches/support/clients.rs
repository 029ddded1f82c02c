//! The clients of a broadcast: one that measures, one that only reads, and those that never read.

use crate::support::{Result, frame, upgrade};
use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Messages that the fast client keeps in flight.
pub(crate) const IN_FLIGHT: usize = 16;
/// Bytes of each.
pub(crate) const PAYLOAD_BYTES: usize = 64;
/// Under `close` a slow client is soon gone; then the next one comes.
const SLOW_EVERY: Duration = Duration::from_millis(50);
/// The receive buffer of a client that does not read: full after a few messages.
const SLOW_BUFFER_BYTES: usize = 4096;

/// A client that sends as fast as its messages come back.
#[derive(Debug)]
pub(crate) struct Fast {
    stream: TcpStream,
    next: u64,
    expected: u64,
    sent_at: VecDeque<Instant>,
    received: Vec<u8>,
}

/// One message as it comes back: a header of two bytes, and the payload.
const FRAME_BYTES: usize = 2 + PAYLOAD_BYTES;

impl Fast {
    pub(crate) fn join(address: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        upgrade(&mut stream, "/broadcast")?;
        Ok(Self { stream, next: 0, expected: 0, sent_at: VecDeque::new(), received: Vec::new() })
    }

    /// Keeps messages in flight for this long, then waits for the last. Their latencies in nanoseconds.
    pub(crate) fn run(&mut self, time: Duration) -> Result<Vec<u32>> {
        let end = Instant::now() + time;
        let mut latencies = Vec::new();
        self.send(IN_FLIGHT)?;
        while !self.sent_at.is_empty() {
            let came = self.receive(&mut latencies)?;
            if Instant::now() < end {
                self.send(came)?;
            }
        }
        Ok(latencies)
    }

    pub(crate) fn exchange_one(&mut self) -> Result<()> {
        self.send(1)?;
        while self.receive(&mut Vec::new())? == 0 {}
        Ok(())
    }

    fn send(&mut self, count: usize) -> Result<()> {
        let mut frames = Vec::with_capacity(count * (FRAME_BYTES + 4));
        for _ in 0..count {
            frame(&mut frames, &payload(self.next));
            self.next += 1;
        }
        let now = Instant::now();
        self.sent_at.extend((0..count).map(|_| now));
        self.stream.write_all(&frames)?;
        Ok(())
    }

    /// One read; how many whole messages it completed. Each is checked.
    fn receive(&mut self, latencies: &mut Vec<u32>) -> Result<usize> {
        let mut buffer = [0; 8192];
        let len = self.stream.read(&mut buffer)?;
        if len == 0 {
            return Err("the fast client was closed".into());
        }
        let now = Instant::now();
        self.received.extend_from_slice(&buffer[..len]);
        let frames = self.received.chunks_exact(FRAME_BYTES);
        let came = frames.len();
        for frame in frames {
            let expected = payload(self.expected);
            if frame[..2] != [0x81, 64] || frame[2..] != expected {
                return Err("the fast client got something else than its own messages in order".into());
            }
            self.expected += 1;
            let sent_at = self.sent_at.pop_front().ok_or("more came back than was sent")?;
            latencies.push(u32::try_from((now - sent_at).as_nanos())?);
        }
        self.received.drain(..came * FRAME_BYTES);
        Ok(came)
    }
}

fn payload(number: u64) -> [u8; PAYLOAD_BYTES] {
    let mut payload = [b'-'; PAYLOAD_BYTES];
    payload[..16].copy_from_slice(format!("{number:016x}").as_bytes());
    payload
}

/// A client that reads and does nothing else.
pub(crate) fn read_all(address: SocketAddr, joined: &AtomicUsize, stop: &AtomicBool) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    upgrade(&mut stream, "/broadcast")?;
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    joined.fetch_add(1, Ordering::Release);
    let mut buffer = [0; 8192];
    while !stop.load(Ordering::Acquire) {
        // Between two measurements there is nothing to read.
        _ = stream.read(&mut buffer);
    }
    Ok(())
}

/// A client that does not read, or one after the other.
pub(crate) fn be_slow(
    address: SocketAddr,
    again: bool,
    joined: &AtomicUsize,
    stop: &AtomicBool,
) -> Result<()> {
    let mut clients = vec![slow_client(address)?];
    joined.fetch_add(1, Ordering::Release);
    while !stop.load(Ordering::Acquire) {
        thread::sleep(SLOW_EVERY);
        if again {
            clients.push(slow_client(address)?);
            joined.fetch_add(1, Ordering::Release);
        }
    }
    Ok(())
}

/// A client that does not read, and whose socket takes little.
pub(crate) fn slow_client(address: SocketAddr) -> Result<TcpStream> {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    // Before connecting: afterwards the window has been offered already.
    sockopt::set_socket_recv_buffer_size(&socket, SLOW_BUFFER_BYTES)?;
    connect(&socket, &address)?;
    let mut stream = TcpStream::from(socket);
    upgrade(&mut stream, "/broadcast")?;
    Ok(stream)
}
