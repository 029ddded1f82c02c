//! A chat room: one process, its members' connections, and what they say.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use wsrelay_core::message::{ClientMessage, Join, Message, Payload, Topic};
use wsrelay_core::process::{Actor, Context, Event, ExitReason, Pid};
use wsrelay_core::wire::{Data, Text};

/// A room of the chat. It ends when it has been empty for a while.
#[derive(Debug)]
pub struct Room {
    name: String,
    members: BTreeMap<Pid, String>,
    messages: u64,
}

const TEXT_CHARS_MAX: usize = 2000;
/// How long an empty room waits for somebody to come back.
const EMPTY_WAIT_MAX: Duration = Duration::from_secs(60);

impl Room {
    /// An empty room.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), members: BTreeMap::new(), messages: 0 }
    }

    fn join(&mut self, join: &Join, context: &mut Context<'_>) {
        let wanted = join.metadata.get_str("user").unwrap_or("somebody");
        let user = self.free_name(wanted);
        self.tell_all(&json!({"event": "join", "user": user}), context);
        self.members.insert(join.pid, user.clone());
        let members: Vec<_> = self.members.values().collect();
        let welcome = json!({"event": "welcome", "room": self.name, "you": user, "members": members});
        tell(join.pid, &welcome, context);
    }

    /// The name as wanted, or with the first number that makes it one of a kind.
    fn free_name(&self, wanted: &str) -> String {
        let is_taken = |name: &str| self.members.values().any(|member| member == name);
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_default()
    }

    fn leave(&mut self, pid: Pid, context: &mut Context<'_>) {
        if let Some(user) = self.members.remove(&pid) {
            self.tell_all(&json!({"event": "leave", "user": user}), context);
        }
        self.wait_if_empty(context);
    }

    fn say(&mut self, client: &ClientMessage, context: &mut Context<'_>) {
        let Some(user) = self.members.get(&client.pid) else { return };
        match read_text(&client.data) {
            Ok(text) => {
                self.messages += 1;
                let message = json!({"event": "message", "user": user, "text": text, "id": self.messages});
                self.tell_all(&message, context);
            }
            Err(why) => tell(client.pid, &json!({"event": "error", "text": why}), context),
        }
    }

    fn tell_all(&self, event: &Value, context: &mut Context<'_>) {
        // One text for all: each connection gets a reference to the same bytes.
        let text = Data::Text(Text::from(event.to_string()));
        for pid in self.members.keys() {
            context.send(*pid, Topic::SEND, text.clone());
        }
    }

    fn wait_if_empty(&self, context: &mut Context<'_>) {
        if self.members.is_empty() {
            context.wake_at(context.now() + EMPTY_WAIT_MAX);
        }
    }
}

fn tell(pid: Pid, event: &Value, context: &mut Context<'_>) {
    context.send(pid, Topic::SEND, Data::Text(Text::from(event.to_string())));
}

/// What a member says, or why it is not passed on.
fn read_text(data: &Data) -> Result<String, String> {
    let message: Value = serde_json::from_slice(data.as_bytes())
        .map_err(|_| "a message is a JSON object with a text".to_owned())?;
    match message["text"].as_str().map(str::trim) {
        None => Err("a message is a JSON object with a text".to_owned()),
        Some("") => Err("a message is not empty".to_owned()),
        Some(text) if text.chars().count() > TEXT_CHARS_MAX => {
            Err(format!("a message has at most {TEXT_CHARS_MAX} characters"))
        }
        Some(text) => Ok(text.to_owned()),
    }
}

impl Actor for Room {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        match event {
            Event::Started => self.wait_if_empty(context),
            Event::Message(Message { payload: Payload::Join(join), .. }) => self.join(&join, context),
            Event::Message(Message { payload: Payload::Leave(leave), .. }) => self.leave(leave.pid, context),
            Event::Message(Message { payload: Payload::Client(client), .. }) => self.say(&client, context),
            Event::Tick if self.members.is_empty() => context.exit(ExitReason::Normal),
            Event::Cancel { .. } => context.exit(ExitReason::Shutdown),
            Event::Message(_) | Event::Tick | Event::Exit { .. } | Event::LinkDown { .. } => {}
        }
    }
}
