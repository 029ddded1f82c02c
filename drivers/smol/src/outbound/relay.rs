//! The open connection: what drives it, and what arrives.

use super::dial::Opened;
use super::ending::Phase;
use super::faults::broken_rule;
use super::options::Terms;
use super::outgoing::Outgoing;
use super::party::{Acquaintance, News, Party};
use super::stream::Stream;
use super::timers::Clocks;
use crate::alarm::Alarm;
use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite;
use smol::io::AsyncRead as _;
use smol::stream::Stream as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use wsrelay_core::fault::ClientFault;
use wsrelay_core::limits::Limits;
use wsrelay_core::relay::End;
use wsrelay_core::time::{Instant, Timeout};
use wsrelay_core::wire::{CloseCode, CloseFrame, CloseReason, Data, Text};
use wsrelay_host::{Clock, Room};

/// Rounds of one poll, before other tasks get their turn; each is a turn's worth of messages at most.
const ROUNDS_MAX: usize = 4;

/// A connection from the join on.
pub(super) struct Relay {
    pub(super) party: Party,
    pub(super) acquaintance: Acquaintance,
    pub(super) socket: WebSocketStream<Stream>,
    pub(super) limits: Limits,
    pub(super) heartbeat: Timeout,
    pub(super) phase: Phase,
    pub(super) outgoing: Outgoing,
    pub(super) clocks: Clocks,
    pub(super) messages_in: u64,
    /// Since when the target's mailbox has had no room.
    pub(super) blocked_since: Option<Instant>,
    /// Bytes of the socket whose arrival was noticed.
    seen_bytes: u64,
    flood: Flood,
    clock: Clock,
    alarm: Alarm,
}

/// Frames that cost the server next to nothing, counted per period.
struct Flood {
    since: Instant,
    frames: u32,
}

impl Relay {
    /// Tells the target of the join; from then on [`Relay::poll`] does the rest.
    pub(super) fn begin(mut party: Party, opened: Opened, terms: Terms) -> Self {
        let Opened { socket, subprotocol, peer } = opened;
        let acquaintance = Acquaintance { subprotocol, peer };
        party.join(&acquaintance);
        let clock = party.node().clock();
        let now = clock.now();
        let seed = party.node().seed();
        Self {
            outgoing: Outgoing::new(now),
            clocks: Clocks::new(now, seed, terms.heartbeat),
            flood: Flood { since: now, frames: 0 },
            heartbeat: terms.heartbeat,
            limits: terms.limits,
            alarm: Alarm::new(clock.clone()),
            phase: Phase::Open,
            messages_in: 0,
            blocked_since: None,
            seen_bytes: 0,
            party,
            acquaintance,
            socket,
            clock,
        }
    }

    /// Does what can be done now. Ready when the socket is to be dropped.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..ROUNDS_MAX {
            let now = self.clock.now();
            self.tick(now);
            let mut went_on = self.news(now, cx);
            self.find_room(now, cx);
            went_on |= self.read(now, cx);
            went_on |= self.write(now, cx);
            self.settle();
            if matches!(self.phase, Phase::Done) {
                return Poll::Ready(());
            }
            let wake = self.wake();
            if !went_on && self.alarm.poll(cx, now, wake).is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// What other processes want, up to one turn's worth. Whether there is more.
    fn news(&mut self, now: Instant, cx: &mut Context<'_>) -> bool {
        for _ in 0..self.limits.turn_messages_max {
            match self.party.poll_news(cx.waker()) {
                Poll::Ready(News::Message(message)) => self.command(now, message, cx),
                Poll::Ready(News::End(end)) => self.end(now, end),
                Poll::Pending => return false,
            }
        }
        true
    }

    /// What the server sent, up to one turn's worth. Whether there is more.
    fn read(&mut self, now: Instant, cx: &mut Context<'_>) -> bool {
        match self.phase {
            Phase::Open | Phase::Closing { .. } => {}
            Phase::Lingering { eof: false, .. } => return self.discard(cx),
            Phase::Lingering { eof: true, .. } | Phase::Done => return false,
        }
        if self.blocked_since.is_some() {
            return false;
        }
        for _ in 0..self.limits.turn_messages_max {
            // Ask before decoding, so that a full mailbox is overrun by one message at most.
            if !self.party.target().has_room() {
                self.block(now);
                return true;
            }
            let item = Pin::new(&mut self.socket).poll_next(cx);
            self.listen(now);
            match item {
                Poll::Ready(Some(Ok(message))) => self.incoming(now, message),
                Poll::Ready(Some(Err(error))) => self.broken(now, &error),
                Poll::Ready(None) => self.eof(now),
                Poll::Pending => return false,
            }
            if !matches!(self.phase, Phase::Open | Phase::Closing { .. }) || self.blocked_since.is_some() {
                return true;
            }
        }
        true
    }

    /// Any byte is a sign of life.
    fn listen(&mut self, now: Instant) {
        let bytes = self.socket.get_ref().read_bytes();
        if bytes != self.seen_bytes {
            self.seen_bytes = bytes;
            self.clocks.heard(now);
        }
    }

    fn incoming(&mut self, now: Instant, message: tungstenite::Message) {
        match message {
            // Checked once more, because only a checked text can be had; not copied.
            tungstenite::Message::Text(text) => match Text::try_from(tungstenite::Bytes::from(text)) {
                Ok(text) => self.message(now, Data::Text(text)),
                Err(_) => self.end(now, End::Fault(ClientFault::Utf8)),
            },
            tungstenite::Message::Binary(bytes) => self.message(now, Data::Binary(bytes)),
            tungstenite::Message::Ping(_) => {
                // tungstenite has put the pong in front of all that is not encoded yet.
                self.outgoing.press(now);
                self.count_flood(now);
            }
            tungstenite::Message::Pong(_) => self.count_flood(now),
            tungstenite::Message::Close(frame) => self.peer_closed(now, frame),
            // Only ever written.
            tungstenite::Message::Frame(_) => {}
        }
    }

    fn message(&mut self, now: Instant, data: Data) {
        self.clocks.message_at = now;
        self.messages_in += 1;
        if self.party.deliver(data) == Room::None {
            self.block(now);
        }
    }

    fn count_flood(&mut self, now: Instant) {
        if now.since(self.flood.since) >= self.limits.flood_period {
            self.flood = Flood { since: now, frames: 0 };
        }
        self.flood.frames += 1;
        if self.flood.frames > self.limits.flood_frames_max {
            self.end(now, End::Fault(ClientFault::Flood));
        }
    }

    /// The server's close frame. tungstenite has queued its answer, if it needs one.
    fn peer_closed(&mut self, now: Instant, frame: Option<tungstenite::protocol::CloseFrame>) {
        self.outgoing.press(now);
        let Some(frame) = frame else { return self.said_goodbye(now, None) };
        let number = u16::from(frame.code);
        match CloseCode::new(number) {
            Some(code) => {
                let reason = CloseReason::new(frame.reason.as_str());
                self.said_goodbye(now, Some(CloseFrame { code, reason }));
            }
            None => self.end(now, End::Fault(ClientFault::CloseCode(number))),
        }
    }

    /// The socket or the server failed.
    pub(super) fn broken(&mut self, now: Instant, error: &tungstenite::Error) {
        tracing::debug!(pid = %self.party.pid(), %error, "outbound connection failed");
        match broken_rule(error) {
            Some(fault) => self.end(now, End::Fault(fault)),
            None => self.eof(now),
        }
    }

    /// Reads on only to find the end of the stream: a socket that is dropped with bytes unread resets the
    /// connection, and our close frame may never be read. Whether the stream goes on.
    fn discard(&mut self, cx: &mut Context<'_>) -> bool {
        let mut bytes = [0; 4096];
        match Pin::new(self.socket.get_mut()).poll_read(cx, &mut bytes) {
            Poll::Ready(Ok(1..)) => true,
            Poll::Ready(Ok(0) | Err(_)) => {
                if let Phase::Lingering { eof, .. } = &mut self.phase {
                    *eof = true;
                }
                false
            }
            Poll::Pending => false,
        }
    }

    /// P8: a full mailbox stops the reading of the socket that feeds it.
    fn block(&mut self, now: Instant) {
        if self.blocked_since.is_none() {
            tracing::trace!(pid = %self.party.pid(), "target has no room");
            self.blocked_since = Some(now);
        }
    }

    fn find_room(&mut self, now: Instant, cx: &mut Context<'_>) {
        if self.blocked_since.is_some() && !self.party.target().wait_for_room(self.party.pid(), cx.waker()) {
            self.unblock(now);
        }
    }

    /// While we did not read, nobody could show life: the clock of the server's silence starts anew.
    pub(super) fn unblock(&mut self, now: Instant) {
        if self.blocked_since.take().is_some() {
            self.clocks.restart_silence(now, &self.limits);
        }
    }
}
