//! A duration: taken where the grammar has it, as long as it says, and read back as it is written.

use super::Verdict;
use wsrelay_core::relay::{DurationFault, format_duration, parse_duration};

/// The bytes are the text.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(bytes) else { return Verdict::Refused };
    let parsed = parse_duration(text);
    match exactly(text) {
        None => assert!(parsed.is_err(), "{text:?} gave {parsed:?}"),
        Some((nanos, parts)) => match parsed {
            Ok(span) => {
                // Each fraction is cut off after a calculation in floating point, as Go's is.
                let difference = span.as_nanos().abs_diff(nanos);
                assert!(difference <= parts, "{text:?} gave {span:?} for {nanos} ns");
                assert!(span.as_nanos() <= i64::MAX as u128, "{text:?} gave {span:?}");
                let written = format_duration(span);
                assert_eq!(parse_duration(&written), Ok(span), "{written}");
            }
            Err(fault) => {
                assert_eq!(fault, DurationFault::Overflow, "{text:?}");
                assert!(nanos + parts > i64::MAX as u128, "{text:?} is {nanos} ns");
            }
        },
    }
    Verdict::of(parsed.is_ok())
}

/// The length of a sound duration in nanoseconds, of which there may be 2¹²⁷ at most, and in how many numbers it is
/// given.
fn exactly(text: &str) -> Option<(u128, u128)> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some((0, 0));
    }
    if rest.is_empty() {
        return None;
    }
    let (mut nanos, mut parts) = (0_u128, 0);
    while !rest.is_empty() {
        let number =
            &rest[..rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len())];
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        rest = &rest[number.len()..];
        let units = [
            ("ns", 1),
            ("us", 1_000),
            ("\u{b5}s", 1_000),
            ("\u{3bc}s", 1_000),
            ("ms", 1_000_000),
            ("s", 1_000_000_000),
            ("m", 60_000_000_000),
            ("h", 3_600_000_000_000),
        ];
        let (name, unit) = units.into_iter().find(|(name, _)| rest.starts_with(name))?;
        rest = &rest[name.len()..];
        let whole = whole.trim_start_matches('0');
        let whole = if whole.len() > 24 { 1 << 80 } else { whole.parse().unwrap_or(0_u128) };
        // 24 digits behind the point are more than enough.
        let digits = &fraction[..fraction.len().min(24)];
        let fraction =
            digits.parse().unwrap_or(0_u128) * unit / 10_u128.pow(u32::try_from(digits.len()).ok()?);
        nanos = nanos.saturating_add(whole.saturating_mul(unit)).saturating_add(fraction).min(1 << 126);
        parts += 1;
    }
    Some((nanos, parts))
}
