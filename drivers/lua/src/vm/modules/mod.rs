//! Modules that Lua programs require and that need neither a process nor a socket.
//!
//! Each file makes one frozen table, once per Lua state; all processes of the state share it. What a module hands out
//! holds no handle into the state, and so may outlive it.
//!
//! Two kinds of failure: an argument of the wrong type raises, naming function and argument; everything else comes back
//! as `nil` and an [error object](errors::ErrorObject).

pub mod args;
pub mod base64;
pub mod errors;
pub mod json;
pub mod os;
pub mod string;
#[cfg(test)]
mod testing;
pub mod time;
pub mod uuid;

use mlua::{IntoLua, IntoLuaMulti, Lua, MultiValue, Value};

/// What a fallible function returns: its value alone, which so may be the last argument of a call, or `nil` and an error
/// object.
#[derive(Debug)]
pub enum Outcome {
    /// The value.
    Good(Value),
    /// The error object.
    Bad(Value),
}

impl IntoLuaMulti for Outcome {
    fn into_lua_multi(self, _: &Lua) -> mlua::Result<MultiValue> {
        Ok(MultiValue::from_vec(match self {
            Self::Good(value) => vec![value],
            Self::Bad(error) => vec![Value::Nil, error],
        }))
    }
}

/// An outcome, unless Lua has no memory left.
pub type Answer = mlua::Result<Outcome>;

/// The outcome of what succeeded.
///
/// # Errors
///
/// Lua has no memory left.
pub fn good(lua: &Lua, value: impl IntoLua) -> Answer {
    Ok(Outcome::Good(value.into_lua(lua)?))
}
