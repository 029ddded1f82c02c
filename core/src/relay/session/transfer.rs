//! Handing a connection to another target, as one step (R7).

use super::{Phase, Session};
use crate::connection::{Output, Outputs, Refused};
use crate::fault::CommandFault;
use crate::limits::Limits;
use crate::message::{Control, Destination, Leave, Message, MetadataChange, Payload, Topic};
use crate::process::{Pid, Signal, SignalSink};
use crate::relay::{Command, End};
use crate::time::Instant;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;

/// A control command whose new target is being looked for.
#[derive(Debug)]
pub(super) struct Transfer {
    control: Control,
    from: Option<Pid>,
    /// Since when nothing is read for it.
    since: Instant,
    /// What came after it, in order.
    deferred: VecDeque<Deferred>,
    /// Payload bytes of that.
    deferred_bytes: usize,
}

/// What waits until a transfer is decided.
#[derive(Debug)]
pub(super) enum Deferred {
    /// A message from a process.
    Command(Message),
    /// A cancel, which must not overtake the messages before it.
    Cancel(Arc<str>),
}

impl Deferred {
    fn len(&self) -> usize {
        match self {
            Self::Command(message) => message.payload.len(),
            Self::Cancel(_) => 0,
        }
    }
}

impl Transfer {
    pub(super) const fn held_bytes(&self) -> usize {
        self.deferred_bytes
    }
}

impl Session {
    pub(super) fn command_control(
        &mut self,
        now: Instant,
        from: Option<Pid>,
        control: Control,
        out: &mut Outputs,
    ) {
        if let Err(fault) = self.check_control(from) {
            return self.refuse(from, control.reference, fault, out);
        }
        if let Phase::Failing { .. } = self.phase {
            // There is no client any more to be handed over.
            return self.refuse(from, control.reference, CommandFault::Closing, out);
        }
        match &control.target {
            None => self.update(now, from, control, out),
            Some(Destination::Pid(pid)) if *pid == self.pid() => self.refuse_itself(from, control, out),
            Some(Destination::Pid(pid)) if *pid == self.target => self.update(now, from, control, out),
            Some(target) => {
                out.push(Output::Attach(target.clone()));
                let transfer =
                    Transfer { control, from, since: now, deferred: VecDeque::new(), deferred_bytes: 0 };
                self.phase = Phase::Transferring(Box::new(transfer));
            }
        }
    }

    /// The new target is watched, or it could not be.
    pub(super) fn attached(&mut self, now: Instant, result: Result<Pid, Refused>, out: &mut Outputs) {
        let phase = core::mem::replace(&mut self.phase, Phase::Relaying);
        let Phase::Transferring(transfer) = phase else {
            // The session ended meanwhile, for another reason.
            self.phase = phase;
            if let Ok(pid) = result
                && (pid != self.target || !self.is_open())
            {
                out.signal(pid, Signal::Demonitor { watcher: self.pid() });
            }
            return;
        };
        let Transfer { control, from, since, deferred, .. } = *transfer;
        if now > since {
            self.clocks.restart_silence(now, &self.options.limits);
        }
        match result {
            Err(Refused::NoProcess | Refused::AtLimit) => {
                self.refuse(from, control.reference, CommandFault::NoProcess, out);
            }
            Ok(pid) if pid == self.target => self.update(now, from, control, out),
            Ok(pid) if pid == self.pid() => {
                out.signal(pid, Signal::Demonitor { watcher: pid });
                self.refuse_itself(from, control, out);
            }
            Ok(pid) => self.switch(now, pid, from, control, out),
        }
        self.replay(now, deferred, out);
    }

    /// A connection that talks to itself would talk for ever.
    fn refuse_itself(&mut self, from: Option<Pid>, control: Control, out: &mut Outputs) {
        let fault = CommandFault::Field { name: "target_pid", expected: "another process" };
        self.refuse(from, control.reference, fault, out);
    }

    /// Same target: an update, no leave, no join.
    fn update(&mut self, now: Instant, from: Option<Pid>, control: Control, out: &mut Outputs) {
        let reference = control.reference.clone();
        self.apply(now, control, out);
        self.accept(from, reference, out);
    }

    /// Leave to the old target with the old metadata; then everything changes together; then join to
    /// the new one.
    fn switch(&mut self, now: Instant, new: Pid, from: Option<Pid>, control: Control, out: &mut Outputs) {
        let leave = Leave {
            pid: self.pid(),
            reason: Arc::from("transfer"),
            code: None,
            clean: true,
            metadata: self.metadata.clone(),
        };
        self.tell_target(Topic::LEAVE, Payload::Leave(Box::new(leave)), out);
        self.lifecycle.demonitor(self.target, out);
        self.lifecycle.expect_down(new);
        self.target = new;
        self.counters.transfers += 1;
        // Whether the new target's mailbox is full is not known yet; the driver will say.
        self.unblock(now);
        let reference = control.reference.clone();
        self.apply(now, control, out);
        self.send_join(out);
        self.accept(from, reference, out);
    }

    /// Absent fields stay as they are.
    fn apply(&mut self, now: Instant, control: Control, out: &mut Outputs) {
        out.end_run();
        if let Some(topic) = control.message_topic {
            self.message_topic = topic;
        }
        if let Some(heartbeat) = control.heartbeat {
            self.heartbeat = heartbeat;
            self.clocks.restart_heartbeat(now, heartbeat);
        }
        if let MetadataChange::Set(metadata) = control.metadata {
            self.metadata = metadata;
        }
    }

    /// The session ends before the transfer was decided: it has not happened, and what waited for it is
    /// refused like everything else that comes too late.
    pub(super) fn abandon(&mut self, now: Instant, transfer: Transfer, out: &mut Outputs) {
        let Transfer { control, from, deferred, .. } = transfer;
        self.refuse(from, control.reference, CommandFault::Closing, out);
        for waiting in deferred {
            match waiting {
                Deferred::Command(message) => self.command(now, message, out),
                Deferred::Cancel(_) => {}
            }
        }
    }

    /// Keeps the order of what comes while a transfer is decided, within the bounds of the outbox.
    pub(super) fn defer(&mut self, waiting: Deferred, out: &mut Outputs) {
        let Phase::Transferring(transfer) = &mut self.phase else { return };
        let Limits { outbox_messages_max, outbox_bytes_max, .. } = self.options.limits;
        if let Deferred::Command(message) = waiting {
            let bytes = transfer.deferred_bytes + message.payload.len();
            let is_over = transfer.deferred.len() >= outbox_messages_max || bytes > outbox_bytes_max;
            if is_over && message.topic != Topic::CLOSE && message.topic != Topic::CONTROL {
                let reference = Command::reference(&message);
                return self.refuse(message.from, reference, CommandFault::OutboxFull, out);
            }
            transfer.deferred_bytes = bytes;
            transfer.deferred.push_back(Deferred::Command(message));
        } else {
            transfer.deferred.push_back(waiting);
        }
    }

    /// The commands that waited, until one of them transfers again.
    fn replay(&mut self, now: Instant, mut deferred: VecDeque<Deferred>, out: &mut Outputs) {
        while let Some(waiting) = deferred.pop_front() {
            match waiting {
                Deferred::Command(message) => self.command(now, message, out),
                Deferred::Cancel(reason) => self.end(now, End::Cancelled(reason), out),
            }
            if let Phase::Transferring(transfer) = &mut self.phase {
                transfer.deferred_bytes = deferred.iter().map(Deferred::len).sum();
                transfer.deferred = deferred;
                return;
            }
        }
    }
}
