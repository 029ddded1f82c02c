//! From a connection to other processes.

use super::Port;
use crate::carrier::{Carrier, Posting};
use crate::queue::{Room, Undelivered};
use wsrelay_core::connection::{Input, Outputs, Refused, Relayed};
use wsrelay_core::fault::HttpFault;
use wsrelay_core::message::{Destination, Run};
use wsrelay_core::process::{ExitReason, Pid, Signal};
use wsrelay_core::time::Instant;
use wsrelay_core::upgrade::{Request, refusal};

impl Port {
    /// H9: at its limit a node refuses before the handler has spawned anything for the client.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        request: Box<Request>,
        out: &mut Outputs,
    ) -> Option<Box<Request>> {
        if !request.is_upgrade() || self.node.gate().has_place() {
            return Some(request);
        }
        tracing::warn!("no place for another connection");
        let response = refusal(&HttpFault::Unavailable);
        self.connection.handle(now, Input::Response(response), out);
        None
    }

    /// Finds the process and puts our monitor into its mailbox.
    pub(super) fn attach(
        &mut self,
        target: &Destination,
        carrier: &mut impl Carrier,
    ) -> Result<Pid, Refused> {
        let mailbox =
            self.node.resolve(target).and_then(|pid| self.node.mailbox(pid)).ok_or(Refused::NoProcess)?;
        if !self.relaying && !self.node.gate().enter() {
            return Err(Refused::AtLimit);
        }
        let watcher = self.mailbox.pid();
        if carrier.push_to(&mailbox, Signal::Monitor { watcher }).is_err() {
            if !self.relaying {
                self.node.gate().leave();
            }
            return Err(Refused::NoProcess);
        }
        self.relaying = true;
        Ok(mailbox.pid())
    }

    /// Delivers the client's messages. What room the target's mailbox has left.
    pub(super) fn relay(
        &mut self,
        mut run: Run<Relayed>,
        out: &mut Outputs,
        carrier: &mut impl Carrier,
    ) -> Room {
        self.look_up_target(run.key.to);
        if let Some(target) = &self.target
            && target.pid() == run.key.to
            && let Some(room) = carrier.push_run(target, &mut run, out)
        {
            return room;
        }
        // The target was changed behind these messages, or has ended.
        if let Some(old) = self.node.mailbox(run.key.to)
            && carrier.push_run(&old, &mut run, out).is_some()
        {
            return Room::Left;
        }
        while let Some(data) = out.next_data(&mut run) {
            carrier.post(run.key.to, Signal::Message(run.key.message(data)));
        }
        Room::Left
    }

    /// Delivers a signal of the connection's.
    pub(super) fn deliver(&mut self, pid: Pid, signal: Signal, carrier: &mut impl Carrier) {
        // Who is told of something, by an acknowledgement perhaps, finds it counted.
        self.publish();
        self.look_up_target(pid);
        match &self.target {
            Some(target) if target.pid() == pid => match carrier.push_to(target, signal) {
                Err(Undelivered::Closed(signal)) => {
                    self.node.bury(pid, &ExitReason::NoProcess, [signal], &mut Posting(carrier));
                }
                // Only a heartbeat can find no room; the next one will tell the same.
                Ok(_) | Err(Undelivered::Full(_) | Undelivered::TooBig(_)) => {}
            },
            Some(_) | None => carrier.post(pid, signal),
        }
    }

    /// Has the mailbox of the session's target at hand, if that is who something is for.
    pub(super) fn look_up_target(&mut self, pid: Pid) {
        if self.target.as_ref().is_none_or(|target| target.pid() != pid)
            && self.connection.session().is_some_and(|session| session.target() == pid)
        {
            if let Some(old) = self.target.take() {
                old.forget_waiting(self.mailbox.pid());
            }
            self.target = self.node.mailbox(pid);
        }
    }
}
