//! The server's end of a client's connection.

use crate::pipe::Pipe;
use crate::tap::Tap;
use bytes::{Buf as _, Bytes, BytesMut};
use std::collections::VecDeque;
use wsrelay_core::relay::Session;
use wsrelay_core::time::Instant;
use wsrelay_host::{Desk, Port, ReadBuffer};

/// A port and its virtual socket: what a driver is, without a system.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) port: Port,
    pub(crate) worker: usize,
    pub(crate) eof: bool,
    pub(crate) shut: bool,
    /// Nothing can be written any more.
    pub(crate) broken: bool,
    /// Until when the socket takes nothing.
    pub(crate) stalled_until: Instant,
    /// The wake that is on the timeline.
    pub(crate) alarm: Option<Instant>,
    /// Written to the client so far.
    pub(crate) written: u64,
    pub(crate) is_in_turns: bool,
    pub(crate) is_in_reads: bool,
    pub(crate) is_in_writes: bool,
}

impl Served {
    pub(crate) const fn new(port: Port, worker: usize) -> Self {
        Self {
            port,
            worker,
            eof: false,
            shut: false,
            broken: false,
            stalled_until: Instant::ZERO,
            alarm: None,
            written: 0,
            is_in_turns: false,
            is_in_reads: false,
            is_in_writes: false,
        }
    }

    pub(crate) fn wants_read(&mut self, up: &Pipe) -> bool {
        !self.eof && !self.port.work().paused && (up.is_readable() || up.is_at_end())
    }

    pub(crate) fn wants_write(&mut self, now: Instant, down: &Pipe) -> bool {
        let work = self.port.work();
        if work.writes.is_empty() {
            return work.shutdown && !self.shut;
        }
        self.broken || (down.room() > 0 && self.stalled_until <= now)
    }

    /// Whether something waits to be written that the socket does not take.
    pub(crate) fn has_unwritten(&mut self) -> bool {
        !self.port.work().writes.is_empty()
    }

    /// One read, of one piece. How many bytes it was.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        up: &mut Pipe,
        in_place: bool,
        buffer: &mut ReadBuffer,
        desk: &mut Desk<Tap>,
    ) -> usize {
        match up.read(ReadBuffer::READ_BYTES_MAX) {
            Some(bytes) if in_place => {
                buffer.fill(&bytes);
                self.port.arrived(now, buffer, desk);
                bytes.len()
            }
            Some(bytes) => {
                self.port.received(now, BytesMut::from(&bytes[..]), desk);
                bytes.len()
            }
            None => {
                if up.is_at_end() && !self.eof {
                    self.eof = true;
                    self.port.eof(now, desk);
                }
                0
            }
        }
    }

    /// Takes out at most so many bytes that are to be written.
    pub(crate) fn take_writes(&mut self, bytes_max: usize) -> Bytes {
        let writes = &mut self.port.work().writes;
        take(writes, bytes_max)
    }

    /// P8: whether this client waits for room in its target's mailbox.
    pub(crate) fn awaits_room(&self) -> bool {
        self.port.connection().session().and_then(Session::awaits_room).is_some()
    }

    /// Bytes that wait to be written and are in no state machine any more.
    pub(crate) fn unwritten_bytes(&mut self) -> usize {
        self.port.work().writes.iter().map(Bytes::len).sum()
    }
}

/// At most so many bytes of what comes first.
fn take(writes: &mut VecDeque<Bytes>, bytes_max: usize) -> Bytes {
    let Some(first) = writes.front_mut() else { return Bytes::new() };
    if first.len() > bytes_max {
        return first.split_to(bytes_max);
    }
    if writes.len() == 1 {
        return writes.pop_front().unwrap_or_default();
    }
    let mut taken = BytesMut::new();
    while let Some(first) = writes.front_mut()
        && taken.len() < bytes_max
    {
        let count = first.len().min(bytes_max - taken.len());
        taken.extend_from_slice(&first[..count]);
        first.advance(count);
        if first.is_empty() {
            writes.pop_front();
        }
    }
    taken.freeze()
}
