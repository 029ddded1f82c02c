//! Messages: what comes out of the mailbox, and what is sent.

use super::super::budget::Budget;
use super::super::modules::errors::{ErrorObject, Kind};
use super::super::modules::json;
use super::super::value::Values;
use super::known::Known;
use super::{Natives, TEXT_BYTES_MAX, copied, done, pid_text, resolve};
use crate::http::MessageForm;
use crate::runtime::Context;
use bytes::Bytes;
use mlua::{IntoLua as _, Lua, LuaString, MultiValue, Value, Variadic};
use serde_json::Value as Json;
use std::iter;
use std::rc::Rc;
use wsrelay_core::message::{ClientMessage, Message, Payload, Ref, Send, Term, Topic};
use wsrelay_core::process::{Event, ExitReason, Pid};
use wsrelay_core::wire::{Data, Text};
use wsrelay_host::SendFault;

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    let (known, budget) = (Rc::clone(&natives.known), Rc::clone(natives.budget));
    natives.process("take", move |lua, context, topic: Option<LuaString>| {
        let message = match topic {
            Some(topic) => context.take(Some(&Topic::from(&*topic.to_string_lossy()))),
            // What comes on a topic of the system's own after its end, such as a late event, is for nobody.
            None => {
                iter::from_fn(|| context.take(None)).find(|message| !message.topic.as_str().starts_with('@'))
            }
        };
        given(lua, context.hub.message_form(), &known, &budget, message)
    })?;
    let (known, budget) = (Rc::clone(&natives.known), Rc::clone(natives.budget));
    natives.process("take_from", move |lua, context, pid: Value| {
        let message = resolve(context, &pid).ok().and_then(|pid| context.take_from(pid));
        // The application's form is for the clients of its servers.
        given(lua, MessageForm::Table, &known, &budget, message)
    })?;
    natives.process("forget", |_, context, (pid, is_over): (Value, bool)| {
        if let Ok(pid) = resolve(context, &pid) {
            if is_over {
                context.senders.borrow_mut().remove(&pid);
            } else {
                context.forget(pid);
            }
        }
        Ok(())
    })?;
    topics(natives)?;
    sending(natives)
}

/// Which messages go where, and the events.
fn topics(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.process("event", |lua, context, ()| match context.door.cell().take_event() {
        Some(event) => event_to_lua(lua, context, event),
        None => Ok(MultiValue::new()),
    })?;
    natives.process("listen", |_, context, topic: LuaString| {
        let mut topics = context.topics.borrow_mut();
        if topics.len() >= TOPICS_MAX {
            return Err(mlua::Error::runtime("process.listen: too many topics"));
        }
        if topic.as_bytes().len() > TEXT_BYTES_MAX {
            return Err(mlua::Error::runtime("process.listen: the topic is longer than 1024 bytes"));
        }
        topics.push(Topic::from(&*topic.to_string_lossy()));
        Ok(())
    })?;
    natives.process("unlisten", |_, context, topic: LuaString| {
        let topic = Topic::from(&*topic.to_string_lossy());
        let mut topics = context.topics.borrow_mut();
        if let Some(at) = topics.iter().position(|one| *one == topic) {
            topics.swap_remove(at);
        }
        Ok(())
    })
}

fn sending(natives: &Natives<'_>) -> mlua::Result<()> {
    let known = Rc::clone(&natives.known);
    natives.process(
        "send_frame",
        move |lua, context, (to, is_binary, bytes): (Value, bool, LuaString)| {
            let sent = frame(is_binary, &bytes).and_then(|data| {
                let pid = known.pid(&to).map_or_else(|| resolve(context, &to), Ok)?;
                context.door.cell().send(&pid.into(), Topic::SEND, Payload::Data(data)).map_err(send_error)
            });
            done(lua, sent)
        },
    )?;
    natives.process("send", |lua, context, (to, topic, values): (Value, Value, Variadic<Value>)| {
        let sent = parcel(context, &topic, &values).and_then(|(topic, payload)| {
            let pid = resolve(context, &to)?;
            context.door.cell().send(&pid.into(), topic, payload).map_err(send_error)
        });
        done(lua, sent)
    })?;
    natives.process("send_unsigned", |lua, context, (to, topic, values): (Value, Value, Variadic<Value>)| {
        let sent = parcel(context, &topic, &values).and_then(|(topic, payload)| {
            let pid = resolve(context, &to)?;
            context.hub.node().send(pid, topic, payload).map_err(send_error)
        });
        done(lua, sent)
    })
}

fn send_error(fault: SendFault) -> ErrorObject {
    match fault {
        SendFault::NoProcess => ErrorObject::new(Kind::NotFound, fault.to_string()),
        SendFault::Full => ErrorObject::new(Kind::Unavailable, fault.to_string()).retryable(true),
        SendFault::TooBig => ErrorObject::new(Kind::Invalid, fault.to_string()),
    }
}

fn invalid(message: &str) -> ErrorObject {
    ErrorObject::new(Kind::Invalid, message)
}

fn frame(is_binary: bool, bytes: &LuaString) -> Result<Data, ErrorObject> {
    let bytes = bytes.as_bytes();
    if is_binary {
        return Ok(Data::Binary(Bytes::copy_from_slice(&bytes)));
    }
    match str::from_utf8(&bytes) {
        Ok(text) => Ok(Data::Text(Text::copy_from_str(text))),
        Err(_) => Err(invalid("ws.send: data of type \"text\" is not UTF-8; send it as \"binary\"")),
    }
}

/// Most topics that a process listens to: each is compared with each message that waits.
const TOPICS_MAX: usize = 1024;

/// What is to be sent, from a topic and values.
fn parcel(context: &Context, topic: &Value, values: &[Value]) -> Result<(Topic, Payload), ErrorObject> {
    let Value::String(topic) = topic else {
        return Err(invalid("process.send: a topic is expected as a string"));
    };
    let topic = topic.to_string_lossy();
    if topic.is_empty() || topic.starts_with('@') {
        return Err(invalid("process.send: a topic is not empty and does not begin with @"));
    }
    let topic = Topic::from(&*topic);
    // What a function gives may have a nil behind it, for an error that there is not; that is no second payload.
    let count = values.iter().rposition(|value| !value.is_nil()).map_or(0, |at| at + 1);
    let values = &values[..count];
    if topic == Topic::SEND
        && let [Value::Table(command)] = values
        && let Some(send) = send_command(command)?
    {
        return Ok((topic, Payload::Send(send)));
    }
    let values = copied(context, values).map_err(|fault| invalid(&fault.to_string()))?;
    if topic == Topic::SEND {
        return Ok((topic.clone(), enveloped(&topic, values)));
    }
    Ok((topic, values.into_payload()))
}

/// The specification's form of `ws.send`, with a `ref`; `None` for a table of another form.
fn send_command(command: &mlua::Table) -> Result<Option<Send>, ErrorObject> {
    let field = |name: &str| command.raw_get::<Value>(name).unwrap_or_default();
    let (Value::String(kind), Value::String(bytes)) = (field("type"), field("data")) else { return Ok(None) };
    let data = match &*kind.as_bytes() {
        b"text" => frame(false, &bytes)?,
        b"binary" => frame(true, &bytes)?,
        _ => return Ok(None),
    };
    let reference = match json::from_lua(&field("ref")) {
        Ok(Json::Null) => None,
        Ok(Json::Number(number)) => Some(Ref::Number(number)),
        Ok(Json::String(text)) if text.len() <= Ref::BYTES_MAX => Some(Ref::Text(text.into())),
        Ok(_) | Err(_) => {
            return Err(invalid("ws.send: a ref is a number, or a string of at most 128 bytes"));
        }
    };
    Ok(Some(Send { data, reference: reference.map(Box::new) }))
}

/// Anything else on `ws.send` reaches the client as any other topic does: wrapped.
fn enveloped(topic: &Topic, values: Values) -> Payload {
    let text =
        serde_json::json!({"topic": topic.as_str(), "data": values.into_payload().to_json()}).to_string();
    Payload::Data(Data::Text(Text::from(text)))
}

/// The shapes of messages, as the prelude knows them.
const ONE: i64 = 1;
const CLIENT: i64 = 2;
const MANY: i64 = 3;

/// What has been taken out of the mailbox, if anything has.
fn given(
    lua: &Lua,
    form: MessageForm,
    known: &Known,
    budget: &Budget,
    message: Option<Message>,
) -> mlua::Result<MultiValue> {
    let Some(message) = message else { return Ok(MultiValue::new()) };
    budget.refill();
    to_lua(lua, form, known, message)
}

/// A message as the prelude takes it: topic, sender, shape, and what belongs to that. What recurs is made once and not for
/// each message: under a bound of memory, all that is made in the state costs a protected call.
fn to_lua(lua: &Lua, form: MessageForm, known: &Known, message: Message) -> mlua::Result<MultiValue> {
    let Message { from, topic, payload } = message;
    let topic = known.topic(lua, &topic)?;
    let from = match (&payload, from) {
        // Of what the relay sends in a client's name, that is the sender.
        (Payload::Client(client), _) => known.text(lua, client.pid)?,
        (_, Some(from)) => known.text(lua, from)?,
        (_, None) => known.nobody(),
    };
    let mut values = vec![topic, from, Value::Integer(ONE)];
    match payload {
        Payload::Client(client) => {
            let ClientMessage { data, metadata, .. } = client;
            let bytes = Value::String(lua.create_string(data.as_bytes())?);
            if form == MessageForm::Raw {
                values.push(bytes);
            } else {
                values[2] = Value::Integer(CLIENT);
                let is_binary = matches!(data, Data::Binary(_));
                values.extend([Value::Boolean(is_binary), bytes]);
                if !metadata.is_empty() {
                    values.push(json::to_lua(lua, &metadata.to_json())?);
                }
            }
        }
        Payload::Term(term) => match term.downcast_ref::<Values>() {
            Some(many) if many.count() > 1 => {
                values[2] = Value::Integer(MANY);
                values.push(Value::Table(lua.create_sequence_from(many.to_lua(lua)?)?));
                // Some of them may be nil.
                values.push(many.count().into_lua(lua)?);
            }
            Some(_) | None => values.push(term_to_lua(lua, &term)?),
        },
        Payload::Data(data) => values.push(Value::String(lua.create_string(data.as_bytes())?)),
        Payload::Empty => {}
        payload => values.push(json::to_lua(lua, &payload.to_json())?),
    }
    Ok(MultiValue::from_vec(values))
}

/// An event as the prelude takes it: kind, sender, time, and a value and an error, or a reason and a deadline.
fn event_to_lua(lua: &Lua, context: &Context, event: Event) -> mlua::Result<MultiValue> {
    let seconds = context.hub.node().clock().wall().as_secs_f64();
    let pid = |pid: Option<Pid>| pid.map(|pid| pid_text(lua, pid)).transpose();
    let word = |text: &str| lua.create_string(text).map(Value::String);
    let ended = |kind: &str, from: Pid, reason: &ExitReason| {
        let from = Value::String(pid_text(lua, from)?);
        let (value, error) = result(lua, reason)?;
        Ok(MultiValue::from_vec(vec![word(kind)?, from, Value::Number(seconds.floor()), value, error]))
    };
    match event {
        Event::Exit { from, reason } => {
            context.monitors.borrow_mut().remove(&from);
            ended("pid.exit", from, &reason)
        }
        Event::LinkDown { from, reason } => ended("pid.link.down", from, &reason),
        Event::Cancel { from, reason } => {
            let from = pid(from)?.map_or(Value::Nil, Value::String);
            let within = wsrelay_core::relay::parse_duration(&reason).ok();
            let deadline =
                within.map_or(Value::Nil, |within| Value::Number((seconds + within.as_secs_f64()).floor()));
            let reason = word(&reason)?;
            let seconds = Value::Number(seconds.floor());
            Ok(MultiValue::from_vec(vec![word("pid.cancel")?, from, seconds, reason, Value::Nil, deadline]))
        }
        // No cell gives these as events.
        Event::Started | Event::Message(_) | Event::Tick => Ok(MultiValue::new()),
    }
}

/// `result` of an exit event: a value, or an error object.
fn result(lua: &Lua, reason: &ExitReason) -> mlua::Result<(Value, Value)> {
    if let Some(error) = crate::runtime::exit_error(reason) {
        return Ok((Value::Nil, error.to_lua(lua)?));
    }
    let value = match reason {
        ExitReason::Returned(term) => term_to_lua(lua, term)?,
        _ => Value::Nil,
    };
    Ok((value, Value::Nil))
}

/// The value of another process: a script's own, or JSON.
fn term_to_lua(lua: &Lua, term: &Term) -> mlua::Result<Value> {
    match term.downcast_ref::<Values>() {
        Some(values) => values.first_to_lua(lua),
        None => json::to_lua(lua, &term.to_json()),
    }
}
