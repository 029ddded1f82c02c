//! What leads out of a process's node of Lua: logs, outbound connections, the bus of events.

use super::super::modules::errors::{ErrorObject, Kind};
use super::super::modules::{errors, json, time};
use super::{Answer, Natives, TEXT_BYTES_MAX, copied, fail, good, pid_text};
use crate::printable::printable;
use crate::runtime::Context;
use mlua::{Lua, LuaString, Table, Value};
use std::fmt::Write as _;
use std::time::Duration;
use wsrelay_core::message::Payload;
use wsrelay_smol::ConnectOptions;

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.process(
        "log",
        |lua, context, (level, name, message, fields): (LuaString, Option<String>, LuaString, Table)| {
            log(lua, context, &level.to_string_lossy(), name.as_deref(), &message.to_string_lossy(), &fields)
        },
    )?;
    natives.process("connect", |lua, context, (url, options): (LuaString, Table)| {
        connect(lua, context, &url.to_string_lossy(), &options)
    })?;
    natives.process("subscribe_events", |lua, context, (system, kind): (LuaString, Option<LuaString>)| {
        let (hub, pid) = (&context.hub, context.pid());
        let bytes = system.as_bytes().len() + kind.as_ref().map_or(0, |kind| kind.as_bytes().len());
        if bytes > TEXT_BYTES_MAX {
            let words = "events.subscribe: the patterns are longer than 1024 bytes";
            return fail(lua, ErrorObject::new(Kind::Invalid, words));
        }
        let kind = kind.map(|kind| kind.to_string_lossy());
        match hub.bus.subscribe(pid, hub.number(), &system.to_string_lossy(), kind.as_deref()) {
            Some(topic) => {
                context.has_subscriptions.set(true);
                context.topics.borrow_mut().push(topic.clone());
                good(lua, topic.as_str())
            }
            None => {
                fail(lua, ErrorObject::new(Kind::RateLimited, "events.subscribe: too many subscriptions"))
            }
        }
    })?;
    natives.process("unsubscribe_events", |_, context, topic: LuaString| {
        context.hub.bus.unsubscribe(context.pid(), &topic.to_string_lossy());
        Ok(())
    })?;
    natives.process("send_event", |lua, context, (system, kind, event): (LuaString, LuaString, Value)| {
        let values = match copied(context, [&event]) {
            Ok(values) => values,
            Err(fault) => return fail(lua, ErrorObject::new(Kind::Invalid, fault.to_string())),
        };
        let payload: Payload = values.into_payload();
        for (pid, topic) in context.hub.bus.subscribers(&system.to_string_lossy(), &kind.to_string_lossy()) {
            // Best effort: a subscriber whose mailbox is full misses it.
            _ = context.door.cell().send(&pid.into(), topic, payload.clone());
        }
        good(lua, true)
    })
}

/// Longest line that a script can log.
const LOG_CHARS_MAX: usize = 16 * 1024;

fn log(
    lua: &Lua,
    context: &Context,
    level: &str,
    name: Option<&str>,
    message: &str,
    fields: &Table,
) -> mlua::Result<()> {
    let mut line = String::new();
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in fields.pairs::<Value, Value>() {
        let (field, value) = pair?;
        let text = match &value {
            Value::Table(_) => json::encode_value(lua, &value).unwrap_or_else(|_| "{…}".to_owned()),
            value => errors::text(value).unwrap_or_else(|| value.to_string().unwrap_or_default()),
        };
        pairs.push((errors::text(&field).unwrap_or_else(|| field.to_string().unwrap_or_default()), text));
    }
    pairs.sort();
    line.push_str(message);
    for (field, value) in pairs {
        _ = write!(line, " {field}={value}");
    }
    let line = printable(&line, LOG_CHARS_MAX);
    let (pid, entry, name) =
        (context.pid(), context.program.borrow().code.id.to_string(), name.unwrap_or("lua"));
    match level {
        "debug" => tracing::debug!(%pid, entry, logger = name, "{line}"),
        "warn" => tracing::warn!(%pid, entry, logger = name, "{line}"),
        "error" => tracing::error!(%pid, entry, logger = name, "{line}"),
        _ => tracing::info!(%pid, entry, logger = name, "{line}"),
    }
    Ok(())
}

/// Most outbound connections of a process.
const CONNECTIONS_MAX: usize = 1000;

fn connect(lua: &Lua, context: &Context, url: &str, options: &Table) -> Answer {
    let options = match connect_options(options) {
        Ok(options) => options,
        Err(why) => return fail(lua, ErrorObject::new(Kind::Invalid, format!("websocket.connect: {why}"))),
    };
    if context.senders.borrow().len() >= CONNECTIONS_MAX {
        return fail(lua, ErrorObject::new(Kind::RateLimited, "websocket.connect: too many connections"));
    }
    match context.hub.node().connect(url, context.pid(), options) {
        Ok(pid) => {
            context.senders.borrow_mut().insert(pid);
            good(lua, pid_text(lua, pid)?)
        }
        Err(fault) => fail(lua, ErrorObject::new(Kind::Invalid, format!("websocket.connect: {fault}"))),
    }
}

/// The options that have a meaning here. Timeouts are Go strings, or milliseconds.
fn connect_options(table: &Table) -> Result<ConnectOptions, String> {
    let mut options = ConnectOptions::default();
    let field = |name: &str| table.raw_get::<Value>(name).unwrap_or_default();
    if let Value::Table(headers) = field("headers") {
        for pair in headers.pairs::<String, String>() {
            let (name, value) = pair.map_err(|_| "headers are strings by name".to_owned())?;
            options.headers.push((name, value));
        }
        options.headers.sort();
    }
    if let Value::Table(protocols) = field("protocols") {
        let protocols = protocols.sequence_values::<String>().collect::<mlua::Result<Vec<_>>>();
        options.protocols = protocols.map_err(|_| "protocols are a list of strings".to_owned())?;
    }
    if let Some(within) = timeout(&field("dial_timeout"))? {
        options.dial_wait_max = within;
    }
    match field("read_limit") {
        Value::Nil => options.limits.message_bytes_max = 16 * 1024 * 1024,
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        Value::Number(bytes) if (1.0..=1e9).contains(&bytes) => {
            options.limits.message_bytes_max = bytes as usize;
        }
        Value::Integer(bytes) if (1..=1_000_000_000).contains(&bytes) => {
            options.limits.message_bytes_max = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        _ => return Err("read_limit is a number of bytes".to_owned()),
    }
    let room = options.limits.message_bytes_max.saturating_mul(2);
    options.limits.outbox_bytes_max = options.limits.outbox_bytes_max.max(room);
    options.limits.mailbox_bytes_max = options.limits.mailbox_bytes_max.max(room);
    Ok(options)
}

fn timeout(value: &Value) -> Result<Option<Duration>, String> {
    let millis = match value {
        Value::Nil => return Ok(None),
        #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
        Value::Integer(millis) => *millis as f64,
        Value::Number(millis) => *millis,
        other => {
            let nanos = time::duration_arg(other)?;
            return Ok(u64::try_from(nanos).ok().map(Duration::from_nanos));
        }
    };
    // The original's own test says 3 and means seconds.
    let seconds = if (0.0..10.0).contains(&millis) { millis } else { millis / 1000.0 };
    Duration::try_from_secs_f64(seconds).map(Some).map_err(|_| "a timeout is no duration".to_owned())
}
