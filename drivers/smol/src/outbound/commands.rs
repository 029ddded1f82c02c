//! Messages from processes: send, close, control, and whatever else they try (R5–R8).

use super::ending::Phase;
use super::outgoing::Receipt;
use super::party::Party;
use super::relay::Relay;
use std::task::Context;
use wsrelay_core::fault::CommandFault;
use wsrelay_core::message::{Ack, Close, Control, Destination, Message, MetadataChange, Payload, Ref, Send};
use wsrelay_core::process::Pid;
use wsrelay_core::relay::{Command, End, Refusal};
use wsrelay_core::time::Instant;
use wsrelay_core::wire::CloseFrame;

impl Relay {
    /// One message from a process.
    pub(super) fn command(&mut self, now: Instant, message: Message, cx: &mut Context<'_>) {
        let from = message.from;
        // A server knows nothing of topics: the envelope is off.
        match Command::read(message, false, &self.limits) {
            Ok(Command::Send(send)) => self.command_send(now, from, send, cx),
            Ok(Command::Close(close)) => self.command_close(now, from, *close),
            Ok(Command::Control(control)) => self.command_control(now, from, *control),
            Err(Refusal { fault, reference }) => self.refuse(from, reference, &fault),
        }
    }

    fn command_send(&mut self, now: Instant, from: Option<Pid>, send: Send, cx: &mut Context<'_>) {
        let Send { data, reference } = send;
        // Perhaps nobody has tried the socket since the queue filled.
        if self.takes_commands() && self.outgoing.is_over(data.len(), &self.limits) {
            self.write(now, cx);
        }
        let fault = if !self.takes_commands() {
            CommandFault::Closing
        } else if data.len() > self.limits.outbox_bytes_max {
            CommandFault::TooBig
        } else if self.outgoing.is_over(data.len(), &self.limits) {
            CommandFault::OutboxFull
        } else {
            let receipt = reference.zip(from).map(|(reference, to)| Receipt { to, reference });
            self.clocks.message_at = now;
            return self.outgoing.send(data, receipt);
        };
        self.refuse(from, reference.map(|boxed| *boxed), &fault);
        if fault == CommandFault::OutboxFull {
            self.end(now, End::SlowClient);
        }
    }

    fn command_close(&mut self, now: Instant, from: Option<Pid>, close: Close) {
        let Close { code, reason, reference } = close;
        if !self.takes_commands() {
            return self.refuse(from, reference, &CommandFault::Closing);
        }
        self.accept(from, reference);
        self.end(now, End::Commanded(CloseFrame { code, reason }));
    }

    /// R7: nothing has changed, or everything has.
    fn command_control(&mut self, now: Instant, from: Option<Pid>, mut control: Control) {
        let reference = control.reference.take();
        if !self.takes_commands() {
            return self.refuse(from, reference, &CommandFault::Closing);
        }
        let present = self.party.target().pid();
        let new = control.target.take().map(|target| match self.party.node().resolve(&target) {
            Some(pid) if pid == present => None,
            Some(pid) => Some(self.party.watch(&Destination::Pid(pid))),
            None => Some(None),
        });
        match new {
            // Same target: an update, no leave, no join.
            None | Some(None) => {
                apply(&mut self.party, &mut control);
            }
            Some(Some(None)) => return self.refuse(from, reference, &CommandFault::NoProcess),
            Some(Some(Some(target))) => {
                self.party.switch(target, &self.acquaintance, |party| apply(party, &mut control));
                // Whether the new target has room is asked before the next message.
                self.unblock(now);
            }
        }
        if let Some(heartbeat) = control.heartbeat {
            self.heartbeat = heartbeat;
            self.clocks.restart_heartbeat(now, heartbeat);
        }
        self.accept(from, reference);
    }

    const fn takes_commands(&self) -> bool {
        match self.phase {
            Phase::Open => true,
            Phase::Closing { .. } | Phase::Lingering { .. } | Phase::Done => false,
        }
    }

    /// Says yes to a command, if it asked.
    fn accept(&self, from: Option<Pid>, reference: Option<Ref>) {
        if let Some((to, reference)) = from.zip(reference) {
            self.party.answer(to, Payload::Ack(Box::new(Ack { reference, outcome: Ok(()) })));
        }
    }

    /// R6: refused whole and logged; the connection lives on.
    pub(super) fn refuse(&self, from: Option<Pid>, reference: Option<Ref>, fault: &CommandFault) {
        let sender = from.map(tracing::field::display);
        tracing::warn!(pid = %self.party.pid(), from = sender, %fault, "command refused");
        if let Some((to, reference)) = from.zip(reference) {
            let ack = Ack { reference, outcome: Err(fault.clone()) };
            self.party.answer(to, Payload::Ack(Box::new(ack)));
        }
    }
}

/// Absent fields stay as they are.
fn apply(party: &mut Party, control: &mut Control) {
    if let Some(topic) = control.message_topic.take() {
        party.message_topic = topic;
    }
    if let MetadataChange::Set(metadata) = std::mem::take(&mut control.metadata) {
        party.metadata = metadata;
    }
}
