//! A handler's relay header: taken where rules R1, R2 and H7 are kept, and what is written reads back.

use super::Verdict;
use serde_json::Value;
use wsrelay_core::fault::ConfigFault;
use wsrelay_core::limits::Limits;
use wsrelay_core::message::{Destination, Metadata, Topic};
use wsrelay_core::process::Pid;
use wsrelay_core::relay::{RelayConfig, parse_duration};
use wsrelay_core::time::Timeout;

/// The bytes are the header's value.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let limits = Limits { relay_header_bytes_max: 1_000, ..Limits::default() };
    let parsed = RelayConfig::parse([bytes], &limits);
    let expected = if bytes.len() > 1_000 { None } else { plainly(bytes, &limits) };
    match &parsed {
        Ok(config) => {
            assert_eq!(Some(config), expected.as_ref());
            let written = config.to_header();
            assert!(
                written.bytes().all(|byte| byte >= b' ' && byte != 0x7f),
                "{written:?} is no value of a field"
            );
            let roomy = Limits { relay_header_bytes_max: usize::MAX, ..Limits::default() };
            assert_eq!(RelayConfig::parse([written.as_bytes()], &roomy).as_ref(), Ok(config), "{written}");
            assert_eq!(RelayConfig::parse([bytes, bytes], &limits), Err(ConfigFault::Twice));
        }
        Err(fault) => {
            assert_eq!(expected, None, "refused: {fault}");
            assert_eq!(*fault == ConfigFault::TooLong, bytes.len() > 1_000);
        }
    }
    Verdict::of(parsed.is_ok())
}

/// What the rules come to, field by field.
fn plainly(bytes: &[u8], limits: &Limits) -> Option<RelayConfig> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let fields = value.as_object()?;
    let given = |name| fields.get(name).filter(|value| !value.is_null());
    Some(RelayConfig {
        target: target(fields.get("target_pid")?)?,
        message_topic: given("message_topic").map_or(Some(Topic::MESSAGE), topic)?,
        heartbeat: given("heartbeat_interval")
            .map_or(Some(Timeout::Off), |value| heartbeat(value, limits))?,
        metadata: given("metadata").map_or(Some(Metadata::default()), metadata)?,
    })
}

pub(super) fn target(value: &Value) -> Option<Destination> {
    match value.as_str()? {
        "" => None,
        braces if braces.starts_with('{') => Some(Destination::Pid(pid(braces)?)),
        name => Some(Destination::from(name)),
    }
}

pub(super) fn topic(value: &Value) -> Option<Topic> {
    let topic = value.as_str()?;
    let is_free = topic == "ws.message" || !(topic.starts_with("ws.") || topic.starts_with('@'));
    ((1..=255).contains(&topic.len()) && is_free).then(|| topic.into())
}

pub(super) fn heartbeat(value: &Value, limits: &Limits) -> Option<Timeout> {
    let every = parse_duration(value.as_str()?).ok()?;
    if every.is_zero() {
        return Some(Timeout::Off);
    }
    (every >= limits.heartbeat_min && every <= limits.heartbeat_max).then_some(Timeout::After(every))
}

pub(super) fn metadata(value: &Value) -> Option<Metadata> {
    if let Value::Object(fields) = value {
        return Some(Metadata::new(fields.clone()));
    }
    (value.is_null() || *value == Value::Array(Vec::new())).then(Metadata::default)
}

/// `{node|0xserial}`: sixteen digits, five or more without needless zeros, in lower case.
fn pid(text: &str) -> Option<Pid> {
    let (node, serial) = text.strip_prefix('{')?.strip_suffix('}')?.split_once("|0x")?;
    let are_digits =
        [node, serial].iter().all(|part| part.chars().all(|char| matches!(char, '0'..='9' | 'a'..='f')));
    let is_short = serial.len() == 5 || (5..=16).contains(&serial.len()) && !serial.starts_with('0');
    if !are_digits || node.len() != 16 || !is_short || serial == "00000" {
        return None;
    }
    let pid: Pid = text.parse().expect("the text of a PID");
    assert_eq!(pid.to_string(), text);
    Some(pid)
}
