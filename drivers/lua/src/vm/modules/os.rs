//! The global `os`: what is left of it is about time.

use std::io::Write;

use mlua::{IntoLua, Lua, Table, Value};

use super::args;
use super::time::layout::{MONTHS, WEEKDAYS};
use super::time::{Civil, Location, Time};

/// The table `os`. `now` gives seconds and nanoseconds of Unix time.
///
/// # Errors
///
/// Lua has no memory left.
pub fn module(lua: &Lua, now: impl Fn() -> (i64, u32) + 'static) -> mlua::Result<Table> {
    let now = std::rc::Rc::new(now);
    let started = now();
    let module = lua.create_table()?;
    module.raw_set("platform", "wippy")?;
    module.raw_set("time", {
        let now = now.clone();
        lua.create_function(move |_, fields: Value| time(now().0, &fields))?
    })?;
    module.raw_set("date", {
        let now = now.clone();
        lua.create_function(move |lua, (format, at): (Value, Value)| date(lua, now().0, &format, &at))?
    })?;
    module.raw_set(
        "clock",
        lua.create_function(move |_, ()| {
            let (seconds, nanos) = now();
            Ok((seconds - started.0) as f64 + (f64::from(nanos) - f64::from(started.1)) / 1e9)
        })?,
    )?;
    module.raw_set(
        "difftime",
        lua.create_function(|_, (later, earlier): (Value, Value)| {
            let later =
                args::number(&later).ok_or_else(|| args::wrong("os.difftime", 1, "number", &later))?;
            match args::number(&earlier) {
                Some(earlier) => Ok(later - earlier),
                None if earlier.is_nil() => Ok(later),
                None => Err(args::wrong("os.difftime", 2, "number", &earlier)),
            }
        })?,
    )?;
    Ok(args::frozen(module))
}

/// `os.time(fields?)`: what is missing of the date is today's, of the time of day 0.
fn time(now: i64, fields: &Value) -> mlua::Result<i64> {
    let fields = match fields {
        Value::Nil => return Ok(now),
        Value::Table(fields) => fields,
        other => return Err(args::wrong("os.time", 1, "table", other)),
    };
    let today = Time::from_unix(now, 0, Location::local()).civil();
    let field = |name: &str, default: i64| match fields.get(name)? {
        Value::Nil => Ok(default),
        value => args::integer("os.time", 1, &value).map_err(|_| {
            mlua::Error::RuntimeError(format!(
                "bad argument #1 to 'os.time' (field '{name}': number expected)"
            ))
        }),
    };
    let civil = Civil {
        year: field("year", today.year().into())?,
        month: field("month", today.month().into())?,
        day: field("day", today.day().into())?,
        hour: field("hour", 0)?,
        minute: field("min", 0)?,
        second: field("sec", 0)?,
        nanosecond: 0,
    };
    Ok(Time::new(Location::local().instant(civil), Location::utc()).unix())
}

/// `os.date(format?, at?)`.
fn date(lua: &Lua, now: i64, format: &Value, at: &Value) -> mlua::Result<Value> {
    let format = match format {
        Value::Nil => b"%c".to_vec(),
        format => args::short_string("os.date", 1, format)?.as_bytes().to_vec(),
    };
    let at = args::integer_or(now, "os.date", 2, at)?;
    let (format, location) = match format.strip_prefix(b"!") {
        Some(format) => (format, Location::utc()),
        None => (format.as_slice(), Location::local()),
    };
    let time = Time::from_unix(at, 0, location);
    if format.starts_with(b"*t") {
        return fields(lua, &time)?.into_lua(lua);
    }
    let mut text = Vec::with_capacity(format.len() * 4);
    write(&mut text, &time, format);
    lua.create_string(text)?.into_lua(lua)
}

fn fields(lua: &Lua, time: &Time) -> mlua::Result<Table> {
    let civil = time.civil();
    let fields = lua.create_table_with_capacity(0, 9)?;
    fields.raw_set("year", civil.year())?;
    fields.raw_set("month", civil.month())?;
    fields.raw_set("day", civil.day())?;
    fields.raw_set("hour", civil.hour())?;
    fields.raw_set("min", civil.minute())?;
    fields.raw_set("sec", civil.second())?;
    fields.raw_set("wday", civil.weekday().to_sunday_zero_offset() + 1)?;
    fields.raw_set("yday", civil.day_of_year())?;
    fields.raw_set("isdst", time.location().is_daylight_saving(time.at()))?;
    Ok(fields)
}

/// Writes what the format says; a letter that it does not know stays as it is.
fn write(text: &mut Vec<u8>, time: &Time, format: &[u8]) {
    let mut rest = format.iter();
    while let Some(&byte) = rest.next() {
        let letter = if byte == b'%' { rest.next() } else { None };
        match letter {
            // Writing into memory does not fail.
            Some(letter) => {
                let _ = write_letter(text, time, *letter);
            }
            None => text.push(byte),
        }
    }
}

fn write_letter(text: &mut Vec<u8>, time: &Time, letter: u8) -> std::io::Result<()> {
    let civil = time.civil();
    let month = MONTHS[usize::try_from(civil.month() - 1).unwrap_or_default()];
    let weekday = civil.weekday().to_sunday_zero_offset();
    let day_name = WEEKDAYS[usize::try_from(weekday).unwrap_or_default()];
    let hour12 = (civil.hour() + 11) % 12 + 1;
    // The first week is that of the first Sunday, or Monday.
    let week_from = |weekday: i8| (civil.day_of_year() + 6 - i16::from(weekday)) / 7;
    match letter {
        b'Y' => write!(text, "{}", civil.year()),
        b'y' => write!(text, "{:02}", civil.year().rem_euclid(100)),
        b'C' => write!(text, "{:02}", civil.year().div_euclid(100)),
        b'm' => write!(text, "{:02}", civil.month()),
        b'd' => write!(text, "{:02}", civil.day()),
        b'e' => write!(text, "{:2}", civil.day()),
        b'H' => write!(text, "{:02}", civil.hour()),
        b'I' => write!(text, "{hour12:02}"),
        b'M' => write!(text, "{:02}", civil.minute()),
        b'S' => write!(text, "{:02}", civil.second()),
        b'p' => write!(text, "{}", if civil.hour() < 12 { "AM" } else { "PM" }),
        b'A' => write!(text, "{day_name}"),
        b'a' => write!(text, "{day_name:.3}"),
        b'B' => write!(text, "{month}"),
        b'b' | b'h' => write!(text, "{month:.3}"),
        b'w' => write!(text, "{weekday}"),
        b'u' => write!(text, "{}", (weekday + 6) % 7 + 1),
        b'j' => write!(text, "{:03}", civil.day_of_year()),
        b'U' => write!(text, "{:02}", week_from(weekday)),
        b'W' => write!(text, "{:02}", week_from((weekday + 6) % 7)),
        b'z' => {
            let offset = time.location().offset(time.at());
            let minutes = offset.unsigned_abs() / 60;
            write!(text, "{}{:02}{:02}", if offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
        }
        b'Z' => write!(text, "{}", time.location().abbreviation(time.at())),
        b's' => write!(text, "{}", time.unix()),
        b'%' => write!(text, "%"),
        b'n' => writeln!(text),
        b't' => write!(text, "\t"),
        _ => match compound(letter) {
            Some(format) => {
                write(text, time, format);
                Ok(())
            }
            None => text.write_all(&[b'%', letter]),
        },
    }
}

/// The letters that stand for several.
fn compound(letter: u8) -> Option<&'static [u8]> {
    match letter {
        b'c' => Some(b"%a %b %e %H:%M:%S %Y"),
        b'x' | b'D' => Some(b"%m/%d/%y"),
        b'X' | b'T' => Some(b"%H:%M:%S"),
        b'F' => Some(b"%Y-%m-%d"),
        b'R' => Some(b"%H:%M"),
        b'r' => Some(b"%I:%M:%S %p"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::run;

    #[test]
    fn the_time_is_the_clocks_and_the_clock_begins_at_zero() {
        assert_eq!(run("return os.time(), os.clock(), os.difftime(5, 3)"), "1735484645 0 2");
    }

    #[test]
    fn a_date_is_written_by_its_format() {
        assert_eq!(run("return os.date('!%Y-%m-%d %H:%M:%S %%')"), "2024-12-29 15:04:05 %");
        assert_eq!(run("return os.date('!%Y', 0)"), "1970");
        let parts =
            "local d = os.date('!*t') return d.year, d.month, d.day, d.hour, d.min, d.sec, d.wday, d.yday";
        assert_eq!(run(parts), "2024 12 29 15 4 5 1 364");
    }

    #[test]
    fn every_letter_of_a_format_is_written() {
        let of = |format: &str| run(&format!("return os.date('!{format}', 1735484645)"));
        for (format, expected) in [
            ("%c", "Sun Dec 29 15:04:05 2024"),
            ("%x %X %D %T %R %F %r", "12/29/24 15:04:05 12/29/24 15:04:05 15:04 2024-12-29 03:04:05 PM"),
            ("%A %a %B %b %h", "Sunday Sun December Dec Dec"),
            ("%C %y %e %I %p %j %w %u %s", "20 24 29 03 PM 364 0 7 1735484645"),
            ("%U %W", "52 52"),
            ("%z %Z", "+0000 UTC"),
            ("%%|%Q|%", "%|%Q|%"),
            ("%n%t", "\n\t"),
            ("", ""),
        ] {
            assert_eq!(of(format), expected, "{format}");
        }
        assert_eq!(run("return os.date('!%e|%j|%I|%U|%W', 0)"), " 1|001|12|00|00");
        // A Sunday that is the first of January begins a week, but none that begins on Monday.
        assert_eq!(run("return os.date('!%U|%W|%u', 1672531200)"), "01|00|7");
    }

    #[test]
    fn the_time_of_a_date_is_that_date_again() {
        for (program, expected) in [
            ("return os.time(os.date('*t', 1735484645))", "1735484645"),
            ("return os.date('%H:%M:%S', os.time{year = 2024, month = 6, day = 15})", "00:00:00"),
            (
                "return os.date('%F %T', os.time{year = 2024, month = 14, day = -1, hour = 25})",
                "2025-01-31 01:00:00",
            ),
            ("return os.date('%d', os.time{hour = 12}) == os.date('%d')", "true"),
            ("return os.date('*t').isdst ~= nil, type(os.date())", "true string"),
        ] {
            assert_eq!(run(program), expected, "{program}");
        }
    }

    #[test]
    fn times_beyond_the_calendar_are_its_ends() {
        assert_eq!(run("return os.date('!%Y', 1e300), os.date('!%Y', -1e300)"), "9999 -9999");
        assert_eq!(
            run("return os.time{year = 1e300} > 2e11, os.date('!%F', 253402300799)"),
            "true 9999-12-31"
        );
    }

    #[test]
    fn arguments_of_the_wrong_type_raise() {
        for (call, expected) in [
            ("os.time(5)", "#1 to 'os.time' (table expected, got number)"),
            ("os.time{year = 'x'}", "#1 to 'os.time' (field 'year': number expected)"),
            ("os.date(5)", "#1 to 'os.date' (string expected, got number)"),
            ("os.date('%c', 0/0)", "#2 to 'os.date' (number expected, got NaN)"),
            ("os.difftime()", "#1 to 'os.difftime' (number expected, got nil)"),
        ] {
            assert_eq!(run(&format!("return {call}")), format!("raised: bad argument {expected}"), "{call}");
        }
    }

    #[test]
    fn nothing_else_of_os_is_here() {
        assert_eq!(
            run("return os.execute, os.getenv, os.exit, os.remove, os.platform"),
            "nil nil nil nil wippy"
        );
    }
}
