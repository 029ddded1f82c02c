//! Arguments of functions that Lua calls, taken strictly: no string passes as a number, no number as a string.

use mlua::{Error, LuaString, Table, Value};

/// The error of an argument that has the wrong type.
#[must_use]
pub fn wrong(function: &str, position: usize, expected: &str, got: &Value) -> Error {
    let got = match got {
        Value::Number(number) if number.is_nan() => "NaN",
        got => type_name(got),
    };
    Error::RuntimeError(format!("bad argument #{position} to '{function}' ({expected} expected, got {got})"))
}

/// The type of the value as Lua programs know it.
#[must_use]
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "number",
        // The variants are the library's, and each has a name.
        other => other.type_name(),
    }
}

/// A whole number; a fraction is cut off, and what is too large is the largest that there is.
///
/// # Errors
///
/// Not a number, or NaN.
pub fn integer(function: &str, position: usize, value: &Value) -> mlua::Result<i64> {
    match value {
        Value::Integer(number) => Ok(*number),
        Value::Number(number) if !number.is_nan() => Ok(truncated(*number)),
        other => Err(wrong(function, position, "number", other)),
    }
}

/// The number that a value is, whichever way it is held.
#[must_use]
pub fn number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// A whole number, or `default` in place of `nil`.
///
/// # Errors
///
/// Neither nil nor a number.
pub fn integer_or(default: i64, function: &str, position: usize, value: &Value) -> mlua::Result<i64> {
    if value.is_nil() { Ok(default) } else { integer(function, position, value) }
}

/// A string of any bytes.
///
/// # Errors
///
/// Not a string.
pub fn string(function: &str, position: usize, value: &Value) -> mlua::Result<LuaString> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(wrong(function, position, "string", other)),
    }
}

/// The same, for a function whose work for a byte is not small, and which cannot be pre-empted: 4 KiB at most.
///
/// # Errors
///
/// It is something else, or longer.
pub fn short_string(function: &str, position: usize, value: &Value) -> mlua::Result<LuaString> {
    const BYTES_MAX: usize = 4096;
    let text = string(function, position, value)?;
    if text.as_bytes().len() > BYTES_MAX {
        return Err(Error::RuntimeError(format!(
            "bad argument #{position} to '{function}' (longer than {BYTES_MAX} bytes)"
        )));
    }
    Ok(text)
}

/// The number without its fraction, at the nearer end of the range if it lies outside; NaN is 0.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "cutting off is what it is for")]
pub fn truncated(number: f64) -> i64 {
    number as i64
}

/// The table, which nobody can change any more.
#[must_use]
pub fn frozen(table: Table) -> Table {
    table.set_readonly(true);
    table
}

/// Whether the table is an object of the runtime, such as a channel, which to a program is userdata.
#[must_use]
pub fn is_object(table: &Table) -> bool {
    let mark = table.metatable().map(|metatable| metatable.raw_get("__object"));
    matches!(mark, Some(Ok(Value::Boolean(true))))
}
