//! Dates read after a layout.

use super::instant::Time;
use super::layout::{self, Element, MONTHS, OffsetForm, WEEKDAYS, is_separator};
use super::location::{Civil, Location};

/// The time that the text says in the form of the layout. Without a zone in the text it lies in `default`; an offset
/// or an abbreviation that `known` uses at that time puts it there.
///
/// # Errors
///
/// Why the text does not fit, as a sentence without a dot.
pub(super) fn parse(
    layout: &[u8],
    text: &[u8],
    default: &Location,
    known: &Location,
) -> Result<Time, String> {
    let failed = |fault: Fault<'_>| {
        let (layout, text) = (String::from_utf8_lossy(layout), String::from_utf8_lossy(text));
        let fault = match fault {
            Fault::Misfit { at, wanted } => {
                let (at, wanted) = (String::from_utf8_lossy(at), String::from_utf8_lossy(wanted));
                format!("'{at}' does not fit '{wanted}'")
            }
            Fault::Range(part) => format!("{part} out of range"),
            Fault::Extra(extra) => format!("'{}' is left over", String::from_utf8_lossy(extra)),
        };
        format!("'{text}' is not a time in the form '{layout}': {fault}")
    };
    let parts = read(layout, text).map_err(failed)?;
    parts.time(default, known).map_err(failed)
}

enum Fault<'a> {
    Misfit { at: &'a [u8], wanted: &'a [u8] },
    Range(&'static str),
    Extra(&'a [u8]),
}

/// What is wrong with one element.
enum Bad {
    Misfit,
    Range(&'static str),
}

/// What the text said; `None` where it said nothing.
#[derive(Default)]
struct Parts {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    afternoon: Option<bool>,
    is_utc: bool,
    offset: Option<i64>,
    abbreviation: Option<String>,
}

fn read<'a>(layout: &'a [u8], text: &'a [u8]) -> Result<Parts, Fault<'a>> {
    let mut parts = Parts::default();
    let mut layout = layout;
    let mut text = text;
    while let Some(chunk) = layout::first(layout) {
        text = literal(chunk.before, text)?;
        text = match parts.element(chunk.element, text, chunk.after) {
            Ok(rest) => rest,
            Err(Bad::Misfit) => return Err(Fault::Misfit { at: text, wanted: chunk.text }),
            Err(Bad::Range(part)) => return Err(Fault::Range(part)),
        };
        layout = chunk.after;
    }
    let rest = literal(layout, text)?;
    if rest.is_empty() { Ok(parts) } else { Err(Fault::Extra(rest)) }
}

/// What follows the literal; one space in a layout stands for any number of them.
fn literal<'a>(literal: &'a [u8], text: &'a [u8]) -> Result<&'a [u8], Fault<'a>> {
    let misfit = Fault::Misfit { at: text, wanted: literal };
    let mut wanted = literal;
    let mut rest = text;
    while let Some((&byte, after)) = wanted.split_first() {
        if byte == b' ' {
            if rest.first().is_some_and(|first| *first != b' ') {
                return Err(misfit);
            }
            wanted = wanted.trim_prefix_spaces();
            rest = rest.trim_prefix_spaces();
        } else if rest.first() == Some(&byte) {
            wanted = after;
            rest = &rest[1..];
        } else {
            return Err(misfit);
        }
    }
    Ok(rest)
}

trait TrimSpaces {
    fn trim_prefix_spaces(&self) -> &Self;
}

impl TrimSpaces for [u8] {
    fn trim_prefix_spaces(&self) -> &Self {
        &self[self.iter().take_while(|byte| **byte == b' ').count()..]
    }
}

impl Parts {
    /// Takes one element from the text and returns the rest; `after` is the layout past the element.
    fn element<'a>(&mut self, element: Element, text: &'a [u8], after: &[u8]) -> Result<&'a [u8], Bad> {
        match element {
            Element::LongMonth => self.month_called(text, usize::MAX),
            Element::Month => self.month_called(text, 3),
            Element::NumMonth => self.set_month(number(text, 1, 2)?),
            Element::ZeroMonth => self.set_month(number(text, 2, 2)?),
            // It is not checked against the date.
            Element::LongWeekday => name(&WEEKDAYS, usize::MAX, text).map(|(_, rest)| rest),
            Element::Weekday => name(&WEEKDAYS, 3, text).map(|(_, rest)| rest),
            Element::Day => set_some(&mut self.day, number(text, 1, 2)?),
            Element::UnderDay => set_some(&mut self.day, number(without_spaces(text, 1), 1, 2)?),
            Element::ZeroDay => set_some(&mut self.day, number(text, 2, 2)?),
            Element::UnderYearDay => set_some(&mut self.year_day, number(without_spaces(text, 2), 1, 3)?),
            Element::ZeroYearDay => set_some(&mut self.year_day, number(text, 3, 3)?),
            Element::Hour => set(&mut self.hour, number(text, 1, 2)?, 23, "hour"),
            Element::Hour12 => set(&mut self.hour, number(text, 1, 2)?, 12, "hour"),
            Element::ZeroHour12 => set(&mut self.hour, number(text, 2, 2)?, 12, "hour"),
            Element::Minute => set(&mut self.minute, number(text, 1, 2)?, 59, "minute"),
            Element::ZeroMinute => set(&mut self.minute, number(text, 2, 2)?, 59, "minute"),
            Element::Second => self.set_second(number(text, 1, 2)?, after),
            Element::ZeroSecond => self.set_second(number(text, 2, 2)?, after),
            Element::LongYear => set(&mut self.year, number(text, 4, 4)?, 9999, "year"),
            Element::Year => {
                let (year, rest) = number(text, 2, 2)?;
                // POSIX: 69 to 99 belong to the last century.
                self.year = if year >= 69 { 1900 + year } else { 2000 + year };
                Ok(rest)
            }
            Element::UpperPm => self.half_day(text, b"AM", b"PM"),
            Element::LowerPm => self.half_day(text, b"am", b"pm"),
            Element::Abbreviation => self.abbreviation(text),
            Element::Offset { z: true, .. } if text.first() == Some(&b'Z') => {
                self.is_utc = true;
                Ok(&text[1..])
            }
            Element::Offset { form, .. } => self.offset(text, form),
            Element::Fraction { trimmed: false, digits, .. } => {
                let starts = text.first().is_some_and(|byte| is_separator(*byte));
                let shown =
                    text.get(1..=digits).filter(|shown| starts && shown.iter().all(u8::is_ascii_digit));
                self.nanosecond = nanoseconds(shown.ok_or(Bad::Misfit)?);
                Ok(&text[digits + 1..])
            }
            Element::Fraction { trimmed: true, .. } => Ok(self.optional_fraction(text)),
        }
    }

    fn month_called<'a>(&mut self, text: &'a [u8], letters: usize) -> Result<&'a [u8], Bad> {
        let (month, rest) = name(&MONTHS, letters, text)?;
        self.month = Some(month + 1);
        Ok(rest)
    }

    fn set_month<'a>(&mut self, (month, rest): (i64, &'a [u8])) -> Result<&'a [u8], Bad> {
        if !(1..=12).contains(&month) {
            return Err(Bad::Range("month"));
        }
        self.month = Some(month);
        Ok(rest)
    }

    /// A second may have a fraction that the layout does not mention.
    fn set_second<'a>(&mut self, second: (i64, &'a [u8]), after: &[u8]) -> Result<&'a [u8], Bad> {
        let rest = set(&mut self.second, second, 59, "second")?;
        let mentioned =
            matches!(layout::first(after), Some(next) if matches!(next.element, Element::Fraction { .. }));
        Ok(if mentioned { rest } else { self.optional_fraction(rest) })
    }

    fn optional_fraction<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let Some((first, digits)) = text.split_first() else { return text };
        let shown = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !is_separator(*first) || shown == 0 {
            return text;
        }
        self.nanosecond = nanoseconds(&digits[..shown]);
        &digits[shown..]
    }

    fn half_day<'a>(&mut self, text: &'a [u8], before: &[u8], after: &[u8]) -> Result<&'a [u8], Bad> {
        let (half, rest) = text.split_at_checked(2).ok_or(Bad::Misfit)?;
        if half != before && half != after {
            return Err(Bad::Misfit);
        }
        self.afternoon = Some(half == after);
        Ok(rest)
    }

    fn abbreviation<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], Bad> {
        if let Some(rest) = text.strip_prefix(b"UTC") {
            self.is_utc = true;
            return Ok(rest);
        }
        let length = abbreviation_length(text).ok_or(Bad::Misfit)?;
        let (name, rest) = text.split_at(length);
        self.abbreviation = Some(String::from_utf8_lossy(name).into_owned());
        Ok(rest)
    }

    fn offset<'a>(&mut self, text: &'a [u8], form: OffsetForm) -> Result<&'a [u8], Bad> {
        let (sign, mut rest) = text.split_first().ok_or(Bad::Misfit)?;
        let sign = match sign {
            b'+' => 1,
            b'-' => -1,
            _ => return Err(Bad::Misfit),
        };
        let (count, colon) = match form {
            OffsetForm::Hours => (1, false),
            OffsetForm::Minutes => (2, false),
            OffsetForm::ColonMinutes => (2, true),
            OffsetForm::Seconds => (3, false),
            OffsetForm::ColonSeconds => (3, true),
        };
        let mut fields = [0; 3];
        for (place, field) in fields.iter_mut().take(count).enumerate() {
            if colon && place > 0 {
                rest = rest.strip_prefix(b":").ok_or(Bad::Misfit)?;
            }
            (*field, rest) = number(rest, 2, 2)?;
        }
        let [hours, minutes, seconds] = fields;
        if hours > 24 || minutes > 60 || seconds > 60 {
            return Err(Bad::Range("zone offset"));
        }
        self.offset = Some(sign * (hours * 3600 + minutes * 60 + seconds));
        Ok(rest)
    }

    fn time(&self, default: &Location, known: &Location) -> Result<Time, Fault<'static>> {
        let civil = self.civil()?;
        let as_if_utc = Location::utc().instant(civil);
        let there = |location: Location| Time::new(location.instant(civil), location);
        let fixed = |name: &str, seconds| Location::fixed(name, seconds).ok_or(Fault::Range("zone offset"));
        match (self.offset, &self.abbreviation) {
            _ if self.is_utc => Ok(there(Location::utc())),
            (None, None) => Ok(there(default.clone())),
            // The offset counts, and the abbreviation is only its name.
            (Some(seconds), name) => {
                let read = there(fixed(name.as_deref().unwrap_or_default(), seconds)?);
                let is_known = i64::from(known.offset(read.at())) == seconds
                    && name.as_ref().is_none_or(|name| *name == known.abbreviation(read.at()));
                Ok(if is_known { Time::new(read.at(), known.clone()) } else { read })
            }
            (None, Some(name)) => {
                if let Some(offset) = known.offset_called(name, as_if_utc) {
                    let read = there(fixed(name, offset.into())?);
                    return Ok(Time::new(read.at(), known.clone()));
                }
                // An abbreviation does not say where; the hours after GMT do, and all others count as none.
                let hours = name.strip_prefix("GMT").and_then(|hours| hours.parse().ok()).unwrap_or(0);
                Ok(there(fixed(name, hours * 3600)?))
            }
        }
    }

    fn civil(&self) -> Result<Civil, Fault<'static>> {
        let is_leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days = |month: i64| match month {
            2 => 28 + i64::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let (month, day) = match self.year_day {
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
            Some(year_day) => {
                let (mut month, mut day) = (1, year_day);
                while month < 12 && day > days(month) {
                    day -= days(month);
                    month += 1;
                }
                if self.month.is_some_and(|said| said != month) || self.day.is_some_and(|said| said != day) {
                    return Err(Fault::Range("day of year"));
                }
                (month, day)
            }
        };
        if !(1..=days(month)).contains(&day) {
            return Err(Fault::Range("day"));
        }
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let Self { year, minute, second, nanosecond, .. } = *self;
        Ok(Civil { year, month, day, hour, minute, second, nanosecond })
    }
}

fn set<'a>(
    part: &mut i64,
    (value, rest): (i64, &'a [u8]),
    max: i64,
    name: &'static str,
) -> Result<&'a [u8], Bad> {
    if value > max {
        return Err(Bad::Range(name));
    }
    *part = value;
    Ok(rest)
}

fn set_some<'a>(part: &mut Option<i64>, (value, rest): (i64, &'a [u8])) -> Result<&'a [u8], Bad> {
    *part = Some(value);
    Ok(rest)
}

/// A number of at least `min` and at most `max` digits.
fn number(text: &[u8], min: usize, max: usize) -> Result<(i64, &[u8]), Bad> {
    let digits = text.iter().take(max).take_while(|byte| byte.is_ascii_digit()).count();
    if digits < min {
        return Err(Bad::Misfit);
    }
    let (digits, rest) = text.split_at(digits);
    Ok((digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')), rest))
}

/// The nanoseconds of the digits of a fraction; those past the ninth do not count.
fn nanoseconds(digits: &[u8]) -> i64 {
    (0..9).fold(0, |nanos, place| {
        nanos * 10 + digits.get(place).map_or(0, |digit| i64::from(digit.saturating_sub(b'0')))
    })
}

/// Which of the names, cut to so many letters, the text begins with, in any case.
fn name<'a>(names: &[&str], letters: usize, text: &'a [u8]) -> Result<(i64, &'a [u8]), Bad> {
    for (index, name) in (0..).zip(names) {
        let name = &name.as_bytes()[..name.len().min(letters)];
        if let Some((begin, rest)) = text.split_at_checked(name.len())
            && begin.eq_ignore_ascii_case(name)
        {
            return Ok((index, rest));
        }
    }
    Err(Bad::Misfit)
}

fn without_spaces(text: &[u8], max: usize) -> &[u8] {
    &text[text.iter().take(max).take_while(|byte| **byte == b' ').count()..]
}

/// How long the abbreviation of a zone is that the text begins with: three to five capitals, where those of more than
/// three end in T; or an offset in hours, after GMT or alone.
fn abbreviation_length(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix(b"GMT") {
        return Some(3 + signed_hours_length(rest).unwrap_or(0));
    }
    if matches!(text.first(), Some(b'+' | b'-')) {
        return signed_hours_length(text);
    }
    match text.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count() {
        3 => Some(3),
        4 if text[3] == b'T' || text.starts_with(b"WITA") => Some(4),
        5 if text[4] == b'T' => Some(5),
        _ => None,
    }
}

fn signed_hours_length(text: &[u8]) -> Option<usize> {
    let (sign, rest) = text.split_first()?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours: u32 = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    (matches!(sign, b'+' | b'-') && hours <= 23).then_some(digits + 1)
}
