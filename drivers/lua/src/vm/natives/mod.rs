//! The functions that the prelude calls. Scripts cannot reach them but through it.

mod http;
mod known;
mod mail;
mod outside;
mod processes;

use super::budget::Budget;
use super::modules::errors::{self, ErrorObject, Kind};
use super::modules::{Answer, Outcome, good, json, time};
use super::state::Running;
use super::value::{CopyFault, Values};
use crate::runtime::Context;
use known::Known;
use mlua::{FromLuaMulti, IntoLuaMulti, Lua, LuaString, Table, Value};
use std::rc::Rc;
use wsrelay_core::process::Pid;
use wsrelay_core::time::Instant;
use wsrelay_host::Clock;

/// Builds the table of native functions.
struct Natives<'a> {
    lua: &'a Lua,
    table: Table,
    running: &'a Running,
    known: Rc<Known>,
    budget: &'a Rc<Budget>,
}

impl Natives<'_> {
    /// A function that needs no process.
    fn plain<A: FromLuaMulti, R: IntoLuaMulti>(
        &self,
        name: &str,
        function: impl Fn(&Lua, A) -> mlua::Result<R> + 'static,
    ) -> mlua::Result<()> {
        self.table.raw_set(name, self.lua.create_function(function)?)
    }

    /// A function of the process that runs.
    fn process<A: FromLuaMulti, R: IntoLuaMulti>(
        &self,
        name: &str,
        function: impl Fn(&Lua, &Rc<Context>, A) -> mlua::Result<R> + 'static,
    ) -> mlua::Result<()> {
        let running = Rc::clone(self.running);
        self.plain(name, move |lua, arguments: A| {
            let context = running.borrow().clone();
            // The prelude runs for a process, except while it is loaded.
            let context = context.ok_or_else(|| mlua::Error::runtime("no process runs"))?;
            function(lua, &context, arguments)
        })
    }
}

pub(super) fn table(lua: &Lua, running: &Running, budget: &Rc<Budget>, clock: &Clock) -> mlua::Result<Table> {
    let natives =
        Natives { lua, table: lua.create_table()?, running, known: Rc::new(Known::new(lua)?), budget };
    let now = clock.clone();
    #[expect(clippy::cast_precision_loss, reason = "exact for 104 days, and then to some nanoseconds")]
    natives.plain("now", move |_, ()| Ok(now.now().since(Instant::ZERO).as_nanos() as f64))?;
    natives.plain("failure", |lua, (kind, message, retryable): (String, String, Option<bool>)| {
        let error = ErrorObject::new(Kind::parse(&kind).unwrap_or(Kind::Unknown), message).captured(lua);
        Ok(match retryable {
            Some(retryable) => error.retryable(retryable),
            None => error,
        })
    })?;
    natives.plain("duration", |_, value: Value| {
        #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
        Ok(match time::duration_arg(&value) {
            Ok(nanos) => (Some(nanos as f64), None),
            Err(why) => (None, Some(why)),
        })
    })?;
    natives.plain("words", |lua, fault: Value| match &fault {
        Value::Error(_) => match errors::text(&fault) {
            Some(words) => lua.create_string(words).map(Value::String),
            None => Ok(fault),
        },
        // An error object is caught as it was raised.
        _ => Ok(fault),
    })?;
    natives.plain("json_encode", |lua, value: Value| {
        errors::answer(lua, Kind::Internal, json::encode_value(lua, &value))
    })?;
    let json = json::module(lua)?;
    natives.table.raw_set("json_decode", json.raw_get::<Value>("decode")?)?;
    mail::add(&natives)?;
    processes::add(&natives)?;
    http::add(&natives)?;
    outside::add(&natives)?;
    Ok(natives.table)
}

fn fail(lua: &Lua, error: ErrorObject) -> Answer {
    Ok(Outcome::Bad(error.to_lua(lua)?))
}

/// What a process sends to others.
fn copied<'a>(context: &Context, values: impl IntoIterator<Item = &'a Value>) -> Result<Values, CopyFault> {
    let values = Values::from_lua(values)?;
    context.sent.set(context.sent.get().saturating_add(values.text_bytes()));
    Ok(values)
}

/// Longest name, topic or pattern that is kept for a process, beside its memory.
const TEXT_BYTES_MAX: usize = 1024;

/// What a function gives that was to do something: `true`, or why it is not done.
fn done<T>(lua: &Lua, result: Result<T, ErrorObject>) -> Answer {
    match result {
        Ok(_) => good(lua, true),
        Err(error) => fail(lua, error),
    }
}

/// The process that a script means: a PID's text, or a name.
fn resolve(context: &Context, to: &Value) -> Result<Pid, ErrorObject> {
    let Value::String(text) = to else {
        return Err(ErrorObject::new(
            Kind::Invalid,
            format!("a PID or a registered name is expected as a string, got {}", to.type_name()),
        ));
    };
    let text = text.to_string_lossy();
    let pid = if text.starts_with('{') { text.parse().ok() } else { context.hub.node().lookup(&text) };
    pid.ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        ErrorObject::new(Kind::NotFound, format!("could not resolve '{shown}' as PID or registered name"))
    })
}

/// The text of a PID in a state.
fn pid_text(lua: &Lua, pid: Pid) -> mlua::Result<LuaString> {
    lua.create_string(pid.to_string())
}
