//! What clients write and read, and the network in between.

use super::{Client, Due, Heard, Ready, World};
use crate::count::Fault;
use crate::deflate::Terms;
use crate::watch::Invariant;
use crate::wire::{Frame, KEY, Received, close, pong};
use bytes::Bytes;
use std::time::Duration;
use wsrelay_core::deflate::Context;
use wsrelay_core::process::Pid;
use wsrelay_core::relay::Compression;

impl World {
    /// A client sends bytes that are meant to be frames.
    pub fn send_bytes(&mut self, client: Client, bytes: &[u8]) {
        let Client(index) = client;
        if !self.parties[index].may_write() {
            return;
        }
        if let Some(relay) = self.watch.relay(index) {
            relay.client_wrote(self.now, bytes);
        }
        self.write(index, bytes);
    }

    /// A client sends bytes in the place of a request, or of a part of one.
    pub fn request(&mut self, client: Client, bytes: &[u8]) {
        self.note(|| {
            let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
            format!("client {} asks {:?}", client.0, String::from_utf8_lossy(line))
        });
        let party = &mut self.parties[client.0];
        party.reader.head = bytes.starts_with(b"HEAD ");
        party.has_known_key = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        if let Some(head) = str::from_utf8(bytes).ok().filter(|head| head.starts_with("GET ")) {
            self.offers(client, head);
        }
        self.write(client.0, bytes);
    }

    /// A client asks for an upgrade, and offers to compress, perhaps.
    fn offers(&mut self, Client(index): Client, head: &str) {
        let terms = match &self.shared.relay.compression {
            Compression::Off => None,
            Compression::Deflate(options) => Terms::expected(head, options.context == Context::Shared),
        };
        self.parties[index].terms = terms;
        if let Some(relay) = self.watch.relay(index) {
            relay.reading.agree(terms);
        }
    }

    fn write(&mut self, index: usize, bytes: &[u8]) {
        let party = &mut self.parties[index];
        if !party.may_write() || bytes.is_empty() {
            return;
        }
        party.outgoing.push_back(Bytes::copy_from_slice(bytes));
        self.flush(index);
    }

    /// A client ends its side of the stream (TCP FIN) behind all that it has written.
    pub fn finish_stream(&mut self, client: Client) {
        let Client(index) = client;
        if self.parties[index].is_gone || self.parties[index].has_ended {
            return;
        }
        self.counts.fault(Fault::Fin);
        self.parties[index].finishing = true;
        self.lost(index);
        self.flush(index);
    }

    /// The connection breaks (TCP RST): what is under way is lost in both directions.
    pub fn reset(&mut self, client: Client) {
        let Client(index) = client;
        self.counts.fault(Fault::Reset);
        self.lost(index);
        let party = &mut self.parties[index];
        party.outgoing.clear();
        party.up.break_off(self.now);
        party.down.break_off(self.now);
        party.has_ended = true;
        self.note(|| format!("the connection of client {index} breaks"));
        if let Some(served) = &mut self.served[index] {
            served.broken = true;
        }
        self.enlist(index);
    }

    /// A client vanishes without a word: from now on it neither reads nor writes, and nobody is told.
    pub fn vanish(&mut self, client: Client) {
        self.counts.fault(Fault::HalfOpen);
        self.parties[client.0].is_gone = true;
        self.out_of_reach(client);
        if let Some(relay) = self.watch.relay(client.0) {
            relay.causes.vanished = true;
        }
        self.note(|| format!("client {} vanishes", client.0));
    }

    /// A client does not read for this long.
    pub fn stop_reading(&mut self, client: Client, span: Duration) {
        let until = self.now + span;
        self.counts.fault(Fault::SlowReader);
        self.out_of_reach(client);
        self.parties[client.0].deaf_until = until;
        self.timeline.put(until, Due::Client(client.0));
    }

    /// The server's socket takes nothing for this long.
    pub fn stall(&mut self, client: Client, span: Duration) {
        let until = self.now + span;
        self.counts.fault(Fault::Stall);
        self.out_of_reach(client);
        if let Some(served) = &mut self.served[client.0] {
            served.stalled_until = until;
            self.timeline.put(until, Due::Served(client.0));
        }
    }

    /// A client leaves pings and close frames of the server's unanswered from now on.
    pub fn be_rude(&mut self, client: Client) {
        self.counts.fault(Fault::Rude);
        self.parties[client.0].is_polite = false;
    }

    /// What the relay sends this client may not reach it in time.
    fn out_of_reach(&mut self, Client(index): Client) {
        if let Some(relay) = self.watch.relay(index) {
            relay.was_out_of_reach = true;
        }
    }

    fn lost(&mut self, index: usize) {
        if let Some(relay) = self.watch.relay(index) {
            relay.causes.lost = true;
        }
    }

    /// Puts as much on its way to the server as there is room for.
    pub(super) fn flush(&mut self, index: usize) {
        let now = self.now;
        let network = self.options.network;
        let party = &mut self.parties[index];
        if party.is_gone {
            return;
        }
        while let Some(first) = party.outgoing.front_mut()
            && party.up.room() > 0
        {
            let first_len = first.len();
            let len = piece(first_len, network.chunk_bytes_max, &mut self.dice).min(party.up.room());
            let bytes = first.split_to(len);
            if first.is_empty() {
                party.outgoing.pop_front();
            }
            let latency = self.dice.span(network.latency());
            self.counts.network(latency, len < first_len);
            let at = party.up.put(now + latency, bytes);
            self.timeline.put(at, Due::Up(index));
        }
        if party.finishing && party.outgoing.is_empty() {
            let at = party.up.finish(now);
            self.timeline.put(at, Due::Up(index));
        }
    }

    /// Puts bytes on their way to the client.
    pub(super) fn carry_down(&mut self, index: usize, bytes: Bytes) {
        let latency = self.dice.span(self.options.network.latency());
        self.counts.network(latency, false);
        let at = self.parties[index].down.put(self.now + latency, bytes);
        self.timeline.put(at, Due::Down(index));
    }

    pub(super) fn finish_down(&mut self, index: usize) {
        let at = self.parties[index].down.finish(self.now);
        self.timeline.put(at, Due::Down(index));
    }

    /// A client reads once.
    pub(super) fn client_reads(&mut self, index: usize) {
        let party = &mut self.parties[index];
        if !party.wants_read(self.now) {
            return;
        }
        let Some(bytes) = party.down.read(usize::MAX) else {
            return self.client_ends(index);
        };
        party.reader.push(&bytes);
        self.trace.bytes(&bytes);
        loop {
            match self.parties[index].reader.pop() {
                Ok(Some((received, len))) => {
                    let start = self.parties[index].read;
                    self.parties[index].read += len as u64;
                    self.received(index, received, start);
                }
                Ok(None) => break,
                Err(what) => {
                    let what = format!("client {index}: {what}");
                    self.watch.fail(Invariant::Wire, what);
                    break;
                }
            }
        }
        self.enlist(index);
    }

    fn received(&mut self, index: usize, received: Received, start: u64) {
        self.note(|| match &received {
            Received::Reply(reply) => format!("client {index} reads {reply:?}"),
            Received::Frame(frame) => format!("client {index} reads {frame:?}"),
        });
        match received {
            Received::Reply(reply) => {
                let party = &mut self.parties[index];
                // What follows a refusal answers what was meant for somebody else.
                let mut allowed = std::mem::take(&mut party.allowed);
                let wanted = party.wanted;
                if !allowed.is_empty() {
                    // To cancel a connection that does not relay yet is to drain it.
                    let is_cancelled = self.watch.is_cancelled(index);
                    allowed.extend(is_cancelled.then_some(503).into_iter().chain(self.excuses(wanted)));
                }
                let party = &mut self.parties[index];
                let has_known_key = std::mem::take(&mut party.has_known_key);
                self.watch.replied(index, &reply, &allowed, has_known_key);
                let terms = party.reader.deflating.as_ref().map(|deflating| deflating.terms);
                if reply.status == 101 && terms != party.terms {
                    let what = format!("client {index} compresses by {terms:?}, not by {:?}", party.terms);
                    self.watch.fail(Invariant::Handshake, what);
                }
                party.heard.push(Heard::Reply(reply));
            }
            Received::Frame(frame) => {
                self.counts.compressed_out += u64::from(frame.reserved != 0);
                let frame = Frame { reserved: 0, ..frame };
                self.watch.got(index, &frame, start);
                self.answer(index, &frame);
                self.parties[index].heard.push(Heard::Frame(frame));
            }
        }
    }

    /// The statuses that need no other reason: the node drains, is full, or the target is not there; the network is slow, or
    /// the clock has jumped.
    fn excuses(&self, wanted: Option<Pid>) -> impl Iterator<Item = u16> {
        let is_there = wanted.is_some_and(|pid| self.node.is_alive(pid));
        let is_full = self.options.connections_max < self.parties.len();
        let network = &self.options.network;
        let is_slow = network.latency_millis_max >= 300 || network.chunk_bytes_max < 10;
        let has_jumped = self.counts.of(Fault::Jump) > 0;
        let is_unavailable = !is_there || is_full || has_jumped || self.node.draining().is_some();
        is_unavailable.then_some(503).into_iter().chain((is_slow || has_jumped).then_some(408))
    }

    /// A polite client answers pings and close frames.
    fn answer(&mut self, index: usize, frame: &Frame) {
        let party = &mut self.parties[index];
        if !party.is_polite || party.has_closed {
            return;
        }
        match frame.opcode {
            9 => self.send(Client(index), &pong(&frame.payload)),
            8 => {
                party.has_closed = true;
                let code = frame.payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code));
                let answer = code.map_or_else(crate::wire::empty_close, |code| close(code, ""));
                self.send(Client(index), &answer);
            }
            _ => {}
        }
    }

    fn client_ends(&mut self, index: usize) {
        let party = &mut self.parties[index];
        party.has_ended = true;
        party.heard.push(Heard::End);
        let is_whole = party.reader.is_whole();
        let is_broken = self.served[index].as_ref().is_none_or(|served| served.broken);
        self.watch.stream_ended(index, is_whole, is_broken);
        self.note(|| format!("client {index} reads the end of the stream"));
        let party = &mut self.parties[index];
        if !party.finishing {
            party.finishing = true;
            self.flush(index);
        }
    }

    /// Whether a client that is there reads, as far as it is asked.
    pub(super) fn is_reading(&self, index: usize) -> bool {
        let party = &self.parties[index];
        !party.is_gone && party.deaf_until <= self.now
    }

    /// Something arrives at the server.
    pub(super) fn arrives_up(&mut self, index: usize) {
        if self.parties[index].up.arrive(self.now) {
            self.enlist(index);
        }
    }

    /// Something arrives at the client.
    pub(super) fn arrives_down(&mut self, index: usize) {
        if self.parties[index].down.arrive(self.now) {
            self.enlist(index);
        }
    }

    /// Lists what can be done at once for a client and its connection.
    pub(super) fn enlist(&mut self, index: usize) {
        let party = &mut self.parties[index];
        if party.wants_read(self.now) && !std::mem::replace(&mut party.is_in_reads, true) {
            self.ready.push(Ready::Client(index));
        }
        let Some(served) = &mut self.served[index] else { return };
        if served.wants_read(&party.up) && !std::mem::replace(&mut served.is_in_reads, true) {
            self.ready.push(Ready::Read(index));
        }
        if served.wants_write(self.now, &party.down) && !std::mem::replace(&mut served.is_in_writes, true) {
            self.ready.push(Ready::Write(index));
        }
    }
}

/// How much of so many bytes goes into the next piece: never so little that a long message is cut into thousands.
fn piece(len: usize, chunk_max: usize, dice: &mut crate::dice::Dice) -> usize {
    if len <= 1 || chunk_max >= 128 * 1024 {
        return len;
    }
    let piece = 1 + dice.index(chunk_max.min(len));
    piece.max(len / 32).min(len)
}
