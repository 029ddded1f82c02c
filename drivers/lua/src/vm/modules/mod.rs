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

/// What a fallible function returns: its value and `nil`, or `nil` and an error object.
pub type Answer = mlua::Result<(mlua::Value, mlua::Value)>;
