//! The module `json`: Lua values to JSON and back, each in one pass and without a tree between.
//!
//! A table is an array if its keys are 1 to n, an object if they are strings, and an error otherwise. The empty table
//! is `[]`, unless it was decoded from `{}`: then a hidden metatable says so.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use mlua::{Lua, Table, Value};

use super::errors::{self, Kind};
use super::{Answer, args, good};

/// Deepest nesting of what is encoded.
pub const DEPTH_MAX: usize = 128;

/// Most arrays and objects of what is decoded: while they are made, nothing else runs on the thread.
pub const TABLES_MAX: usize = 64 * 1024;

/// Most that is encoded of one value, in bytes, counted roughly. Past it the encoding is an error. It is there because
/// tables that share parts can stand for more text than there is memory.
pub const ENCODED_BYTES_MAX: usize = 8 << 20;

/// The JSON text of a value, keys in order.
///
/// # Errors
///
/// Why the value has none, as a sentence without a dot.
pub fn encode_value(_lua: &Lua, value: &Value) -> Result<String, String> {
    let walk = encode::Walk::default();
    serde_json::to_string(&walk.node(value)).map_err(|error| error.to_string())
}

/// The value as a JSON tree, by the rules of [`encode_value`].
///
/// # Errors
///
/// Why the value has none, as a sentence without a dot.
pub fn from_lua(value: &Value) -> Result<serde_json::Value, String> {
    let walk = encode::Walk::default();
    serde_json::to_value(walk.node(value)).map_err(|error| error.to_string())
}

/// A JSON tree as a Lua value, by the rules of `json.decode`.
///
/// # Errors
///
/// Lua has no memory left.
pub fn to_lua(lua: &Lua, value: &serde_json::Value) -> mlua::Result<Value> {
    decode::tree(lua, value).map_err(mlua::Error::external)
}

/// The table `json`.
///
/// # Errors
///
/// Lua has no memory left.
pub fn module(lua: &Lua) -> mlua::Result<Table> {
    object_mark(lua)?;
    let module = lua.create_table()?;
    module.raw_set("encode", lua.create_function(|lua, value: Value| encode(lua, &value))?)?;
    module.raw_set("decode", lua.create_function(|lua, text: Value| decode(lua, &text))?)?;
    Ok(args::frozen(module))
}

fn encode(lua: &Lua, value: &Value) -> Answer {
    let walk = encode::Walk::default();
    match serde_json::to_vec(&walk.node(value)) {
        Ok(text) => good(lua, lua.create_string(text)?),
        Err(error) => errors::fail(lua, walk.kind(), error.to_string()),
    }
}

fn decode(lua: &Lua, text: &Value) -> Answer {
    let Value::String(text) = text else {
        return errors::fail(
            lua,
            Kind::Invalid,
            format!("a string is expected, not {}", args::type_name(text)),
        );
    };
    let text = text.as_bytes();
    if text.is_empty() {
        return errors::fail(lua, Kind::Invalid, "an empty string is not JSON");
    }
    errors::answer(lua, Kind::Internal, decode::text(lua, &text).map_err(|error| error.to_string()))
}

const OBJECT_MARK: &str = "wsrelay.json.object";

/// The metatable of an empty table that was an object. It is not locked, so that a program may set another; being
/// frozen, it cannot carry anything from one process to the next.
fn object_mark(lua: &Lua) -> mlua::Result<Table> {
    if let Some(mark) = lua.named_registry_value::<Option<Table>>(OBJECT_MARK)? {
        return Ok(mark);
    }
    let mark = args::frozen(lua.create_table()?);
    lua.set_named_registry_value(OBJECT_MARK, &mark)?;
    Ok(mark)
}

fn is_marked(table: &Table) -> bool {
    let Some(metatable) = table.metatable() else { return false };
    let mark = table.weak_lua().try_upgrade().map(|lua| lua.named_registry_value::<Table>(OBJECT_MARK));
    mark.is_some_and(|mark| mark.is_ok_and(|mark| mark == metatable))
}
