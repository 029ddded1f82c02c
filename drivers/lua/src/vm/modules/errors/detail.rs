//! A Lua value copied out of its state, so that it survives it.

use mlua::{Lua, Value};

use super::{ErrorObject, Fields};
use crate::vm::modules::args;

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
    /// An error object, without the places in programs that it knows.
    Error(Box<ErrorObject>),
}

impl Detail {
    /// Deepest nesting that is copied, errors in details included. What lies deeper is left out: details describe an
    /// error and must not cause one.
    const DEPTH_MAX: usize = 32;

    /// A deep copy. Functions, threads, other userdata and whatever exceeds the limits are left out.
    #[must_use]
    pub fn copied(value: &Value) -> Option<Self> {
        copy(value, Self::DEPTH_MAX, &mut Budget::default())
    }

    /// Whether it is a table without entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Table(pairs) if pairs.is_empty())
    }

    /// What it holds on the heap, in bytes, counted roughly.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Boolean(_) | Self::Number(_) => 0,
            Self::Text(text) => text.len(),
            Self::Table(pairs) => {
                pairs.iter().map(|(key, value)| 2 * size_of::<Self>() + key.bytes() + value.bytes()).sum()
            }
            Self::Error(error) => error.bytes(),
        }
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
            Self::Error(error) => error.as_ref().clone().to_lua(lua),
        }
    }
}

/// What a copy may still take. A table that appears twice counts twice.
struct Budget {
    values: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { values: 10_000, bytes: 1 << 20 }
    }
}

impl Budget {
    /// Takes one value and its bytes; `None` if they are not there.
    fn take(&mut self, bytes: usize) -> Option<()> {
        self.values = self.values.checked_sub(1)?;
        self.bytes = self.bytes.checked_sub(bytes)?;
        Some(())
    }
}

fn copy(value: &Value, depth_left: usize, budget: &mut Budget) -> Option<Detail> {
    match value {
        Value::String(text) => budget.take(text.as_bytes().len())?,
        _ => budget.take(0)?,
    }
    match value {
        Value::Boolean(boolean) => Some(Detail::Boolean(*boolean)),
        #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
        Value::Integer(integer) => Some(Detail::Number(*integer as f64)),
        Value::Number(number) => Some(Detail::Number(*number)),
        Value::String(text) => Some(Detail::Text(text.as_bytes().to_vec())),
        Value::Table(table) if args::is_object(table) => None,
        Value::Table(table) => {
            let depth_left = depth_left.checked_sub(1)?;
            let mut pairs = Vec::new();
            table
                .for_each(|key: Value, value: Value| {
                    let copied = copy(&key, depth_left, budget).zip(copy(&value, depth_left, budget));
                    pairs.extend(copied);
                    Ok(())
                })
                .ok()?;
            Some(Detail::Table(pairs))
        }
        Value::UserData(data) => {
            data.borrow_scoped(|error: &ErrorObject| copy_error(error, depth_left, budget)).ok()?
        }
        _ => None,
    }
}

/// An error whose details hold the error before, and so on, is cut off like any other nesting: else a program that
/// chains its errors would build one that takes more stack to drop than there is.
fn copy_error(error: &ErrorObject, depth_left: usize, budget: &mut Budget) -> Option<Detail> {
    let fields = &*error.0;
    budget.take(fields.message.len())?;
    let details = fields.details.as_ref().zip(depth_left.checked_sub(1));
    let copied = Fields {
        kind: fields.kind,
        message: fields.message.clone(),
        retryable: fields.retryable,
        details: details.and_then(|(details, depth_left)| copy_detail(details, depth_left, budget)),
        contexts: Vec::new(),
        thread: String::new(),
        frames: Vec::new(),
        traceback: None,
    };
    Some(Detail::Error(Box::new(ErrorObject(Box::new(copied)))))
}

fn copy_detail(detail: &Detail, depth_left: usize, budget: &mut Budget) -> Option<Detail> {
    match detail {
        Detail::Boolean(_) | Detail::Number(_) => {
            budget.take(0)?;
            Some(detail.clone())
        }
        Detail::Text(text) => {
            budget.take(text.len())?;
            Some(detail.clone())
        }
        Detail::Table(pairs) => {
            budget.take(0)?;
            let depth_left = depth_left.checked_sub(1)?;
            let copied = pairs.iter().filter_map(|(key, value)| {
                copy_detail(key, depth_left, budget).zip(copy_detail(value, depth_left, budget))
            });
            Some(Detail::Table(copied.collect()))
        }
        Detail::Error(error) => copy_error(error, depth_left, budget),
    }
}
