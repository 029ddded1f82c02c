//! The process that runs at this moment, as its native functions see it.

use super::door::Door;
use super::function::Call;
use super::hub::Hub;
use super::start::Reply;
use crate::vm::Values;
use crate::vm::{Program, modules::errors::ErrorObject};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;
use wsrelay_core::message::{Close, Message, Payload, Topic};
use wsrelay_core::process::Pid;
use wsrelay_core::upgrade::Response;
use wsrelay_core::wire::CloseCode;

/// One process. It never leaves its worker's thread.
#[derive(Debug)]
pub struct Context {
    pub(crate) hub: Arc<Hub>,
    pub(crate) door: Arc<Door>,
    pub(crate) program: RefCell<Arc<Program>>,
    /// The topics that do not go to the inbox.
    pub(crate) topics: RefCell<Vec<Topic>>,
    /// The processes whose messages do not: outbound connections.
    pub(crate) senders: RefCell<BTreeSet<Pid>>,
    /// Those of them that nobody listens to any more, until their last word has come.
    pub(crate) forgotten: RefCell<BTreeSet<Pid>>,
    /// How often it has become other code.
    pub(crate) lives: Cell<u64>,
    /// How many names it has given.
    pub(crate) names: Cell<usize>,
    /// Bytes of text that it has sent to others, who may hold them on its account.
    pub(crate) sent: Cell<usize>,
    /// Whom it monitors.
    pub(crate) monitors: RefCell<BTreeSet<Pid>>,
    /// Who hears that it is loaded.
    pub(crate) loaded: RefCell<Option<Reply>>,
    /// The request that it answers, until that is answered.
    pub(crate) call: RefCell<Option<Call>>,
    /// What it answers, once it has said so.
    pub(crate) response: RefCell<Option<Response>>,
    /// The code that it wants to become.
    pub(crate) upgrade: RefCell<Option<(Arc<Program>, Values)>>,
    /// Whether it has subscribed to the bus.
    pub(crate) has_subscriptions: Cell<bool>,
}

impl Context {
    pub(crate) fn new(hub: Arc<Hub>, door: Arc<Door>, program: Arc<Program>) -> Self {
        Self {
            hub,
            door,
            program: RefCell::new(program),
            topics: RefCell::default(),
            senders: RefCell::default(),
            forgotten: RefCell::default(),
            lives: Cell::new(0),
            names: Cell::new(0),
            sent: Cell::new(0),
            monitors: RefCell::default(),
            loaded: RefCell::default(),
            call: RefCell::default(),
            response: RefCell::default(),
            upgrade: RefCell::default(),
            has_subscriptions: Cell::new(false),
        }
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.door.cell().pid()
    }

    /// The next message for the inbox, or on one topic.
    pub(crate) fn take(&self, topic: Option<&Topic>) -> Option<Message> {
        self.drop_forgotten();
        let (topics, senders) = (self.topics.borrow(), self.senders.borrow());
        let is_from_elsewhere = |message: &Message| message.from.is_none_or(|from| !senders.contains(&from));
        self.door.cell().take_message(|message| match topic {
            Some(topic) => message.topic == *topic && is_from_elsewhere(message),
            None => !topics.contains(&message.topic) && is_from_elsewhere(message),
        })
    }

    /// Takes what nobody wants out of the mailbox, so that it makes room.
    fn drop_forgotten(&self) {
        let mut forgotten = self.forgotten.borrow_mut();
        while !forgotten.is_empty()
            && let Some(message) = self
                .door
                .cell()
                .take_message(|message| message.from.is_some_and(|from| forgotten.contains(&from)))
            && let Some(from) = message.from
        {
            if message.topic == Topic::LEAVE || message.topic == Topic::ABORT {
                forgotten.remove(&from);
                self.senders.borrow_mut().remove(&from);
            }
        }
    }

    /// The next message from one sender.
    pub(crate) fn take_from(&self, sender: Pid) -> Option<Message> {
        self.door.cell().take_message(|message| message.from == Some(sender))
    }

    /// Nobody listens to this outbound connection any more.
    pub(crate) fn forget(&self, connection: Pid) {
        self.forgotten.borrow_mut().insert(connection);
        self.drop_forgotten();
    }

    /// Other code under the same PID: what it had asked for beside its relations and names is over.
    pub(crate) fn become_program(&self, program: Arc<Program>) {
        // What the old code had opened, the new code could never close.
        let open = self.senders.borrow().clone();
        for connection in open {
            let close = Close { code: CloseCode::GOING_AWAY, ..Close::default() };
            _ = self.door.cell().send(&connection.into(), Topic::CLOSE, Payload::Close(Box::new(close)));
            self.forget(connection);
        }
        *self.program.borrow_mut() = program;
        self.lives.set(self.lives.get() + 1);
        self.topics.borrow_mut().clear();
        self.door.cell().trap_links(false);
        if self.has_subscriptions.replace(false) {
            self.hub.bus.leave(self.pid());
        }
    }

    /// Says that its source is loaded.
    pub(crate) fn loaded(&self) {
        if let Some(reply) = self.loaded.take() {
            reply.give(super::Completion::Spawned(self.pid()));
        }
    }

    /// Says that it is not, and why. Whether anybody wanted to know.
    pub(crate) fn not_loaded(&self, error: &ErrorObject) -> bool {
        match self.loaded.take() {
            Some(reply) => {
                reply.fail(error);
                true
            }
            None => false,
        }
    }
}
