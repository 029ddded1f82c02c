//! Header fields of a request or a response.

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// The header with which a handler hands a client over to a process. It never crosses the wire (H10).
pub const RELAY_HEADER: &str = "X-WS-Relay";

/// Header fields in their order. Names are kept as they were written and compared without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    fields: Vec<(String, Bytes)>,
}

impl Headers {
    /// No fields.
    #[must_use]
    pub const fn new() -> Self {
        Self { fields: Vec::new() }
    }

    /// The first value of `name`; `None` also when it is not UTF-8 or holds control characters.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = core::str::from_utf8(self.get_all(name).next()?).ok()?;
        (!value.chars().any(|c| c != '\t' && c.is_control())).then_some(value)
    }

    /// All values of `name`, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &Bytes> {
        self.fields.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Whether there is a field called `name`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get_all(name).next().is_some()
    }

    /// Replaces every field called `name` with one, at the end.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Bytes>) {
        let name = name.into();
        self.remove(&name);
        self.append(name, value);
    }

    /// Adds a field at the end and keeps those of the same name.
    pub fn append(&mut self, name: impl Into<String>, value: impl Into<Bytes>) {
        self.fields.push((name.into(), value.into()));
    }

    /// Removes every field called `name`, however it is spelled, and returns the values.
    pub fn remove(&mut self, name: &str) -> Vec<Bytes> {
        self.fields
            .extract_if(.., |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    /// The fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many fields there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether `token` is an element of the comma-separated lists called `name`, compared without case.
    #[must_use]
    pub fn contains_token(&self, name: &str, token: &str) -> bool {
        self.elements(name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// The elements of the comma-separated lists called `name`, without the spaces around them.
    // RFC 9110 §5.6.1.2: "A recipient MUST parse and ignore a reasonable number of empty list elements."
    pub(super) fn elements(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.get_all(name)
            .flat_map(|value| value.split(|&byte| byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|element| !element.is_empty())
    }
}

/// Whether `byte` may stand in a token.
// RFC 9110 §5.6.2: tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`"
// / "|" / "~" / DIGIT / ALPHA
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Whether `text` is a token (RFC 9110 §5.6.2), such as the name of a header or a subprotocol.
#[must_use]
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Headers {
        let mut headers = Headers::new();
        headers.append("Accept", "a");
        headers.append("X-Thing", "one, two");
        headers.append("x-thing", " ,Three\t,");
        headers
    }

    #[test]
    fn names_are_kept_as_written_and_found_in_any_case() {
        let headers = sample();
        assert_eq!(headers.get("ACCEPT"), Some("a"));
        assert_eq!(headers.get("x-thing"), Some("one, two"));
        assert_eq!(headers.get_all("X-THING").count(), 2);
        let names: Vec<&str> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Accept", "X-Thing", "x-thing"]);
    }

    #[test]
    fn a_value_that_is_not_visible_text_is_not_a_string() {
        let mut headers = Headers::new();
        headers.append("a", &b"\xff"[..]);
        headers.append("b", "one\0two");
        headers.append("c", "grün\tgelb");
        assert_eq!(headers.get("a"), None);
        assert_eq!(headers.get("b"), None);
        assert_eq!(headers.get("c"), Some("grün\tgelb"));
    }

    #[test]
    fn a_token_is_found_in_every_list_of_that_name_and_only_whole() {
        let headers = sample();
        assert!(headers.contains_token("x-thing", "TWO"));
        assert!(headers.contains_token("x-thing", "three"));
        assert!(!headers.contains_token("x-thing", "thr"));
        assert!(!headers.contains_token("x-thing", ""));
    }

    #[test]
    fn removing_takes_every_spelling_and_setting_leaves_one() {
        let mut headers = sample();
        assert_eq!(headers.remove("X-THING"), ["one, two", " ,Three\t,"]);
        assert_eq!(headers.len(), 1);
        headers.set("accept", "b");
        headers.set("ACCEPT", "c");
        assert_eq!(headers.get_all("Accept").collect::<Vec<_>>(), ["c"]);
        assert!(!headers.is_empty());
    }
}
