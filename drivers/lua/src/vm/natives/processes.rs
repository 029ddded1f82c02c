//! Processes: starting, ending, relations, names.

use super::super::modules::errors::{ErrorObject, Kind};
use super::{Answer, Natives, TEXT_BYTES_MAX, copied, done, fail, pid_text, resolve};
use crate::runtime::{Completion, Context, Relation, Reply};
use mlua::{Lua, LuaString, MultiValue, Value, Variadic};
use std::sync::Arc;
use std::time::Duration;
use wsrelay_core::process::Pid;
use wsrelay_core::relay::parse_duration;
use wsrelay_host::{NameFault, SendFault};

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.process("pid", |lua, context, ()| pid_text(lua, context.pid()))?;
    natives.process("id", |_, context, ()| Ok(context.program.borrow().code.id.to_string()))?;
    natives.process("loaded", |_, context, ()| {
        context.loaded();
        Ok(())
    })?;
    natives.process("completion", |lua, context, ()| completion(lua, context))?;
    type Spawn = (u64, LuaString, Value, LuaString, LuaString, Variadic<Value>);
    natives.process("spawn", |lua, context, (token, relation, name, id, host, values): Spawn| {
        let name = match &name {
            Value::String(name) => Some(name.to_string_lossy()),
            _ => None,
        };
        let relation = Relation::parse(&relation.to_string_lossy());
        let reply = Reply::Process { door: Arc::clone(&context.door), token, relation };
        begin(lua, context, (&id, &host), &values, name.as_deref(), (Some(reply), None))
    })?;
    natives.process(
        "exec",
        |lua, context, (token, id, host, values): (u64, LuaString, LuaString, Variadic<Value>)| {
            let reply = Reply::Process { door: Arc::clone(&context.door), token, relation: Relation::None };
            begin(lua, context, (&id, &host), &values, None, (None, Some(reply)))
        },
    )?;
    natives.process("terminate", |lua, context, to: Value| {
        let ended = resolve(context, &to).and_then(|pid| context.hub.node().terminate(pid).map_err(undone));
        done(lua, ended)
    })?;
    natives.process("cancel", |lua, context, (to, deadline): (Value, Value)| {
        cancel(lua, context, &to, &deadline)
    })?;
    relations(natives)?;
    names(natives)?;
    natives.process("trap_links", |_, context, trap: bool| {
        context.door.cell().trap_links(trap);
        Ok(())
    })?;
    natives.process("upgrade", |lua, context, (id, values): (LuaString, Variadic<Value>)| {
        done(lua, upgrade(context, &id.to_string_lossy(), &values))
    })
}

fn upgrade(context: &Context, id: &str, values: &[Value]) -> Result<(), ErrorObject> {
    let current = context.hub.current();
    let program = current.programs.get(id).filter(|program| program.is_process());
    let program = program
        .ok_or_else(|| ErrorObject::new(Kind::NotFound, format!("process.upgrade: no process {id}")))?;
    let values =
        copied(context, values).map_err(|fault| ErrorObject::new(Kind::Invalid, fault.to_string()))?;
    context.upgrade.replace(Some((Arc::clone(program), values)));
    Ok(())
}

fn begin(
    lua: &Lua,
    context: &Context,
    (id, host): (&LuaString, &LuaString),
    values: &[Value],
    name: Option<&str>,
    (loaded, ended): (Option<Reply>, Option<Reply>),
) -> Answer {
    let begun = copied(context, values)
        .map_err(|fault| ErrorObject::new(Kind::Invalid, fault.to_string()))
        .and_then(|values| {
            let (id, host) = (id.to_string_lossy(), host.to_string_lossy());
            context.hub.begin(&id, &host, values, name, loaded, ended).map_err(|fault| fault.to_error())
        });
    done(lua, begun)
}

/// The next result of something that was begun: its number, a value, an error.
fn completion(lua: &Lua, context: &Context) -> mlua::Result<MultiValue> {
    let Some((token, completion)) = context.door.take_completion() else { return Ok(MultiValue::new()) };
    #[expect(clippy::cast_precision_loss, reason = "they count up from one in each process")]
    let token = Value::Number(token as f64);
    Ok(match completion {
        Completion::Spawned(pid) => MultiValue::from_vec(vec![token, Value::String(pid_text(lua, pid)?)]),
        Completion::Returned(values) => MultiValue::from_vec(vec![token, values.first_to_lua(lua)?]),
        Completion::Failed(error) => MultiValue::from_vec(vec![token, Value::Nil, error.to_lua(lua)?]),
    })
}

/// Why nothing was done to a process. (The original names this kind, and another where it is sent to.)
fn undone(fault: SendFault) -> ErrorObject {
    ErrorObject::new(Kind::Internal, fault.to_string())
}

/// The second argument is a deadline if it can be read as one, and the reason in any case. Past its deadline the process is
/// ended without being asked.
fn cancel(lua: &Lua, context: &Context, to: &Value, deadline: &Value) -> Answer {
    let pid = match resolve(context, to) {
        Ok(pid) => pid,
        Err(error) => return fail(lua, error),
    };
    let (reason, within) = match deadline {
        Value::Integer(millis) => {
            (format!("{millis}ms"), u64::try_from(*millis).ok().map(Duration::from_millis))
        }
        Value::Number(millis) => {
            let within = Duration::try_from_secs_f64(millis / 1000.0).ok();
            (format!("{millis}ms"), within)
        }
        Value::String(text) => {
            let text = text.to_string_lossy();
            let within = parse_duration(&text).ok();
            (text, within)
        }
        _ => (String::new(), None),
    };
    done(lua, context.hub.ask_to_end(Some(context.pid()), pid, &reason, within).map_err(undone))
}

fn alive(context: &Context, to: &Value) -> Result<Pid, ErrorObject> {
    let pid = resolve(context, to)?;
    if context.hub.node().is_alive(pid) { Ok(pid) } else { Err(undone(SendFault::NoProcess)) }
}

fn relations(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.process("monitor", |lua, context, to: Value| {
        let related = alive(context, &to).and_then(|pid| {
            if !context.monitors.borrow_mut().insert(pid) {
                return Err(ErrorObject::new(Kind::AlreadyExists, "the process is monitored already"));
            }
            context.door.cell().monitor(&pid.into()).map_err(undone)
        });
        done(lua, related)
    })?;
    // One that was spawned so.
    natives.process("monitors", |_, context, pid: Value| {
        if let Ok(pid) = alive(context, &pid) {
            context.monitors.borrow_mut().insert(pid);
        }
        Ok(())
    })?;
    natives.process("unmonitor", |lua, context, to: Value| {
        let related = resolve(context, &to).and_then(|pid| {
            context.monitors.borrow_mut().remove(&pid);
            context.door.cell().demonitor(&pid.into()).map_err(undone)
        });
        done(lua, related)
    })?;
    natives.process("link", |lua, context, to: Value| {
        let related =
            alive(context, &to).and_then(|pid| context.door.cell().link(&pid.into()).map_err(undone));
        done(lua, related)
    })?;
    natives.process("unlink", |lua, context, to: Value| {
        let related =
            resolve(context, &to).and_then(|pid| context.door.cell().unlink(&pid.into()).map_err(undone));
        done(lua, related)
    })
}

/// Most names that a process gives in its life.
const NAMES_MAX: usize = 10_000;

fn names(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.process("register", |lua, context, (name, pid): (Value, Value)| {
        let Value::String(name) = &name else {
            return fail(
                lua,
                ErrorObject::new(Kind::Invalid, "registry.register: a name is expected as a string"),
            );
        };
        let registered = match &pid {
            Value::Nil => Ok(context.pid()),
            pid => resolve(context, pid),
        }
        .and_then(|pid| {
            if name.as_bytes().len() > TEXT_BYTES_MAX {
                return Err(ErrorObject::new(
                    Kind::Invalid,
                    "registry.register: the name is longer than 1024 bytes",
                ));
            }
            if context.names.get() >= NAMES_MAX {
                return Err(ErrorObject::new(Kind::RateLimited, "registry.register: too many names"));
            }
            context.names.set(context.names.get() + 1);
            context.hub.node().register(name.to_string_lossy(), pid).map_err(|fault| {
                let kind = match fault {
                    NameFault::Taken(_) => Kind::AlreadyExists,
                    NameFault::NoProcess => Kind::NotFound,
                    NameFault::Malformed => Kind::Invalid,
                };
                ErrorObject::new(kind, fault.to_string())
            })
        });
        done(lua, registered)
    })?;
    natives.process("lookup", |lua, context, name: LuaString| {
        context.hub.node().lookup(&name.to_string_lossy()).map(|pid| pid_text(lua, pid)).transpose()
    })?;
    natives.process("unregister", |_, context, name: Value| {
        let Value::String(name) = &name else { return Ok(false) };
        let name = name.to_string_lossy();
        let node = context.hub.node();
        Ok(node.lookup(&name).is_some_and(|owner| node.unregister(&name, owner)))
    })
}
