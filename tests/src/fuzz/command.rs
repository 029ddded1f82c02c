//! What a process asks of a connection: JSON and the typed payloads mean the same (R5 to R8), and what is refused breaks
//! one of their rules.

use super::Verdict;
use super::relay_header::{heartbeat, metadata, target, topic};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::Arc;
use wsrelay_core::limits::Limits;
use wsrelay_core::message::{Close, Control, Message, MetadataChange, Payload, Ref, Send, Topic};
use wsrelay_core::relay::{Command, Refusal};
use wsrelay_core::wire::{CloseCode, Data};

/// The bytes are the topic on a line of its own, and the payload: JSON, a text that is none, or nothing.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let limits = Limits { relay_header_bytes_max: 200, ..Limits::default() };
    let Ok(text) = str::from_utf8(bytes) else { return Verdict::Refused };
    let (name, text) = text.split_once('\n').unwrap_or((text, ""));
    let value = serde_json::from_str::<Value>(text);
    let payload = match &value {
        Ok(value) => Payload::Json(Arc::new(value.clone())),
        Err(_) if text.is_empty() => Payload::Empty,
        Err(_) => Payload::Data(Data::Text(text.to_owned().into())),
    };
    let taken = read(name.into(), payload, &limits);
    let Ok(value) = &value else { return Verdict::of(taken.is_ok()) };
    match &taken {
        Ok(command) => {
            assert!(is_sound(name, value, &limits), "{name} {value} is taken for {command:?}");
            says(name, value, command);
            let (topic, payload) = typed(command.clone());
            let written = Payload::Json(Arc::new(payload.to_json()));
            for payload in [payload, written] {
                assert_eq!(read(topic.clone(), payload, &limits).as_ref(), Ok(command));
            }
        }
        Err(refusal) => {
            assert!(!is_sound(name, value, &limits), "{name} {value} is refused: {refusal}");
            assert!(refusal.reference.is_none() || refusal.reference == reference(value));
        }
    }
    if name == "ws.control" {
        // Some programs encode the table themselves.
        let encoded = Payload::Data(Data::Text(value.to_string().into()));
        assert_eq!(read(Topic::CONTROL, encoded, &limits), taken);
    }
    Verdict::of(taken.is_ok())
}

fn read(topic: Topic, payload: Payload, limits: &Limits) -> Result<Command, Refusal> {
    let message = Message { from: None, topic, payload };
    let asked = Command::reference(&message);
    let read = Command::read(message, true, limits);
    keeps(read.as_ref().ok(), asked.as_ref());
    read
}

/// What asks to be acknowledged is known by its reference.
fn keeps(command: Option<&Command>, reference: Option<&Ref>) {
    let kept = match command {
        None => return,
        Some(Command::Send(send)) => send.reference.as_deref(),
        Some(Command::Close(close)) => close.reference.as_ref(),
        Some(Command::Control(control)) => control.reference.as_ref(),
    };
    assert_eq!(kept, reference, "the reference of {command:?}");
}

fn typed(command: Command) -> (Topic, Payload) {
    match command {
        Command::Send(send) => (Topic::SEND, Payload::Send(send)),
        Command::Close(close) => (Topic::CLOSE, Payload::Close(close)),
        Command::Control(control) => (Topic::CONTROL, Payload::Control(control)),
    }
}

/// Whether it keeps the rules.
fn is_sound(name: &str, value: &Value, limits: &Limits) -> bool {
    let given = |name| value.get(name).filter(|value| !value.is_null());
    let has_sound_ref = given("ref").is_none() || reference(value).is_some();
    match name {
        "ws.send" => {
            let data = value["data"].as_str();
            has_sound_ref
                && match value["type"].as_str() {
                    Some("text") => data.is_some(),
                    Some("binary") => data.is_some_and(|data| STANDARD.decode(data).is_ok()),
                    _ => false,
                }
        }
        "ws.close" => match value {
            Value::Null | Value::String(_) => true,
            Value::Object(_) => {
                let is_code =
                    |code: &Value| matches!(code.as_u64(), Some(1000..=1003 | 1007..=1014 | 3000..=4999));
                has_sound_ref
                    && given("code").is_none_or(is_code)
                    && given("reason").is_none_or(Value::is_string)
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
        },
        "ws.control" => {
            let fits = |value: &Value| {
                metadata(value)
                    .is_some_and(|it| it.to_json().to_string().len() <= limits.relay_header_bytes_max)
            };
            value.is_object()
                && has_sound_ref
                && given("target_pid").is_none_or(|value| target(value).is_some())
                && given("message_topic").is_none_or(|value| topic(value).is_some())
                && given("heartbeat_interval").is_none_or(|value| heartbeat(value, limits).is_some())
                && value.get("metadata").is_none_or(fits)
        }
        name => !name.starts_with("ws.") && !name.starts_with('@'),
    }
}

fn reference(value: &Value) -> Option<Ref> {
    let reference = value.get("ref")?;
    if let Value::Number(number) = reference {
        return Some(Ref::Number(number.clone()));
    }
    let text = reference.as_str().filter(|text| text.len() <= 128)?;
    Some(Ref::Text(text.into()))
}

/// The command says what the JSON says.
fn says(name: &str, value: &Value, command: &Command) {
    match command {
        Command::Send(Send { data, .. }) if name == "ws.send" => {
            let text = value["data"].as_str().expect("a string");
            match data {
                Data::Text(data) => assert_eq!((data.as_str(), &value["type"]), (text, &json!("text"))),
                Data::Binary(data) => assert_eq!(STANDARD.encode(data), text),
            }
        }
        Command::Send(Send { data, .. }) => {
            let envelope: Value = serde_json::from_slice(data.as_bytes()).expect("an envelope is JSON");
            assert_eq!(envelope, json!({"topic": name, "data": value}));
        }
        Command::Close(close) => {
            let Close { code, reason, .. } = &**close;
            let said = value.as_str().or_else(|| value["reason"].as_str()).unwrap_or_default();
            assert!(said.starts_with(reason.as_str()) && reason.as_str().len() <= 123);
            assert_eq!(
                code.get(),
                value
                    .get("code")
                    .and_then(Value::as_u64)
                    .map_or(1000, |code| u16::try_from(code).unwrap_or(0))
            );
            assert!(CloseCode::new(code.get()).is_some());
        }
        Command::Control(control) => {
            let Control { target: to, message_topic, heartbeat: every, metadata: change, .. } = &**control;
            let given = |name| value.get(name).filter(|value| !value.is_null());
            assert_eq!(*to, given("target_pid").and_then(target));
            assert_eq!(*message_topic, given("message_topic").and_then(topic));
            assert_eq!(
                *every,
                given("heartbeat_interval").and_then(|value| heartbeat(value, &Limits::default()))
            );
            let set = value.get("metadata").and_then(metadata);
            assert_eq!(*change, set.map_or(MetadataChange::Keep, MetadataChange::Set));
        }
    }
}
