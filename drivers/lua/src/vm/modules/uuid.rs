//! The module `uuid`.

use ::uuid::{ContextV1, ContextV7, Timestamp, Uuid, Variant};
use mlua::{Lua, Table, Value};

use super::errors::{self, Kind};
use super::{Answer, args, good};

/// The table `uuid`. Identifiers that carry a time take it from `now`, seconds and nanoseconds of Unix time.
///
/// # Errors
///
/// Lua has no memory left.
pub fn module(lua: &Lua, now: impl Fn() -> (i64, u32) + 'static) -> mlua::Result<Table> {
    let now = std::rc::Rc::new(move || {
        let (seconds, nanos) = now();
        // No version knows a time before 1970.
        (u64::try_from(seconds).unwrap_or_default(), nanos)
    });
    let module = lua.create_table()?;
    module.raw_set("v1", lua.create_function(v1(now.clone()))?)?;
    module.raw_set("v4", lua.create_function(|lua, ()| one(lua, Uuid::new_v4()))?)?;
    // It counts up within a millisecond, so that identifiers of one state are in order.
    let context = ContextV7::new();
    module.raw_set(
        "v7",
        lua.create_function(move |lua, ()| {
            let (seconds, nanos) = now();
            one(lua, Uuid::new_v7(Timestamp::from_unix(&context, seconds, nanos)))
        })?,
    )?;
    module.raw_set("v3", lua.create_function(|lua, arguments| named(lua, arguments, Uuid::new_v3))?)?;
    module.raw_set("v5", lua.create_function(|lua, arguments| named(lua, arguments, Uuid::new_v5))?)?;
    module.raw_set("validate", lua.create_function(|_, text: Value| Ok(parsed(&text).is_ok()))?)?;
    module.raw_set(
        "version",
        lua.create_function(|lua, text: Value| {
            errors::answer(lua, Kind::Invalid, parsed(&text).map(|uuid| uuid.get_version_num()))
        })?,
    )?;
    module.raw_set(
        "variant",
        lua.create_function(|lua, text: Value| {
            errors::answer(lua, Kind::Invalid, parsed(&text).map(variant))
        })?,
    )?;
    module.raw_set("parse", lua.create_function(|lua, text: Value| parse(lua, &text))?)?;
    module.raw_set("format", lua.create_function(format)?)?;
    Ok(args::frozen(module))
}

fn v1(now: std::rc::Rc<impl Fn() -> (u64, u32)>) -> impl Fn(&Lua, ()) -> Answer {
    let context = ContextV1::new_random();
    // RFC 9562 §6.10: a random node has the multicast bit set, so that it is nobody's address.
    let mut node = [0; 6];
    node.copy_from_slice(&Uuid::new_v4().as_bytes()[..6]);
    node[0] |= 1;
    move |lua, ()| {
        let (seconds, nanos) = now();
        one(lua, Uuid::new_v1(Timestamp::from_unix(&context, seconds, nanos), &node))
    }
}

fn one(lua: &Lua, uuid: Uuid) -> Answer {
    let mut buffer = Uuid::encode_buffer();
    good(lua, &*uuid.hyphenated().encode_lower(&mut buffer))
}

fn named(lua: &Lua, (namespace, name): (Value, Value), make: impl Fn(&Uuid, &[u8]) -> Uuid) -> Answer {
    let namespace = match parsed(&namespace) {
        Ok(namespace) => namespace,
        Err(message) => return errors::fail(lua, Kind::Invalid, message),
    };
    match &name {
        Value::String(name) => one(lua, make(&namespace, &name.as_bytes())),
        other => errors::fail(
            lua,
            Kind::Invalid,
            format!("a name must be a string, not {}", args::type_name(other)),
        ),
    }
}

fn parsed(text: &Value) -> Result<Uuid, String> {
    let Value::String(text) = text else {
        return Err(format!("a UUID must be a string, not {}", args::type_name(text)));
    };
    Uuid::try_parse_ascii(&text.as_bytes()).map_err(|error| error.to_string())
}

fn variant(uuid: Uuid) -> &'static str {
    match uuid.get_variant() {
        Variant::NCS => "NCS",
        Variant::RFC4122 => "RFC4122",
        Variant::Microsoft => "Microsoft",
        Variant::Future => "Future",
        // The enum belongs to the library and may grow.
        _ => "Invalid",
    }
}

/// `{version, variant, timestamp?, node?}`; the timestamp is in seconds.
fn parse(lua: &Lua, text: &Value) -> Answer {
    let uuid = match parsed(text) {
        Ok(uuid) => uuid,
        Err(message) => return errors::fail(lua, Kind::Invalid, message),
    };
    let parts = lua.create_table()?;
    parts.raw_set("version", uuid.get_version_num())?;
    parts.raw_set("variant", variant(uuid))?;
    if matches!(uuid.get_version_num(), 1 | 7) {
        parts.raw_set("timestamp", uuid.get_timestamp().map(|timestamp| timestamp.to_unix().0))?;
    }
    if uuid.get_version_num() == 1 {
        let node = uuid.get_node_id().unwrap_or_default();
        parts.raw_set("node", node.map(|byte| format!("{byte:02x}")).concat())?;
    }
    good(lua, parts)
}

fn format(lua: &Lua, (text, form): (Value, Value)) -> Answer {
    let uuid = match parsed(&text) {
        Ok(uuid) => uuid,
        Err(message) => return errors::fail(lua, Kind::Invalid, message),
    };
    let form = match &form {
        Value::Nil => "standard".to_owned(),
        Value::String(form) => form.to_string_lossy(),
        other => args::type_name(other).to_owned(),
    };
    let formatted = match form.as_str() {
        "standard" => Ok(uuid.hyphenated().to_string()),
        "simple" => Ok(uuid.simple().to_string()),
        "urn" => Ok(uuid.urn().to_string()),
        other => Err(format!("there is no format '{other}': standard, simple or urn")),
    };
    errors::answer(lua, Kind::Invalid, formatted)
}

#[cfg(test)]
mod tests {
    use super::super::testing::run;

    #[test]
    fn each_version_makes_what_it_says() {
        for version in ["v1", "v4", "v7"] {
            let program = format!(
                "local a, b = uuid.{version}(), uuid.{version}() return uuid.validate(a), a ~= b, uuid.version(a), (uuid.variant(a))"
            );
            assert_eq!(run(&program), format!("true true {} RFC4122", &version[1..]), "{version}");
        }
    }

    #[test]
    fn names_make_the_same_uuid_each_time() {
        let space = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        let of = |version: &str| run(&format!("return (uuid.{version}('{space}', 'www.example.com'))"));
        // The examples of RFC 9562, appendix A.2 and A.4.
        assert_eq!(of("v3"), "5df41881-3aed-3515-88a7-2f4a814cf09e");
        assert_eq!(of("v5"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    }

    #[test]
    fn a_uuid_is_written_in_three_forms() {
        let id = "5df41881-3aed-3515-88a7-2f4a814cf09e";
        let of = |form: &str| run(&format!("return (uuid.format('{id}', '{form}'))"));
        assert_eq!(of("standard"), id);
        assert_eq!(of("simple"), id.replace('-', ""));
        assert_eq!(of("urn"), format!("urn:uuid:{id}"));
    }

    #[test]
    fn a_uuid_is_read_in_every_form_and_told_by_its_parts() {
        let id = "c232ab00-9414-11ec-b3c8-9f6bdeced846";
        // The example of RFC 9562, appendix A.1.
        let parts = "local p = uuid.parse(id) return p.version, p.variant, p.timestamp, p.node";
        for form in [id.to_owned(), id.to_uppercase(), id.replace('-', ""), format!("urn:uuid:{id}")] {
            let program = format!("local id = '{form}' {parts}");
            assert_eq!(run(&program), "1 RFC4122 1645557742 9f6bdeced846", "{form}");
        }
        let variants = ["00000000-0000-4000-0000-000000000000", "00000000-0000-4000-c000-000000000000"];
        assert_eq!(variants.map(|id| run(&format!("return (uuid.variant('{id}'))"))), ["NCS", "Microsoft"]);
    }

    #[test]
    fn those_that_carry_the_time_carry_the_clocks_and_come_in_order() {
        for version in ["v1", "v7"] {
            let program = format!("return uuid.parse((uuid.{version}())).timestamp");
            assert_eq!(run(&program), "1735484645", "{version}");
        }
        let program = "local last = '' for _ = 1, 1000 do
                local next = uuid.v7()
                if next <= last then return 'out of order' end
                last = next
            end return 'in order'";
        assert_eq!(run(program), "in order");
    }

    #[test]
    fn the_node_of_the_first_version_is_nobodys_address() {
        let program = "local node = uuid.parse((uuid.v1())).node return bit32.band(tonumber(node:sub(1, 2), 16), 1), #node";
        assert_eq!(run(program), "1 12");
    }

    #[test]
    fn what_is_none_is_refused_without_raising() {
        assert_eq!(run("return uuid.validate(5), (uuid.validate('x'))"), "false false");
        for call in [
            "parse('x')",
            "parse('\\255')",
            "version(nil)",
            "variant({})",
            "v3('x', 'y')",
            "v5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 5)",
            "format('x', 'urn')",
            "format(uuid.v4(), 'braces')",
            "format(uuid.v4(), 5)",
        ] {
            assert_eq!(run(&format!("local v, e = uuid.{call} return v, e:kind()")), "nil Invalid", "{call}");
        }
    }
}
