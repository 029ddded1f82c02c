//! A Lua value copied out of its state, so that it survives it.

use mlua::{Lua, Value};

use super::ErrorObject;

/// A copy of a value: what a program attaches to an error.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    /// A boolean.
    Boolean(bool),
    /// A number; Luau has no other.
    Number(f64),
    /// A string of any bytes.
    Text(Vec<u8>),
    /// A table as pairs of key and value, in the order of the original.
    Table(Vec<(Detail, Detail)>),
    /// An error object.
    Error(Box<ErrorObject>),
}

impl Detail {
    /// Deepest nesting that is copied. What lies deeper is left out: details describe an error and must not cause one.
    const DEPTH_MAX: usize = 32;
    /// Values copied in all, those past it are left out. A table that appears twice counts twice.
    const VALUES_MAX: usize = 10_000;

    /// A deep copy. Functions, threads, other userdata and whatever exceeds the limits are left out.
    #[must_use]
    pub fn copied(value: &Value) -> Option<Self> {
        let mut values_left = Self::VALUES_MAX;
        copy(value, Self::DEPTH_MAX, &mut values_left)
    }

    /// Whether it is a table without entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Table(pairs) if pairs.is_empty())
    }

    /// A new Lua value with the same content.
    ///
    /// # Errors
    ///
    /// Lua has no memory left.
    pub fn to_lua(&self, lua: &Lua) -> mlua::Result<Value> {
        match self {
            Self::Boolean(boolean) => Ok(Value::Boolean(*boolean)),
            Self::Number(number) => Ok(Value::Number(*number)),
            Self::Text(text) => Ok(Value::String(lua.create_string(text)?)),
            Self::Table(pairs) => {
                let table = lua.create_table_with_capacity(0, pairs.len())?;
                for (key, value) in pairs {
                    table.raw_set(key.to_lua(lua)?, value.to_lua(lua)?)?;
                }
                Ok(Value::Table(table))
            }
            Self::Error(error) => Ok(Value::UserData(lua.create_userdata(error.as_ref().clone())?)),
        }
    }
}

fn copy(value: &Value, depth_left: usize, values_left: &mut usize) -> Option<Detail> {
    *values_left = values_left.checked_sub(1)?;
    match value {
        Value::Boolean(boolean) => Some(Detail::Boolean(*boolean)),
        #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
        Value::Integer(integer) => Some(Detail::Number(*integer as f64)),
        Value::Number(number) => Some(Detail::Number(*number)),
        Value::String(text) => Some(Detail::Text(text.as_bytes().to_vec())),
        Value::Table(table) => {
            let depth_left = depth_left.checked_sub(1)?;
            let mut pairs = Vec::new();
            table
                .for_each(|key: Value, value: Value| {
                    let copied =
                        copy(&key, depth_left, values_left).zip(copy(&value, depth_left, values_left));
                    pairs.extend(copied);
                    Ok(())
                })
                .ok()?;
            Some(Detail::Table(pairs))
        }
        Value::UserData(_) => super::object(value).map(|error| Detail::Error(Box::new(error))),
        _ => None,
    }
}
