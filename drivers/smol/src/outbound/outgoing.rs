//! What waits to be written to the server (P9).

use super::ending::Phase;
use super::relay::Relay;
use async_tungstenite::tungstenite;
use async_tungstenite::tungstenite::Utf8Bytes;
use futures_sink::Sink as _;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use wsrelay_core::limits::Limits;
use wsrelay_core::message::{Ack, Payload, Ref};
use wsrelay_core::process::Pid;
use wsrelay_core::time::{Instant, Wake};
use wsrelay_core::wire::{CloseFrame, Data};

/// The queue in front of tungstenite.
///
/// ```text
///   data ──► queue (bounded) ──► tungstenite's buffer (one batch) ──► socket
///   ping ──── ahead of the queue ──►
///   close ──── when the queue is empty, and nothing after it ──►
/// ```
///
/// A batch is encoded only when the one before it is written: at most `write_ahead_bytes`, or one message.
#[derive(Debug)]
pub(super) struct Outgoing {
    queue: VecDeque<Queued>,
    queue_bytes: usize,
    ping: Ping,
    close: Close,
    /// Whether tungstenite holds something that is not written.
    pressed: bool,
    /// When the socket last took something, or was given something while it had nothing.
    progress_at: Instant,
    written_bytes: u64,
}

/// One message for the server.
#[derive(Debug)]
struct Queued {
    data: Data,
    receipt: Option<Receipt>,
}

/// Whom to tell that a message is on its way to the socket.
#[derive(Debug)]
pub(super) struct Receipt {
    pub(super) to: Pid,
    pub(super) reference: Box<Ref>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ping {
    None,
    Wanted,
    /// Encoded, and not written yet.
    Encoded,
}

#[derive(Debug)]
enum Close {
    Open,
    /// The close frame follows the queue.
    Wanted(Option<CloseFrame>),
    /// Encoded; nothing can follow it.
    Encoded,
}

impl Outgoing {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            queue: VecDeque::new(),
            queue_bytes: 0,
            ping: Ping::None,
            close: Close::Open,
            pressed: false,
            progress_at: now,
            written_bytes: 0,
        }
    }

    /// Whether one more message of `len` bytes goes over the bound.
    pub(super) fn is_over(&self, len: usize, limits: &Limits) -> bool {
        self.queue.len() >= limits.outbox_messages_max || self.queue_bytes + len > limits.outbox_bytes_max
    }

    /// Takes one message.
    pub(super) fn send(&mut self, data: Data, receipt: Option<Receipt>) {
        self.queue_bytes += data.len();
        self.queue.push_back(Queued { data, receipt });
    }

    /// Asks for a ping to be written.
    pub(super) const fn ping(&mut self) {
        self.ping = Ping::Wanted;
    }

    /// Whether a ping is wanted or on its way.
    pub(super) fn is_pinging(&self) -> bool {
        self.ping != Ping::None
    }

    /// Ends the stream with this close frame, after what is queued. Only the first call counts.
    pub(super) fn close(&mut self, frame: Option<CloseFrame>) {
        if matches!(self.close, Close::Open) {
            self.close = Close::Wanted(frame);
        }
    }

    /// Notes that tungstenite has ended the stream by itself, in answer to the server's close frame.
    pub(super) fn closed(&mut self) {
        self.close = Close::Encoded;
    }

    /// Forgets what is queued; the receipts of it.
    pub(super) fn skip(&mut self) -> Vec<Receipt> {
        self.queue_bytes = 0;
        self.queue.drain(..).filter_map(|queued| queued.receipt).collect()
    }

    /// Notes that tungstenite holds something to be written.
    pub(super) const fn press(&mut self, now: Instant) {
        if !self.pressed {
            self.pressed = true;
            self.progress_at = now;
        }
    }

    /// Whether everything up to and including the close frame is written.
    pub(super) const fn is_closed(&self) -> bool {
        matches!(self.close, Close::Encoded) && !self.pressed
    }

    /// When the lack of progress becomes a stall.
    pub(super) fn stall(&self, limits: &Limits) -> Wake {
        if self.pressed { Wake::At(self.progress_at + limits.write_wait_max) } else { Wake::Never }
    }

    const fn progress(&mut self, now: Instant, written_bytes: u64) {
        if self.written_bytes != written_bytes {
            self.written_bytes = written_bytes;
            self.progress_at = now;
        }
    }
}

impl Relay {
    /// Writes what the socket takes. Whether a batch was finished.
    pub(super) fn write(&mut self, now: Instant, cx: &mut Context<'_>) -> bool {
        let mut went_on = false;
        while !matches!(self.phase, Phase::Done) && (self.outgoing.pressed || self.encode(now)) {
            let result = Pin::new(&mut self.socket).poll_flush(cx);
            self.outgoing.progress(now, self.socket.get_ref().written_bytes());
            match result {
                Poll::Ready(Ok(())) => self.flushed(now),
                Poll::Ready(Err(error)) => {
                    // What was given up cannot be waited for.
                    self.outgoing.pressed = false;
                    self.unwritable(now, &error);
                    return true;
                }
                Poll::Pending => return went_on,
            }
            went_on = true;
        }
        went_on
    }

    /// Hands tungstenite the next batch. Whether there was something.
    fn encode(&mut self, now: Instant) -> bool {
        if self.outgoing.ping == Ping::Wanted && matches!(self.outgoing.close, Close::Open | Close::Wanted(_))
        {
            self.outgoing.ping = Ping::Encoded;
            self.hand_over(now, tungstenite::Message::Ping(tungstenite::Bytes::new()));
        }
        let mut budget = self.limits.write_ahead_bytes;
        while budget > 0
            && let Some(Queued { data, receipt }) = self.outgoing.queue.pop_front()
        {
            let len = data.len();
            self.outgoing.queue_bytes -= len;
            // An empty message has a header, too.
            budget = budget.saturating_sub(len.max(1));
            if let Some(message) = encoded(data) {
                self.hand_over(now, message);
            }
            if let Some(Receipt { to, reference }) = receipt {
                let ack = Ack { reference: *reference, outcome: Ok(()) };
                self.party.answer(to, Payload::Ack(Box::new(ack)));
            }
        }
        if self.outgoing.queue.is_empty()
            && let Close::Wanted(frame) = &mut self.outgoing.close
        {
            let frame = frame.take().map(|frame| tungstenite::protocol::CloseFrame {
                code: frame.code.get().into(),
                reason: frame.reason.as_str().into(),
            });
            self.outgoing.close = Close::Encoded;
            self.hand_over(now, tungstenite::Message::Close(frame));
        }
        self.outgoing.pressed
    }

    fn hand_over(&mut self, now: Instant, message: tungstenite::Message) {
        self.outgoing.press(now);
        // What fails here fails again when it is flushed, and is seen to there.
        if let Err(error) = Pin::new(&mut self.socket).start_send(message) {
            tracing::debug!(pid = %self.party.pid(), %error, "message not encoded");
        }
    }

    /// The socket has taken all that tungstenite held.
    fn flushed(&mut self, now: Instant) {
        self.outgoing.pressed = false;
        if self.outgoing.ping == Ping::Encoded {
            self.outgoing.ping = Ping::None;
            self.clocks.pinged(now, &self.limits);
        }
        if let Phase::Closing { deadline, flushed, .. } = &mut self.phase
            && self.outgoing.is_closed()
            && !*flushed
        {
            *flushed = true;
            *deadline = now + self.limits.close_wait_max;
        }
    }
}

/// The message without a copy. A [`Text`](wsrelay_core::wire::Text) is UTF-8, so that there always is one.
fn encoded(data: Data) -> Option<tungstenite::Message> {
    match data {
        Data::Text(text) => Utf8Bytes::try_from(text.into_bytes()).ok().map(tungstenite::Message::Text),
        Data::Binary(bytes) => Some(tungstenite::Message::Binary(bytes)),
    }
}
