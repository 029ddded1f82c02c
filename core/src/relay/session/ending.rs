//! From a reason to the cut socket.

use super::{Phase, Session};
use crate::connection::{Note, Output, Outputs};
use crate::fault::{ClientFault, CommandFault};
use crate::message::{Leave, Payload, Topic};
use crate::relay::End;
use crate::relay::end::{LeaveTerms, Manner};
use crate::time::Instant;
use crate::wire::CloseFrame;
use alloc::boxed::Box;

/// A graceful end under way.
#[derive(Debug)]
pub(super) struct Closing {
    end: End,
    /// When patience ends: first with the writing of our close frame, then with the peer's.
    pub(super) deadline: Instant,
    /// Whether our close frame was written.
    flushed: bool,
}

impl Session {
    /// Ends the session for this reason, in the manner of table C.
    pub(super) fn end(&mut self, now: Instant, end: End, out: &mut Outputs) {
        // A client that broke the protocol is not parted from politely, whatever comes after.
        let end = match (&self.phase, end.manner()) {
            (Phase::Failing { fault, .. }, Manner::Graceful) => End::Fault(*fault),
            _ => end,
        };
        let manner = end.manner();
        match (&self.phase, manner) {
            (Phase::Relaying | Phase::Transferring(_) | Phase::Failing { .. }, _)
            | (Phase::Closing(_), Manner::Abrupt | Manner::Cut) => {}
            // It is closing for another reason already.
            (Phase::Closing(_), Manner::Graceful | Manner::Prompt)
            | (Phase::Lingering { .. } | Phase::Done, _) => return,
        }
        if let Phase::Transferring(transfer) = core::mem::replace(&mut self.phase, Phase::Done) {
            self.abandon(now, *transfer, out);
        }
        match manner {
            Manner::Graceful => {
                if !self.target_alive {
                    self.unblock(now);
                }
                self.outbox.close(end.close_frame().flatten());
                let deadline = now + self.options.limits.close_wait_max;
                self.phase = Phase::Closing(Box::new(Closing { end, deadline, flushed: false }));
            }
            Manner::Prompt | Manner::Abrupt => {
                if manner == Manner::Abrupt {
                    self.outbox.skip();
                }
                self.outbox.close(end.close_frame().flatten());
                self.depart(&end, matches!(end, End::ClientClosed(_)), out);
                self.linger(now);
            }
            Manner::Cut => {
                self.depart(&end, false, out);
                self.cut(out);
            }
        }
    }

    /// The client broke the protocol or a limit. Messages that it sent before are sound, and so are the
    /// answers to them: those that come at once go out before the close frame.
    pub(super) fn fail(&mut self, now: Instant, fault: ClientFault, out: &mut Outputs) {
        match core::mem::replace(&mut self.phase, Phase::Relaying) {
            // It was closing anyway; the peer's close frame will not come any more.
            Phase::Closing(closing) => {
                self.depart(&closing.end, false, out);
                self.linger(now);
            }
            phase @ (Phase::Relaying | Phase::Transferring(_)) => {
                self.phase = phase;
                match self.replies_due() {
                    Some(until) if until > now => self.phase = Phase::Failing { fault, until },
                    Some(_) | None => self.end(now, End::Fault(fault), out),
                }
            }
            phase @ (Phase::Failing { .. } | Phase::Lingering { .. } | Phase::Done) => self.phase = phase,
        }
    }

    /// The peer's close frame.
    pub(super) fn peer_closed(&mut self, now: Instant, frame: Option<CloseFrame>, out: &mut Outputs) {
        match core::mem::replace(&mut self.phase, Phase::Relaying) {
            Phase::Closing(closing) => {
                self.depart(&closing.end, true, out);
                self.linger(now);
            }
            phase @ (Phase::Relaying | Phase::Transferring(_)) => {
                self.phase = phase;
                self.end(now, End::ClientClosed(frame), out);
            }
            phase @ (Phase::Failing { .. } | Phase::Lingering { .. } | Phase::Done) => self.phase = phase,
        }
    }

    /// The client has ended its side of the stream.
    pub(super) fn eof(&mut self, now: Instant, out: &mut Outputs) {
        let has_waiting = self.has_waiting();
        match &mut self.phase {
            // What came whole before the end, a close frame perhaps, counts before the end does.
            Phase::Relaying | Phase::Transferring(_) | Phase::Closing(_) if has_waiting => {
                self.inbound.ended = true;
            }
            Phase::Relaying | Phase::Transferring(_) => self.end(now, End::Lost, out),
            Phase::Failing { fault, .. } => {
                let end = End::Fault(*fault);
                self.end(now, end, out);
                self.eof(now, out);
            }
            Phase::Closing(_) => self.give_up(out),
            // What is still to be written may yet be read.
            Phase::Lingering { eof, .. } => *eof = true,
            Phase::Done => {}
        }
    }

    /// A graceful end that the peer did not see through.
    pub(super) fn give_up(&mut self, out: &mut Outputs) {
        if let Phase::Closing(closing) = core::mem::replace(&mut self.phase, Phase::Done) {
            self.depart(&closing.end, false, out);
        }
        self.cut(out);
    }

    /// The next step of an end that writing has made possible.
    pub(super) fn advance_ending(&mut self, now: Instant, out: &mut Outputs) {
        let is_closed = self.outbox.is_closed();
        match &mut self.phase {
            Phase::Closing(closing) if is_closed && !closing.flushed => {
                closing.flushed = true;
                closing.deadline = now + self.options.limits.close_wait_max;
            }
            // RFC 6455 §7.1.1: the server closes the TCP connection first; a FIN and not a reset, so that
            // the close frame reaches a client that is still sending.
            Phase::Lingering { eof: false, shut, .. } if is_closed && !*shut => {
                *shut = true;
                out.push(Output::Shutdown);
            }
            Phase::Lingering { eof: true, .. } if is_closed => self.cut(out),
            Phase::Closing(_) | Phase::Lingering { .. } => {}
            Phase::Relaying | Phase::Transferring(_) | Phase::Failing { .. } | Phase::Done => {}
        }
    }

    /// R4: the leave, then the exit event; each exactly once.
    fn depart(&mut self, end: &End, clean: bool, out: &mut Outputs) {
        if self.target_alive
            && let Some(LeaveTerms { code, reason }) = end.leave()
        {
            let leave =
                Leave { pid: self.pid(), reason, code: Some(code), clean, metadata: self.metadata.clone() };
            self.tell_target(Topic::LEAVE, Payload::Leave(Box::new(leave)), out);
        }
        // Whoever asked what became of a message is told before the process is gone: what still goes out
        // from here on goes without a word.
        for receipt in self.outbox.take_receipts() {
            self.refuse(Some(receipt.to), Some(*receipt.reference), CommandFault::Closing, out);
        }
        let reason = end.exit_reason();
        out.push(Output::Note(Note::Closed(end.clone())));
        // First it is gone, with its names; then the others hear of it.
        out.push(Output::Exit(reason.clone()));
        self.lifecycle.end(reason, out);
    }

    fn linger(&mut self, now: Instant) {
        let until = now + self.options.limits.close_wait_max;
        self.phase = Phase::Lingering { until, eof: self.inbound.ended, shut: false };
    }

    pub(super) fn cut(&mut self, out: &mut Outputs) {
        self.outbox.skip();
        self.phase = Phase::Done;
        out.push(Output::Cut);
    }
}
