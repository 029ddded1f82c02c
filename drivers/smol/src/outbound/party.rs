//! The process toward other processes: its target, what it tells it, and its end.

use super::options::Terms;
use crate::runtime::Node;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use wsrelay_core::message::{
    Abort, ClientMessage, Destination, Heartbeat, Join, Leave, Message, Metadata, Payload, Topic,
};
use wsrelay_core::process::{Event, ExitReason, Pid, Signal};
use wsrelay_core::relay::{ABNORMAL, End, LeaveTerms};
use wsrelay_core::wire::Data;
use wsrelay_host::{Mailbox, ProcessCell, Room, Undelivered};

/// The process. Dropping it ends it: no task that is lost leaves a target waiting.
pub(super) struct Party {
    node: Node,
    cell: Arc<ProcessCell>,
    /// The target's mailbox, so that the data path looks nothing up.
    target: Arc<Mailbox>,
    target_alive: bool,
    stage: Stage,
    pub(super) message_topic: Topic,
    pub(super) metadata: Metadata,
}

/// What the target has been told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Nothing,
    Join,
    /// All that there is to tell; the process has ended.
    Everything,
}

/// What others want of the process.
pub(super) enum News {
    Message(Message),
    End(End),
}

impl Party {
    /// A new process that watches `target`; `None` when that is not alive.
    pub(super) fn open(node: &Node, target: &Destination, terms: &Terms) -> Option<Self> {
        let cell = ProcessCell::new(node);
        let Some(target) = watch(node, &cell, target) else {
            cell.end(ExitReason::Normal);
            return None;
        };
        Some(Self {
            node: node.clone(),
            cell,
            target,
            target_alive: true,
            stage: Stage::Nothing,
            message_topic: terms.message_topic.clone(),
            metadata: terms.metadata.clone(),
        })
    }

    pub(super) const fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn pid(&self) -> Pid {
        self.cell.pid()
    }

    /// The target's mailbox.
    pub(super) const fn target(&self) -> &Arc<Mailbox> {
        &self.target
    }

    /// What others want next, in the order in which it came.
    pub(super) fn poll_news(&mut self, waker: &Waker) -> Poll<News> {
        if self.stage == Stage::Everything {
            return Poll::Pending;
        }
        if let Some(reason) = self.cell.pump(waker) {
            return Poll::Ready(News::End(end_of(&reason)));
        }
        // Whatever comes passes the pump first, which has the waker.
        while let Poll::Ready(event) = self.cell.poll_any(Waker::noop()) {
            if let Event::Message(message) = event {
                return Poll::Ready(News::Message(message));
            }
            if let Some(end) = self.end_by(&event) {
                return Poll::Ready(News::End(end));
            }
        }
        Poll::Pending
    }

    /// As [`Party::poll_news`], but messages are left waiting.
    pub(super) fn poll_end(&mut self, waker: &Waker) -> Poll<End> {
        if let Some(reason) = self.cell.pump(waker) {
            return Poll::Ready(end_of(&reason));
        }
        while let Poll::Ready(event) = self.cell.poll_event(Waker::noop()) {
            if let Some(end) = self.end_by(&event) {
                return Poll::Ready(end);
            }
        }
        Poll::Pending
    }

    fn end_by(&mut self, event: &Event) -> Option<End> {
        match event {
            Event::Exit { from, reason } if *from == self.target.pid() => {
                self.target_alive = false;
                Some(if reason.is_normal() { End::TargetExited } else { End::TargetFailed })
            }
            Event::Cancel { reason, .. } => Some(End::Cancelled(Arc::clone(reason))),
            // It watches nobody but its target and traps no links.
            Event::Exit { .. }
            | Event::LinkDown { .. }
            | Event::Started
            | Event::Message(_)
            | Event::Tick => None,
        }
    }

    /// Finds another target and watches it, as well as the present one. `None` when it is not alive, and
    /// nothing has changed.
    pub(super) fn watch(&self, target: &Destination) -> Option<Arc<Mailbox>> {
        watch(&self.node, &self.cell, target)
    }

    /// R7: the leave to the old target, with the old metadata; `change` puts the rest in place; then the
    /// join to the new one.
    pub(super) fn switch(
        &mut self,
        target: Arc<Mailbox>,
        join: &Acquaintance,
        change: impl FnOnce(&mut Self),
    ) {
        self.say_leave(Arc::from("transfer"), None, true);
        // An error would be a name that nobody holds; this is a PID.
        _ = self.cell.demonitor(&Destination::Pid(self.target.pid()));
        self.target = target;
        change(self);
        self.join(join);
    }

    /// R4: in the target's mailbox before the first message can be.
    pub(super) fn join(&mut self, acquaintance: &Acquaintance) {
        self.stage = Stage::Join;
        let Acquaintance { subprotocol, peer } = acquaintance.clone();
        let join = Join { pid: self.pid(), metadata: self.metadata.clone(), subprotocol, peer };
        self.tell(Topic::JOIN, Payload::Join(Box::new(join)));
    }

    /// Hands a message of the server's on. Whether the target has room for another one.
    pub(super) fn deliver(&self, data: Data) -> Room {
        if !self.target_alive {
            return Room::Left;
        }
        let message = ClientMessage { pid: self.pid(), data, metadata: self.metadata.clone() };
        let message = self.message(self.message_topic.clone(), Payload::Client(message));
        self.undelivered(self.target.push_relayed(message))
    }

    /// The periodic sign of life.
    pub(super) fn beat(&self, heartbeat: Heartbeat) {
        self.tell(Topic::HEARTBEAT, Payload::Heartbeat(Box::new(heartbeat)));
    }

    /// Answers a process that sent a command.
    pub(super) fn answer(&self, to: Pid, payload: Payload) {
        self.node.post(&Destination::Pid(to), self.message(Topic::ACK, payload));
    }

    /// There is no connection: the target learns why, and the process has crashed.
    pub(super) fn abort(&mut self, why: &str) {
        self.say_abort(Arc::from(why));
        self.finish(ExitReason::crashed(why));
    }

    /// The process ends for a reason of its own before there is a connection.
    pub(super) fn give_up(&mut self, end: &End) {
        if let Some(terms) = end.leave() {
            self.say_abort(terms.reason);
        }
        self.finish(end.exit_reason());
    }

    /// R4: the leave, then the exit event; each exactly once.
    pub(super) fn depart(&mut self, end: &End, clean: bool) {
        if self.stage == Stage::Join
            && let Some(terms) = end.leave()
        {
            let LeaveTerms { code, reason } = terms;
            self.say_leave(reason, Some(code), clean && code != ABNORMAL);
        }
        tracing::debug!(pid = %self.pid(), ?end, "outbound connection closed");
        self.finish(end.exit_reason());
    }

    fn finish(&mut self, reason: ExitReason) {
        self.stage = Stage::Everything;
        self.cell.end(reason);
    }

    fn say_leave(&self, reason: Arc<str>, code: Option<u16>, clean: bool) {
        let leave = Leave { pid: self.pid(), reason, code, clean, metadata: self.metadata.clone() };
        self.tell(Topic::LEAVE, Payload::Leave(Box::new(leave)));
    }

    fn say_abort(&self, reason: Arc<str>) {
        self.tell(Topic::ABORT, Payload::Abort(Abort { reason }));
    }

    fn tell(&self, topic: Topic, payload: Payload) {
        if self.target_alive {
            _ = self.undelivered(self.target.push(self.message(topic, payload), &mut Vec::new()));
        }
    }

    fn message(&self, topic: Topic, payload: Payload) -> Signal {
        Signal::Message(Message { from: Some(self.pid()), topic, payload })
    }

    /// What becomes of a message that the target did not get.
    fn undelivered(&self, result: Result<Room, Undelivered>) -> Room {
        match result {
            Ok(room) => room,
            // A dead letter; that the target has ended is on its way to us.
            Err(Undelivered::Closed(signal)) => {
                self.node.post(&Destination::Pid(self.target.pid()), signal);
                Room::Left
            }
            // Only a heartbeat can find no room; the next one will tell the same.
            Err(Undelivered::Full(_) | Undelivered::TooBig(_)) => Room::None,
        }
    }
}

impl Drop for Party {
    /// A task that is dropped before its end, as when the runtime stops, is a process that was killed; one
    /// that panicked has crashed.
    fn drop(&mut self) {
        match self.stage {
            Stage::Everything => return,
            Stage::Nothing => self.say_abort(Arc::from("terminated")),
            Stage::Join => self.say_leave(Arc::from("terminated"), Some(ABNORMAL), false),
        }
        self.finish(if thread::panicking() { ExitReason::crashed("panicked") } else { ExitReason::Killed });
    }
}

/// What a join tells of the connection.
#[derive(Clone)]
pub(super) struct Acquaintance {
    pub(super) subprotocol: Option<Arc<str>>,
    pub(super) peer: Option<Arc<str>>,
}

/// Puts our monitor into the mailbox of a process that is alive, and finds that mailbox.
fn watch(node: &Node, cell: &ProcessCell, target: &Destination) -> Option<Arc<Mailbox>> {
    let mailbox = node.resolve(target).and_then(|pid| node.mailbox(pid))?;
    let pid = Destination::Pid(mailbox.pid());
    cell.monitor(&pid).ok()?;
    // If it lives now, it has got the monitor before its end.
    if node.is_alive(mailbox.pid()) {
        return Some(mailbox);
    }
    // The answer for the dead may be on its way; it concerns nobody any more.
    _ = cell.demonitor(&pid);
    None
}

/// Why the pump says that the process has to end.
fn end_of(reason: &ExitReason) -> End {
    match reason {
        ExitReason::Killed => End::Killed,
        ExitReason::Normal
        | ExitReason::Returned(_)
        | ExitReason::Shutdown
        | ExitReason::NoProcess
        | ExitReason::NodeLost
        | ExitReason::Linked
        | ExitReason::Crashed(_)
        | ExitReason::Raised(_) => End::LinkedCrash,
    }
}
