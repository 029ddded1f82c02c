//! The module `time`, without what waits.
//!
//! Read [`Time`] first. Durations are nanoseconds everywhere: as a number, as a text (`1m30s`) or as a [`Duration`].
//! Layouts are those of Go, written and read by hand; calendars and zones are jiff's.

mod duration;
mod format;
mod instant;
pub(super) mod layout;
mod location;
mod parse;
#[cfg(test)]
mod tests;

use mlua::{Lua, Table, Value};

pub use self::duration::{Duration, duration_arg};
pub use self::instant::{Time, time};
pub use self::location::{Civil, Location, Nanos, location};
use super::errors::{self, Kind};
use super::{Answer, args, good};

/// The table `time`. `now` gives seconds and nanoseconds of Unix time.
///
/// # Errors
///
/// Lua has no memory left.
pub fn module(lua: &Lua, now: impl Fn() -> (i64, u32) + 'static) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    add_constants(&module)?;
    module.raw_set("utc", Location::utc())?;
    module.raw_set("localtz", Location::local())?;
    module.raw_set(
        "now",
        lua.create_function(move |_, ()| {
            let (seconds, nanos) = now();
            Ok(Time::from_unix(seconds, nanos.into(), Location::local()))
        })?,
    )?;
    module.raw_set("date", lua.create_function(|_, arguments: mlua::Variadic<Value>| date(&arguments))?)?;
    module.raw_set(
        "unix",
        lua.create_function(|_, (seconds, nanos): (Value, Value)| {
            let seconds = args::integer("time.unix", 1, &seconds)?;
            let nanos = args::integer_or(0, "time.unix", 2, &nanos)?;
            Ok(Time::from_unix(seconds, nanos, Location::local()))
        })?,
    )?;
    module.raw_set("parse", lua.create_function(parse)?)?;
    module.raw_set(
        "parse_duration",
        lua.create_function(|lua, value: Value| {
            errors::answer(lua, Kind::Invalid, duration_arg(&value).map(Duration))
        })?,
    )?;
    module.raw_set("load_location", lua.create_function(|lua, name: Value| load_location(lua, &name))?)?;
    module.raw_set("fixed_zone", lua.create_function(fixed_zone)?)?;
    Ok(args::frozen(module))
}

fn add_constants(module: &Table) -> mlua::Result<()> {
    for (name, nanos) in duration::UNITS {
        module.raw_set(name, nanos)?;
    }
    for (name, layout) in layout::NAMED {
        module.raw_set(name, layout)?;
    }
    for (number, name) in (1..).zip(layout::MONTHS) {
        module.raw_set(name.to_uppercase(), number)?;
    }
    for (number, name) in (0..).zip(layout::WEEKDAYS) {
        module.raw_set(name.to_uppercase(), number)?;
    }
    Ok(())
}

/// `time.date(year, month, day, hour, minute, second, nanosecond, location?)`; the time of day may be left out.
fn date(arguments: &[Value]) -> mlua::Result<Time> {
    let argument = |position: usize| arguments.get(position - 1).unwrap_or(&Value::Nil);
    let required = |position| args::integer("time.date", position, argument(position));
    let optional = |position| args::integer_or(0, "time.date", position, argument(position));
    let civil = Civil {
        year: required(1)?,
        month: required(2)?,
        day: required(3)?,
        hour: optional(4)?,
        minute: optional(5)?,
        second: optional(6)?,
        nanosecond: optional(7)?,
    };
    let location = location_or(Location::local(), "time.date", 8, argument(8))?;
    Ok(Time::new(location.instant(civil), location))
}

fn location_or(default: Location, function: &str, position: usize, value: &Value) -> mlua::Result<Location> {
    match location(value) {
        Some(location) => Ok(location),
        None if value.is_nil() => Ok(default),
        None => Err(args::wrong(function, position, "Location", value)),
    }
}

fn parse(lua: &Lua, (layout, text, place): (Value, Value, Value)) -> Answer {
    let layout = args::short_string("time.parse", 1, &layout)?;
    let text = args::short_string("time.parse", 2, &text)?;
    // Without a location a text without a zone is UTC, but the zones that it may name are those of this machine.
    let (default, known) = match &place {
        Value::Nil => (Location::utc(), Location::local()),
        place => {
            let location = location_or(Location::utc(), "time.parse", 3, place)?;
            (location.clone(), location)
        }
    };
    errors::answer(lua, Kind::Invalid, parse::parse(&layout.as_bytes(), &text.as_bytes(), &default, &known))
}

fn load_location(lua: &Lua, name: &Value) -> Answer {
    let name = args::string("time.load_location", 1, name)?.to_string_lossy();
    if name.is_empty() {
        return errors::fail(lua, Kind::Invalid, "the name of a location is empty");
    }
    let location = Location::named(&name).ok_or_else(|| format!("there is no location '{name}'"));
    errors::answer(lua, Kind::NotFound, location)
}

fn fixed_zone(lua: &Lua, (name, seconds): (Value, Value)) -> Answer {
    let name = args::string("time.fixed_zone", 1, &name)?.to_string_lossy();
    let seconds = args::integer("time.fixed_zone", 2, &seconds)?;
    match Location::fixed(&name, seconds) {
        Some(location) => good(lua, location),
        None => errors::fail(lua, Kind::Invalid, format!("{seconds} seconds are no offset")),
    }
}
