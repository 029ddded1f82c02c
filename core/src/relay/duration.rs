//! Durations as Go's `ParseDuration` reads and `Duration.String` writes them (R2).

use crate::time::Duration;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// The text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationFault {
    /// Nothing, or a sign alone.
    Empty,
    /// Below zero.
    Negative,
    /// A number without a unit, as in `30`.
    NoUnit,
    /// Neither a number nor one of `ns us µs ms s m h` where one was due.
    Syntax,
    /// Longer than 2⁶³−1 nanoseconds, about 292 years.
    Overflow,
}

impl fmt::Display for DurationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty duration",
            Self::Negative => "duration below zero",
            Self::NoUnit => "duration without a unit (one of ns us ms s m h)",
            Self::Syntax => "not a duration, such as 30s or 1m30s",
            Self::Overflow => "duration too long",
        })
    }
}

impl core::error::Error for DurationFault {}

/// Reads a duration: decimal numbers with a unit, one after the other, as in `1h30m` or `1.5s`.
///
/// `0` needs no unit. A leading `+` is allowed, as Go allows it.
///
/// # Errors
///
/// Anything else is an error and never a silent default.
pub fn parse_duration(text: &str) -> Result<Duration, DurationFault> {
    let unsigned = match text.as_bytes() {
        [b'-', ..] => return Err(DurationFault::Negative),
        [b'+', rest @ ..] => rest,
        all => all,
    };
    if unsigned == b"0" {
        return Ok(Duration::ZERO);
    }
    if unsigned.is_empty() {
        return Err(DurationFault::Empty);
    }
    let mut rest = unsigned;
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let (part, after) = parse_part(rest)?;
        nanos += part;
        if nanos > i64::MAX as u128 {
            return Err(DurationFault::Overflow);
        }
        rest = after;
    }
    Ok(Duration::from_nanos(u64::try_from(nanos).map_err(|_| DurationFault::Overflow)?))
}

/// One number with its unit, in nanoseconds, and what follows it.
fn parse_part(text: &[u8]) -> Result<(u128, &[u8]), DurationFault> {
    let (whole, rest) = split_digits(text);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => split_digits(rest),
        _ => (&[][..], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationFault::Syntax);
    }
    let (unit, rest) = parse_unit(rest)?;
    let mut nanos: u128 = 0;
    for digit in whole {
        nanos = nanos * 10 + u128::from(digit - b'0');
        if nanos > i64::MAX as u128 {
            return Err(DurationFault::Overflow);
        }
    }
    Ok((nanos * u128::from(unit) + fraction_nanos(fraction, unit), rest))
}

/// The digits after the point, in nanoseconds. In floating point and cut off, because that is how Go
/// does it: `0.3333333333333333333h` is 20 minutes there.
fn fraction_nanos(digits: &[u8], unit: u64) -> u128 {
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    for digit in digits {
        // Digits that no longer fit change nothing that could be seen.
        if value > (i64::MAX as u64 - 9) / 10 {
            break;
        }
        value = value * 10 + u64::from(digit - b'0');
        scale *= 10.0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most one hour in nanoseconds, and never negative"
    )]
    {
        (value as f64 * (unit as f64 / scale)) as u128
    }
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

/// The unit's nanoseconds, and what follows it.
fn parse_unit(text: &[u8]) -> Result<(u64, &[u8]), DurationFault> {
    // Longest first, so that `ms` is not read as `m`. Micro has two code points, as in Go.
    const UNITS: [(&str, u64); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("\u{b5}s", 1_000),
        ("\u{3bc}s", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    for (name, nanos) in UNITS {
        if let Some(rest) = text.strip_prefix(name.as_bytes()) {
            return Ok((nanos, rest));
        }
    }
    match text {
        [] | [b'0'..=b'9' | b'.', ..] => Err(DurationFault::NoUnit),
        _ => Err(DurationFault::Syntax),
    }
}

/// Writes a duration as Go does: `1h30m0s`, `2.5s`, `300ms`, `0s`.
#[must_use]
pub fn format_duration(span: Duration) -> String {
    let nanos = span.as_nanos();
    if nanos == 0 {
        return String::from("0s");
    }
    for (unit, below, name) in
        [(1, 1_000, "ns"), (1_000, 1_000_000, "\u{b5}s"), (1_000_000, 1_000_000_000, "ms")]
    {
        if nanos < below {
            return format!("{}{name}", decimal(nanos, unit));
        }
    }
    let total = span.as_secs();
    let (hours, minutes) = (total / 3600, total / 60 % 60);
    let seconds = decimal(nanos % 60_000_000_000, 1_000_000_000);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        (_, _) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// `nanos / unit` with as many decimals as it has, and no more.
fn decimal(nanos: u128, unit: u128) -> String {
    let (whole, mut rest) = (nanos / unit, nanos % unit);
    let mut text = format!("{whole}");
    let mut scale = unit;
    if rest > 0 {
        text.push('.');
    }
    while rest > 0 {
        scale /= 10;
        text.push_str(&format!("{}", rest / scale));
        rest %= scale;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanos) in [
            ("0", 0),
            ("+0", 0),
            ("0s", 0),
            ("1ns", 1),
            ("5us", 5_000),
            ("5\u{b5}s", 5_000),
            ("5\u{3bc}s", 5_000),
            ("300ms", 300_000_000),
            ("30s", 30_000_000_000),
            ("+5s", 5_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("1h2m3s4ms5us6ns", 3_723_004_005_006),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("0.0000000015s", 1),
            ("9223372036854775807ns", 9_223_372_036_854_775_807),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_an_error_and_never_a_default() {
        use DurationFault::{Empty, Negative, NoUnit, Overflow, Syntax};
        for (text, fault) in [
            ("", Empty),
            ("+", Empty),
            ("-1s", Negative),
            ("-0", Negative),
            ("30", NoUnit),
            ("1s30", NoUnit),
            ("1.5.5s", NoUnit),
            (".s", Syntax),
            ("s", Syntax),
            ("1d", Syntax),
            ("1 s", Syntax),
            (" 1s", Syntax),
            ("1S", Syntax),
            ("1s ", Syntax),
            ("3000000h", Overflow),
            ("9223372036854775808ns", Overflow),
            ("99999999999999999999999999999999999999999999h", Overflow),
        ] {
            assert_eq!(parse_duration(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn durations_are_written_as_go_writes_them() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1\u{b5}s"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (60_000_000_000, "1m0s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (480_000_000_001, "8m0.000000001s"),
        ] {
            assert_eq!(format_duration(Duration::from_nanos(nanos)), text);
        }
    }

    quickcheck! {
        fn what_is_written_reads_back(nanos: u64) -> bool {
            let span = Duration::from_nanos(nanos / 2);
            parse_duration(&format_duration(span)) == Ok(span)
        }
    }
}
