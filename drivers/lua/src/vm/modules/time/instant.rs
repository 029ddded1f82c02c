//! The userdata `Time`: an instant with the zone in which it is read.

use jiff::civil::DateTime;
use mlua::{IntoLua, MetaMethod, UserData, UserDataMethods, Value};

use super::duration::{Duration, duration_arg, operand};
use super::location::{Civil, Location, NANOS_PER_SECOND, Nanos, location, saturated};
use super::{format, layout};
use crate::vm::modules::args;
use crate::vm::modules::errors::{self, Kind};

/// An instant, to the nanosecond, and the zone in which its date is read.
#[derive(Clone, Debug)]
pub struct Time {
    at: Nanos,
    location: Location,
}

/// Nanoseconds from the zero time, midnight of 1 January of the year 1, to 1970.
const ZERO_TO_UNIX_NANOS: Nanos = 62_135_596_800 * NANOS_PER_SECOND;

impl Time {
    /// The instant so many seconds and nanoseconds after 1970, or the nearer end of the calendar.
    #[must_use]
    pub fn from_unix(seconds: i64, nanos: i64, location: Location) -> Self {
        Self { at: saturated(i128::from(seconds) * NANOS_PER_SECOND + i128::from(nanos)), location }
    }

    /// The instant, read there.
    #[must_use]
    pub fn new(at: Nanos, location: Location) -> Self {
        Self { at, location }
    }

    /// The instant, within the calendar.
    #[must_use]
    pub fn at(&self) -> Nanos {
        self.at
    }

    /// The zone.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Date and time of day in the zone.
    #[must_use]
    pub fn civil(&self) -> DateTime {
        self.location.date_time(self.at)
    }

    /// Whole seconds since 1970.
    #[must_use]
    pub fn unix(&self) -> i64 {
        // The calendar ends long before the seconds do.
        i64::try_from(self.at.div_euclid(NANOS_PER_SECOND)).unwrap_or_default()
    }

    fn plus(&self, nanos: i64) -> Self {
        Self::new(saturated(self.at + i128::from(nanos)), self.location.clone())
    }

    fn minus(&self, other: &Self) -> Duration {
        let nanos = self.at - other.at;
        let end = if nanos < 0 { i64::MIN } else { i64::MAX };
        Duration(i64::try_from(nanos).unwrap_or(end))
    }

    /// Dates are added in the calendar: the 31st of January and a month are the 2nd or 3rd of March.
    fn plus_date(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        let civil = Civil {
            year: i64::from(civil.year()).saturating_add(years),
            month: i64::from(civil.month()).saturating_add(months),
            day: i64::from(civil.day()).saturating_add(days),
            hour: civil.hour().into(),
            minute: civil.minute().into(),
            second: civil.second().into(),
            nanosecond: civil.subsec_nanosecond().into(),
        };
        Self::new(self.location.instant(civil), self.location.clone())
    }

    /// The last multiple of so many nanoseconds since the zero time, and what lies past it.
    fn split(&self, nanos: i64) -> Option<(i128, i128)> {
        let since_zero = self.at + ZERO_TO_UNIX_NANOS;
        (nanos > 0).then(|| since_zero.rem_euclid(nanos.into())).map(|past| (self.at - past, past))
    }

    fn truncated(&self, nanos: i64) -> Self {
        let Some((multiple, _)) = self.split(nanos) else { return self.clone() };
        Self::new(saturated(multiple), self.location.clone())
    }

    /// Halves are rounded up.
    fn rounded(&self, nanos: i64) -> Self {
        let Some((multiple, past)) = self.split(nanos) else { return self.clone() };
        let nanos = i128::from(nanos);
        Self::new(
            saturated(if past * 2 < nanos { multiple } else { multiple + nanos }),
            self.location.clone(),
        )
    }

    fn is_zero(&self) -> bool {
        self.at == -ZERO_TO_UNIX_NANOS
    }
}

impl UserData for Time {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        add_arithmetic(methods);
        add_operators(methods);
        add_parts(methods);
        methods.add_method("format", |lua, this, layout: Value| {
            let layout = args::short_string("Time:format", 1, &layout)?;
            lua.create_string(format::format(this, &layout.as_bytes()))
        });
        methods.add_method("format_rfc3339", |lua, this, ()| {
            lua.create_string(format::format(this, layout::RFC3339.as_bytes()))
        });
        methods.add_meta_method(MetaMethod::ToString, |lua, this, ()| {
            lua.create_string(format::format(this, b"2006-01-02 15:04:05.999999999 -0700 MST"))
        });
        methods.add_method("utc", |_, this, ()| Ok(Self::new(this.at, Location::utc())));
        methods.add_method("in_local", |_, this, ()| Ok(Self::new(this.at, Location::local())));
        methods.add_method("in_location", |_, this, value: Value| match location(&value) {
            Some(location) => Ok(Self::new(this.at, location)),
            None => Err(args::wrong("Time:in_location", 1, "Location", &value)),
        });
        methods.add_method("location", |_, this, ()| Ok(this.location.clone()));
    }
}

fn add_arithmetic<M: UserDataMethods<Time>>(methods: &mut M) {
    methods.add_method("add", |lua, this, duration: Value| {
        errors::answer(lua, Kind::Invalid, duration_arg(&duration).map(|nanos| this.plus(nanos)))
    });
    methods.add_method("round", |lua, this, duration: Value| {
        errors::answer(lua, Kind::Invalid, duration_arg(&duration).map(|nanos| this.rounded(nanos)))
    });
    methods.add_method("truncate", |lua, this, duration: Value| {
        errors::answer(lua, Kind::Invalid, duration_arg(&duration).map(|nanos| this.truncated(nanos)))
    });
    methods.add_method("sub", |_, this, other: Value| Ok(this.minus(&argument("Time:sub", &other)?)));
    methods.add_method("add_date", |_, this, (years, months, days): (Value, Value, Value)| {
        let years = args::integer("Time:add_date", 1, &years)?;
        let months = args::integer("Time:add_date", 2, &months)?;
        let days = args::integer("Time:add_date", 3, &days)?;
        Ok(this.plus_date(years, months, days))
    });
    methods.add_method("before", |_, this, other: Value| Ok(this.at < argument("Time:before", &other)?.at));
    methods.add_method("after", |_, this, other: Value| Ok(this.at > argument("Time:after", &other)?.at));
    methods.add_method("equal", |_, this, other: Value| Ok(this.at == argument("Time:equal", &other)?.at));
}

/// Equality is that of instants, as with `equal`.
fn add_operators<M: UserDataMethods<Time>>(methods: &mut M) {
    methods.add_meta_function(MetaMethod::Add, |_, (left, right): (Value, Value)| match time(&left) {
        Some(left) => Ok(left.plus(operand(&right)?)),
        None => Ok(argument("+", &right)?.plus(operand(&left)?)),
    });
    methods.add_meta_function(MetaMethod::Sub, |lua, (left, right): (Value, Value)| {
        let left = argument("-", &left)?;
        match time(&right) {
            Some(right) => left.minus(&right).into_lua(lua),
            None => left.plus(operand(&right)?.saturating_neg()).into_lua(lua),
        }
    });
    methods.add_meta_function(MetaMethod::Eq, |_, (left, right): (Value, Value)| {
        Ok(argument("==", &left)?.at == argument("==", &right)?.at)
    });
    methods.add_meta_function(MetaMethod::Lt, |_, (left, right): (Value, Value)| {
        Ok(argument("<", &left)?.at < argument("<", &right)?.at)
    });
    methods.add_meta_function(MetaMethod::Le, |_, (left, right): (Value, Value)| {
        Ok(argument("<=", &left)?.at <= argument("<=", &right)?.at)
    });
}

fn add_parts<M: UserDataMethods<Time>>(methods: &mut M) {
    methods.add_method("unix", |_, this, ()| Ok(this.unix()));
    // A double holds today's date to the nearest 256 ns.
    methods.add_method("unix_nano", |_, this, ()| Ok(this.at as f64));
    methods.add_method("date", |_, this, ()| {
        let civil = this.civil();
        Ok((civil.year(), civil.month(), civil.day()))
    });
    methods.add_method("clock", |_, this, ()| {
        let civil = this.civil();
        Ok((civil.hour(), civil.minute(), civil.second()))
    });
    methods.add_method("year", |_, this, ()| Ok(this.civil().year()));
    methods.add_method("month", |_, this, ()| Ok(this.civil().month()));
    methods.add_method("day", |_, this, ()| Ok(this.civil().day()));
    methods.add_method("hour", |_, this, ()| Ok(this.civil().hour()));
    methods.add_method("minute", |_, this, ()| Ok(this.civil().minute()));
    methods.add_method("second", |_, this, ()| Ok(this.civil().second()));
    methods.add_method("nanosecond", |_, this, ()| Ok(this.civil().subsec_nanosecond()));
    methods.add_method("weekday", |_, this, ()| Ok(this.civil().weekday().to_sunday_zero_offset()));
    methods.add_method("year_day", |_, this, ()| Ok(this.civil().day_of_year()));
    methods.add_method("is_zero", |_, this, ()| Ok(this.is_zero()));
}

/// The time behind a value, if it is one.
#[must_use]
pub fn time(value: &Value) -> Option<Time> {
    value.as_userdata()?.borrow_scoped(Time::clone).ok()
}

fn argument(function: &str, value: &Value) -> mlua::Result<Time> {
    time(value).ok_or_else(|| args::wrong(function, 1, "Time", value))
}
