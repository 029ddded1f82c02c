//! YAML in which every value and every key knows where it stands.
//!
//! Serde's own buffering (untagged, flattened) loses positions, and so does any type that is not read straight from
//! the parser. So [`Raw`] is read by a visitor whose members are [`Spanned`], and then turned into [`Node`].

use super::finding::{Finding, Place};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where it is used: an alias counts where it is written, not where it leads.
    pub(super) place: Place,
    /// The value itself.
    pub(super) value: Value,
}

/// What a value can be.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true` or `false`; YAML 1.1's `yes` and `on` are text.
    Bool(bool),
    /// A number, and how it was written.
    Number(serde_json::Number, String),
    /// Everything else that is a scalar.
    Text(Text),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<Member>),
}

/// A text, and where its first character stands.
#[derive(Clone, Debug)]
pub(super) struct Text {
    /// The text.
    pub(super) text: Arc<str>,
    /// In a block scalar this is the line below the indicator; in a text that a `file://` brought, that file.
    pub(super) begins: Place,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// The key.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) place: Place,
    /// Its value.
    pub(super) value: Node,
}

impl Node {
    /// The value as JSON.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => serde_json::Value::Bool(*value),
            Value::Number(value, _) => serde_json::Value::Number(value.clone()),
            Value::Text(text) => serde_json::Value::String(text.text.to_string()),
            Value::List(nodes) => nodes.iter().map(Self::to_json).collect(),
            Value::Map(members) => map_to_json(members),
        }
    }

    /// Whether there is nothing: `key:` says as little as no key.
    pub(super) const fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The members, if this is a map.
    pub(super) fn members(&self) -> Option<&[Member]> {
        if let Value::Map(members) = &self.value { Some(members) } else { None }
    }

    /// The text, if this is one.
    pub(super) fn text(&self) -> Option<&Text> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }
}

/// These members as a JSON object.
pub(super) fn map_to_json(members: &[Member]) -> serde_json::Value {
    members.iter().map(|member| (member.key.clone(), member.value.to_json())).collect()
}

/// The member with this key.
pub(super) fn find<'n>(members: &'n [Member], key: &str) -> Option<&'n Member> {
    members.iter().find(|member| member.key == key)
}

/// How a value is called in "expected …, found …".
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Null => f.write_str("nothing"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Number(_, written) => write!(f, "the number {written}"),
            Value::Text(text) if text.text.is_empty() => f.write_str("an empty text"),
            Value::Text(text) => write!(f, "the text `{}`", shortened(&text.text)),
            Value::List(_) => f.write_str("a list"),
            Value::Map(_) => f.write_str("a map"),
        }
    }
}

/// The first line, and no more of it than a message can bear.
fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    let start: String = line.chars().take(CHARS_MAX).collect();
    if start.len() == text.len() { start } else { format!("{start}…") }
}

/// Reads the one document of this file. What is wrong with it goes to `out`: a syntax error ends the reading, double
/// keys do not.
pub(super) fn parse(file: &Arc<str>, source: &str, out: &mut Vec<Finding>) -> Option<Node> {
    // The crate's default budget stands: events, aliases and anchors are bounded. Double keys reach the visitor, so
    // that all of them can be told and not just the first.
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(source, options) {
        Ok(raw) => Some(Converter { file, source, out }.node(raw)),
        Err(error) => {
            let location = error.location().unwrap_or(serde_saphyr::Location::UNKNOWN);
            out.push(Finding::error(&place_of(file, location), message_of(&error)));
            None
        }
    }
}

/// What the parser says, without the position, which the finding has.
fn message_of(error: &serde_saphyr::Error) -> String {
    if let serde_saphyr::Error::MultipleDocuments { .. } = error.without_snippet() {
        return "a second document begins here, and a file holds one".to_owned();
    }
    let text = error.to_string();
    // What goes wrong inside of an alias has two positions behind it, everything else has one.
    let end = text.rfind(" (defined at line ").or_else(|| text.rfind(" at line "));
    let message = end.map_or(text.as_str(), |end| &text[..end]);
    format!("not valid YAML: {message}")
}

fn place_of(file: &Arc<str>, location: serde_saphyr::Location) -> Place {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).max(1);
    Place { file: Arc::clone(file), line: narrow(location.line()), column: narrow(location.column()) }
}

/// What the parser hands out.
enum Raw {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

thread_local! {
    /// How many lists and maps are open around the value that is being read.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// The deepest nesting. The parser allows 64, but a level costs it some 35 KB of stack without optimisation, and a
/// thread has 2 MiB. It also counts only what is written: aliases in aliases go as deep as their chain is long.
const DEPTH_MAX: u32 = 32;

/// One level of nesting, for as long as it lives.
struct Level;

impl Level {
    fn enter<E: serde::de::Error>() -> Result<Self, E> {
        let level = Self;
        DEPTH.set(DEPTH.get() + 1);
        if DEPTH.get() > DEPTH_MAX {
            return Err(E::custom(format_args!("nested more than {DEPTH_MAX} deep")));
        }
        Ok(level)
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(serde_json::Number::from_f64(value).map_or_else(|| Raw::Text(value.to_string()), Raw::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let _level = Level::enter()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let _level = Level::enter()?;
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Raw::Map(members))
    }
}

/// Turns what the parser hands out into nodes of one file.
struct Converter<'a> {
    file: &'a Arc<str>,
    source: &'a str,
    out: &'a mut Vec<Finding>,
}

impl Converter<'_> {
    fn node(&mut self, raw: Spanned<Raw>) -> Node {
        let place = place_of(self.file, raw.referenced);
        let value = match raw.value {
            Raw::Null => Value::Null,
            Raw::Bool(value) => Value::Bool(value),
            Raw::Number(number) => {
                let written = self.number_as_written(raw.defined).unwrap_or_else(|| number.to_string());
                Value::Number(number, written)
            }
            Raw::Text(text) => {
                let begins = self.beginning(&text, raw.defined);
                Value::Text(Text { text: text.into(), begins })
            }
            Raw::List(items) => Value::List(items.into_iter().map(|item| self.node(item)).collect()),
            Raw::Map(members) => Value::Map(self.members(members)),
        };
        Node { place, value }
    }

    fn members(&mut self, raw: Vec<(Spanned<String>, Spanned<Raw>)>) -> Vec<Member> {
        let mut members: Vec<Member> = Vec::with_capacity(raw.len());
        let mut seen: HashMap<String, Place> = HashMap::new();
        for (key, value) in raw {
            let place = place_of(self.file, key.referenced);
            let value = self.node(value);
            if let Some(first) = seen.get(&key.value) {
                let message = format!("the key `{}` is already in line {}", key.value, first.line);
                self.out.push(Finding::error(&place, message));
                continue;
            }
            seen.insert(key.value.clone(), place.clone());
            members.push(Member { key: key.value, place, value });
        }
        members
    }

    /// The characters of a number in the file, so that `1.10` as an option stays `1.10`.
    fn number_as_written(&self, location: serde_saphyr::Location) -> Option<String> {
        let written = self.raw_text(location)?;
        let numeric = written.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
        numeric.then(|| written.to_owned())
    }

    /// Where the first character of a text stands. The parser names the first line of a block scalar that is not
    /// blank; the blank ones before it are newlines at the start of the text.
    fn beginning(&self, text: &str, location: serde_saphyr::Location) -> Place {
        let mut place = place_of(self.file, location);
        // A text of nothing else has its position where it begins.
        let blank_lines = text.find(|c| c != '\n').unwrap_or(0);
        let quoted = self.raw_text(location).is_some_and(|raw| {
            ['"', '\''].iter().any(|&quote| raw.len() > 1 && raw.starts_with(quote) && raw.ends_with(quote))
        });
        if !quoted {
            let lines = u32::try_from(blank_lines).unwrap_or(u32::MAX);
            place.line = place.line.saturating_sub(lines).max(1);
        }
        place
    }

    fn raw_text(&self, location: serde_saphyr::Location) -> Option<&str> {
        let start = usize::try_from(location.span().byte_offset()?).ok()?;
        let length = usize::try_from(location.span().byte_len()?).ok()?;
        self.source.get(start..start.checked_add(length)?).map(str::trim)
    }
}
