//! Commands to a connection: from a message to what it asks for, or why it is refused (R5–R8).

use super::config::{
    HEARTBEAT_EXPECTED, TOPIC_EXPECTED, check_heartbeat, is_message_topic, read_heartbeat, read_target,
    read_topic,
};
use crate::fault::CommandFault;
use crate::limits::Limits;
use crate::message::{
    Ack, Close, Control, Message, Metadata, MetadataChange, Payload, Ref, Send, Topic, data_to_json,
};
use crate::process::Pid;
use crate::time::Timeout;
use crate::wire::{CloseCode, CloseReason, Data, Text};
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

/// What a message asks a connection to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Send this message to the client.
    Send(Send),
    /// Close.
    Close(Box<Close>),
    /// Change target, topic, heartbeat or metadata.
    Control(Box<Control>),
}

/// A command that is refused whole, with the `ref` to say so to the sender.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Why.
    pub fault: CommandFault,
    /// The command's `ref`, if it could be read.
    pub reference: Option<Ref>,
}

impl Command {
    /// The `ref` of a command, if its sender wants to hear of it.
    #[must_use]
    pub fn reference(message: &Message) -> Option<Ref> {
        let Message { topic, payload, .. } = message;
        let is_command = *topic == Topic::SEND || *topic == Topic::CLOSE || *topic == Topic::CONTROL;
        match payload {
            Payload::Send(send) if *topic == Topic::SEND => send.reference.as_deref().cloned(),
            Payload::Close(close) if *topic == Topic::CLOSE => close.reference.clone(),
            Payload::Control(control) if *topic == Topic::CONTROL => control.reference.clone(),
            Payload::Json(value) if is_command => read_ref(value).ok()?,
            // Some programs encode the table themselves.
            Payload::Data(Data::Text(text)) if *topic == Topic::CONTROL => {
                read_ref(&serde_json::from_str(text.as_str()).ok()?).ok()?
            }
            Payload::Send(_)
            | Payload::Close(_)
            | Payload::Control(_)
            | Payload::Json(_)
            | Payload::Term(_)
            | Payload::Empty
            | Payload::Data(_)
            | Payload::Join(_)
            | Payload::Client(_)
            | Payload::Heartbeat(_)
            | Payload::Leave(_)
            | Payload::Abort(_)
            | Payload::Ack(_) => None,
        }
    }

    /// Reads a message to a connection. Typed payloads are taken as they are, JSON objects are read
    /// field by field; both are checked alike.
    ///
    /// `envelope`: whether topics of the application's own are wrapped for the client (R8).
    ///
    /// # Errors
    ///
    /// [`Refusal`], and then nothing of the message is done (R6).
    pub fn read(message: Message, envelope: bool, limits: &Limits) -> Result<Self, Refusal> {
        let Message { topic, payload, .. } = message;
        if topic == Topic::SEND {
            read_send(payload)
        } else if topic == Topic::CLOSE {
            read_close(payload)
        } else if topic == Topic::CONTROL {
            read_control(payload, limits)
        } else if topic.is_reserved() {
            Err(Refusal { fault: CommandFault::ReservedTopic, reference: None })
        } else if envelope {
            wrap(&topic, &payload)
        } else {
            Err(Refusal { fault: CommandFault::EnvelopeOff, reference: None })
        }
    }
}

/// The acknowledgement that a message to `connection` was dropped before the connection could see it, if
/// its sender asked for one (P9): for a host whose mailboxes are bounded.
#[must_use]
pub fn acknowledge_dropped(
    connection: Pid,
    message: &Message,
    fault: CommandFault,
) -> Option<(Pid, Message)> {
    let reference = Command::reference(message)?;
    let payload = Payload::Ack(Box::new(Ack { reference, outcome: Err(fault) }));
    Some((message.from?, Message { from: Some(connection), topic: Topic::ACK, payload }))
}

fn read_send(payload: Payload) -> Result<Command, Refusal> {
    match payload {
        Payload::Send(send) => Ok(Command::Send(send)),
        Payload::Data(data) => Ok(Command::Send(Send { data, reference: None })),
        Payload::Json(value) => {
            let reference = read_ref(&value)?;
            let refuse = |fault| Refusal { fault, reference: reference.clone() };
            let (kind, data) = (value.get("type"), value.get("data"));
            let (Some(Value::String(kind)), Some(Value::String(data))) = (kind, data) else {
                return Err(refuse(CommandFault::SendType));
            };
            let data = match kind.as_str() {
                "text" => Data::Text(Text::from(data.clone())),
                // JSON holds text only: bytes come as they go, in base64.
                "binary" => match STANDARD.decode(data) {
                    Ok(bytes) => Data::Binary(Bytes::from(bytes)),
                    Err(_) => return Err(refuse(field("data", "base64, where type is \"binary\""))),
                },
                _ => return Err(refuse(CommandFault::SendType)),
            };
            Ok(Command::Send(Send { data, reference: reference.map(Box::new) }))
        }
        Payload::Empty
        | Payload::Term(_)
        | Payload::Join(_)
        | Payload::Client(_)
        | Payload::Heartbeat(_)
        | Payload::Leave(_)
        | Payload::Abort(_)
        | Payload::Ack(_)
        | Payload::Close(_)
        | Payload::Control(_) => Err(wrong_payload()),
    }
}

fn read_close(payload: Payload) -> Result<Command, Refusal> {
    match payload {
        Payload::Close(close) => Ok(Command::Close(close)),
        Payload::Empty => Ok(Command::Close(Box::default())),
        // A bare string is the reason of a normal close.
        Payload::Data(Data::Text(reason)) => Ok(Command::Close(Box::new(normal_close(reason.as_str())))),
        Payload::Json(value) => match &*value {
            Value::Null => Ok(Command::Close(Box::default())),
            Value::String(reason) => Ok(Command::Close(Box::new(normal_close(reason)))),
            Value::Object(_) => {
                let reference = read_ref(&value)?;
                let refuse = |fault| Refusal { fault, reference: reference.clone() };
                let code = read_code(value.get("code")).map_err(refuse)?;
                let reason = match value.get("reason") {
                    None | Some(Value::Null) => CloseReason::default(),
                    Some(Value::String(reason)) => CloseReason::new(reason),
                    Some(_) => return Err(refuse(field("reason", "a string"))),
                };
                Ok(Command::Close(Box::new(Close { code, reason, reference })))
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(wrong_payload()),
        },
        Payload::Data(Data::Binary(_))
        | Payload::Term(_)
        | Payload::Join(_)
        | Payload::Client(_)
        | Payload::Heartbeat(_)
        | Payload::Leave(_)
        | Payload::Abort(_)
        | Payload::Ack(_)
        | Payload::Send(_)
        | Payload::Control(_) => Err(wrong_payload()),
    }
}

fn normal_close(reason: &str) -> Close {
    Close { reason: CloseReason::new(reason), ..Close::default() }
}

fn read_code(value: Option<&Value>) -> Result<CloseCode, CommandFault> {
    let number = match value {
        None | Some(Value::Null) => return Ok(CloseCode::NORMAL),
        Some(Value::Number(number)) => number.as_u64(),
        Some(_) => None,
    };
    let number = number.ok_or_else(|| field("code", "a whole number"))?;
    u16::try_from(number).ok().and_then(CloseCode::new).ok_or(CommandFault::CloseCode(number))
}

fn read_control(payload: Payload, limits: &Limits) -> Result<Command, Refusal> {
    let value = match payload {
        Payload::Control(control) => return check_control(control, limits),
        Payload::Json(value) => value,
        // Some programs encode the table themselves.
        Payload::Data(Data::Text(text)) => match serde_json::from_str::<Value>(text.as_str()) {
            Ok(value) => Arc::new(value),
            Err(_) => return Err(refusal(field("payload", "a JSON object"))),
        },
        Payload::Empty
        | Payload::Term(_)
        | Payload::Data(Data::Binary(_))
        | Payload::Join(_)
        | Payload::Client(_)
        | Payload::Heartbeat(_)
        | Payload::Leave(_)
        | Payload::Abort(_)
        | Payload::Ack(_)
        | Payload::Send(_)
        | Payload::Close(_) => return Err(wrong_payload()),
    };
    let Value::Object(fields) = &*value else {
        return Err(refusal(field("payload", "a JSON object")));
    };
    let reference = read_ref(&value)?;
    let refuse = |name, expected| Refusal { fault: field(name, expected), reference: reference.clone() };
    let target = match fields.get("target_pid") {
        None | Some(Value::Null) => None,
        Some(value) => {
            Some(read_target(value).ok_or_else(|| refuse("target_pid", "the PID or the name of a process"))?)
        }
    };
    let message_topic = match fields.get("message_topic") {
        None | Some(Value::Null) => None,
        Some(value) => Some(read_topic(value).ok_or_else(|| refuse("message_topic", TOPIC_EXPECTED))?),
    };
    let heartbeat = match fields.get("heartbeat_interval") {
        None | Some(Value::Null) => None,
        Some(value) => Some(
            read_heartbeat(value, limits).ok_or_else(|| refuse("heartbeat_interval", HEARTBEAT_EXPECTED))?,
        ),
    };
    // R7: absent keeps, `null` and `{}` clear.
    let metadata = match fields.get("metadata") {
        None => MetadataChange::Keep,
        Some(value) => MetadataChange::Set(
            Metadata::from_json(value.clone()).ok_or_else(|| refuse("metadata", METADATA_EXPECTED))?,
        ),
    };
    let control = Control { target, message_topic, heartbeat, metadata, reference };
    check_control(Box::new(control), limits)
}

fn check_control(control: Box<Control>, limits: &Limits) -> Result<Command, Refusal> {
    let fault = match &*control {
        Control { heartbeat: Some(Timeout::After(every)), .. }
            if check_heartbeat(*every, limits) != Some(Timeout::After(*every)) =>
        {
            field("heartbeat_interval", HEARTBEAT_EXPECTED)
        }
        Control { message_topic: Some(topic), .. } if !is_message_topic(topic) => {
            field("message_topic", TOPIC_EXPECTED)
        }
        Control { metadata: MetadataChange::Set(metadata), .. }
            if metadata.to_json().to_string().len() > limits.relay_header_bytes_max =>
        {
            field("metadata", METADATA_EXPECTED)
        }
        _ => return Ok(Command::Control(control)),
    };
    Err(Refusal { fault, reference: control.reference })
}

const METADATA_EXPECTED: &str = "an object, as JSON no larger than a relay header may be";

/// R8: `{"topic": …, "data": …}` as one text message.
fn wrap(topic: &Topic, payload: &Payload) -> Result<Command, Refusal> {
    let data = match payload {
        Payload::Empty => Value::Null,
        Payload::Data(data) => data_to_json(data),
        Payload::Json(value) => Value::clone(value),
        Payload::Term(term) => term.to_json(),
        // The relay's own payloads name processes; those never reach a client.
        Payload::Join(_)
        | Payload::Client(_)
        | Payload::Heartbeat(_)
        | Payload::Leave(_)
        | Payload::Abort(_)
        | Payload::Ack(_)
        | Payload::Send(_)
        | Payload::Close(_)
        | Payload::Control(_) => return Err(refusal(CommandFault::NotForClients)),
    };
    let text = json!({"topic": topic.as_str(), "data": data}).to_string();
    Ok(Command::Send(Send { data: Data::Text(Text::from(text)), reference: None }))
}

/// The `ref` of a command, if it has one.
fn read_ref(value: &Value) -> Result<Option<Ref>, Refusal> {
    match value.get("ref") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Ok(Some(Ref::Number(number.clone()))),
        Some(Value::String(text)) if text.len() <= Ref::BYTES_MAX => {
            Ok(Some(Ref::Text(Arc::from(text.as_str()))))
        }
        Some(_) => Err(refusal(field("ref", "a number, or a string of at most 128 bytes"))),
    }
}

fn wrong_payload() -> Refusal {
    refusal(field("payload", "an object with this topic's fields"))
}

const fn field(name: &'static str, expected: &'static str) -> CommandFault {
    CommandFault::Field { name, expected }
}

const fn refusal(fault: CommandFault) -> Refusal {
    Refusal { fault, reference: None }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.fault.fmt(f)
    }
}
