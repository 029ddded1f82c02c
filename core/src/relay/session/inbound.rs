//! Bytes from the client: decoding in turns, flow control, floods.

use super::{Phase, Session};
use crate::connection::{Output, Outputs, Relayed};
use crate::fault::ClientFault;
use crate::limits::Limits;
use crate::process::Pid;
use crate::relay::Codec;
use crate::time::{Instant, Wake};
use crate::wire::{Data, Decoder, Incoming, Role};
use bytes::BytesMut;

/// The reading half of a session.
#[derive(Debug)]
pub(super) struct Inbound {
    decoder: Decoder,
    /// Bytes that are not decoded yet.
    pending: BytesMut,
    /// Whether `pending` is a part of the driver's buffer.
    is_lent: bool,
    /// The stream has ended, and what is pending is the last of it.
    pub(super) ended: bool,
    reading: bool,
    /// A turn ended before `pending` did; the next begins at this instant, which has come already.
    pub(super) next_turn: Wake,
    /// Messages of the present turn that were taken before the others are decoded.
    taken: u32,
    /// What the compressed messages of the present turn have become, in bytes.
    inflated: usize,
    /// Since when the target's mailbox has had no room.
    pub(super) blocked_since: Option<Instant>,
    /// When the last message went to the target.
    delivered_at: Option<Instant>,
    flood: Flood,
}

/// A turn ends when its messages have become so much: what a read brings may become a thousand times as large, and others wait,
/// and the target's mailbox has to be asked whether there is room.
const TURN_INFLATED_BYTES: usize = 128 * 1024;

/// Frames that cost the client next to nothing, counted per period.
#[derive(Debug)]
struct Flood {
    since: Instant,
    frames: u32,
}

impl Flood {
    fn count(&mut self, now: Instant, limits: &Limits) -> Result<(), ClientFault> {
        if now.since(self.since) >= limits.flood_period {
            *self = Self { since: now, frames: 0 };
        }
        self.frames += 1;
        if self.frames > limits.flood_frames_max { Err(ClientFault::Flood) } else { Ok(()) }
    }
}

impl Inbound {
    /// Reading begins stopped: the driver was told so when the request was complete.
    pub(super) fn new(now: Instant, early: BytesMut, is_compressed: bool, limits: &Limits) -> Self {
        let decoder = Decoder::new(Role::Server, limits.message_bytes_max, limits.fragments_max);
        let compressed_bytes_max = Codec::compressed_bytes_max(limits.message_bytes_max);
        Self {
            decoder: if is_compressed { decoder.with_compression(compressed_bytes_max) } else { decoder },
            pending: early,
            is_lent: true,
            ended: false,
            reading: false,
            next_turn: Wake::Never,
            taken: 0,
            inflated: 0,
            blocked_since: None,
            delivered_at: None,
            flood: Flood { since: now, frames: 0 },
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.decoder.held_bytes() + self.pending.len()
    }

    /// Tells the driver when reading is to stop or to go on.
    pub(super) fn set_reading(&mut self, wanted: bool, out: &mut Outputs) {
        if wanted != self.reading {
            self.reading = wanted;
            out.push(if wanted { Output::ResumeReading } else { Output::StopReading });
        }
    }

    fn push(&mut self, bytes: BytesMut) {
        if self.pending.is_empty() {
            self.pending = bytes;
            self.is_lent = true;
        } else {
            self.pending.unsplit(bytes);
        }
    }

    /// Lets go of the driver's buffer: a few bytes that wait, such as a part of a header, cost less to
    /// copy than the whole buffer they lie in costs to keep.
    fn let_go(&mut self) {
        const BYTES_MAX: usize = 4096;
        if self.is_lent && self.pending.len() <= BYTES_MAX {
            self.pending = BytesMut::from(&self.pending[..]);
            self.is_lent = false;
        }
    }
}

impl Session {
    pub(super) fn received(&mut self, now: Instant, bytes: BytesMut) {
        match self.phase {
            Phase::Relaying | Phase::Transferring(_) | Phase::Closing(_) => {
                // Any byte is a sign of life.
                self.clocks.heard(now);
                self.outbox.forget_ping();
                self.inbound.push(bytes);
            }
            // Read only to find the end of the stream.
            Phase::Failing { .. } | Phase::Lingering { .. } | Phase::Done => {}
        }
    }

    /// Whether the socket should be read.
    pub(super) const fn wants_reading(&self) -> bool {
        match self.phase {
            Phase::Relaying | Phase::Closing(_) => {
                self.inbound.blocked_since.is_none()
                    && matches!(self.inbound.next_turn, Wake::Never)
                    && !self.inbound.ended
            }
            Phase::Transferring(_) | Phase::Failing { .. } | Phase::Done => false,
            Phase::Lingering { eof, .. } => !eof,
        }
    }

    fn may_decode(&self) -> bool {
        match self.phase {
            Phase::Relaying | Phase::Closing(_) => self.inbound.blocked_since.is_none(),
            Phase::Transferring(_) | Phase::Failing { .. } | Phase::Lingering { .. } | Phase::Done => false,
        }
    }

    /// Decodes what is pending, up to one turn's worth.
    pub(super) fn decode(&mut self, now: Instant, out: &mut Outputs) {
        self.inbound.next_turn = Wake::Never;
        let taken = core::mem::take(&mut self.inbound.taken);
        let mut budget = self.options.limits.turn_messages_max.saturating_sub(taken);
        self.inbound.inflated = 0;
        while !self.inbound.pending.is_empty() && self.may_decode() {
            if budget == 0 || self.inbound.inflated >= TURN_INFLATED_BYTES {
                self.inbound.next_turn = Wake::At(now);
                return;
            }
            budget -= 1;
            match self.inbound.decoder.decode(&mut self.inbound.pending) {
                Ok(Some(incoming)) => self.incoming(now, incoming, out),
                Ok(None) => break,
                Err(fault) => return self.fail(now, fault, out),
            }
        }
        self.inbound.let_go();
        if self.inbound.ended && self.may_decode() {
            self.eof(now, out);
        }
    }

    /// Takes as many short messages as can be relayed at once, where they lie; how many bytes that were.
    #[inline]
    pub fn receive(&mut self, now: Instant, bytes: &mut [u8], out: &mut Outputs) -> usize {
        self.inbound.taken = 0;
        let is_free = matches!(self.phase, Phase::Relaying)
            && self.target_alive
            && self.inbound.pending.is_empty()
            && self.inbound.blocked_since.is_none();
        if !is_free {
            return 0;
        }
        let Self { inbound, target, lifecycle, message_topic, metadata, options, .. } = self;
        let mut payload = 0;
        let (count, taken) =
            inbound.decoder.decode_short_texts(bytes, options.limits.turn_messages_max, |text| {
                payload += text.len() as u64;
                out.relay(Data::Text(text), || Relayed {
                    to: *target,
                    from: lifecycle.pid(),
                    topic: message_topic.clone(),
                    metadata: metadata.clone(),
                });
            });
        if count > 0 {
            self.inbound.taken = count;
            self.clocks.heard(now);
            self.outbox.forget_ping();
            self.clocks.message_at = now;
            self.inbound.delivered_at = Some(now);
            self.counters.messages_in += u64::from(count);
            self.counters.bytes_in += payload;
        }
        taken
    }

    /// As [`Decoder::wants_room`].
    #[must_use]
    pub fn wants_room(&self) -> usize {
        self.inbound.decoder.wants_room()
    }

    /// As [`Decoder::lend`].
    pub fn lend(&mut self, room: BytesMut) {
        self.inbound.decoder.lend(room);
    }

    /// Whether messages that arrived wait for a turn, for room or for a transfer.
    pub(super) fn has_waiting(&self) -> bool {
        !self.inbound.pending.is_empty() && (self.inbound.next_turn != Wake::Never || !self.may_decode())
    }

    fn incoming(&mut self, now: Instant, incoming: Incoming, out: &mut Outputs) {
        match incoming {
            Incoming::Message(data) => self.client_message(now, data, out),
            Incoming::Compressed(kind, payload) => {
                // The decoder lets through what was agreed on, and nothing else.
                let Some(codec) = &mut self.outbox.codec else { return };
                match codec.inflate(kind, &payload, self.options.limits.message_bytes_max, out.engine()) {
                    Ok(data) => {
                        self.inbound.inflated += data.len();
                        self.client_message(now, data, out);
                    }
                    Err(fault) => self.fail(now, fault, out),
                }
            }
            Incoming::Ping(payload) => {
                if self.count_flood(now, out) {
                    self.outbox.pong(payload);
                    self.pump(now, out);
                }
            }
            Incoming::Pong(_) | Incoming::EmptyFragment => _ = self.count_flood(now, out),
            Incoming::Close(frame) => self.peer_closed(now, frame, out),
        }
    }

    fn client_message(&mut self, now: Instant, data: Data, out: &mut Outputs) {
        self.clocks.message_at = now;
        self.counters.messages_in += 1;
        self.counters.bytes_in += data.len() as u64;
        if self.target_alive {
            self.inbound.delivered_at = Some(now);
            out.relay(data, || Relayed {
                to: self.target,
                from: self.lifecycle.pid(),
                topic: self.message_topic.clone(),
                metadata: self.metadata.clone(),
            });
        }
    }

    /// Whether the client may go on.
    fn count_flood(&mut self, now: Instant, out: &mut Outputs) -> bool {
        let result = self.inbound.flood.count(now, &self.options.limits);
        if let Err(fault) = result {
            self.fail(now, fault, out);
        }
        result.is_ok()
    }

    /// When answers to what the client has sent so far are no longer waited for.
    pub(super) fn replies_due(&self) -> Option<Instant> {
        self.inbound.delivered_at.map(|at| at + self.options.limits.reply_wait_max)
    }

    /// P8: a full mailbox stops the reading of the sockets that feed it.
    pub(super) fn target_full(&mut self, now: Instant, pid: Pid) {
        let delivers = match self.phase {
            Phase::Relaying | Phase::Transferring(_) | Phase::Closing(_) => self.target_alive,
            Phase::Failing { .. } | Phase::Lingering { .. } | Phase::Done => false,
        };
        if pid == self.target && delivers && self.inbound.blocked_since.is_none() {
            self.inbound.blocked_since = Some(now);
        }
    }

    pub(super) fn target_room(&mut self, now: Instant, pid: Pid) {
        if pid == self.target {
            self.unblock(now);
        }
    }

    /// While we did not read, nobody could show life: the clocks of the client's silence start anew.
    pub(super) fn unblock(&mut self, now: Instant) {
        if self.inbound.blocked_since.take().is_some() {
            self.clocks.restart_silence(now, &self.options.limits);
        }
    }

    /// P8: whether the relay itself does not read, so that nobody can be blamed for being silent.
    pub(super) const fn is_deaf(&self) -> bool {
        self.inbound.blocked_since.is_some() || matches!(self.phase, Phase::Transferring(_))
    }
}
