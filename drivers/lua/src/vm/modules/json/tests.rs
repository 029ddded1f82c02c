use mlua::{Lua, Value};
use quickcheck::{Arbitrary, Gen, quickcheck};
use serde_json::json;

use super::super::testing::{lua, run, run_in};
use super::{encode_value, from_lua, to_lua};

/// What `json.encode` makes of a Lua expression.
fn encoded(expression: &str) -> String {
    run(&format!("return json.encode({expression})"))
}

#[test]
fn scalars_encode_as_themselves() {
    assert_eq!(
        ["", "nil", "true", "42", "-1.5", "'text'"].map(encoded),
        ["null", "null", "true", "42", "-1.5", "\"text\""]
    );
}

#[test]
fn whole_numbers_have_no_fraction() {
    assert_eq!(
        ["10/2", "-0.0", "2^53", "2^60", "2^63", "0.1", "1e300"]
            .map(|number| run(&format!("return (json.encode({number}))"))),
        ["5", "0", "9007199254740992", "1152921504606846976", "9.223372036854776e+18", "0.1", "1e+300"]
    );
}

#[test]
fn what_json_has_no_number_for_is_null() {
    assert_eq!(encoded("{0/0, 1/0, -1/0}"), "[null,null,null]");
}

#[test]
fn functions_and_userdata_are_null_and_errors_are_their_message() {
    assert_eq!(
        encoded("{print, time.utc, coroutine.create(print), errors.new('INVALID', 'bad')}"),
        r#"[null,null,null,"bad"]"#
    );
}

#[test]
fn an_object_of_the_runtime_is_null_like_any_userdata() {
    let program = r#"
        local channel = setmetatable({queue = {1}}, {__object = true})
        return (json.encode(channel)), (json.encode{channel, 2}), (json.encode(setmetatable({1}, {__object = 1})))"#;
    assert_eq!(run(program), "null [null,2] [1]");
}

#[test]
fn an_empty_table_is_an_array() {
    assert_eq!(encoded("{a = {}}"), r#"{"a":[]}"#);
}

#[test]
fn a_decoded_empty_object_stays_one() {
    assert_eq!(encoded(r#"json.decode('{"object":{},"array":[]}')"#), r#"{"array":[],"object":{}}"#);
}

#[test]
fn a_decoded_object_whose_fields_are_all_null_stays_one() {
    assert_eq!(encoded(r#"json.decode('{"a":null,"b":{"c":1,"c":null}}')"#), r#"{"b":{}}"#);
}

#[test]
fn a_decoded_empty_object_takes_items_and_a_metatable_like_any_table() {
    let program = r#"
        local t, u = json.decode("{}"), json.decode("{}")
        t[1] = "item"
        setmetatable(u, {__index = {inherited = 1}})
        return json.encode(t), json.encode(u), u.inherited"#;
    assert_eq!(run(program), r#"["item"] [] 1"#);
}

#[test]
fn nobody_can_leave_anything_in_the_mark_of_objects() {
    let program = r#"
        local t = json.decode("{}")
        return (pcall(function() getmetatable(t).__index = {} end))"#;
    assert_eq!(run(program), "false");
}

#[test]
fn keys_come_in_order() {
    assert_eq!(encoded("{b = 1, a = 2, ['ä'] = 3, [''] = 4}"), r#"{"":4,"a":2,"b":1,"ä":3}"#);
}

#[test]
fn an_array_whose_items_were_set_backwards_is_one() {
    let program = "local t = {} for i = 9, 1, -1 do t[i] = i end return json.encode(t)";
    assert_eq!(run(program), "[1,2,3,4,5,6,7,8,9]");
}

#[test]
fn tables_that_are_neither_array_nor_object_are_errors() {
    assert_eq!(
        ["{1, a = 2}", "{[1] = 1, [3] = 3}", "{[2] = 1}", "{[0] = 1}", "{[1.5] = 1}", "{[true] = 1}"]
            .map(encoded),
        [
            "nil <Internal: a table mixes string keys and indices>",
            "nil <Internal: an array has holes>",
            "nil <Internal: an array has holes>",
            "nil <Internal: an array has holes>",
            "nil <Internal: a table has a key of type number>",
            "nil <Internal: a table has a key of type boolean>",
        ]
    );
}

#[test]
fn a_table_in_itself_is_an_error() {
    let program = "local t = {} t.deep = {t} return json.encode(t)";
    assert_eq!(run(program), "nil <Internal: a table contains itself>");
}

#[test]
fn a_table_twice_is_none() {
    assert_eq!(run("local t = {1} return json.encode{t, t}"), "[[1],[1]]");
}

#[test]
fn nesting_ends_at_128_levels() {
    let program = |depth: usize| {
        run(&format!(
            "local t = 1 for _ = 1, {depth} do t = {{t}} end return #(json.encode(t) or ''), select(2, json.encode(t))"
        ))
    };
    assert_eq!(program(128), "257");
    assert_eq!(program(129), "0 <Internal: tables are nested deeper than 128 levels>");
}

#[test]
fn tables_that_stand_for_more_text_than_there_is_memory_are_an_error() {
    let program = "local t = {} for _ = 1, 100 do t = {t, t} end return json.encode(t)";
    assert_eq!(run(program), "nil <Internal: the value is too large>");
}

#[test]
fn a_string_of_bytes_is_invalid() {
    assert_eq!(
        [r#""\255""#, r#"{["\255"] = 1}"#].map(encoded),
        ["nil <Invalid: a string is not UTF-8>", "nil <Invalid: a string is not UTF-8>"]
    );
}

#[test]
fn strings_are_escaped_as_little_as_may_be() {
    assert_eq!(encoded(r#""<&>\"\n\0ü""#), r#""<&>\"\n\u0000ü""#);
}

#[test]
fn metatables_have_no_say() {
    assert_eq!(encoded("setmetatable({1}, {__index = {2, 3}, __len = function() return 9 end})"), "[1]");
}

#[test]
fn a_message_decodes_into_tables() {
    let program = r#"
        local m = json.decode('{"event":"update","list":[1,"two",{"three":3.5}],"yes":true,"é\\n":null}')
        return m.event, m.list[1], m.list[2], m.list[3].three, m.yes, m["é\n"], #m.list"#;
    assert_eq!(run(program), "update 1 two 3.5 true nil 3");
}

#[test]
fn null_is_nil_and_its_field_vanishes() {
    let program = r#"
        local a, b = json.decode("null")
        return a, b, next(json.decode('{"a":null}')), next(json.decode('{"a":1,"a":null}'))"#;
    assert_eq!(run(program), "nil nil nil nil");
}

#[test]
fn what_is_no_text_is_invalid() {
    assert_eq!(
        run("local _, a = json.decode('') local _, b = json.decode(5) return a, b"),
        "<Invalid: an empty string is not JSON> <Invalid: a string is expected, not number>"
    );
}

#[test]
fn broken_syntax_is_internal() {
    assert_eq!(run("return json.decode('{\"a\":}')"), "nil <Internal: expected value at line 1 column 6>");
    assert_eq!(run("return json.decode('1 2')"), "nil <Internal: trailing characters at line 1 column 3>");
}

#[test]
fn a_text_nested_too_deeply_is_internal() {
    let program = "return select(2, json.decode(string.rep('[', 100000))):kind()";
    assert_eq!(run(program), "Internal");
}

#[test]
fn what_is_encoded_is_decoded_to_the_last_level() {
    let program = |depth: usize| {
        run(&format!(
            "local s = string.rep('[', {depth}) .. string.rep(']', {depth}) local t, e = json.decode(s) return t and json.encode(t) == s, e"
        ))
    };
    assert_eq!(program(128), "true nil");
    assert_eq!(program(129), "nil <Internal: nested deeper than 128 levels at line 1 column 130>");
    assert!(
        run("return json.decode(string.rep('{\"a\":', 129))").starts_with("nil <Internal: nested deeper")
    );
}

#[test]
fn a_text_of_other_bytes_than_utf_8_is_refused() {
    for text in [r#""\"\255\"""#, r#""{\"\255\":1}""#, r#""\xEF\xBB\xBF1""#, r#""\0""#] {
        let program = format!("local v, e = json.decode({text}) return v, e:kind()");
        assert_eq!(run(&program), "nil Internal", "{text}");
    }
}

#[test]
fn a_number_that_no_double_holds_is_refused() {
    assert_eq!(run("return select(2, json.decode('1e400')):kind(), (json.decode('1e-400'))"), "Internal 0");
}

#[test]
fn trees_go_both_ways() {
    let lua = lua();
    let tree = json!({"a": [1, -2, 0.5, "x", true, {}, []], "b": {"c": "d"}});
    let value = to_lua(&lua, &tree).unwrap();
    assert_eq!(from_lua(&value), Ok(tree.clone()));
    assert_eq!(encode_value(&lua, &value), Ok(tree.to_string()));
}

#[test]
fn a_tree_has_the_same_rules_as_a_text() {
    let lua = Lua::new();
    let mixed: Value = lua.load("{1, a = 2}").eval().unwrap();
    assert_eq!(from_lua(&mixed), Err("a table mixes string keys and indices".to_owned()));
}

quickcheck! {
    fn what_is_encoded_decodes_to_itself(tree: Tree) -> bool {
        let lua = lua();
        let value = to_lua(&lua, &tree.0).unwrap();
        lua.globals().set("value", &value).unwrap();
        let text = encode_value(&lua, &value).unwrap();
        let program = "local text = json.encode(value) return text, text == json.encode(json.decode(text))";
        from_lua(&value) == Ok(tree.0) && run_in(&lua, program) == format!("{text} true")
    }

    fn any_text_is_decoded_or_refused_as_serde_json_does(text: String) -> bool {
        agrees(&text)
    }

    fn nearly_json_is_decoded_or_refused_as_serde_json_does(choices: Vec<u8>) -> bool {
        let pieces = ["{", "}", "[", "]", ",", ":", "\"a\"", "\"\\u00e9\"", "1", "-2.5e3", "null", "true", " ", "\\"];
        agrees(&choices.iter().map(|choice| pieces[usize::from(*choice) % pieces.len()]).collect::<String>())
    }
}

/// A tree without nulls, its numbers as Lua has them.
#[derive(Clone, Debug)]
struct Tree(serde_json::Value);

impl Arbitrary for Tree {
    fn arbitrary(source: &mut Gen) -> Self {
        Self(tree(source, 4))
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        match &self.0 {
            serde_json::Value::Array(items) => Box::new(items.clone().into_iter().map(Self)),
            serde_json::Value::Object(fields) => {
                Box::new(fields.clone().into_iter().map(|(_, value)| Self(value)))
            }
            _ => quickcheck::empty_shrinker(),
        }
    }
}

fn tree(source: &mut Gen, depth_left: usize) -> serde_json::Value {
    let kinds: &[u8] = if depth_left == 0 { &[0, 1, 2, 3] } else { &[0, 1, 2, 3, 4, 5, 4, 5] };
    match source.choose(kinds) {
        Some(0) => bool::arbitrary(source).into(),
        Some(1) => i32::arbitrary(source).into(),
        Some(2) => {
            let number = f64::arbitrary(source);
            // A whole number is one without a fraction, and nothing else is a number in JSON.
            if number.is_finite() && number.fract() != 0.0 { number.into() } else { 0.into() }
        }
        Some(4) => (0..u8::arbitrary(source) % 4).map(|_| tree(source, depth_left - 1)).collect(),
        Some(5) => (0..u8::arbitrary(source) % 4)
            .map(|_| (String::arbitrary(source), tree(source, depth_left - 1)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        _ => String::arbitrary(source).into(),
    }
}

#[test]
fn what_is_decoded_has_no_more_tables_than_it_may() {
    let with = |tables: usize| format!("[{}[]]", "[],".repeat(tables - 2));
    assert!(super::decode::text(&lua(), with(super::TABLES_MAX).as_bytes()).is_ok());
    let program = "local none, fault = json.decode('[' .. ('{},'):rep(65536) .. '1]') return none, fault:kind(), fault:message()";
    assert_eq!(run(program), "nil Internal more than 65536 arrays and objects at line 1 column 196608");
    assert!(super::decode::text(&lua(), with(super::TABLES_MAX + 1).as_bytes()).is_err());
}

/// The way through Lua gives the tree that there is without it, save for nulls, which vanish.
fn agrees(text: &str) -> bool {
    let lua = lua();
    let decoded = super::decode::text(&lua, text.as_bytes());
    match (serde_json::from_str::<serde_json::Value>(text), decoded) {
        (Ok(tree), Ok(value)) => {
            tree.to_string().contains("null") || as_doubles(&from_lua(&value).unwrap()) == as_doubles(&tree)
        }
        (Err(_), Err(_)) => true,
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
    }
}

/// The tree with every number as a double, which is what Lua makes of them.
fn as_doubles(tree: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value::{Array, Number, Object};
    match tree {
        Number(number) => json!(number.as_f64()),
        Array(items) => items.iter().map(as_doubles).collect(),
        Object(fields) => fields.iter().map(|(key, value)| (key.clone(), as_doubles(value))).collect(),
        other => other.clone(),
    }
}

/// They are in one object, in an array, or the keys of many objects; that they are short does not help.
#[test]
fn strings_that_were_chosen_to_be_slow_are_refused() {
    let chosen: Vec<_> = crate::vm::strings::tests::falling_together().take(200).collect();
    let object: Vec<_> = chosen.iter().map(|text| format!("\"{text}\":1")).collect();
    for text in [
        format!("{{{}}}", object.join(",")),
        format!("[\"{}\"]", chosen.join("\",\"")),
        format!("[{{{}}}]", object.join("},{")),
    ] {
        let result = run(&format!("return json.decode('{text}')"));
        assert!(result.starts_with("nil <Internal: too many of its strings have the same hash"), "{result}");
    }
}
