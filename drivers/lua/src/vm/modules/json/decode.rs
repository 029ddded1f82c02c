//! JSON into Lua: each value goes straight from the text to its place in a table.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

use mlua::{IntoLua, Lua, Table, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{DEPTH_MAX, TABLES_MAX, object_mark};
use crate::vm::strings::{HARMLESS_BYTES, SAME_HASH, Strings};

/// Room for fields in a new object. JSON says how many there are only at the end; four are what messages tend to have.
const FIELDS_EXPECTED: usize = 4;

/// The value of a text that holds exactly one.
pub(super) fn text(lua: &Lua, text: &[u8]) -> Result<Value, serde_json::Error> {
    let mut root = Value::Nil;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    // Its own limit is a level less than what is encoded. A slot counts, and so the stack holds.
    deserializer.disable_recursion_limit();
    let bounds = Bounds {
        tables_left: Cell::new(TABLES_MAX),
        strings: RefCell::new((text.len() > HARMLESS_BYTES).then(Strings::new)),
    };
    let slot = Slot { lua, levels_left: DEPTH_MAX, bounds: &bounds, place: Place::Root(&mut root) };
    slot.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(root)
}

/// The value of a tree. How large and how deep it may be was decided when it was built.
pub(super) fn tree(lua: &Lua, tree: &serde_json::Value) -> Result<Value, serde_json::Error> {
    let mut root = Value::Nil;
    let bounds = Bounds { tables_left: Cell::new(usize::MAX), strings: RefCell::default() };
    let slot = Slot { lua, levels_left: usize::MAX, bounds: &bounds, place: Place::Root(&mut root) };
    slot.deserialize(tree)?;
    Ok(root)
}

/// Where the next value goes.
struct Slot<'a> {
    lua: &'a Lua,
    /// How many tables may lie in each other from here on.
    levels_left: usize,
    bounds: &'a Bounds,
    place: Place<'a>,
}

/// What the whole text may hold.
struct Bounds {
    /// How many tables there may still be.
    tables_left: Cell<usize>,
    strings: RefCell<Option<Strings>>,
}

impl Bounds {
    fn string<E: Error>(&self, string: &str) -> Result<(), E> {
        let mut strings = self.strings.borrow_mut();
        if strings.as_mut().is_some_and(|strings| strings.falls_on_others(string.as_bytes())) {
            return Err(E::custom(SAME_HASH));
        }
        Ok(())
    }
}

enum Place<'a> {
    Root(&'a mut Value),
    Field(&'a Table, &'a str),
    Item(&'a Table, usize),
}

impl Slot<'_> {
    fn put<E: Error>(self, value: impl IntoLua) -> Result<IsNull, E> {
        let put = match self.place {
            Place::Root(root) => value.into_lua(self.lua).map(|value| *root = value),
            Place::Field(table, key) => table.raw_set(key, value),
            Place::Item(table, index) => table.raw_set(index, value),
        };
        put.map(|()| IsNull(false)).map_err(E::custom)
    }

    /// Counts a table. How many levels there may be within it.
    fn levels_left_within<E: Error>(&self) -> Result<usize, E> {
        let tables_left = self.bounds.tables_left.get().checked_sub(1);
        self.bounds.tables_left.set(
            tables_left
                .ok_or_else(|| E::custom(format_args!("more than {TABLES_MAX} arrays and objects")))?,
        );
        self.levels_left
            .checked_sub(1)
            .ok_or_else(|| E::custom(format_args!("nested deeper than {DEPTH_MAX} levels")))
    }
}

/// Whether the value was null, which leaves no field.
struct IsNull(bool);

impl<'de> DeserializeSeed<'de> for Slot<'_> {
    type Value = IsNull;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<IsNull, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Slot<'_> {
    type Value = IsNull;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<IsNull, E> {
        self.put(value)
    }

    // Every number of Luau is a double.
    fn visit_i64<E: Error>(self, value: i64) -> Result<IsNull, E> {
        self.put(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<IsNull, E> {
        self.put(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<IsNull, E> {
        self.put(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<IsNull, E> {
        self.bounds.string(value)?;
        self.put(value)
    }

    fn visit_unit<E: Error>(self) -> Result<IsNull, E> {
        self.put(Value::Nil).map(|_| IsNull(true))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<IsNull, A::Error> {
        let (lua, levels_left, bounds) = (self.lua, self.levels_left_within()?, self.bounds);
        let room = items.size_hint().unwrap_or_default();
        let table = lua.create_table_with_capacity(room, 0).map_err(A::Error::custom)?;
        for index in 1.. {
            let slot = Slot { lua, levels_left, bounds, place: Place::Item(&table, index) };
            if items.next_element_seed(slot)?.is_none() {
                break;
            }
        }
        self.put(table)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<IsNull, A::Error> {
        let (lua, levels_left, bounds) = (self.lua, self.levels_left_within()?, self.bounds);
        let Some(mut key) = fields.next_key_seed(Key(bounds))? else {
            return self.put(marked(lua.create_table(), lua).map_err(A::Error::custom)?);
        };
        let room = fields.size_hint().map_or(FIELDS_EXPECTED, |left| left + 1);
        let table = lua.create_table_with_capacity(0, room).map_err(A::Error::custom)?;
        let mut has_nulls = false;
        loop {
            let IsNull(is_null) = fields.next_value_seed(Slot {
                lua,
                levels_left,
                bounds,
                place: Place::Field(&table, &key),
            })?;
            has_nulls |= is_null;
            match fields.next_key_seed(Key(bounds))? {
                Some(next) => key = next,
                None if has_nulls && table.is_empty() => {
                    return self.put(marked(Ok(table), lua).map_err(A::Error::custom)?);
                }
                None => return self.put(table),
            }
        }
    }
}

/// The empty table, which remembers that it was an object.
fn marked(table: mlua::Result<Table>, lua: &Lua) -> mlua::Result<Table> {
    let table = table?;
    table.set_metatable(Some(object_mark(lua)?))?;
    Ok(table)
}

/// A key, borrowed from the text unless it has escapes.
struct Key<'a>(&'a Bounds);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Self::Value, E> {
        self.0.string(key)?;
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        self.0.string(key)?;
        Ok(Cow::Owned(key.to_owned()))
    }
}
