//! What clients do, good and bad.

use super::{Client, Due, World};
use crate::count::Fault;
use crate::swarm::{Broken, Deed};
use crate::wire::{Frame, binary, close, compressed, continuation, empty_close, first_of, ping, pong, text};
use std::time::Duration;

impl World {
    /// Something is done after so much time.
    pub fn after(&mut self, span: Duration, what: impl FnOnce(&mut Self) + 'static) {
        self.planned_until = self.planned_until.max(self.now + span);
        self.timeline.put(self.now + span, Due::Call(Box::new(what)));
    }

    /// A client does this after so much time.
    pub fn perform_in(&mut self, span: Duration, client: Client, deed: Deed) {
        self.planned_until = self.planned_until.max(self.now + span);
        self.timeline.put(self.now + span, Due::Deed(client, deed));
    }

    /// A client does so many things within this time, all of them left to chance; one in twenty ends its connection or
    /// breaks a rule.
    pub fn let_loose(&mut self, client: Client, deeds: usize, within: Duration) {
        let mut dice = self.dice.split();
        for _ in 0..deeds {
            let deed = Deed::random(&mut dice, 20, 200);
            self.perform_in(dice.span(within), client, deed);
        }
    }

    /// A text that nobody else says, filled up to so many bytes.
    fn text(&mut self, Client(number): Client, len: usize) -> String {
        let said = &mut self.parties[number].said;
        *said += 1;
        let mut text = format!("c{number}.{said} ");
        let filler = if said.is_multiple_of(3) { '世' } else { 'x' };
        while text.len() + filler.len_utf8() <= len {
            text.push(filler);
        }
        text
    }

    /// A client does this, now.
    pub fn perform(&mut self, client: Client, deed: Deed) {
        self.note(|| format!("client {}: {deed:?}", client.0));
        match deed {
            Deed::Finishes => return self.finish_stream(client),
            Deed::Breaks => return self.reset(client),
            Deed::Vanishes => return self.vanish(client),
            Deed::FallsSilent => return self.be_rude(client),
            Deed::StopsReading(millis) => return self.stop_reading(client, Duration::from_millis(millis)),
            Deed::Trickles => return self.request(client, b"a"),
            // Frames before the 101 only where they are sent right behind the request.
            Deed::Says(_)
            | Deed::SaysBinary(_)
            | Deed::SaysInPieces(..)
            | Deed::Bursts(..)
            | Deed::Pings(_)
            | Deed::Pongs
            | Deed::PingsWithoutEnd(_)
            | Deed::Leaves(_)
            | Deed::Misbehaves(_) => {}
        }
        let bytes = self.frames(client, deed);
        self.send_bytes(client, &bytes);
    }

    /// A message of a client's, compressed if that was agreed on and it feels like it.
    fn data(&mut self, Client(index): Client, frame: Frame) -> Frame {
        let party = &mut self.parties[index];
        match &mut party.reader.deflating {
            Some(deflating) if !party.said.is_multiple_of(4) => {
                self.counts.compressed_in += 1;
                compressed(Frame { payload: deflating.compress(&frame.payload), ..frame })
            }
            Some(_) | None => frame,
        }
    }

    /// The bytes of the frames that a client sends.
    fn frames(&mut self, client: Client, deed: Deed) -> Vec<u8> {
        let limits = &self.shared.relay.limits;
        let (message_bytes_max, fragments_max) = (limits.message_bytes_max, limits.fragments_max);
        let len_max = |len: usize| len.min(message_bytes_max);
        match deed {
            Deed::Says(len) => {
                let frame = text(&self.text(client, len_max(len)));
                self.data(client, frame).encode()
            }
            Deed::SaysBinary(len) => {
                let frame = binary(self.text(client, len_max(len)).as_bytes());
                self.data(client, frame).encode()
            }
            Deed::SaysInPieces(len, count) => {
                let whole = text(&self.text(client, len_max(len)));
                let whole = self.data(client, whole);
                let count = count.clamp(1, (fragments_max as usize).saturating_sub(2).max(1));
                let len = whole.payload.len();
                let mut pieces = whole.payload.chunks(len.div_ceil(count).max(1));
                let first = Frame { payload: pieces.next().unwrap_or_default().to_vec(), ..whole };
                let mut bytes = first_of(first).encode();
                pieces.for_each(|piece| continuation(piece, false).encode_into(&mut bytes));
                ping(self.text(client, 0).as_bytes()).encode_into(&mut bytes);
                continuation(b"", true).encode_into(&mut bytes);
                bytes
            }
            Deed::Bursts(count, len) => {
                self.counts.fault(Fault::Flood);
                let mut bytes = Vec::new();
                for _ in 0..count {
                    let frame = text(&self.text(client, len_max(len)));
                    self.data(client, frame).encode_into(&mut bytes);
                }
                bytes
            }
            Deed::Pings(len) => {
                let payload = self.text(client, len.min(125));
                ping(payload.as_bytes()).encode()
            }
            Deed::Pongs => pong(b"unasked").encode(),
            Deed::PingsWithoutEnd(count) => {
                self.counts.fault(Fault::PingFlood);
                let mut bytes = Vec::new();
                for _ in 0..count {
                    let payload = self.text(client, 0);
                    ping(payload.as_bytes()).encode_into(&mut bytes);
                }
                bytes
            }
            Deed::Leaves(code) => {
                self.parties[client.0].has_closed = true;
                if code == 1005 { empty_close().encode() } else { close(code, "bye").encode() }
            }
            Deed::Misbehaves(broken) => {
                self.counts.fault(fault_of(broken));
                // What is too large may come small.
                if broken == Broken::Oversized && self.parties[client.0].reader.deflating.is_some() {
                    let frame = binary(&vec![7; message_bytes_max + 1]);
                    return self.data(client, frame).encode();
                }
                broken.bytes(message_bytes_max, fragments_max)
            }
            Deed::Finishes
            | Deed::Breaks
            | Deed::Vanishes
            | Deed::FallsSilent
            | Deed::StopsReading(_)
            | Deed::Trickles => Vec::new(),
        }
    }
}

const fn fault_of(broken: Broken) -> Fault {
    match broken {
        Broken::Utf8 | Broken::Utf8Early => Fault::Utf8,
        Broken::Oversized | Broken::Announced => Fault::Oversized,
        Broken::EndlessFragments => Fault::Fragments,
        Broken::Garbage(_) | Broken::GarbageWithoutEnd => Fault::Garbage,
        Broken::Unmasked
        | Broken::ReservedBits
        | Broken::ReservedOpcode
        | Broken::FragmentedPing
        | Broken::LongPing
        | Broken::Continuation
        | Broken::Interleaved
        | Broken::LongLength
        | Broken::CloseCode
        | Broken::ShortClose => Fault::Malformed,
    }
}
