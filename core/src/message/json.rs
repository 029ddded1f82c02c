//! Payloads as JSON, exactly as the specification names their fields (R3).

use super::{Ack, ClientMessage, Close, Control, Heartbeat, Join, Leave, MetadataChange, Payload, Ref, Send};
use crate::process::Pid;
use crate::relay::format_duration;
use crate::time::Timeout;
use crate::wire::Data;
use alloc::string::{String, ToString};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

impl Payload {
    /// The payload as JSON: what a process in a language without these types is given.
    ///
    /// Binary data becomes base64 (RFC 4648 §4), since JSON holds text only.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Data(data) => data_to_json(data),
            Self::Json(value) => Value::clone(value),
            Self::Term(term) => term.to_json(),
            Self::Join(join) => join_to_json(join),
            Self::Client(client) => client_to_json(client),
            Self::Heartbeat(heartbeat) => heartbeat_to_json(heartbeat),
            Self::Leave(leave) => leave_to_json(leave),
            Self::Abort(abort) => json!({"reason": &*abort.reason}),
            Self::Ack(ack) => ack_to_json(ack),
            Self::Send(send) => send_to_json(send),
            Self::Close(close) => close_to_json(close),
            Self::Control(control) => control_to_json(control),
        }
    }
}

/// Text as it is, bytes as base64.
pub(crate) fn data_to_json(data: &Data) -> Value {
    match data {
        Data::Text(text) => Value::String(text.as_str().to_string()),
        Data::Binary(bytes) => Value::String(STANDARD.encode(bytes)),
    }
}

fn pid_to_json(pid: Pid) -> Value {
    Value::String(pid.to_string())
}

fn join_to_json(join: &Join) -> Value {
    json!({
        "client_pid": pid_to_json(join.pid),
        "metadata": join.metadata.to_json(),
        "subprotocol": join.subprotocol.as_deref(),
        "peer": join.peer.as_deref(),
    })
}

fn client_to_json(client: &ClientMessage) -> Value {
    json!({
        "client_pid": pid_to_json(client.pid),
        "type": client.data.kind().as_str(),
        "data": data_to_json(&client.data),
        "metadata": client.metadata.to_json(),
    })
}

fn heartbeat_to_json(heartbeat: &Heartbeat) -> Value {
    json!({
        "client_pid": pid_to_json(heartbeat.pid),
        "uptime": format_duration(heartbeat.uptime),
        "uptime_ms": u64::try_from(heartbeat.uptime.as_millis()).unwrap_or(u64::MAX),
        "message_count": heartbeat.message_count,
        "metadata": heartbeat.metadata.to_json(),
    })
}

fn leave_to_json(leave: &Leave) -> Value {
    json!({
        "client_pid": pid_to_json(leave.pid),
        "reason": &*leave.reason,
        "code": leave.code,
        "clean": leave.clean,
        "metadata": leave.metadata.to_json(),
    })
}

fn ref_to_json(reference: &Ref) -> Value {
    match reference {
        Ref::Number(number) => Value::Number(number.clone()),
        Ref::Text(text) => Value::String(String::from(&**text)),
    }
}

fn ack_to_json(ack: &Ack) -> Value {
    let reference = ref_to_json(&ack.reference);
    match &ack.outcome {
        Ok(()) => json!({"ref": reference, "ok": true}),
        Err(fault) => json!({"ref": reference, "error": fault.to_string()}),
    }
}

fn send_to_json(send: &Send) -> Value {
    let mut value = json!({"type": send.data.kind().as_str(), "data": data_to_json(&send.data)});
    set_ref(&mut value, send.reference.as_deref());
    value
}

fn close_to_json(close: &Close) -> Value {
    let mut value = json!({"code": close.code.get(), "reason": close.reason.as_str()});
    set_ref(&mut value, close.reference.as_ref());
    value
}

fn control_to_json(control: &Control) -> Value {
    let mut value = json!({});
    if let Some(target) = &control.target {
        value["target_pid"] = Value::String(target.to_string());
    }
    if let Some(topic) = &control.message_topic {
        value["message_topic"] = Value::String(topic.to_string());
    }
    match control.heartbeat {
        Some(Timeout::Off) => value["heartbeat_interval"] = json!("0"),
        Some(Timeout::After(span)) => value["heartbeat_interval"] = Value::String(format_duration(span)),
        None => {}
    }
    if let MetadataChange::Set(metadata) = &control.metadata {
        value["metadata"] = metadata.to_json();
    }
    set_ref(&mut value, control.reference.as_ref());
    value
}

fn set_ref(value: &mut Value, reference: Option<&Ref>) {
    if let Some(reference) = reference {
        value["ref"] = ref_to_json(reference);
    }
}
