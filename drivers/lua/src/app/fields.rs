//! Reading a map key by key: types are checked, and keys that nobody asked for are told.

use super::finding::{Finding, Place};
use super::model::Options;
use super::suggest::did_you_mean;
use super::yaml::{Member, Node, Value, find};
use std::ops::RangeInclusive;
use std::time::Duration;
use wsrelay_core::relay::parse_duration;

/// A map that is being read.
pub(super) struct Fields<'n> {
    /// What stands before a key in messages: nothing, or `lifecycle.`.
    path: String,
    members: &'n [Member],
    /// The keys that have been asked for, which are those that may be there.
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The keys of an entry.
    pub(super) const fn new(members: &'n [Member]) -> Self {
        Self { path: String::new(), members, asked: Vec::new() }
    }

    /// The value of this key, unless it is absent or says nothing.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'n Node> {
        self.member(key).map(|member| &member.value)
    }

    /// The same with its key.
    pub(super) fn member(&mut self, key: &'static str) -> Option<&'n Member> {
        self.asked.push(key);
        find(self.members, key).filter(|member| !member.value.is_null())
    }

    /// How this key is called in messages.
    pub(super) fn name(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }

    /// A text. Numbers are no texts here: what is a name, a path or an address is not written as one.
    pub(super) fn text(
        &mut self,
        key: &'static str,
        expected: &str,
        out: &mut Vec<Finding>,
    ) -> Option<(&'n str, &'n Place)> {
        let node = self.get(key)?;
        match node.text() {
            Some(text) => Some((&text.text, &node.place)),
            None => self.wrong(key, node, expected, out),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str, out: &mut Vec<Finding>) -> Option<bool> {
        let node = self.get(key)?;
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        self.wrong(key, node, "true or false", out)
    }

    /// A Go duration; a bare `0` is one.
    pub(super) fn duration(&mut self, key: &'static str, out: &mut Vec<Finding>) -> Option<Duration> {
        let node = self.get(key)?;
        match scalar(node).map(|text| parse_duration(&text)) {
            Some(Ok(duration)) => Some(duration),
            Some(Err(fault)) => {
                let expected = format!("a duration such as `30s` or `1m30s` ({fault})");
                self.wrong(key, node, &expected, out)
            }
            None => self.wrong(key, node, "a duration such as `30s` or `1m30s`", out),
        }
    }

    /// A whole number within these bounds.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<u32>,
        out: &mut Vec<Finding>,
    ) -> Option<u32> {
        let node = self.get(key)?;
        if let Value::Number(number, _) = &node.value
            && let Some(value) = number.as_u64().and_then(|value| u32::try_from(value).ok())
            && bounds.contains(&value)
        {
            return Some(value);
        }
        let expected = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        self.wrong(key, node, &expected, out)
    }

    /// A number within these bounds.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<f64>,
        expected: &str,
        out: &mut Vec<Finding>,
    ) -> Option<f64> {
        let node = self.get(key)?;
        if let Value::Number(number, _) = &node.value
            && let Some(value) = number.as_f64()
            && bounds.contains(&value)
        {
            return Some(value);
        }
        self.wrong(key, node, expected, out)
    }

    /// A list of texts, each with its place.
    pub(super) fn texts(&mut self, key: &'static str, out: &mut Vec<Finding>) -> Vec<(String, Place)> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.wrong::<()>(key, node, "a list of texts", out);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            if let Some(text) = item.text() {
                texts.push((text.text.to_string(), item.place.clone()));
            } else {
                self.wrong::<()>(key, item, "a text", out);
            }
        }
        texts
    }

    /// A map from names to scalars, all of which become text.
    pub(super) fn options(&mut self, key: &'static str, out: &mut Vec<Finding>) -> Options {
        let Some(node) = self.get(key) else { return Options::new() };
        let Some(members) = node.members() else {
            self.wrong::<()>(key, node, "a map of options", out);
            return Options::new();
        };
        let mut options = Options::new();
        for member in members {
            if let Some(text) = scalar(&member.value) {
                options.insert(member.key.clone(), (text, member.value.place.clone()));
            } else {
                let name = format!("{}.{}", self.name(key), member.key);
                out.push(expected_found(&name, &member.value, "a text, a number, true or false"));
            }
        }
        options
    }

    /// A map, to be read like this one.
    pub(super) fn map(&mut self, key: &'static str, out: &mut Vec<Finding>) -> Option<Fields<'n>> {
        let node = self.get(key)?;
        match node.members() {
            Some(members) => {
                Some(Fields { path: format!("{}.", self.name(key)), members, asked: Vec::new() })
            }
            None => self.wrong(key, node, "a map", out),
        }
    }

    /// A key that the original runtime knows, and that means nothing here.
    pub(super) fn unsupported(&mut self, key: &'static str, out: &mut Vec<Finding>) {
        if let Some(member) = self.member(key) {
            let message = format!("`{}` is not supported, ignored", self.name(key));
            out.push(Finding::warning(&member.place, message));
        }
    }

    /// Tells the keys that nobody asked for.
    pub(super) fn finish(self, owner: &str, out: &mut Vec<Finding>) {
        for member in self.members {
            if !self.asked.contains(&member.key.as_str()) {
                let near = did_you_mean(&member.key, self.asked.iter().copied());
                let message = format!("{owner} has no key `{}`, ignored{near}", self.name(&member.key));
                out.push(Finding::warning(&member.place, message));
            }
        }
    }

    /// Says what was expected in place of this value.
    pub(super) fn wrong<T>(
        &self,
        key: &str,
        node: &Node,
        expected: &str,
        out: &mut Vec<Finding>,
    ) -> Option<T> {
        out.push(expected_found(&self.name(key), node, expected));
        None
    }
}

/// "`name`: expected …, found …", at the value.
pub(super) fn expected_found(name: &str, node: &Node, expected: &str) -> Finding {
    Finding::error(&node.place, format!("`{name}`: expected {expected}, found {node}"))
}

/// A scalar as it was written.
pub(super) fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(_, written) => Some(written.clone()),
        Value::Text(text) => Some(text.text.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}
