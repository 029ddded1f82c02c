//! The processes of a random world.

use super::{Act, Habit, Whom};
use serde_json::json;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use wsrelay_core::message::{
    Close, Control, Destination, Message, MetadataChange, Payload, Ref, Send, Topic,
};
use wsrelay_core::process::{Actor, Context, Event, ExitReason, Pid};
use wsrelay_core::wire::{CloseCode, Data};

/// Everybody in a random world.
#[derive(Debug, Default)]
pub(super) struct Cast {
    pub(super) processes: RefCell<BTreeMap<usize, Pid>>,
    pub(super) connections: RefCell<BTreeMap<usize, Pid>>,
}

impl Cast {
    /// Does something with somebody, if there is one.
    fn with(&self, whom: Whom, deed: impl FnOnce(Pid)) {
        let pid = match whom {
            Whom::Connection(index) => self.connection(index),
            Whom::Other(index) => self.process(index),
        };
        if let Some(pid) = pid {
            deed(pid);
        }
    }

    fn connection(&self, index: usize) -> Option<Pid> {
        self.connections.borrow().get(&index).copied()
    }

    pub(super) fn process(&self, index: usize) -> Option<Pid> {
        self.processes.borrow().get(&index).copied()
    }

    /// The process after this one, all around.
    fn process_after(&self, index: usize) -> Option<Pid> {
        let processes = self.processes.borrow();
        let next = processes.range(index + 1..).next().or_else(|| processes.first_key_value());
        next.map(|(_, pid)| *pid)
    }
}

/// What a puppet is to do, in order.
pub(super) type Strings = Rc<RefCell<VecDeque<Act>>>;

/// The topic of the message, from nobody, that has a puppet do what is next.
pub(super) const ACT: Topic = Topic::from_static("act");

/// A process that does what the plan says, and has a habit.
pub(super) struct Puppet {
    number: usize,
    habit: Habit,
    strings: Strings,
    cast: Rc<Cast>,
    members: BTreeSet<Pid>,
    /// How much it has sent.
    count: u64,
}

impl Puppet {
    pub(super) const fn new(number: usize, habit: Habit, strings: Strings, cast: Rc<Cast>) -> Self {
        Self { number, habit, strings, cast, members: BTreeSet::new(), count: 0 }
    }

    /// A text that nobody else sends, filled up to so many bytes.
    fn text(&mut self, len: usize) -> String {
        self.count += 1;
        let mut text = format!("p{}.{} ", self.number, self.count);
        let filler = if self.count.is_multiple_of(5) { 'ö' } else { 'z' };
        while text.len() + filler.len_utf8() <= len {
            text.push(filler);
        }
        text
    }

    fn next_ref(&mut self) -> Ref {
        self.count += 1;
        if self.count.is_multiple_of(2) {
            Ref::from(self.count)
        } else {
            Ref::Text(format!("r{}", self.count).into())
        }
    }

    fn joined(&mut self, pid: Pid, context: &mut Context<'_>) {
        self.members.insert(pid);
        match self.habit {
            Habit::Watches => context.monitor(pid),
            Habit::LinksAndTraps => {
                context.trap_links(true);
                context.link(pid);
            }
            Habit::Links => context.link(pid),
            Habit::EndsAtOnce => context.exit(ExitReason::Normal),
            Habit::Ignores | Habit::Answers | Habit::Spreads | Habit::AsksForReceipts | Habit::HandsOn => {}
        }
    }

    fn heard(&mut self, pid: Pid, context: &mut Context<'_>) {
        match self.habit {
            Habit::Ignores => {}
            Habit::Answers | Habit::Watches | Habit::LinksAndTraps | Habit::Links => {
                let text = self.text(0);
                context.send(pid, Topic::SEND, text);
            }
            Habit::Spreads => {
                for member in self.members.clone() {
                    let text = self.text(24);
                    context.send(member, Topic::SEND, text);
                }
            }
            Habit::AsksForReceipts => {
                let data = Data::Text(self.text(40).into());
                let reference = Some(Box::new(self.next_ref()));
                context.send(pid, Topic::SEND, Send { data, reference });
            }
            Habit::HandsOn => {
                if let Some(next) = self.cast.process_after(self.number) {
                    self.hand_over(pid, Destination::Pid(next), false, context);
                }
            }
            Habit::EndsAtOnce => context.exit(ExitReason::Normal),
        }
    }

    fn hand_over(&mut self, pid: Pid, to: Destination, asks: bool, context: &mut Context<'_>) {
        let reference = asks.then(|| self.next_ref());
        self.count += 1;
        let metadata = serde_json::Map::from_iter([(format!("by{}", self.number), self.count.into())]);
        let control = Control {
            target: Some(to),
            message_topic: Some(Topic::from(&*format!("said.{}.{}", self.number, self.count))),
            metadata: MetadataChange::Set(wsrelay_core::message::Metadata::new(metadata)),
            reference,
            ..Control::default()
        };
        context.send(pid, Topic::CONTROL, control);
    }

    /// Does something with a connection, if there is one.
    fn at(&mut self, client: usize, deed: impl FnOnce(&mut Self, Pid)) {
        if let Some(pid) = self.cast.connection(client) {
            deed(self, pid);
        }
    }

    fn send(&mut self, pid: Pid, len: usize, asks: bool, context: &mut Context<'_>) {
        let text = self.text(len);
        if asks {
            let reference = Some(Box::new(self.next_ref()));
            context.send(pid, Topic::SEND, Send { data: Data::Text(text.into()), reference });
        } else {
            context.send(pid, Topic::SEND, text);
        }
    }

    /// The close comes behind what was sent before it.
    fn close(&mut self, pid: Pid, code: u16, context: &mut Context<'_>) {
        (0..3).for_each(|_| self.send(pid, 30, false, context));
        let code = CloseCode::new(code).unwrap_or(CloseCode::NORMAL);
        let reason = format!("as p{} said", self.number);
        let reference = Some(self.next_ref());
        context.send(pid, Topic::CLOSE, Close { code, reason: (&*reason).into(), reference });
    }

    fn tell(&mut self, pid: Pid, context: &mut Context<'_>) {
        self.count += 1;
        let topic = format!("news.{}.{}", self.number, self.count);
        context.send(pid, Topic::from(&*topic), json!({"n": self.count}));
    }

    fn act(&mut self, act: Act, context: &mut Context<'_>) {
        let cast = Rc::clone(&self.cast);
        match act {
            Act::Sends(client, len, asks) => {
                self.at(client, |puppet, pid| puppet.send(pid, len, asks, context));
            }
            Act::SendsBinary(client, len) => self.at(client, |puppet, pid| {
                context.send(pid, Topic::SEND, bytes::Bytes::from(puppet.text(len)));
            }),
            Act::Floods(client, count, len) => self.at(client, |puppet, pid| {
                (0..count).for_each(|_| puppet.send(pid, len, false, context));
            }),
            Act::Tells(client) => self.at(client, |puppet, pid| puppet.tell(pid, context)),
            Act::Writes(process) => {
                if let Some(pid) = cast.process(process) {
                    context.send(pid, Topic::from_static("letter"), self.text(0));
                }
            }
            Act::Closes(client, code) => self.at(client, |puppet, pid| puppet.close(pid, code, context)),
            Act::HandsOver(client, process, by_name) => {
                let name = Destination::from(&*format!("p{process}"));
                let to = if by_name { Some(name) } else { cast.process(process).map(Destination::Pid) };
                if let Some(to) = to {
                    self.at(client, |puppet, pid| puppet.hand_over(pid, to, true, context));
                }
            }
            Act::SendsNonsense(client, kind) => self.at(client, |_, pid| send_nonsense(pid, kind, context)),
            Act::Monitors(whom) => cast.with(whom, |pid| context.monitor(pid)),
            Act::Demonitors(whom) => cast.with(whom, |pid| context.demonitor(pid)),
            Act::LinksTo(whom) => cast.with(whom, |pid| context.link(pid)),
            Act::UnlinksFrom(whom) => cast.with(whom, |pid| context.unlink(pid)),
            Act::TrapsLinks(trap) => context.trap_links(trap),
            Act::Cancels(whom) => cast.with(whom, |pid| {
                if matches!(whom, Whom::Connection(_)) {
                    (0..3).for_each(|_| self.send(pid, 30, false, context));
                }
                context.cancel(pid, &format!("p{} had enough", self.number));
            }),
            Act::Terminates(whom) => cast.with(whom, |pid| context.terminate(pid)),
            Act::Registers => context.register(format!("p{}", self.number)),
            Act::Exits(true) => context.exit(ExitReason::Normal),
            Act::Exits(false) => context.exit(ExitReason::crashed(crate::SECRET)),
            // Without a word to the terminal.
            Act::Panics => std::panic::resume_unwind(Box::new(crate::SECRET)),
        }
    }
}

/// What a connection has to refuse, and never show its client.
fn send_nonsense(pid: Pid, kind: u8, context: &mut Context<'_>) {
    let secret = crate::SECRET;
    match kind % 5 {
        0 => context.send(pid, Topic::from_static("ws.unknown"), secret),
        1 => context.send(pid, Topic::from_static("@system"), secret),
        2 => context.send(pid, Topic::CLOSE, json!({"code": 1005, "reason": secret})),
        3 => context.send(pid, Topic::SEND, json!({"type": "neither", "data": secret})),
        _ => context.send(pid, Topic::CONTROL, json!({"target_pid": 7, "metadata": secret})),
    }
}

impl Actor for Puppet {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        match event {
            Event::Message(Message { from: None, topic, .. }) if topic == ACT => {
                let next = self.strings.borrow_mut().pop_front();
                if let Some(act) = next {
                    self.act(act, context);
                }
            }
            Event::Message(Message { payload: Payload::Join(join), .. }) => self.joined(join.pid, context),
            Event::Message(Message { payload: Payload::Leave(leave), .. }) => {
                self.members.remove(&leave.pid);
            }
            Event::Message(Message { payload: Payload::Client(client), .. }) => {
                self.heard(client.pid, context);
            }
            Event::Cancel { .. } => context.exit(ExitReason::Shutdown),
            Event::Exit { from, .. } | Event::LinkDown { from, .. } => {
                self.members.remove(&from);
            }
            Event::Message(_) | Event::Started | Event::Tick => {}
        }
    }
}
