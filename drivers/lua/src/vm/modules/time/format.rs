//! Dates written after a layout.

use std::io::Write;

use super::instant::Time;
use super::layout::{self, Element, MONTHS, OffsetForm, WEEKDAYS};

/// The time in the form of the layout.
pub(super) fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(layout.len() + 10);
    let mut rest = layout;
    while let Some(chunk) = layout::first(rest) {
        text.extend_from_slice(chunk.before);
        // Writing into memory does not fail.
        let _ = write_element(&mut text, time, chunk.element);
        rest = chunk.after;
    }
    text.extend_from_slice(rest);
    text
}

fn write_element(text: &mut Vec<u8>, time: &Time, element: Element) -> std::io::Result<()> {
    let civil = time.civil();
    let month = MONTHS[usize::try_from(civil.month() - 1).unwrap_or_default()];
    let weekday = WEEKDAYS[usize::try_from(civil.weekday().to_sunday_zero_offset()).unwrap_or_default()];
    let hour12 = match civil.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    match element {
        Element::LongMonth => write!(text, "{month}"),
        Element::Month => write!(text, "{month:.3}"),
        Element::NumMonth => write!(text, "{}", civil.month()),
        Element::ZeroMonth => write!(text, "{:02}", civil.month()),
        Element::LongWeekday => write!(text, "{weekday}"),
        Element::Weekday => write!(text, "{weekday:.3}"),
        Element::Day => write!(text, "{}", civil.day()),
        Element::UnderDay => write!(text, "{:2}", civil.day()),
        Element::ZeroDay => write!(text, "{:02}", civil.day()),
        Element::UnderYearDay => write!(text, "{:3}", civil.day_of_year()),
        Element::ZeroYearDay => write!(text, "{:03}", civil.day_of_year()),
        Element::Hour => write!(text, "{:02}", civil.hour()),
        Element::Hour12 => write!(text, "{hour12}"),
        Element::ZeroHour12 => write!(text, "{hour12:02}"),
        Element::Minute => write!(text, "{}", civil.minute()),
        Element::ZeroMinute => write!(text, "{:02}", civil.minute()),
        Element::Second => write!(text, "{}", civil.second()),
        Element::ZeroSecond => write!(text, "{:02}", civil.second()),
        Element::LongYear if civil.year() < 0 => write!(text, "-{:04}", civil.year().unsigned_abs()),
        Element::LongYear => write!(text, "{:04}", civil.year()),
        Element::Year => write!(text, "{:02}", civil.year().max(0) % 100),
        Element::UpperPm => write!(text, "{}", if civil.hour() < 12 { "AM" } else { "PM" }),
        Element::LowerPm => write!(text, "{}", if civil.hour() < 12 { "am" } else { "pm" }),
        Element::Abbreviation => write_abbreviation(text, time),
        Element::Offset { z, form } => write_offset(text, offset(time), z, form),
        Element::Fraction { separator, digits, trimmed } => {
            write_fraction(text, civil.subsec_nanosecond(), separator, digits, trimmed);
            Ok(())
        }
    }
}

fn offset(time: &Time) -> i32 {
    time.location().offset(time.at())
}

/// A zone without a name is called by its offset.
fn write_abbreviation(text: &mut Vec<u8>, time: &Time) -> std::io::Result<()> {
    let name = time.location().abbreviation(time.at());
    if !name.is_empty() {
        return write!(text, "{name}");
    }
    write_offset(text, offset(time), false, OffsetForm::Minutes)
}

fn write_offset(text: &mut Vec<u8>, offset: i32, z: bool, form: OffsetForm) -> std::io::Result<()> {
    if z && offset == 0 {
        return write!(text, "Z");
    }
    let sign = if offset < 0 { '-' } else { '+' };
    let seconds = offset.unsigned_abs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match form {
        OffsetForm::Hours => write!(text, "{sign}{hours:02}"),
        OffsetForm::Minutes => write!(text, "{sign}{hours:02}{minutes:02}"),
        OffsetForm::ColonMinutes => write!(text, "{sign}{hours:02}:{minutes:02}"),
        OffsetForm::Seconds => write!(text, "{sign}{hours:02}{minutes:02}{seconds:02}"),
        OffsetForm::ColonSeconds => write!(text, "{sign}{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

fn write_fraction(text: &mut Vec<u8>, nanos: i32, separator: u8, digits: usize, trimmed: bool) {
    let all = format!("{nanos:09}");
    let mut shown = &all.as_bytes()[..digits.min(all.len())];
    if trimmed {
        let zeros = shown.iter().rev().take_while(|digit| **digit == b'0').count();
        shown = &shown[..shown.len() - zeros];
        if shown.is_empty() {
            return;
        }
    }
    text.push(separator);
    text.extend_from_slice(shown);
    if !trimmed {
        // A layout may ask for more digits than there are.
        text.extend(std::iter::repeat_n(b'0', digits.saturating_sub(all.len())));
    }
}
