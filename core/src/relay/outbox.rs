//! What waits to be written to the client (P9).

use super::Codec;
use super::writer::Writer;
use crate::connection::Outputs;
use crate::limits::Limits;
use crate::message::Ref;
use crate::process::Pid;
use crate::relay::Overflow;
use crate::time::{Instant, Wake};
use crate::wire::{CloseFrame, Data, FrameHeader, Opcode, close_payload};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;

/// Whom to tell that a message is on its way to the socket.
#[derive(Debug)]
pub(super) struct Receipt {
    pub(super) to: Pid,
    pub(super) reference: Box<Ref>,
}

/// One message for the client.
#[derive(Debug)]
struct Queued {
    data: Data,
    receipt: Option<Receipt>,
}

/// A message the outbox did not take, with its receipt to be answered.
#[derive(Debug)]
pub(super) enum Rejected {
    /// Larger than the whole outbox.
    TooBig(Option<Receipt>),
    /// Over the bound, and the policy is to drop the new one.
    Dropped(Option<Receipt>),
    /// Over the bound, and the policy is to close.
    Overflow(Option<Receipt>),
}

/// The queue in front of the socket.
///
/// ```text
///   data ──► queue (bounded, can be dropped) ──► write-ahead (encoded, in flight) ──► socket
///   pong, ping ─────────── ahead of the queue ──►
///   close ──── when the queue is empty, and nothing after it ──►
/// ```
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Queued>,
    queue_bytes: usize,
    skipped: Vec<Receipt>,
    pong: Option<Box<Bytes>>,
    ping_wanted: bool,
    /// The position after the last ping, until it is known to be written.
    ping_mark: Option<u64>,
    close: CloseState,
    pub(super) writer: Writer,
    /// What the client has agreed to, if messages are compressed.
    pub(super) codec: Option<Box<Codec>>,
    /// Messages and their payload bytes that were put on their way.
    pub(super) messages_out: u64,
    pub(super) bytes_out: u64,
    pub(super) messages_dropped: u64,
}

#[derive(Debug, Default)]
enum CloseState {
    #[default]
    Open,
    /// The close frame follows the queue.
    Wanted(Option<Box<CloseFrame>>),
    /// The close frame ends at this position.
    Emitted(u64),
}

/// Room that the queue of an idle connection keeps.
const QUEUE_KEPT: usize = 8;

impl Outbox {
    /// An empty queue for a client that has agreed to this compression, or to none.
    pub(super) fn new(codec: Option<Box<Codec>>) -> Self {
        Self { codec, ..Self::default() }
    }

    /// Takes one message, or says why not. Receipts of older messages that had to make room for it are
    /// appended to `evicted`.
    pub(super) fn send(
        &mut self,
        data: Data,
        receipt: Option<Receipt>,
        policy: Overflow,
        limits: &Limits,
        evicted: &mut Vec<Receipt>,
    ) -> Result<(), Rejected> {
        let len = data.len();
        if len > limits.outbox_bytes_max {
            return Err(Rejected::TooBig(receipt));
        }
        // What is in flight cannot be taken back: if there is no room beside that, nothing is gained by
        // dropping what is queued.
        if policy == Overflow::DropOld && self.ahead(limits) + len > limits.outbox_bytes_max {
            self.messages_dropped += 1;
            return Err(Rejected::Dropped(receipt));
        }
        while self.is_over(len, limits) {
            match policy {
                Overflow::Close => return Err(Rejected::Overflow(receipt)),
                Overflow::DropNew => {
                    self.messages_dropped += 1;
                    return Err(Rejected::Dropped(receipt));
                }
                Overflow::DropOld => {
                    self.messages_dropped += 1;
                    if let Some(old) = self.queue.pop_front() {
                        self.queue_bytes -= old.data.len();
                        evicted.extend(old.receipt);
                    }
                }
            }
        }
        self.queue_bytes += len;
        // What has to wait must not keep the whole buffer that it arrived in.
        let waits = !self.queue.is_empty() || self.writer.in_flight() >= limits.write_ahead_bytes;
        let data = if waits { data.compact() } else { data };
        self.queue.push_back(Queued { data, receipt });
        Ok(())
    }

    /// Whether one more message of `len` bytes goes over the bound. What is in flight within the
    /// write-ahead window has its own allowance, so that a last byte on its way does not count
    /// against a message as large as the outbox.
    fn is_over(&self, len: usize, limits: &Limits) -> bool {
        self.queue.len() >= limits.outbox_messages_max
            || self.queue_bytes + self.ahead(limits) + len > limits.outbox_bytes_max
    }

    /// What is in flight beyond the window's own allowance.
    fn ahead(&self, limits: &Limits) -> usize {
        self.writer.in_flight().saturating_sub(limits.write_ahead_bytes)
    }

    /// Answers a ping; of several that could not be written yet, the latest (RFC 6455 §5.5.3).
    pub(super) fn pong(&mut self, payload: Bytes) {
        self.pong = Some(Box::new(payload));
    }

    /// Asks for a ping to be written.
    pub(super) const fn ping(&mut self) {
        self.ping_wanted = true;
    }

    /// Ends the stream with this close frame, after what is queued. A second call counts only while the
    /// first frame has not gone.
    pub(super) fn close(&mut self, frame: Option<CloseFrame>) {
        match self.close {
            CloseState::Open | CloseState::Wanted(_) => self.close = CloseState::Wanted(frame.map(Box::new)),
            CloseState::Emitted(_) => {}
        }
    }

    /// Forgets what is queued; what is in flight cannot be taken back. Receipts are kept to be answered.
    pub(super) fn skip(&mut self) {
        self.messages_dropped += self.queue.len() as u64;
        self.queue_bytes = 0;
        let skipped = core::mem::take(&mut self.queue);
        self.skipped.extend(skipped.into_iter().filter_map(|queued| queued.receipt));
    }

    /// The receipts of messages that were skipped, and of those that are still queued.
    pub(super) fn take_receipts(&mut self) -> Vec<Receipt> {
        let mut receipts = core::mem::take(&mut self.skipped);
        receipts.extend(self.queue.iter_mut().filter_map(|queued| queued.receipt.take()));
        receipts
    }

    /// A byte of the client's is a sign of life, whatever became of the ping: one that has not gone is not called for
    /// any more.
    pub(super) const fn forget_ping(&mut self) {
        self.ping_mark = None;
        self.ping_wanted = false;
    }

    /// Whether everything up to and including the close frame was taken by the socket.
    pub(super) const fn is_closed(&self) -> bool {
        match self.close {
            CloseState::Emitted(mark) => self.writer.has_reached(mark),
            CloseState::Open | CloseState::Wanted(_) => false,
        }
    }

    /// Whether the ping that was asked for has just been found written.
    pub(super) const fn take_written_ping(&mut self) -> bool {
        match self.ping_mark {
            Some(mark) if self.writer.has_reached(mark) => {
                self.ping_mark = None;
                true
            }
            _ => false,
        }
    }

    /// Whether a ping is wanted or on its way.
    pub(super) const fn is_pinging(&self) -> bool {
        self.ping_wanted || self.ping_mark.is_some()
    }

    /// Messages that can still be dropped, and their payload bytes.
    pub(super) fn queued(&self) -> (usize, usize) {
        (self.queue.len(), self.queue_bytes)
    }

    /// Payload bytes held here.
    pub(super) fn held_bytes(&self) -> usize {
        self.queue_bytes + self.writer.in_flight() + self.pong.as_ref().map_or(0, |pong| pong.len())
    }

    /// When the lack of progress becomes a stall.
    pub(super) fn stall(&self, limits: &Limits) -> Wake {
        self.writer.stall(limits)
    }

    /// Emits what the write-ahead window has room for. Receipts of what went are given to `sent`.
    pub(super) fn pump(
        &mut self,
        now: Instant,
        limits: &Limits,
        out: &mut Outputs,
        mut sent: impl FnMut(Receipt, &mut Outputs),
    ) {
        if matches!(self.close, CloseState::Emitted(_)) {
            return;
        }
        while self.writer.in_flight() < limits.write_ahead_bytes {
            if let Some(payload) = self.pong.take() {
                self.emit(now, Opcode::Pong, &payload, out);
            } else if core::mem::take(&mut self.ping_wanted) {
                self.emit(now, Opcode::Ping, &Bytes::new(), out);
                self.ping_mark = Some(self.writer.mark());
            } else if let Some(Queued { data, receipt }) = self.queue.pop_front() {
                self.queue_bytes -= data.len();
                self.emit_data(now, data, limits, out);
                if let Some(receipt) = receipt {
                    sent(receipt, out);
                }
            } else if let CloseState::Wanted(frame) = &mut self.close {
                let payload = close_payload(frame.take().as_deref());
                self.emit(now, Opcode::Close, &payload, out);
                self.close = CloseState::Emitted(self.writer.mark());
                return;
            } else {
                // An idle connection does not keep what a burst has made large.
                self.queue.shrink_to(QUEUE_KEPT);
                return;
            }
        }
    }

    /// Whether there is anything to emit, or room to give back.
    #[inline]
    pub(super) fn has_waiting(&self) -> bool {
        self.pong.is_some()
            || self.ping_wanted
            || self.queue.capacity() > QUEUE_KEPT
            || !self.queue.is_empty()
            || matches!(self.close, CloseState::Wanted(_))
    }

    /// Whether a message can go on its way at once, past a queue that is empty.
    #[inline]
    pub(super) fn is_clear(&self, limits: &Limits) -> bool {
        self.queue.is_empty()
            && self.pong.is_none()
            && !self.ping_wanted
            && matches!(self.close, CloseState::Open)
            && self.writer.in_flight() < limits.write_ahead_bytes
    }

    /// Puts a message on its way.
    #[inline]
    pub(super) fn emit_data(&mut self, now: Instant, data: Data, limits: &Limits, out: &mut Outputs) {
        let len = data.len();
        self.messages_out += 1;
        self.bytes_out += len as u64;
        if self.codec.is_some() && self.emit_compressed(now, &data, limits, out) {
            return;
        }
        let opcode = data.kind().into();
        let header = FrameHeader { fin: true, rsv1: false, opcode, mask: None, len: len as u64 }.encode();
        self.writer.emit(now, header.len() + len);
        out.write_data(&header, data);
    }

    /// The same for a message that is compressed; false for one that goes as it is.
    ///
    /// Kept apart, so that nothing of it is paid where nobody compresses.
    #[cold]
    #[inline(never)]
    fn emit_compressed(&mut self, now: Instant, data: &Data, limits: &Limits, out: &mut Outputs) -> bool {
        let codec = self.codec.as_mut();
        let Some(payload) = codec.and_then(|codec| codec.compress(data, limits, out.engine())) else {
            return false;
        };
        self.write(now, data.kind().into(), true, &payload, out);
        true
    }

    /// One unmasked, unfragmented frame (RFC 6455 §5.1: "A server MUST NOT mask any frames").
    fn emit(&mut self, now: Instant, opcode: Opcode, payload: &Bytes, out: &mut Outputs) {
        self.write(now, opcode, false, payload, out);
    }

    fn write(&mut self, now: Instant, opcode: Opcode, rsv1: bool, payload: &Bytes, out: &mut Outputs) {
        let header = FrameHeader { fin: true, rsv1, opcode, mask: None, len: payload.len() as u64 }.encode();
        self.writer.emit(now, header.len() + payload.len());
        out.write(&header, payload);
    }
}
