//! Time zones: by name from the database, or with a fixed offset.

use std::sync::{Arc, OnceLock};

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use mlua::{MetaMethod, UserData, UserDataMethods, Value};

/// A time zone with the name that programs see.
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    name: Arc<str>,
    zone: Zone,
}

#[derive(Clone, Debug, PartialEq)]
enum Zone {
    /// The name is the abbreviation, too.
    Fixed(Offset),
    Named(TimeZone),
}

/// A date and a time of day that need not be in their ranges: the 32nd of a month is a day of the next.
#[derive(Clone, Copy, Debug)]
pub struct Civil {
    /// The year, proleptic Gregorian.
    pub year: i64,
    /// The month; January is 1.
    pub month: i64,
    /// The day of the month, from 1.
    pub day: i64,
    /// The hour, from 0.
    pub hour: i64,
    /// The minute, from 0.
    pub minute: i64,
    /// The second, from 0.
    pub second: i64,
    /// The nanosecond, from 0.
    pub nanosecond: i64,
}

impl Location {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".into(), zone: Zone::Fixed(Offset::UTC) }
    }

    /// The zone of this machine, UTC if it has none. It is asked once.
    #[must_use]
    pub fn local() -> Self {
        static LOCAL: OnceLock<Location> = OnceLock::new();
        let local = LOCAL.get_or_init(|| {
            let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
            Self { name: "Local".into(), zone: Zone::Named(zone) }
        });
        local.clone()
    }

    /// The zone of that name in the database of this machine, or else in the one built in.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "UTC" => Some(Self::utc()),
            "Local" => Some(Self::local()),
            _ => Some(Self { name: name.into(), zone: Zone::Named(TimeZone::get(name).ok()?) }),
        }
    }

    /// A zone so many seconds east of Greenwich; `None` from 26 hours on.
    #[must_use]
    pub fn fixed(name: &str, seconds: i64) -> Option<Self> {
        let offset = Offset::from_seconds(i32::try_from(seconds).ok()?).ok()?;
        Some(Self { name: name.into(), zone: Zone::Fixed(offset) })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The offset at that time, in seconds east.
    #[must_use]
    pub fn offset(&self, at: Nanos) -> i32 {
        match &self.zone {
            Zone::Fixed(offset) => offset.seconds(),
            Zone::Named(zone) => zone.to_offset(timestamp(at)).seconds(),
        }
    }

    /// Whether daylight saving time is in force at that time.
    #[must_use]
    pub fn is_daylight_saving(&self, at: Nanos) -> bool {
        match &self.zone {
            Zone::Fixed(_) => false,
            Zone::Named(zone) => zone.to_offset_info(timestamp(at)).dst().is_dst(),
        }
    }

    /// What the zone calls itself at that time, such as `CEST`; empty if it has no name.
    #[must_use]
    pub fn abbreviation(&self, at: Nanos) -> String {
        match &self.zone {
            Zone::Fixed(_) => self.name.to_string(),
            Zone::Named(zone) => zone.to_offset_info(timestamp(at)).abbreviation().to_owned(),
        }
    }

    /// The offset that goes by this abbreviation around that time.
    #[must_use]
    pub fn offset_called(&self, abbreviation: &str, near: Nanos) -> Option<i32> {
        // A year has two changes as a rule, four where a month of fasting interrupts summer time.
        const CHANGES_LOOKED_AT: usize = 4;
        if self.abbreviation(near) == abbreviation {
            return Some(self.offset(near));
        }
        let Zone::Named(zone) = &self.zone else { return None };
        let near = timestamp(near);
        zone.preceding(near)
            .take(CHANGES_LOOKED_AT)
            .chain(zone.following(near).take(CHANGES_LOOKED_AT))
            .find(|change| change.abbreviation() == abbreviation)
            .map(|change| change.offset().seconds())
    }

    /// The instant of a date and time here. A time that a change of clocks skips is moved by what it skips; of two that
    /// it repeats the first counts. What lies outside the calendar (the years -9999 to 9999) becomes its end.
    #[must_use]
    pub fn instant(&self, civil: Civil) -> Nanos {
        let months = i128::from(civil.year) * 12 + i128::from(civil.month) - 1;
        let days = days_before(months.div_euclid(12), months.rem_euclid(12)) + i128::from(civil.day) - 1;
        let minutes = (days * 24 + i128::from(civil.hour)) * 60 + i128::from(civil.minute);
        let seconds = minutes * 60 + i128::from(civil.second);
        let as_if_utc = saturated(seconds * NANOS_PER_SECOND + i128::from(civil.nanosecond));
        let offset = match &self.zone {
            Zone::Fixed(offset) => offset.seconds(),
            Zone::Named(zone) => match zone.to_ambiguous_timestamp(date_time(as_if_utc)).compatible() {
                Ok(there) => return there.as_nanosecond(),
                // The last day of the calendar has no timestamp, but an offset like that of the day before.
                Err(_) => zone.to_offset(timestamp(as_if_utc)).seconds(),
            },
        };
        saturated(as_if_utc - i128::from(offset) * NANOS_PER_SECOND)
    }

    /// Date and time of day here.
    #[must_use]
    pub fn date_time(&self, at: Nanos) -> DateTime {
        date_time(at + i128::from(self.offset(at)) * NANOS_PER_SECOND)
    }
}

/// An instant: nanoseconds since 1970. A [`Timestamp`] ends a day before the calendar does, so that every zone has a
/// date for it; but the last day of the year 9999 stands for the end of time in many a program.
pub type Nanos = i128;

pub(super) const NANOS_PER_SECOND: Nanos = 1_000_000_000;

/// Days from 1970-01-01 to the first of a month, whose number counts from 0, in the proleptic Gregorian calendar.
fn days_before(year: i128, month: i128) -> i128 {
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * month + 2) / 5;
    year * 365 + leap_days + day_of_year - 719_468
}

/// The first and the last nanosecond of the calendar: midnight before -9999-01-01, and before 10000-01-01.
const CALENDAR: (Nanos, Nanos) =
    (-377_705_116_800 * NANOS_PER_SECOND, 253_402_300_800 * NANOS_PER_SECOND - 1);

/// The instant, or the end of the calendar that is nearer.
pub(super) fn saturated(at: Nanos) -> Nanos {
    at.clamp(CALENDAR.0, CALENDAR.1)
}

/// The instant for a database of time zones, which knows nothing special about the ends of the calendar.
fn timestamp(at: Nanos) -> Timestamp {
    let at = at.clamp(Timestamp::MIN.as_nanosecond(), Timestamp::MAX.as_nanosecond());
    Timestamp::from_nanosecond(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The date at Greenwich, or the end of the calendar that is nearer.
fn date_time(at: Nanos) -> DateTime {
    let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    epoch.saturating_add(SignedDuration::from_nanos_i128(saturated(at)))
}

impl UserData for Location {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("string", |_, this, ()| Ok(this.name.to_string()));
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| Ok(this.name.to_string()));
        methods.add_meta_function(MetaMethod::Eq, |_, (left, right): (Value, Value)| {
            Ok(location(&left).is_some_and(|left| location(&right) == Some(left)))
        });
    }
}

/// The location behind a value, if it is one.
#[must_use]
pub fn location(value: &Value) -> Option<Location> {
    value.as_userdata()?.borrow_scoped(Location::clone).ok()
}
