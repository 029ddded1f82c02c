//! A process that tells the test what it is sent. Its name is `witness`.

use super::within;
use serde_json::{Value as Json, json};
use smol::channel::{self, Receiver};
use wsrelay_core::process::{Event, Pid};
use wsrelay_smol::Node;

pub(crate) struct Witness {
    node: wsrelay_host::Node,
    events: Receiver<Json>,
}

impl Witness {
    pub(crate) fn new(node: &Node) -> Self {
        let (sender, events) = channel::unbounded();
        let pid = node.spawn_named("witness", |context| async move {
            loop {
                let seen = match context.next().await {
                    Event::Message(message) if message.topic.as_str() == "watch" => {
                        let pid: Pid = message.payload.to_json().as_str().unwrap().parse().unwrap();
                        _ = context.monitor(pid);
                        json!("watching")
                    }
                    Event::Message(message) => json!([message.topic.as_str(), message.payload.to_json()]),
                    Event::Exit { reason, .. } => json!(["exit", reason.to_string()]),
                    Event::Cancel { reason, .. } => json!(["cancel", &*reason]),
                    Event::LinkDown { .. } | Event::Started | Event::Tick => continue,
                };
                if sender.send(seen).await.is_err() {
                    return;
                }
            }
        });
        pid.unwrap();
        Self { node: wsrelay_host::Node::clone(node), events }
    }

    /// Has the witness monitor a process.
    pub(crate) async fn watch(&self, pid: Pid) {
        self.node.send("witness", "watch".into(), pid.to_string()).unwrap();
        assert_eq!(self.next().await, "watching");
    }

    /// What it was sent next: `[topic, payload]`.
    pub(crate) async fn next(&self) -> Json {
        within("word to the witness", self.events.recv()).await.unwrap()
    }
}
