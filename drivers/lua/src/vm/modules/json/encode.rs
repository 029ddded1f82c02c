//! Lua into JSON, whether the end is a text or a tree.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;

use mlua::{LuaString, Table, Value};
use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{DEPTH_MAX, ENCODED_BYTES_MAX, is_marked};
use crate::vm::modules::args;
use crate::vm::modules::errors::{self, Kind};

/// What one encoding keeps between its values.
pub(super) struct Walk {
    /// The tables that the current one lies in, outermost first.
    path: RefCell<Vec<*const c_void>>,
    bytes_left: Cell<usize>,
    kind: Cell<Kind>,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            path: RefCell::default(),
            bytes_left: Cell::new(ENCODED_BYTES_MAX),
            kind: Cell::new(Kind::Internal),
        }
    }
}

impl Walk {
    pub(super) fn node<'a>(&'a self, value: &'a Value) -> Node<'a> {
        Node { walk: self, value }
    }

    /// The kind of the error, once there is one.
    pub(super) fn kind(&self) -> Kind {
        self.kind.get()
    }

    fn spend<E: Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.bytes_left.get().checked_sub(bytes);
        self.bytes_left.set(left.ok_or_else(|| E::custom("the value is too large"))?);
        Ok(())
    }

    fn enter<E: Error>(&self, table: &Table) -> Result<(), E> {
        let mut path = self.path.borrow_mut();
        let table = table.to_pointer();
        if path.contains(&table) {
            return Err(E::custom("a table contains itself"));
        }
        if path.len() == DEPTH_MAX {
            return Err(E::custom(format_args!("tables are nested deeper than {DEPTH_MAX} levels")));
        }
        path.push(table);
        Ok(())
    }

    fn leave(&self) {
        self.path.borrow_mut().pop();
    }
}

/// One value on the walk.
pub(super) struct Node<'a> {
    walk: &'a Walk,
    value: &'a Value,
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A bracket or a digit, and a comma: the least that a value takes.
        self.walk.spend(2)?;
        match self.value {
            Value::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Value::Integer(number) => serializer.serialize_i64(*number),
            // A whole number has no fraction, in whichever variant it comes; -0 is 0.
            Value::Number(number) if number.fract() == 0.0 && number.abs() < 9.2e18 => {
                serializer.serialize_i64(args::truncated(*number))
            }
            // NaN and the infinities become null there.
            Value::Number(number) => serializer.serialize_f64(*number),
            Value::String(text) => Text { walk: self.walk, text }.serialize(serializer),
            Value::Table(table) if args::is_object(table) => serializer.serialize_unit(),
            Value::Table(table) => {
                self.walk.enter(table)?;
                let done = self.table(table, serializer);
                self.walk.leave();
                done
            }
            other => match errors::text(other) {
                Some(message) => serializer.serialize_str(&message),
                None => serializer.serialize_unit(),
            },
        }
    }
}

impl Node<'_> {
    fn table<S: Serializer>(&self, table: &Table, serializer: S) -> Result<S::Ok, S::Error> {
        let mut start = Some(serializer);
        let mut array: Option<S::SerializeSeq> = None;
        let mut next = 1;
        let mut out_of_turn = Vec::new();
        let mut fields = Vec::new();
        let mut failure = None;
        let walked = table.for_each(|key: Value, value: Value| {
            let step = match key {
                Value::Integer(index) if fields.is_empty() => {
                    if let Some(serializer) = start.take() {
                        match serializer.serialize_seq(None) {
                            Ok(opened) => array = Some(opened),
                            Err(error) => failure = Some(error),
                        }
                    }
                    match &mut array {
                        // Luau walks the items of an array in their order; those in its hash part come as they like.
                        Some(array) if index == next => {
                            next += 1;
                            array.serialize_element(&self.walk.node(&value))
                        }
                        _ => {
                            out_of_turn.push((index, value));
                            Ok(())
                        }
                    }
                }
                Value::String(key) if array.is_none() => {
                    fields.push((key, value));
                    Ok(())
                }
                Value::Integer(_) | Value::String(_) => {
                    Err(S::Error::custom("a table mixes string keys and indices"))
                }
                other => Err(S::Error::custom(format_args!(
                    "a table has a key of type {}",
                    args::type_name(&other)
                ))),
            };
            step.map_err(|error| {
                failure = Some(error);
                // It only ends the walk.
                mlua::Error::RuntimeError(String::new())
            })
        });
        if let Some(error) = failure {
            return Err(error);
        }
        walked.map_err(S::Error::custom)?;
        match (array, start) {
            (Some(array), _) => self.finish_array(array, next, out_of_turn),
            (None, Some(serializer)) if fields.is_empty() && !is_marked(table) => {
                serializer.serialize_seq(Some(0))?.end()
            }
            (None, Some(serializer)) => self.object(fields, serializer),
            (None, None) => Err(S::Error::custom("an array could not be opened")),
        }
    }

    fn finish_array<A: SerializeSeq>(
        &self,
        mut array: A,
        mut next: i64,
        mut items: Vec<(i64, Value)>,
    ) -> Result<A::Ok, A::Error> {
        items.sort_unstable_by_key(|(index, _)| *index);
        for (index, value) in &items {
            if *index != next {
                return Err(A::Error::custom("an array has holes"));
            }
            next += 1;
            array.serialize_element(&self.walk.node(value))?;
        }
        array.end()
    }

    fn object<S: Serializer>(
        &self,
        mut fields: Vec<(LuaString, Value)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        fields.sort_unstable_by(|(left, _), (right, _)| {
            left.as_bytes().as_ref().cmp(right.as_bytes().as_ref())
        });
        let mut object = serializer.serialize_map(Some(fields.len()))?;
        for (key, value) in &fields {
            object.serialize_entry(&Text { walk: self.walk, text: key }, &self.walk.node(value))?;
        }
        object.end()
    }
}

/// A string, which must be text.
struct Text<'a> {
    walk: &'a Walk,
    text: &'a LuaString,
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Ok(text) = self.text.to_str() else {
            self.walk.kind.set(Kind::Invalid);
            return Err(S::Error::custom("a string is not UTF-8"));
        };
        self.walk.spend(text.len())?;
        serializer.serialize_str(&text)
    }
}
