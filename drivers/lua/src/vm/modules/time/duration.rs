//! Durations: nanoseconds, written and read as Go does (`1h30m45s`).

use std::fmt;

use mlua::{MetaMethod, UserData, UserDataMethods, Value};

use crate::vm::modules::args;

/// A duration in nanoseconds, up to 292 years either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub i64);

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The units that a constant of the module has, in nanoseconds.
pub(super) const UNITS: [(&str, u64); 6] = [
    ("NANOSECOND", 1),
    ("MICROSECOND", MICROSECOND),
    ("MILLISECOND", MILLISECOND),
    ("SECOND", SECOND),
    ("MINUTE", MINUTE),
    ("HOUR", HOUR),
];

/// Nanoseconds of an argument: a text such as `1m30s`, a number of nanoseconds, or a duration.
///
/// # Errors
///
/// Why it is none, as a sentence without a dot.
pub fn duration_arg(value: &Value) -> Result<i64, String> {
    match value {
        Value::Integer(nanos) => Ok(*nanos),
        Value::Number(nanos) if nanos.abs() < 9.2e18 => Ok(args::truncated(*nanos)),
        Value::Number(nanos) => Err(format!("{nanos} is not a duration")),
        Value::String(text) => parse(&text.to_string_lossy()),
        Value::UserData(data) => data
            .borrow_scoped(|duration: &Duration| duration.0)
            .map_err(|_| "a duration is a string, a number of nanoseconds or a Duration".to_owned()),
        other => Err(format!("a duration cannot be a {}", args::type_name(other))),
    }
}

/// Nanoseconds of a text in Go's form: numbers with units, perhaps fractions, perhaps a sign.
fn parse(text: &str) -> Result<i64, String> {
    let invalid = || format!("'{text}' is not a duration");
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err(invalid());
    }
    let mut nanos = 0;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let (part, after) = component(rest).ok_or_else(invalid)?;
        nanos += part;
        // The sum of two such parts cannot overflow, and so neither can any.
        if nanos > i128::from(i64::MAX) + 1 {
            return Err(invalid());
        }
        rest = after;
    }
    i64::try_from(if text.starts_with('-') { -nanos } else { nanos }).map_err(|_| invalid())
}

/// The nanoseconds of the first number with its unit, and what follows it.
fn component(text: &str) -> Option<(i128, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end =
        rest.find(|character: char| character == '.' || character.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let unit = match unit {
        "ns" => 1,
        // Two signs that look alike: micro and mu.
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    };
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Past the fifteenth digit nothing reaches a nanosecond.
    let fraction = &fraction[..fraction.len().min(15)];
    let mut scale = 1;
    let mut parts = 0;
    for digit in fraction.bytes() {
        scale *= 10;
        parts = parts * 10 + i128::from(digit - b'0');
    }
    Some((i128::from(whole) * i128::from(unit) + parts * i128::from(unit) / scale, rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()))
}

impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            formatter.write_str("-")?;
        }
        if nanos == 0 {
            return formatter.write_str("0s");
        }
        if nanos < SECOND {
            let (unit, digits, name) = match nanos {
                ..MICROSECOND => (1, 0, "ns"),
                MICROSECOND..MILLISECOND => (MICROSECOND, 3, "µs"),
                MILLISECOND.. => (MILLISECOND, 6, "ms"),
            };
            return write!(formatter, "{}{}{name}", nanos / unit, fraction(nanos % unit, digits));
        }
        if nanos >= HOUR {
            write!(formatter, "{}h", nanos / HOUR)?;
        }
        if nanos >= MINUTE {
            write!(formatter, "{}m", nanos % HOUR / MINUTE)?;
        }
        write!(formatter, "{}{}s", nanos % MINUTE / SECOND, fraction(nanos % SECOND, 9))
    }
}

/// A fraction of so many digits with its point and without zeros at the end; nothing for none.
fn fraction(parts: u64, digits: usize) -> String {
    if parts == 0 {
        return String::new();
    }
    format!(".{parts:0digits$}").trim_end_matches('0').to_owned()
}

impl UserData for Duration {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("hours", |_, this, ()| Ok(this.in_units(HOUR)));
        methods.add_method("minutes", |_, this, ()| Ok(this.in_units(MINUTE)));
        methods.add_method("seconds", |_, this, ()| Ok(this.in_units(SECOND)));
        methods.add_method("milliseconds", |_, this, ()| Ok(this.0 / 1_000_000));
        methods.add_method("microseconds", |_, this, ()| Ok(this.0 / 1_000));
        methods.add_method("nanoseconds", |_, this, ()| Ok(this.0));
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| Ok(this.to_string()));
        methods.add_meta_method(MetaMethod::Unm, |_, this, ()| Ok(Self(this.0.saturating_neg())));
        methods.add_meta_function(MetaMethod::Add, |_, (left, right): (Value, Value)| {
            Ok(Self(operand(&left)?.saturating_add(operand(&right)?)))
        });
        methods.add_meta_function(MetaMethod::Sub, |_, (left, right): (Value, Value)| {
            Ok(Self(operand(&left)?.saturating_sub(operand(&right)?)))
        });
        methods.add_meta_function(MetaMethod::Mul, |_, (left, right): (Value, Value)| {
            let (duration, factor) =
                if left.is_userdata() { (operand(&left)?, &right) } else { (operand(&right)?, &left) };
            let Some(factor) = args::number(factor) else {
                return Err(args::wrong("*", 2, "number", factor));
            };
            Ok(Self(args::truncated(duration as f64 * factor)))
        });
        methods.add_meta_function(MetaMethod::Eq, |_, (left, right): (Value, Value)| {
            Ok(operand(&left)? == operand(&right)?)
        });
        methods.add_meta_function(MetaMethod::Lt, |_, (left, right): (Value, Value)| {
            Ok(operand(&left)? < operand(&right)?)
        });
        methods.add_meta_function(MetaMethod::Le, |_, (left, right): (Value, Value)| {
            Ok(operand(&left)? <= operand(&right)?)
        });
    }
}

impl Duration {
    fn in_units(self, nanos: u64) -> f64 {
        self.0 as f64 / nanos as f64
    }
}

/// Nanoseconds of an operand; an operator has no second result for an error object.
pub(super) fn operand(value: &Value) -> mlua::Result<i64> {
    duration_arg(value).map_err(mlua::Error::RuntimeError)
}
