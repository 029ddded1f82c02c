//! What a worker is given to start a process.

use super::door::{Completion, Door};
use super::function::Call;
use crate::vm::modules::errors::ErrorObject;
use crate::vm::{Program, Values};
use smol::channel::Sender;
use std::sync::Arc;
use wsrelay_core::process::Pid;

/// A process that is to be started.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) door: Arc<Door>,
    pub(crate) program: Arc<Program>,
    pub(crate) arguments: Values,
    /// Who hears that its source is loaded, or why not.
    pub(crate) loaded: Option<Reply>,
    /// Who hears how it ended.
    pub(crate) ended: Option<Reply>,
    /// The request that it answers.
    pub(crate) call: Option<Call>,
}

/// What a process wants to be to one that it spawns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Nothing.
    None,
    /// Its monitor.
    Monitored,
    /// Linked to it.
    Linked,
    /// Both.
    Both,
}

impl Relation {
    /// Reads the word that the prelude uses.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "monitored" => Self::Monitored,
            "linked" => Self::Linked,
            "both" => Self::Both,
            _ => Self::None,
        }
    }

    /// Sets it up: before the process's function runs, and only if there is one.
    fn establish(self, parent: &Door, pid: Pid) {
        let to = pid.into();
        // A parent that has ended meanwhile has no relations; a PID always resolves.
        if matches!(self, Self::Monitored | Self::Both) {
            _ = parent.cell().monitor(&to);
        }
        if matches!(self, Self::Linked | Self::Both) {
            _ = parent.cell().link(&to);
        }
    }
}

/// Who waits for a result.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A process, which called it by this number.
    Process { door: Arc<Door>, token: u64, relation: Relation },
    /// Something outside.
    Channel(Sender<Completion>),
}

impl Reply {
    /// Hands the result over; a process that was spawned becomes to its parent what that wanted.
    pub(crate) fn give(self, completion: Completion) {
        match self {
            Self::Process { door, token, relation } => {
                if let Completion::Spawned(pid) = completion {
                    relation.establish(&door, pid);
                }
                door.complete(token, completion);
            }
            // Who has stopped waiting does not want it any more.
            Self::Channel(sender) => _ = sender.try_send(completion),
        }
    }

    pub(crate) fn fail(self, error: &ErrorObject) {
        self.give(Completion::Failed(error.clone()));
    }
}
