//! The relay header: what a handler says in `X-WS-Relay` (R1, R2, H7).

use super::duration::parse_duration;
use crate::fault::ConfigFault;
use crate::limits::Limits;
use crate::message::{Destination, Metadata, Topic};
use crate::process::Pid;
use crate::time::{Duration, Timeout};
use crate::upgrade::{RELAY_HEADER, Response};
use alloc::string::{String, ToString};
use serde_json::{Map, Value, json};

/// What the handler wants done with the connection.
#[derive(Clone, Debug, PartialEq)]
pub struct RelayConfig {
    /// The process that the client's messages go to: a PID, or a registered name.
    pub target: Destination,
    /// The topic of the client's messages. Default [`Topic::MESSAGE`].
    pub message_topic: Topic,
    /// How often the target gets a heartbeat. Default off.
    pub heartbeat: Timeout,
    /// Attached to every message to the target.
    pub metadata: Metadata,
}

impl RelayConfig {
    /// A relay to `target` with the defaults.
    #[must_use]
    pub fn to(target: impl Into<Destination>) -> Self {
        Self {
            target: target.into(),
            message_topic: Topic::MESSAGE,
            heartbeat: Timeout::Off,
            metadata: Metadata::default(),
        }
    }

    /// The same with this heartbeat.
    #[must_use]
    pub const fn heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = if every.is_zero() { Timeout::Off } else { Timeout::After(every) };
        self
    }

    /// The same with these metadata, if `metadata` is a JSON object.
    #[must_use]
    pub fn metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.metadata = Metadata::new(metadata);
        self
    }

    /// Reads the header's values, all that the handler set.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] when there is not exactly one, or it breaks R1, R2 or H7. Fields that the
    /// specification does not name are ignored.
    pub fn parse<'a>(
        values: impl IntoIterator<Item = &'a [u8]>,
        limits: &Limits,
    ) -> Result<Self, ConfigFault> {
        let mut values = values.into_iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(ConfigFault::Twice) };
        if value.len() > limits.relay_header_bytes_max {
            return Err(ConfigFault::TooLong);
        }
        let mut fields: Map<String, Value> =
            serde_json::from_slice(value).map_err(|error| ConfigFault::NotJson(error.to_string()))?;
        let field = |name, expected| ConfigFault::Field { name, expected };
        let target = fields.remove("target_pid").unwrap_or_default();
        let metadata = fields.remove("metadata").unwrap_or_default();
        Ok(Self {
            target: read_target(&target)
                .ok_or_else(|| field("target_pid", "the PID or the name of a process"))?,
            message_topic: match fields.get("message_topic") {
                None | Some(Value::Null) => Topic::MESSAGE,
                Some(value) => read_topic(value).ok_or_else(|| field("message_topic", TOPIC_EXPECTED))?,
            },
            heartbeat: match fields.get("heartbeat_interval") {
                None | Some(Value::Null) => Timeout::Off,
                Some(value) => read_heartbeat(value, limits)
                    .ok_or_else(|| field("heartbeat_interval", HEARTBEAT_EXPECTED))?,
            },
            metadata: Metadata::from_json(metadata).ok_or_else(|| field("metadata", "an object"))?,
        })
    }

    /// The target alone, from a header's value that may be wrong in everything else.
    pub(crate) fn target_of(value: &[u8]) -> Option<Destination> {
        read_target(serde_json::from_slice::<Value>(value).ok()?.get("target_pid")?)
    }

    /// The header's value, for a handler to set.
    #[must_use]
    pub fn to_header(&self) -> String {
        let mut value = json!({
            "target_pid": self.target.to_string(),
            "message_topic": self.message_topic.as_str(),
            "metadata": self.metadata.to_json(),
        });
        if let Timeout::After(every) = self.heartbeat {
            value["heartbeat_interval"] = Value::String(super::format_duration(every));
        }
        // JSON leaves DEL as it is, and no field may hold it (RFC 9110 §5.5).
        value.to_string().replace('\u{7f}', "\\u007f")
    }
}

impl From<RelayConfig> for Response {
    /// The response of a handler that accepts its client: 200 with the relay header.
    fn from(config: RelayConfig) -> Self {
        Self::new(200).header(RELAY_HEADER, config.to_header())
    }
}

pub(super) const TOPIC_EXPECTED: &str =
    "a string of 1 to 255 bytes that is no topic of the system's own but ws.message";
pub(super) const HEARTBEAT_EXPECTED: &str =
    "a duration string within the bounds, such as \"30s\", or \"0\" for off";

/// A PID in its one text, or a name; text in braces that is no PID is a mistake, not a name.
pub(super) fn read_target(value: &Value) -> Option<Destination> {
    match value.as_str()? {
        "" => None,
        text if text.starts_with('{') => text.parse::<Pid>().ok().map(Destination::Pid),
        name => Some(Destination::from(name)),
    }
}

pub(super) fn read_topic(value: &Value) -> Option<Topic> {
    let name = value.as_str()?;
    let topic = if name == Topic::MESSAGE.as_str() { Topic::MESSAGE } else { Topic::from(name) };
    is_message_topic(&topic).then_some(topic)
}

/// Whether clients' messages may go by this name: it is none of the system's other ones.
pub(super) fn is_message_topic(topic: &Topic) -> bool {
    const BYTES_MAX: usize = 255;
    let len = topic.as_str().len();
    (1..=BYTES_MAX).contains(&len) && (*topic == Topic::MESSAGE || !topic.is_reserved())
}

pub(super) fn read_heartbeat(value: &Value, limits: &Limits) -> Option<Timeout> {
    let every = parse_duration(value.as_str()?).ok()?;
    check_heartbeat(every, limits)
}

/// R2: a heartbeat is between the bounds, or off.
pub(super) fn check_heartbeat(every: Duration, limits: &Limits) -> Option<Timeout> {
    if every.is_zero() {
        return Some(Timeout::Off);
    }
    (limits.heartbeat_min..=limits.heartbeat_max).contains(&every).then_some(Timeout::After(every))
}
