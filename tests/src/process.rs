//! The processes of a script, and what they say.

use serde_json::{Value, json};
use std::num::NonZeroU64;
use wsrelay_core::message::{Message, Payload, Topic};
use wsrelay_core::process::{NodeId, Pid, Signal};
use wsrelay_core::upgrade::Response;

const fn pid(serial: u64) -> Pid {
    Pid::new(NodeId(0x5eed_5eed_5eed_5eed), NonZeroU64::MIN.saturating_add(serial - 1))
}

/// The connection's process.
#[must_use]
pub const fn client() -> Pid {
    pid(0xc0)
}

/// The process that the handler names.
#[must_use]
pub const fn target() -> Pid {
    pid(0x1)
}

/// Another process, to which the connection may be handed over.
#[must_use]
pub const fn other() -> Pid {
    pid(0x2)
}

/// A process that monitors the connection.
#[must_use]
pub const fn watcher() -> Pid {
    pid(0x3)
}

/// A process that is linked to the connection.
#[must_use]
pub const fn linked() -> Pid {
    pid(0x4)
}

/// A handler's 200 that hands the client over with this relay header.
#[must_use]
pub fn relay_to(header: &Value) -> Response {
    Response::new(200).header("X-WS-Relay", header.to_string())
}

/// A command or another message, as a signal.
#[must_use]
pub fn control(from: Pid, topic: &str, payload: Value) -> Signal {
    let payload = Payload::from(payload);
    Signal::Message(Message { from: Some(from), topic: Topic::from(topic), payload })
}

/// `ws.send` of a text, with or without a `ref`.
#[must_use]
pub fn send_command(from: Pid, data: &str, reference: Option<u64>) -> Signal {
    let mut payload = json!({"type": "text", "data": data});
    if let Some(reference) = reference {
        payload["ref"] = json!(reference);
    }
    control(from, "ws.send", payload)
}
