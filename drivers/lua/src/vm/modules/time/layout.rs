//! Layouts: a date is described by how the reference time would be written, as Go has it.
//!
//! The reference time is `Mon Jan 2 15:04:05 MST 2006`, and its zone lies seven hours west.

/// The layout of RFC 3339.
pub(super) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

/// The layouts that a constant of the module has.
pub(super) const NAMED: [(&str, &str); 15] = [
    ("RFC3339", RFC3339),
    ("RFC3339NANO", "2006-01-02T15:04:05.999999999Z07:00"),
    ("RFC822", "02 Jan 06 15:04 MST"),
    ("RFC822Z", "02 Jan 06 15:04 -0700"),
    ("RFC850", "Monday, 02-Jan-06 15:04:05 MST"),
    ("RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"),
    ("RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"),
    ("KITCHEN", "3:04PM"),
    ("STAMP", "Jan _2 15:04:05"),
    ("STAMP_MILLI", "Jan _2 15:04:05.000"),
    ("STAMP_MICRO", "Jan _2 15:04:05.000000"),
    ("STAMP_NANO", "Jan _2 15:04:05.000000000"),
    ("DATE_TIME", "2006-01-02 15:04:05"),
    ("DATE_ONLY", "2006-01-02"),
    ("TIME_ONLY", "15:04:05"),
];

/// The names of the months.
pub(in crate::vm::modules) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The names of the days of the week, as Go counts them.
pub(in crate::vm::modules) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A part of a date in a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    Abbreviation,
    Offset {
        /// Offset zero is written `Z`.
        z: bool,
        form: OffsetForm,
    },
    Fraction {
        separator: u8,
        digits: usize,
        /// Zeros at the end are left out, the separator with the last of them.
        trimmed: bool,
    },
}

/// How much of an offset is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OffsetForm {
    Hours,
    Minutes,
    ColonMinutes,
    Seconds,
    ColonSeconds,
}

/// Each element as the reference time has it, before those that are its beginning.
const ELEMENTS: [(&[u8], Element); 33] = [
    (b"January", Element::LongMonth),
    (b"Jan", Element::Month),
    (b"Monday", Element::LongWeekday),
    (b"Mon", Element::Weekday),
    (b"MST", Element::Abbreviation),
    (b"01", Element::ZeroMonth),
    (b"02", Element::ZeroDay),
    (b"03", Element::ZeroHour12),
    (b"04", Element::ZeroMinute),
    (b"05", Element::ZeroSecond),
    (b"06", Element::Year),
    (b"002", Element::ZeroYearDay),
    (b"15", Element::Hour),
    (b"1", Element::NumMonth),
    (b"2006", Element::LongYear),
    (b"2", Element::Day),
    (b"__2", Element::UnderYearDay),
    (b"_2", Element::UnderDay),
    (b"3", Element::Hour12),
    (b"4", Element::Minute),
    (b"5", Element::Second),
    (b"PM", Element::UpperPm),
    (b"pm", Element::LowerPm),
    (b"-070000", Element::Offset { z: false, form: OffsetForm::Seconds }),
    (b"-07:00:00", Element::Offset { z: false, form: OffsetForm::ColonSeconds }),
    (b"-0700", Element::Offset { z: false, form: OffsetForm::Minutes }),
    (b"-07:00", Element::Offset { z: false, form: OffsetForm::ColonMinutes }),
    (b"-07", Element::Offset { z: false, form: OffsetForm::Hours }),
    (b"Z070000", Element::Offset { z: true, form: OffsetForm::Seconds }),
    (b"Z07:00:00", Element::Offset { z: true, form: OffsetForm::ColonSeconds }),
    (b"Z0700", Element::Offset { z: true, form: OffsetForm::Minutes }),
    (b"Z07:00", Element::Offset { z: true, form: OffsetForm::ColonMinutes }),
    (b"Z07", Element::Offset { z: true, form: OffsetForm::Hours }),
];

/// The first element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    /// The literal text before it.
    pub(super) before: &'a [u8],
    pub(super) element: Element,
    /// The element as the layout has it.
    pub(super) text: &'a [u8],
    pub(super) after: &'a [u8],
}

/// The first element of a layout; `None` if all of it is literal.
pub(super) fn first(layout: &[u8]) -> Option<Chunk<'_>> {
    (0..layout.len()).find_map(|at| {
        let (before, rest) = layout.split_at(at);
        let (element, length) = element_at(rest)?;
        let (text, after) = rest.split_at(length);
        Some(Chunk { before, element, text, after })
    })
}

fn element_at(layout: &[u8]) -> Option<(Element, usize)> {
    // `_2006` is an underscore and a year, not a day and `006`.
    if layout.starts_with(b"_2006") {
        return None;
    }
    if let Some(fraction) = fraction_at(layout) {
        return Some(fraction);
    }
    ELEMENTS
        .iter()
        .find(|(text, element)| {
            // A name that goes on, such as `Month`, is literal.
            let is_short_name = matches!(element, Element::Month | Element::Weekday);
            layout.starts_with(text)
                && !(is_short_name && layout.get(text.len()).is_some_and(u8::is_ascii_lowercase))
        })
        .map(|(text, element)| (*element, text.len()))
}

/// A point or comma and zeros or nines, after which no digit comes.
fn fraction_at(layout: &[u8]) -> Option<(Element, usize)> {
    let (&separator, rest) = layout.split_first()?;
    if !is_separator(separator) {
        return None;
    }
    let digit = *rest.first().filter(|digit| matches!(digit, b'0' | b'9'))?;
    let digits = rest.iter().take_while(|other| **other == digit).count();
    if rest.get(digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((Element::Fraction { separator, digits, trimmed: digit == b'9' }, digits + 1))
}

/// Whether the byte may stand before the digits of a fraction.
pub(super) fn is_separator(byte: u8) -> bool {
    matches!(byte, b'.' | b',')
}
