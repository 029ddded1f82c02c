//! A bare Lua state with the modules as globals, and programs in it as one line of text.

use mlua::{Lua, MultiValue, Value};

use super::{base64, errors, json, os, string, time, uuid};

/// 2024-12-29T15:04:05.25Z, a Sunday.
pub(super) const NOW: (i64, u32) = (1_735_484_645, 250_000_000);

pub(super) fn lua() -> Lua {
    let lua = Lua::new();
    let globals = lua.globals();
    globals.set("string", string::library(&lua).unwrap()).unwrap();
    globals.set("errors", errors::module(&lua).unwrap()).unwrap();
    globals.set("json", json::module(&lua).unwrap()).unwrap();
    globals.set("uuid", uuid::module(&lua, || NOW).unwrap()).unwrap();
    globals.set("base64", base64::module(&lua).unwrap()).unwrap();
    globals.set("time", time::module(&lua, || NOW).unwrap()).unwrap();
    globals.set("os", os::module(&lua, || NOW).unwrap()).unwrap();
    for pair in string::types(&lua).unwrap().pairs::<String, Value>() {
        let (name, check) = pair.unwrap();
        globals.set(name, check).unwrap();
    }
    lua
}

/// What the program returns, its values separated by blanks. An error object shows as `<Kind: message>`, what was
/// raised as `raised: …`.
pub(super) fn run(program: &str) -> String {
    run_in(&lua(), program)
}

/// The same in a state that is there already, as properties want it.
pub(super) fn run_in(lua: &Lua, program: &str) -> String {
    match lua.load(program).set_name("=test").eval::<MultiValue>() {
        Ok(values) => values.iter().map(shown).collect::<Vec<_>>().join(" "),
        Err(error) => match errors::text(&Value::Error(Box::new(error))) {
            Some(text) => format!("raised: {}", text.lines().next().unwrap_or_default()),
            None => String::new(),
        },
    }
}

fn shown(value: &Value) -> String {
    match errors::object(value) {
        Some(error) => format!("<{}: {}>", error.kind().as_str(), error.message()),
        None => value.to_string().unwrap(),
    }
}
