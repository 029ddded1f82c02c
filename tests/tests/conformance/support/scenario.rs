//! A scenario: what happens to a connection and what everybody sees of it, as data.

use super::saw::{Saw, frame, leave, reply, told, told_by};
use super::setup::Setup;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;
use wsrelay_core::message::Payload;
use wsrelay_core::process::ExitReason;
use wsrelay_tests::{Frame, UPGRADE, close, switched};

/// The parties of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The client, and the process that its connection is.
    Client,
    /// The HTTP handler.
    Handler,
    /// The process that the handler names. Like the two below it monitors every client that joins it.
    Target,
    /// Another one.
    Other,
    /// A third one.
    Watcher,
    /// A process that never takes anything out of its mailbox, and so sees nothing.
    Stuck,
}

impl Who {
    pub(crate) const ALL: [Self; 6] =
        [Self::Client, Self::Handler, Self::Target, Self::Other, Self::Watcher, Self::Stuck];
    /// Those that see and do things as processes.
    pub(crate) const PROCESSES: [Self; 3] = [Self::Target, Self::Other, Self::Watcher];
}

impl fmt::Display for Who {
    /// What stands for its PID in transcripts and payloads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "<client>",
            Self::Handler => "<handler>",
            Self::Target => "<target>",
            Self::Other => "<other>",
            Self::Watcher => "<watcher>",
            Self::Stuck => "<stuck>",
        })
    }
}

/// Whom something is meant for.
#[derive(Clone, Debug)]
pub(crate) enum To {
    Who(Who),
    Name(&'static str),
}

impl From<Who> for To {
    fn from(who: Who) -> Self {
        Self::Who(who)
    }
}

impl From<&'static str> for To {
    fn from(name: &'static str) -> Self {
        Self::Name(name)
    }
}

/// What a process does. In JSON payloads, `<target>` and the like stand for PIDs.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Sends(To, &'static str, Payload),
    Monitors(Who),
    Demonitors(Who),
    Links(Who),
    Unlinks(Who),
    TrapsLinks,
    Registers(&'static str),
    Unregisters(&'static str),
    Cancels(To, &'static str),
    Terminates(To),
    /// From now on it sends every client's messages back.
    Echoes,
    Exits(ExitReason),
    Panics,
}

/// What is done to the node from outside any process.
#[derive(Clone, Debug)]
pub(crate) enum NodeAct {
    Sends(To, &'static str, Payload),
    Cancels(To, &'static str),
    Terminates(To),
    Registers(&'static str, Who),
    Drains(Duration),
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A client opens a TCP connection. One that was there before is gone.
    Connects,
    /// The client sends bytes in one piece.
    Writes(Vec<u8>),
    /// The client ends its side of the stream.
    Finishes,
    /// The client does not read until it is to see something.
    StopsReading,
    Acts(Who, Act),
    Node(NodeAct),
    /// So much time passes, where time is virtual. Elsewhere it passes by itself, while somebody waits for
    /// what it brings about.
    Passes(Duration),
    /// The next thing that this party sees is this one.
    Sees(Who, Saw),
}

/// A setup and what happens then. What is seen stands in the order in which each party sees it; between two
/// parties there is no order but that of their steps.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) setup: Setup,
    pub(crate) steps: Vec<Step>,
}

impl Scenario {
    /// Nothing has happened yet.
    pub(crate) const fn new(setup: Setup) -> Self {
        Self { setup, steps: Vec::new() }
    }

    /// A client has connected, and that is all.
    pub(crate) fn connected(setup: Setup) -> Self {
        Self::new(setup).step(Step::Connects)
    }

    /// A client has joined the target, as [`Setup`] says.
    pub(crate) fn joined(setup: Setup) -> Self {
        Self::new(setup).joins()
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// A client connects.
    pub(crate) fn connects(self) -> Self {
        self.step(Step::Connects)
    }

    /// A client connects, asks for an upgrade, and joins the target.
    pub(crate) fn joins(self) -> Self {
        self.connects().writes(UPGRADE).accepted().sees(Who::Target, super::saw::join())
    }

    /// The request reaches the handler, and is answered with a 101.
    pub(crate) fn accepted(self) -> Self {
        self.sees(Who::Handler, Saw::Asked("GET /chat".into())).sees(Who::Client, reply(switched()))
    }

    pub(crate) fn writes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Writes(bytes.into()))
    }

    /// The client sends a request that is refused before the handler sees it, and with it the connection.
    pub(crate) fn gets_refused(self, request: &str, answer: wsrelay_tests::Reply) -> Self {
        self.connects().writes(request).sees(Who::Client, reply(answer)).sees(Who::Client, Saw::End)
    }

    /// The client sends bytes one by one.
    pub(crate) fn trickles(self, bytes: impl AsRef<[u8]>) -> Self {
        bytes.as_ref().iter().fold(self, |scenario, byte| scenario.writes([*byte]))
    }

    /// The client sends a frame.
    #[expect(clippy::needless_pass_by_value, reason = "so that a scenario reads `.client(text(\"hi\"))`")]
    pub(crate) fn client(self, frame: Frame) -> Self {
        self.writes(frame.encode())
    }

    /// The client sends frames in one piece.
    pub(crate) fn client_frames(self, frames: impl IntoIterator<Item = Frame>) -> Self {
        self.writes(frames.into_iter().flat_map(|frame| frame.encode()).collect::<Vec<_>>())
    }

    pub(crate) fn client_finishes(self) -> Self {
        self.step(Step::Finishes)
    }

    pub(crate) fn client_stops_reading(self) -> Self {
        self.step(Step::StopsReading)
    }

    pub(crate) fn acts(self, who: Who, act: Act) -> Self {
        self.step(Step::Acts(who, act))
    }

    /// A process sends a message.
    pub(crate) fn sends(
        self,
        who: Who,
        to: impl Into<To>,
        topic: &'static str,
        payload: impl Into<Payload>,
    ) -> Self {
        self.acts(who, Act::Sends(to.into(), topic, payload.into()))
    }

    /// A process sends the connection a command with a `ref`, which is done.
    pub(crate) fn commands(self, who: Who, topic: &'static str, mut command: Value) -> Self {
        command["ref"] = json!(topic);
        self.sends(who, Who::Client, topic, command)
            .sees(who, told("ws.ack", json!({"ref": topic, "ok": true})))
    }

    /// A process sends the connection a command with a `ref`, which is refused with these words.
    pub(crate) fn commands_in_vain(
        self,
        who: Who,
        topic: &'static str,
        mut command: Value,
        error: &str,
    ) -> Self {
        command["ref"] = json!(topic);
        self.sends(who, Who::Client, topic, command)
            .sees(who, told("ws.ack", json!({"ref": topic, "error": error})))
    }

    /// A process does something to the connection, and then knows that the connection has noticed.
    pub(crate) fn relates(self, who: Who, act: Act) -> Self {
        self.acts(who, act).commands(who, "ws.control", json!({}))
    }

    /// A process monitors another that is no connection, which then knows.
    pub(crate) fn watches(self, who: Who, whom: Who) -> Self {
        self.acts(who, Act::Monitors(whom)).sends_word(who, whom)
    }

    /// What a process did before is known to another, to which it sends a word.
    pub(crate) fn sends_word(self, who: Who, whom: Who) -> Self {
        self.sends(who, whom, "word", json!(null)).sees(whom, told_by(who, "word", json!(null)))
    }

    pub(crate) fn node(self, act: NodeAct) -> Self {
        self.step(Step::Node(act))
    }

    pub(crate) fn passes(self, millis: u64) -> Self {
        self.step(Step::Passes(Duration::from_millis(millis)))
    }

    pub(crate) fn sees(self, who: Who, saw: Saw) -> Self {
        self.step(Step::Sees(who, saw))
    }

    /// The client sees a frame.
    pub(crate) fn client_sees(self, seen: Frame) -> Self {
        self.sees(Who::Client, frame(seen))
    }

    /// A process sees the end of another.
    pub(crate) fn sees_exit(self, who: Who, of: Who, reason: ExitReason) -> Self {
        self.sees(who, Saw::Exit(of, reason))
    }

    /// A process sees the end of the connection: the leave, then the exit.
    pub(crate) fn sees_gone(
        self,
        who: Who,
        (code, reason, clean): (u16, &str, bool),
        exit: ExitReason,
    ) -> Self {
        self.sees(who, leave(code, reason, clean)).sees_exit(who, Who::Client, exit)
    }

    /// The client is closed with this frame, and the stream ends.
    pub(crate) fn client_is_closed(self, code: u16, reason: &str) -> Self {
        self.client_sees(close(code, reason)).sees(Who::Client, Saw::End)
    }

    /// The client is asked to close, does so, and the stream ends.
    pub(crate) fn client_agrees_to_close(self, code: u16, reason: &str) -> Self {
        self.client_sees(close(code, reason)).client(close(code, "")).sees(Who::Client, Saw::End)
    }

    /// The client says goodbye, and the target hears of it: nothing else has happened.
    pub(crate) fn bye(self) -> Self {
        self.client(close(1000, "bye")).client_is_closed(1000, "").sees_gone(
            Who::Target,
            (1000, "bye", true),
            ExitReason::Normal,
        )
    }
}
