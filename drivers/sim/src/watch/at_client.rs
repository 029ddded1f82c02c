//! What a client sees.

use super::relay::{Ping, Stage};
use super::{Invariant, Watch};
use crate::wire::{ACCEPT, Frame, Reply};
use wsrelay_core::relay::Overflow;
use wsrelay_core::wire::{Data, Text};

/// The header that is between handler and relay.
const RELAY_HEADER: &str = "x-ws-relay";

impl Watch {
    /// A client has got a response. `allowed` are the statuses that its request may be answered with, none for any;
    /// `has_known_key` says whether the request had the key to which the answer is known.
    pub(crate) fn replied(&mut self, client: usize, reply: &Reply, allowed: &[u16], has_known_key: bool) {
        let is_told =
            reply.body.contains(crate::SECRET) || format!("{:?}", reply.headers).contains(crate::SECRET);
        if is_told || reply.headers.contains_key(RELAY_HEADER) {
            self.fail(Invariant::Secrecy, format!("client {client} reads {reply:?}"));
        }
        if !allowed.is_empty() && !allowed.contains(&reply.status) {
            let what = format!("client {client} is answered {reply:?}, not with one of {allowed:?}");
            self.fail(Invariant::Handshake, what);
        }
        let accept = reply.headers.get("sec-websocket-accept").map(String::as_str);
        if reply.status == 101 && has_known_key && accept != Some(ACCEPT) {
            self.fail(Invariant::Handshake, format!("client {client} is accepted with {accept:?}"));
        }
    }

    /// A client has got a frame, which began with this byte of all that it was sent.
    pub(crate) fn got(&mut self, client: usize, frame: &Frame, start: u64) {
        let Some(relay) = self.relay(client) else { return };
        if relay.closed_with.is_some() {
            return self.fail(Invariant::Wire, format!("client {client} gets {frame:?} after a close frame"));
        }
        match frame.opcode {
            1 | 2 => self.got_message(client, frame),
            8 => self.got_close(client, frame),
            9 => {}
            10 => self.got_pong(client, frame, start),
            _ => self.fail(Invariant::Wire, format!("client {client} gets {frame:?}")),
        }
    }

    fn got_message(&mut self, client: usize, frame: &Frame) {
        self.messages_out += 1;
        let drops = self.options.overflow != Overflow::Close;
        let Some(relay) = self.relay(client) else { return };
        let may_drop = drops && relay.causes.overrun;
        let data = match (frame.opcode, std::str::from_utf8(&frame.payload)) {
            (1, Ok(text)) => Data::Text(Text::copy_from_str(text)),
            (1, Err(_)) => {
                return self.fail(Invariant::Wire, format!("client {client} gets a text that is not UTF-8"));
            }
            _ => Data::Binary(frame.payload.clone().into()),
        };
        if !relay.receive(&data, may_drop) {
            let expected: Vec<_> = relay.outgoing.values().filter_map(|lane| lane.front()).collect();
            let what = format!("client {client} gets {data:?}, not one of {expected:?}");
            let is_secret = String::from_utf8_lossy(&frame.payload).contains(crate::SECRET);
            self.fail(if is_secret { Invariant::Secrecy } else { Invariant::Sending }, what);
        }
    }

    fn got_pong(&mut self, client: usize, frame: &Frame, start: u64) {
        let Some(relay) = self.relay(client) else { return };
        let Some(index) = relay.pings.iter().position(|ping| ping.payload == frame.payload) else {
            return self.fail(Invariant::Pongs, format!("client {client} gets {frame:?} unasked"));
        };
        let is_unmistakable = relay.pings.iter().filter(|ping| ping.payload == frame.payload).count() == 1;
        // Earlier pings are answered with it.
        let ping = relay.pings.drain(..=index).next_back();
        if let Some(Ping { mark: Some(mark), .. }) = ping
            && start > mark
            && is_unmistakable
        {
            let what =
                format!("client {client} gets its pong at byte {start}, behind data from byte {mark} on");
            self.fail(Invariant::Pongs, what);
        }
    }

    fn got_close(&mut self, client: usize, frame: &Frame) {
        let options = &self.options;
        let Some(Some(pid)) = self.clients.get(client) else { return };
        let Some(relay) = self.relays.get_mut(pid) else { return };
        let code = match &frame.payload[..] {
            [high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => 1005,
        };
        relay.closed_with = Some(code);
        let Some(relay) = self.relays.get(pid) else { return };
        let reason = String::from_utf8_lossy(frame.payload.get(2..).unwrap_or_default()).into_owned();
        let mut wrong = None;
        if let Some(ended) = &relay.ended {
            let rows = self.rows(relay, ended);
            if !relay.causes.explain(&rows, code) {
                wrong = Some((
                    Invariant::Ending,
                    format!("client {client} is closed with {code}, not as {rows:?}"),
                ));
            }
        }
        // What was sent before the command goes out before the frame.
        if let Some(from) = relay.causes.closer(options, code, &reason)
            && relay.causes.broken.is_empty()
            && options.overflow == Overflow::Close
            && let Some(lane) = relay.outgoing.get(&from)
        {
            let before = lane.iter().take_while(|one| one.what.is_message());
            let before = before.filter(|one| !one.is_early).count();
            let is_there = lane.iter().any(|one| !one.what.is_message());
            if before > 0 && is_there {
                wrong =
                    Some((Invariant::Sending, format!("client {client} is closed before {before} messages")));
            }
        }
        if reason.contains(crate::SECRET) {
            wrong = Some((Invariant::Secrecy, format!("client {client} is closed with {reason:?}")));
        }
        if let Some((invariant, what)) = wrong {
            self.fail(invariant, what);
        }
    }

    /// The stream to a client has ended.
    pub(crate) fn stream_ended(&mut self, client: usize, is_whole: bool, is_broken: bool) {
        let Some(Some(pid)) = self.clients.get(client) else { return };
        let Some(relay) = self.relays.get(pid) else { return };
        if relay.stage == Stage::Waiting || is_broken || relay.causes.killed || relay.causes.lost {
            return;
        }
        let is_missing = relay.closed_with.is_none();
        if !is_whole && !is_missing {
            return self.fail(Invariant::Wire, format!("the stream to client {client} ends within a frame"));
        }
        let Some(ended) = &relay.ended else { return };
        let rows = self.rows(relay, ended);
        if is_missing && !relay.was_out_of_reach && rows.iter().all(|row| row.close.is_some()) {
            self.fail(Invariant::Ending, format!("client {client} got no close frame: {rows:?}"));
        }
    }
}
