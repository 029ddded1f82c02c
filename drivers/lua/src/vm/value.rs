//! Lua values outside of any Lua state: what passes between processes, copied deep.

use super::modules::{args, errors::ErrorObject};
use super::strings::{SAME_HASH, Strings};
use mlua::{Lua, MultiValue, Table, Value};
use serde_json::{Map, Number, Value as Json};
use std::collections::HashMap;
use std::ffi::c_void;
use std::fmt;
use wsrelay_core::message::{Foreign, Payload, Term};
use wsrelay_core::wire::{Data, Text};

/// Most tables of one value, and most bytes of its strings: a copy is made in one go, during which its process cannot be
/// pre-empted.
const TABLES_MAX: usize = 64 * 1024;
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest number of fields.
const FIELDS_MAX: usize = 512 * 1024;
/// Fewer fields than these hold too few strings to do harm.
const FEW_FIELDS: usize = 128;
/// Most values of JSON that is only near; what is more becomes null.
const JSON_NODES_MAX: usize = FIELDS_MAX;
/// How deep tables may be nested to be sent as JSON; deeper ones are sent as they are.
const JSON_DEPTH_MAX: usize = 64;

/// Some Lua values: the arguments of a process, what it sends, what it ends with. Tables may share and contain each other.
/// Functions, coroutines and userdata do not travel and have become `nil`, but for error objects.
#[derive(Clone, Debug, Default)]
pub struct Values {
    nodes: Vec<Node>,
    tables: Vec<Vec<(Node, Node)>>,
    bytes: usize,
    /// Whether a table is reached on more than one way: as JSON there could be more of it than there is memory.
    is_shared: bool,
}

#[derive(Clone, Debug)]
enum Node {
    Nil,
    Boolean(bool),
    Number(f64),
    String(Box<[u8]>),
    Table(usize),
    Error(Box<ErrorObject>),
}

/// Why a value is not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyFault {
    /// It is too large.
    TooLarge,
    /// Its strings were chosen to be slow.
    SameHash,
}

impl fmt::Display for CopyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str(
                "the value is too large to be copied: at most 64 Ki tables, 512 Ki fields and 16 MiB of strings",
            ),
            Self::SameHash => write!(f, "the value is not copied: {SAME_HASH}"),
        }
    }
}

impl Values {
    /// Copies values out of a state.
    ///
    /// # Errors
    ///
    /// [`CopyFault`].
    pub fn from_lua<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<Self, CopyFault> {
        let mut copy = Copy::default();
        for value in values {
            let node = copy.node(value)?;
            copy.values.nodes.push(node);
        }
        copy.tables()?;
        Ok(copy.values)
    }

    /// One error.
    #[must_use]
    pub fn from_error(error: ErrorObject) -> Self {
        let bytes = error.message().len();
        Self { nodes: vec![Node::Error(Box::new(error))], tables: Vec::new(), bytes, is_shared: false }
    }

    /// Values that came as JSON.
    #[must_use]
    pub fn from_json<'a>(values: impl IntoIterator<Item = &'a Json>) -> Self {
        let mut copy = Self::default();
        for value in values {
            let node = copy.json_node(value);
            copy.nodes.push(node);
        }
        copy
    }

    /// How many bytes of text there are in them.
    pub(super) const fn text_bytes(&self) -> usize {
        self.bytes
    }

    /// How many values there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no value, or nothing but `nil`.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.nodes.iter().all(|node| matches!(node, Node::Nil))
    }

    /// The first value, if it is an error object.
    #[must_use]
    pub fn error(&self) -> Option<&ErrorObject> {
        match self.nodes.first() {
            Some(Node::Error(error)) => Some(error),
            Some(Node::Nil | Node::Boolean(_) | Node::Number(_) | Node::String(_) | Node::Table(_))
            | None => None,
        }
    }

    /// The values in another state.
    ///
    /// # Errors
    ///
    /// When the state has no memory left.
    pub fn to_lua(&self, lua: &Lua) -> mlua::Result<MultiValue> {
        let tables = self.tables.iter().map(|fields| lua.create_table_with_capacity(0, fields.len()));
        let tables = tables.collect::<mlua::Result<Vec<Table>>>()?;
        for (table, fields) in tables.iter().zip(&self.tables) {
            for (name, value) in fields {
                table.raw_set(name.to_lua(lua, &tables)?, value.to_lua(lua, &tables)?)?;
            }
        }
        self.nodes.iter().map(|node| node.to_lua(lua, &tables)).collect()
    }

    /// The first of the values in another state; `nil` where there is none.
    ///
    /// # Errors
    ///
    /// As [`Values::to_lua`].
    pub fn first_to_lua(&self, lua: &Lua) -> mlua::Result<Value> {
        Ok(self.to_lua(lua)?.into_iter().next().unwrap_or_default())
    }

    /// As a message's payload: text, bytes and JSON where they say the same, and themselves where not.
    #[must_use]
    pub fn into_payload(self) -> Payload {
        match self.nodes.as_slice() {
            [] => return Payload::Empty,
            [Node::String(bytes)] => return Payload::Data(data(bytes)),
            [node] if !self.is_shared => {
                if let Some(json) = self.exact_json(node, 0) {
                    return Payload::from(json);
                }
            }
            [_, ..] => {}
        }
        Payload::Term(Term::new(self))
    }

    /// JSON that reads back as the same value, if there is any.
    fn exact_json(&self, node: &Node, depth: usize) -> Option<Json> {
        match node {
            Node::Nil => Some(Json::Null),
            Node::Boolean(boolean) => Some(Json::Bool(*boolean)),
            Node::Number(number) => json_number(*number).map(Json::Number),
            Node::String(bytes) => str::from_utf8(bytes).ok().map(Json::from),
            Node::Table(_) if depth == JSON_DEPTH_MAX => None,
            Node::Table(table) => {
                let fields = &self.tables[*table];
                if is_sequence(fields) && !fields.is_empty() {
                    let items = fields.iter().map(|(_, value)| self.exact_json(value, depth + 1));
                    return items.collect::<Option<Vec<_>>>().map(Json::Array);
                }
                let fields = fields.iter().map(|(name, value)| {
                    let Node::String(name) = name else { return None };
                    Some((str::from_utf8(name).ok()?.to_owned(), self.exact_json(value, depth + 1)?))
                });
                fields.collect::<Option<Map<_, _>>>().map(Json::Object)
            }
            Node::Error(_) => None,
        }
    }

    /// The nearest JSON there is: what is no text becomes base64, what has no JSON becomes null.
    fn near_json(&self, node: &Node, depth: usize, left: &mut usize) -> Json {
        let Some(fewer) = left.checked_sub(1) else { return Json::Null };
        *left = fewer;
        match node {
            Node::Nil => Json::Null,
            Node::Boolean(boolean) => Json::Bool(*boolean),
            Node::Number(number) => json_number(*number).map_or(Json::Null, Json::Number),
            Node::String(bytes) => Payload::Data(data(bytes)).to_json(),
            Node::Table(_) if depth == JSON_DEPTH_MAX => Json::Null,
            Node::Table(table) => {
                let fields = &self.tables[*table];
                if is_sequence(fields) && !fields.is_empty() {
                    return fields.iter().map(|(_, value)| self.near_json(value, depth + 1, left)).collect();
                }
                let fields = fields.iter().map(|(name, value)| {
                    let name = match self.near_json(name, JSON_DEPTH_MAX, left) {
                        Json::String(name) => name,
                        other @ (Json::Null
                        | Json::Bool(_)
                        | Json::Number(_)
                        | Json::Array(_)
                        | Json::Object(_)) => other.to_string(),
                    };
                    (name, self.near_json(value, depth + 1, left))
                });
                Json::Object(fields.collect())
            }
            Node::Error(error) => Json::from(error.message()),
        }
    }

    fn json_node(&mut self, value: &Json) -> Node {
        match value {
            Json::Null => Node::Nil,
            Json::Bool(boolean) => Node::Boolean(*boolean),
            Json::Number(number) => Node::Number(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => {
                self.bytes += text.len();
                Node::String(text.as_bytes().into())
            }
            Json::Array(items) => {
                let numbers = (1_u32..).map(|number| Node::Number(number.into()));
                let fields =
                    numbers.zip(items).map(|(number, item)| (number, self.json_node(item))).collect();
                self.add(fields)
            }
            Json::Object(fields) => {
                let fields = fields.iter();
                let fields =
                    fields.map(|(name, value)| (Node::String(name.as_bytes().into()), self.json_node(value)));
                let fields = fields.collect();
                self.add(fields)
            }
        }
    }

    fn add(&mut self, fields: Vec<(Node, Node)>) -> Node {
        self.tables.push(fields);
        Node::Table(self.tables.len() - 1)
    }
}

/// A text or bytes, whichever they are.
#[must_use]
pub(super) fn data(bytes: &[u8]) -> Data {
    match str::from_utf8(bytes) {
        Ok(text) => Data::Text(Text::copy_from_str(text)),
        Err(_) => Data::Binary(bytes::Bytes::copy_from_slice(bytes)),
    }
}

/// A number as JSON writes it: a whole one without a fraction. `None` for what is none.
fn json_number(number: f64) -> Option<Number> {
    /// 2^53: up to here a double holds every whole number.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let is_negative_zero = number == 0.0 && number.is_sign_negative();
    if number.fract() == 0.0 && number.abs() <= EXACT_MAX && !is_negative_zero {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

/// Whether the fields are 1 to n, in this order, which is how a table without holes gives them.
fn is_sequence(fields: &[(Node, Node)]) -> bool {
    let mut numbers = (1_u32..).map(f64::from);
    fields.iter().all(|(name, _)| matches!(name, Node::Number(number) if numbers.next() == Some(*number)))
}

impl Node {
    fn to_lua(&self, lua: &Lua, tables: &[Table]) -> mlua::Result<Value> {
        Ok(match self {
            Self::Nil => Value::Nil,
            Self::Boolean(boolean) => Value::Boolean(*boolean),
            Self::Number(number) => Value::Number(*number),
            Self::String(bytes) => Value::String(lua.create_string(bytes)?),
            Self::Table(table) => Value::Table(tables[*table].clone()),
            Self::Error(error) => ErrorObject::clone(error).to_lua(lua)?,
        })
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, node) in self.nodes.iter().enumerate() {
            f.write_str(if at > 0 { ", " } else { "" })?;
            match node {
                Node::Error(error) => f.write_str(error.message())?,
                Node::String(bytes) => f.write_str(&String::from_utf8_lossy(bytes))?,
                Node::Nil | Node::Boolean(_) | Node::Number(_) | Node::Table(_) => {
                    fmt::Display::fmt(&self.near_json(node, 0, &mut { JSON_NODES_MAX }), f)?;
                }
            }
        }
        Ok(())
    }
}

impl Foreign for Values {
    fn bytes(&self) -> usize {
        let fields: usize = self.tables.iter().map(Vec::len).sum();
        self.bytes + (self.nodes.len() + 2 * fields) * size_of::<Node>()
    }

    fn to_json(&self) -> Json {
        match self.nodes.as_slice() {
            [node] => self.near_json(node, 0, &mut { JSON_NODES_MAX }),
            nodes => nodes.iter().map(|node| self.near_json(node, 0, &mut { JSON_NODES_MAX })).collect(),
        }
    }
}

/// A copy that is being made, one table after the other, so that no depth of nesting needs a stack.
#[derive(Default)]
struct Copy {
    values: Values,
    seen: HashMap<*const c_void, usize>,
    waiting: Vec<(usize, Table)>,
    fields: usize,
    /// Looked at once there are many.
    strings: Option<Strings>,
}

impl Copy {
    fn node(&mut self, value: &Value) -> Result<Node, CopyFault> {
        Ok(match value {
            Value::Boolean(boolean) => Node::Boolean(*boolean),
            #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
            Value::Integer(integer) => Node::Number(*integer as f64),
            Value::Number(number) => Node::Number(*number),
            Value::String(text) => {
                let bytes = text.as_bytes();
                self.values.bytes += bytes.len();
                if self.values.bytes > BYTES_MAX {
                    return Err(CopyFault::TooLarge);
                }
                if self.strings.as_mut().is_some_and(|strings| strings.falls_on_others(&bytes)) {
                    return Err(CopyFault::SameHash);
                }
                Node::String(Box::from(&*bytes))
            }
            Value::Table(table) if args::is_object(table) => Node::Nil,
            Value::Table(table) => {
                let next = self.values.tables.len();
                let index = *self.seen.entry(table.to_pointer()).or_insert(next);
                if index == next {
                    if next == TABLES_MAX {
                        return Err(CopyFault::TooLarge);
                    }
                    self.values.tables.push(Vec::new());
                    self.waiting.push((index, table.clone()));
                } else {
                    self.values.is_shared = true;
                }
                Node::Table(index)
            }
            Value::UserData(userdata) => match userdata.borrow::<ErrorObject>() {
                Ok(error) => Node::Error(Box::new(error.clone())),
                Err(_) => Node::Nil,
            },
            _ => Node::Nil,
        })
    }

    fn tables(&mut self) -> Result<(), CopyFault> {
        while let Some((index, table)) = self.waiting.pop() {
            let mut fields = Vec::new();
            // Tables that throw while they are walked are none of ours: raw pairs call nothing.
            for pair in table.pairs::<Value, Value>() {
                let Ok((name, value)) = pair else { continue };
                self.fields += 1;
                if self.fields > FIELDS_MAX {
                    return Err(CopyFault::TooLarge);
                }
                if self.fields == FEW_FIELDS {
                    self.strings = Some(Strings::new());
                }
                let (name, value) = (self.node(&name)?, self.node(&value)?);
                // What does not travel is no name, and a field that is nil is none.
                if !matches!(name, Node::Nil) && !matches!(value, Node::Nil) {
                    fields.push((name, value));
                }
            }
            self.values.tables[index] = fields;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::strings::tests::falling_together;
    use super::*;

    /// As what a client sent may be, once it is split.
    #[test]
    fn strings_that_were_chosen_to_be_slow_are_not_copied() {
        let lua = Lua::new();
        let copied = |texts: Vec<String>| {
            let table = lua.create_sequence_from(texts).unwrap();
            Values::from_lua([&Value::Table(table)]).map(|values| values.count())
        };
        assert_eq!(copied(falling_together().take(300).collect()), Err(CopyFault::SameHash));
        assert_eq!(copied((0..50_000).map(|n| format!("word {n}")).collect()), Ok(1));
    }
}
