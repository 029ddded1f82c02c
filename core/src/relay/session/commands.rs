//! Messages from processes: send, close, control, and whatever else they try (R5–R9).

use super::{Phase, Session};
use crate::connection::{Note, Output, Outputs};
use crate::fault::CommandFault;
use crate::message::{Ack, Close, Message, Payload, Ref, Send, Topic};
use crate::process::{Pid, Signal, SignalSink};
use crate::relay::command::{Command, Refusal};
use crate::relay::options::{Authority, Envelope};
use crate::relay::outbox::{Receipt, Rejected};
use crate::relay::{End, Overflow};
use crate::time::Instant;
use crate::wire::{CloseFrame, Data};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// R5: `ws.ack {ref, ok}` or `{ref, error}` to the sender of a command.
pub(super) fn acknowledge(
    pid: Pid,
    to: Pid,
    reference: Ref,
    outcome: Result<(), CommandFault>,
    out: &mut Outputs,
) {
    let payload = Payload::Ack(Box::new(Ack { reference, outcome }));
    out.signal(to, Signal::Message(Message { from: Some(pid), topic: Topic::ACK, payload }));
}

impl Session {
    /// One message from a process.
    pub(super) fn command(&mut self, now: Instant, message: Message, out: &mut Outputs) {
        let from = message.from;
        let envelope = self.options.envelope == Envelope::On;
        match Command::read(message, envelope, &self.options.limits) {
            Ok(Command::Send(send)) => self.command_send(now, from, send, out),
            Ok(Command::Close(close)) => self.command_close(now, from, *close, out),
            Ok(Command::Control(control)) => self.command_control(now, from, *control, out),
            Err(Refusal { fault, reference }) => self.refuse(from, reference, fault, out),
        }
    }

    /// Whether a message can go on its way to the client at once, past everything that could stand in its way.
    #[must_use]
    #[inline]
    pub fn can_send(&self, data: &Data) -> bool {
        matches!(self.phase, Phase::Relaying)
            && data.len() <= self.options.limits.outbox_bytes_max
            && self.outbox.is_clear(&self.options.limits)
    }

    /// Puts it on its way. It makes nothing else possible, so that nothing else has to be looked at.
    ///
    /// # Panics
    ///
    /// Unless [it can](Session::can_send).
    #[inline]
    pub fn send(&mut self, now: Instant, data: Data, out: &mut Outputs) {
        assert!(self.can_send(&data), "something stands in the way of a message");
        self.clocks.message_at = now;
        self.outbox.emit_data(now, data, &self.options.limits, out);
    }

    fn command_send(&mut self, now: Instant, from: Option<Pid>, send: Send, out: &mut Outputs) {
        let Send { data, reference } = send;
        if !self.takes_commands() {
            return self.refuse(from, reference.map(|boxed| *boxed), CommandFault::Closing, out);
        }
        let receipt = reference.zip(from).map(|(reference, to)| Receipt { to, reference });
        let limits = &self.options.limits;
        let mut evicted = Vec::new();
        let result = self.outbox.send(data, receipt, self.options.overflow, limits, &mut evicted);
        for receipt in evicted {
            self.refuse_receipt(Some(receipt.to), Some(receipt), CommandFault::OutboxFull, out);
        }
        match result {
            Ok(()) => {
                self.clocks.message_at = now;
                self.pump(now, out);
            }
            Err(Rejected::TooBig(receipt)) => self.refuse_receipt(from, receipt, CommandFault::TooBig, out),
            Err(Rejected::Dropped(receipt)) => {
                self.refuse_receipt(from, receipt, CommandFault::OutboxFull, out);
            }
            Err(Rejected::Overflow(receipt)) => {
                if let Some(receipt) = receipt {
                    self.refuse_receipt(from, Some(receipt), CommandFault::OutboxFull, out);
                }
                self.end(now, End::SlowClient, out);
            }
        }
    }

    fn command_close(&mut self, now: Instant, from: Option<Pid>, close: Close, out: &mut Outputs) {
        let Close { code, reason, reference } = close;
        if let Err(fault) = self.check_control(from) {
            return self.refuse(from, reference, fault, out);
        }
        self.accept(from, reference, out);
        self.end(now, End::Commanded(CloseFrame { code, reason }), out);
    }

    /// R9, and nothing is controlled that is closing already.
    pub(super) fn check_control(&self, from: Option<Pid>) -> Result<(), CommandFault> {
        if !self.takes_commands() {
            return Err(CommandFault::Closing);
        }
        match self.options.control {
            Authority::Any => Ok(()),
            Authority::Target if from == Some(self.target) => Ok(()),
            Authority::Target => Err(CommandFault::NotTarget),
        }
    }

    const fn takes_commands(&self) -> bool {
        match self.phase {
            Phase::Relaying | Phase::Transferring(_) | Phase::Failing { .. } => true,
            Phase::Closing(_) | Phase::Lingering { .. } | Phase::Done => false,
        }
    }

    /// Says yes to a command, if it asked.
    pub(super) fn accept(&self, from: Option<Pid>, reference: Option<Ref>, out: &mut Outputs) {
        if let Some((to, reference)) = from.zip(reference) {
            acknowledge(self.pid(), to, reference, Ok(()), out);
        }
    }

    /// R6: refused whole, counted and logged; the connection lives on.
    pub(super) fn refuse(
        &mut self,
        from: Option<Pid>,
        reference: Option<Ref>,
        fault: CommandFault,
        out: &mut Outputs,
    ) {
        self.counters.commands_refused += 1;
        if let Some((to, reference)) = from.zip(reference) {
            acknowledge(self.pid(), to, reference, Err(fault.clone()), out);
        }
        out.push(Output::Note(Note::CommandRefused { from, fault }));
    }

    pub(super) fn refuse_receipt(
        &mut self,
        from: Option<Pid>,
        receipt: Option<Receipt>,
        fault: CommandFault,
        out: &mut Outputs,
    ) {
        self.refuse(from, receipt.map(|receipt| *receipt.reference), fault, out);
    }

    /// P9: a mailbox that is full of messages for the client is the outbox's bound reached before the
    /// outbox could say so. The policies that drop were applied where the mailbox was.
    pub(super) fn overflowed(&mut self, now: Instant, out: &mut Outputs) {
        match self.options.overflow {
            Overflow::Close if self.takes_commands() => self.end(now, End::SlowClient, out),
            Overflow::Close | Overflow::DropNew | Overflow::DropOld => {}
        }
    }
}
