//! PIDs and the names that stand for them.

use super::saw::Saw;
use super::scenario::{To, Who};
use serde_json::{Value, json};
use wsrelay_core::message::{Destination, Message, Payload};
use wsrelay_core::process::{Event, Pid};

/// Which PID is whose in one run. A client that connects again has a new one; the old ones are its too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Vec<(Who, Pid)>);

impl Names {
    pub(crate) fn add(&mut self, who: Who, pid: Pid) {
        self.0.push((who, pid));
    }

    /// The latest process of this name.
    pub(crate) fn pid(&self, who: Who) -> Pid {
        let found = self.0.iter().rev().find(|(name, _)| *name == who);
        found.unwrap_or_else(|| panic!("{who} has no PID yet")).1
    }

    pub(crate) fn who(&self, pid: Pid) -> Who {
        let found = self.0.iter().find(|(_, known)| *known == pid);
        found.unwrap_or_else(|| panic!("{pid} is nobody's")).0
    }

    pub(crate) fn destination(&self, to: &To) -> Destination {
        match to {
            To::Who(who) => Destination::Pid(self.pid(*who)),
            To::Name(name) => Destination::from(*name),
        }
    }

    /// The text with PIDs in the places of names.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.0
            .iter()
            .rev()
            .fold(text.to_owned(), |text, (who, pid)| text.replace(&who.to_string(), &pid.to_string()))
    }

    /// The payload with PIDs in the places of names.
    pub(crate) fn fill_payload(&self, payload: &Payload) -> Payload {
        if let Payload::Json(value) = payload {
            let text = self.fill(&value.to_string());
            return Payload::from(serde_json::from_str::<Value>(&text).expect("still JSON"));
        }
        payload.clone()
    }

    /// What a process saw, with names in the places of PIDs, and without what differs from run to run.
    pub(crate) fn saw(&mut self, event: Event) -> Saw {
        match event {
            Event::Message(message) => self.told(&message),
            Event::Exit { from, reason } => Saw::Exit(self.who(from), reason),
            Event::LinkDown { from, reason } => Saw::LinkDown(self.who(from), reason),
            Event::Cancel { from, reason } => {
                Saw::Cancelled(from.map(|pid| self.who(pid)), reason.to_string())
            }
            Event::Started | Event::Tick => panic!("a probe does not tell of {event:?}"),
        }
    }

    fn told(&mut self, message: &Message) -> Saw {
        // Over sockets this is where a client's PID is learned.
        if let Payload::Join(join) = &message.payload
            && !self.0.contains(&(Who::Client, join.pid))
        {
            self.add(Who::Client, join.pid);
        }
        // A client that was turned away is known by what it says of it alone.
        if let (Payload::Abort(_), Some(pid)) = (&message.payload, message.from)
            && !self.0.contains(&(Who::Client, pid))
        {
            self.add(Who::Client, pid);
        }
        let from = message.from.map(|pid| self.who(pid));
        let text = message.payload.to_json().to_string();
        let text =
            self.0.iter().fold(text, |text, (who, pid)| text.replace(&pid.to_string(), &who.to_string()));
        let mut payload: Value = serde_json::from_str(&text).expect("still JSON");
        for (field, instead) in [("peer", "<peer>"), ("uptime", "<uptime>"), ("uptime_ms", "<uptime>")] {
            if let Some(value) = payload.get_mut(field)
                && !value.is_null()
            {
                *value = json!(instead);
            }
        }
        Saw::Told(from, message.topic.to_string(), payload)
    }
}
