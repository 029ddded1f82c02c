//! From a reason to the dropped socket.

use super::relay::Relay;
use wsrelay_core::fault::CommandFault;
use wsrelay_core::relay::{End, Manner};
use wsrelay_core::time::Instant;
use wsrelay_core::wire::CloseFrame;

/// Where the connection stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// Messages flow.
    Open,
    /// The end is decided; what was queued goes out, then the close frame, then the server's is awaited.
    Closing {
        end: End,
        /// When patience ends: first with the writing of our close frame, then with the server's.
        deadline: Instant,
        /// Whether our close frame was written.
        flushed: bool,
    },
    /// The process has ended; the last bytes go out, and the server ends the stream.
    /// RFC 6455 §7.1.1: the TCP connection "SHOULD be closed first by the server".
    Lingering {
        /// When the socket is dropped anyway.
        until: Instant,
        /// Whether the server has ended the stream.
        eof: bool,
    },
    /// The socket is to be dropped.
    Done,
}

impl Relay {
    /// Ends the connection for this reason, in the manner of the core's table.
    pub(super) fn end(&mut self, now: Instant, end: End) {
        let manner = end.manner();
        match (&self.phase, manner) {
            (Phase::Open, _) | (Phase::Closing { .. }, Manner::Abrupt | Manner::Cut) => {}
            // It is closing for another reason already.
            (Phase::Closing { .. }, Manner::Graceful | Manner::Prompt)
            | (Phase::Lingering { .. } | Phase::Done, _) => return,
        }
        match manner {
            Manner::Graceful => {
                self.unblock(now);
                self.outgoing.close(end.close_frame().flatten());
                let deadline = now + self.limits.close_wait_max;
                self.phase = Phase::Closing { end, deadline, flushed: false };
            }
            Manner::Prompt | Manner::Abrupt => {
                self.skip_queue();
                let peer_closed = matches!(end, End::ClientClosed(_));
                if peer_closed {
                    // tungstenite has answered, and takes nothing more.
                    self.outgoing.closed();
                }
                self.outgoing.close(end.close_frame().flatten());
                self.party.depart(&end, peer_closed);
                self.linger(now);
            }
            Manner::Cut => {
                self.skip_queue();
                self.party.depart(&end, false);
                self.phase = Phase::Done;
            }
        }
    }

    /// The server's close frame has come.
    pub(super) fn said_goodbye(&mut self, now: Instant, frame: Option<CloseFrame>) {
        match std::mem::replace(&mut self.phase, Phase::Open) {
            Phase::Closing { end, .. } => {
                // Whether ours was first or not: nothing can be sent any more.
                self.skip_queue();
                self.outgoing.closed();
                self.party.depart(&end, true);
                self.linger(now);
            }
            Phase::Open => self.end(now, End::ClientClosed(frame)),
            phase @ (Phase::Lingering { .. } | Phase::Done) => self.phase = phase,
        }
    }

    /// The stream has ended, or failed.
    pub(super) fn eof(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Open => self.end(now, End::Lost),
            Phase::Closing { .. } => self.abandon(),
            Phase::Lingering { eof, .. } => *eof = true,
            Phase::Done => {}
        }
    }

    /// Nothing can be written any more.
    pub(super) fn unwritable(&mut self, now: Instant, error: &async_tungstenite::tungstenite::Error) {
        match self.phase {
            Phase::Open | Phase::Closing { .. } => self.broken(now, error),
            Phase::Lingering { .. } | Phase::Done => {}
        }
        // Whatever kind of end that was: its close frame cannot go out.
        self.phase = Phase::Done;
    }

    /// A graceful end that the server did not see through.
    pub(super) fn abandon(&mut self) {
        if let Phase::Closing { end, .. } = std::mem::replace(&mut self.phase, Phase::Done) {
            self.skip_queue();
            self.party.depart(&end, false);
        }
    }

    /// The next step of an end that reading or writing has made possible.
    pub(super) fn settle(&mut self) {
        if matches!(self.phase, Phase::Lingering { eof: true, .. }) && self.outgoing.is_closed() {
            self.phase = Phase::Done;
        }
    }

    fn linger(&mut self, now: Instant) {
        self.phase = Phase::Lingering { until: now + self.limits.close_wait_max, eof: false };
    }

    /// What is queued will not be sent; whoever asked is told.
    fn skip_queue(&mut self) {
        for receipt in self.outgoing.skip() {
            self.refuse(Some(receipt.to), Some(*receipt.reference), &CommandFault::Closing);
        }
    }
}
