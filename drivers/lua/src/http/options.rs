//! Reads the options of a list of middleware.

use crate::app::{Finding, Place, did_you_mean, model::Options};
use std::collections::BTreeSet;
use std::time::Duration;
use wsrelay_core::relay::parse_duration;
use wsrelay_core::upgrade::{Network, is_token};

/// Reads options, notes what is wrong with them, and knows in the end which of them nobody asked for.
pub(super) struct Reader<'a> {
    options: &'a Options,
    known: BTreeSet<String>,
    pub(super) findings: &'a mut Vec<Finding>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(options: &'a Options, findings: &'a mut Vec<Finding>) -> Self {
        Self { options, known: BTreeSet::new(), findings }
    }

    /// The first of these options that is set.
    pub(super) fn text(&mut self, names: &[&str]) -> Option<(&'a str, &'a Place)> {
        self.known.extend(names.iter().map(|&name| name.to_owned()));
        let options = self.options;
        names.iter().find_map(|&name| options.get(name)).map(|(text, place)| (text.trim(), place))
    }

    /// The first of these options that is set, read by `parse`, whose error says what was expected.
    pub(super) fn read<T>(
        &mut self,
        names: &[&str],
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<(T, &'a Place)> {
        let (text, place) = self.text(names)?;
        match parse(text) {
            Ok(value) => Some((value, place)),
            Err(message) => {
                let name =
                    names.iter().find(|&&name| self.options.contains_key(name)).copied().unwrap_or_default();
                self.findings.push(Finding::error(place, format!("option `{name}`: {message}")));
                None
            }
        }
    }

    /// As [`Reader::read`], for an option that has older spellings: of `cors.allow.origins` also `cors.allow_origins` and
    /// `allow_origins`.
    pub(super) fn read_spelled<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<(T, &'a Place)> {
        let (middleware, rest) = name.split_once('.').unwrap_or(("", name));
        let bare = rest.replace('.', "_");
        self.read(&[name, &format!("{middleware}.{bare}"), &bare], parse)
    }

    /// Warns of the options that nobody asked for.
    pub(super) fn finish(self) {
        for (name, (_, place)) in self.options.iter().filter(|(name, _)| !self.known.contains(*name)) {
            let hint = did_you_mean(name, self.known.iter().map(String::as_str));
            let message = format!("no middleware of this list has an option `{name}`{hint}");
            self.findings.push(Finding::warning(place, message));
        }
    }
}

/// `true` or `false`.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("expected `true` or `false`, found `{text}`")),
    }
}

/// A whole number, from zero.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    // A plus is read by Rust, and by nobody who writes YAML.
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = if is_number { text.parse().ok() } else { None };
    value.ok_or_else(|| format!("expected a whole number, found `{text}`"))
}

/// A whole number above zero.
pub(super) fn positive<T: std::str::FromStr + Default + PartialEq>(text: &str) -> Result<T, String> {
    match number(text)? {
        zero if zero == T::default() => Err("expected a number above zero, found `0`".to_owned()),
        value => Ok(value),
    }
}

/// A duration as Go writes it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|fault| format!("`{text}`: {fault}"))
}

/// A duration above zero.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("expected more than zero".to_owned()),
        span => Ok(span),
    }
}

/// What stands between the commas.
pub(super) fn elements(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|element| !element.is_empty())
}

/// Networks, with commas between.
pub(super) fn networks(text: &str) -> Result<Vec<Network>, String> {
    elements(text).map(|element| element.parse().map_err(|fault| format!("{fault}"))).collect()
}

/// Tokens of HTTP, with commas between.
pub(super) fn tokens(text: &str) -> Result<Vec<String>, String> {
    elements(text).map(token).collect()
}

/// A token of HTTP, such as the name of a header.
pub(super) fn token(text: &str) -> Result<String, String> {
    if is_token(text.as_bytes()) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is not a token of HTTP"))
    }
}

/// One of a few words.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text).map(|&(_, value)| value);
    found.ok_or_else(|| {
        let expected: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        format!("expected {}, found `{text}`", expected.join(" or "))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{options, place};
    use super::*;

    #[test]
    fn an_option_is_found_in_each_of_its_spellings() {
        for name in ["cors.max.age", "cors.max_age", "max_age"] {
            let (options, mut findings) = (options(&[(name, " 5 ")]), Vec::new());
            let mut reader = Reader::new(&options, &mut findings);
            assert_eq!(reader.read_spelled("cors.max.age", number::<u8>), Some((5, &place(name))));
            reader.finish();
            assert_eq!(findings, []);
        }
    }

    #[test]
    fn an_option_that_nobody_asked_for_is_a_warning_where_it_stands() {
        let (options, mut findings) = (options(&[("cors.max.ago", "5"), ("zzz", "")]), Vec::new());
        let mut reader = Reader::new(&options, &mut findings);
        assert_eq!(reader.read_spelled("cors.max.age", number::<u8>), None);
        reader.finish();
        let warning = |name: &str, text: &str| Finding::warning(&place(name), text);
        assert_eq!(
            findings,
            [
                warning(
                    "cors.max.ago",
                    "no middleware of this list has an option `cors.max.ago`; did you mean `cors.max.age`?"
                ),
                warning("zzz", "no middleware of this list has an option `zzz`"),
            ]
        );
    }

    #[test]
    fn a_value_that_does_not_parse_is_an_error_that_says_what_was_expected() {
        let (options, mut findings) =
            (options(&[("a", "+1"), ("b", "1"), ("c", "yes"), ("d", "x")]), Vec::new());
        let mut reader = Reader::new(&options, &mut findings);
        assert_eq!(reader.read(&["a"], number::<u8>), None);
        assert_eq!(reader.read(&["b"], duration), None);
        assert_eq!(reader.read(&["c"], flag), None);
        assert_eq!(reader.read(&["d"], |text| word(text, &[("on", true), ("off", false)])), None);
        let messages: Vec<&str> = findings.iter().map(|finding| &*finding.message).collect();
        assert_eq!(
            messages,
            [
                "option `a`: expected a whole number, found `+1`",
                "option `b`: `1`: duration without a unit (one of ns us ms s m h)",
                "option `c`: expected `true` or `false`, found `yes`",
                "option `d`: expected `on` or `off`, found `x`",
            ]
        );
    }
}
