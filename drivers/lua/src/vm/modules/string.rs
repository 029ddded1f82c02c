//! The global `string`, whose functions take an error object for its text, and the types that are called as functions.
//!
//! Only calls of the form `string.find(x, …)` go through here; `x:find(…)` is native, for strings have their own
//! metatable.

use memchr::memmem;
use mlua::{Function, IntoLua, Lua, LuaString, Table, Value};

use super::errors;

/// Puts functions in the place of those of Luau's own that can take long in one step, in which nothing can pre-empt them: where they
/// look for one long text in another, or sort long texts. They are the methods of strings, too.
///
/// Returns a copy of the table `string` of this state, to be called in place of it.
///
/// # Errors
///
/// Lua has no memory left, or the state has no `string`.
pub fn library(lua: &Lua) -> mlua::Result<Table> {
    let native: Table = lua.globals().get("string")?;
    let find = lua.create_function(|_, (text, part, from): (LuaString, LuaString, usize)| {
        let (text, part) = (text.as_bytes(), part.as_bytes());
        let from = from.saturating_sub(1);
        let found = text.get(from..).and_then(|rest| memmem::find(rest, &part));
        Ok(found.map(|at| from + at + 1))
    })?;
    let is_plain = lua.create_function(|_, pattern: LuaString| {
        Ok(!pattern.as_bytes().iter().any(|byte| b"^$*+?.([%-".contains(byte)))
    })?;
    let slow = lua.load(include_str!("string/slow.luau")).set_name("=string");
    let (safe, results): (Table, Function) = slow.call((&native, find, is_plain))?;
    let text = lua.create_function(|lua, value: Value| match errors::text(&value) {
        Some(text) => text.into_lua(lua),
        None => Ok(value),
    })?;
    lua.load(include_str!("string/library.luau")).set_name("=string").call((native, text, safe, results))
}

/// The functions `integer`, `number` and `boolean`, which return an argument of that type and raise otherwise.
///
/// # Errors
///
/// Lua has no memory left.
pub fn types(lua: &Lua) -> mlua::Result<Table> {
    lua.load(include_str!("string/types.luau")).set_name("=types").call(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{run, run_in};

    #[test]
    fn an_error_object_is_taken_for_its_text() {
        let program = "local e = errors.new('file not found') return string.find(e, 'not'), string.upper(e), string.len(e)";
        assert_eq!(run(program), "6 FILE NOT FOUND 14");
    }

    #[test]
    fn every_function_takes_an_error_wherever_it_takes_a_string() {
        for (call, expected) in [
            ("byte(e)", "102"),
            ("find(e, 'not', 1, true)", "6 8"),
            ("find('a file not found', e)", "3 16"),
            ("format('<%s> %d %q', e, 5, e)", "<file not found> 5 \"file not found\""),
            ("format(e)", "file not found"),
            ("gsub(e, 'file', e)", "file not found not found 1"),
            ("gmatch(e, '%a+')()", "file"),
            ("len(e)", "14"),
            ("lower(e)", "file not found"),
            ("match(e, '(%a+)$')", "found"),
            ("match('x', e)", "nil"),
            ("rep(e, 2, '|')", "file not found|file not found"),
            ("reverse(e)", "dnuof ton elif"),
            ("split(e, ' ')[3]", "found"),
            ("sub(e, 6, 8)", "not"),
            ("upper(e)", "FILE NOT FOUND"),
        ] {
            let program = format!("local e = errors.new('file not found') return string.{call}");
            assert_eq!(run(&program), expected, "{call}");
        }
    }

    #[test]
    fn what_a_function_of_the_runtime_raised_is_an_error_too() {
        let program = "local _, e = pcall(time.unix, 'x') return string.find(e, 'bad argument', 1, true)";
        assert_eq!(run(program), "1 12");
    }

    #[test]
    fn an_argument_of_the_wrong_type_raises_at_the_caller() {
        for (call, expected) in [
            ("string.find({}, 'x')", "bad argument #1 to 'string.find' (string expected, got table)"),
            ("string.find('x', nil)", "bad argument #2 to 'string.find' (string expected, got nil)"),
            ("string.upper(time.utc)", "bad argument #1 to 'string.upper' (string expected, got userdata)"),
            ("string(5)", "string expected, got number"),
            ("integer(1.5)", "integer expected, got number"),
            ("number(errors.new('5'))", "number expected, got userdata"),
        ] {
            assert_eq!(run(&format!("return ({call})")), format!("raised: test:1: {expected}"), "{call}");
        }
    }

    /// Each call as a method and as a function, and with what Luau itself would make of it.
    #[test]
    fn a_long_text_is_found_in_a_longer_one_as_luau_finds_it() {
        let bare = mlua::Lua::new();
        for (call, expected) in [
            ("find(part)", "3001 3064"),
            ("find(part, 1, true)", "3001 3064"),
            ("find(part, 3001)", "3001 3064"),
            ("find(part, 3002)", "nil"),
            ("find(part, -64 - 3000)", "3001 3064"),
            ("find(part, -1e9)", "3001 3064"),
            ("find(part, 0)", "3001 3064"),
            ("find(part, 1e9)", "nil"),
            ("find(part, '3001')", "3001 3064"),
            ("find(part, 3001.5)", "3001 3064"),
            ("find((part:gsub('b', '.')))", "1 64"),
            ("find('.' .. part)", "3000 3064"),
            ("find(part .. '.', 1, true)", "nil"),
            ("split(part)[1]:len()", "3000"),
            ("split(part)[2]:len()", "3000"),
            ("split(('c'):rep(50))[1]:len()", "6064"),
        ] {
            let program = |call: &str| {
                format!(
                    "local part = ('b'):rep(64) local text = ('a'):rep(3000) .. part .. ('a'):rep(3000) return {call}"
                )
            };
            assert_eq!(run(&program(&format!("text:{call}"))), expected, "{call}");
            assert_eq!(run_in(&bare, &program(&format!("text:{call}"))), expected, "{call}");
            let function = call.replacen('(', "(text, ", 1);
            assert_eq!(run(&program(&format!("string.{function}"))), expected, "{function}");
        }
    }

    #[test]
    fn numbers_pass_as_strings_and_copies_are_as_many_as_are_asked_for() {
        assert_eq!(run("return string.len(12345), string.rep(1, 3, 0), string.find(105, 0)"), "5 10101 2 2");
        let copies = |n: &str| run(&format!("return string.rep('ab', {n}, ',')"));
        assert_eq!(["0", "1", "2", "-1", "2.5"].map(copies), ["", "ab", "ab,ab", "", "ab,ab"]);
        assert!(copies("1e9").starts_with("raised: "));
    }

    #[test]
    fn the_other_functions_are_lua_s_own() {
        assert_eq!(
            run("return ('abc'):rep(2), string.rep('ab', 3, '-'), string.format('%5.2f|%s', 1.5, nil)"),
            "abcabc ab-ab-ab  1.50|nil"
        );
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_the_caller_s_affair() {
        let words = "raised: test:1: malformed pattern (missing ']')";
        for call in ["find(x, '[')", "match(x, '[')", "gsub(x, '[', '')", "gmatch(x, '[')()"] {
            let words =
                if call.starts_with("gmatch") { words.trim_start_matches("raised: test:1: ") } else { words };
            for program in [
                format!("local x = 'x' return string.{call}"),
                format!("local x = 'x' return x:{}", call.replacen("x, ", "", 1)),
            ] {
                assert!(run(&program).ends_with(words), "{program}: {}", run(&program));
            }
        }
        assert_eq!(
            run("return string.format('%d', 'x')"),
            "raised: test:1: invalid argument #2 to 'format' (number expected, got string)"
        );
    }

    #[test]
    fn what_a_callback_raises_is_left_as_it_is() {
        for call in [
            "('x'):gsub('x', f)",
            "string.gsub('x', 'x', f)",
            "('x'):gsub('x', setmetatable({}, { __index = f }))",
            "table.sort({2, 1}, f)",
            "table.sort({setmetatable({}, m), setmetatable({}, m)})",
        ] {
            let program = |raise: &str| {
                format!(
                    "local function f() error('boom'{raise}) end local m = {{ __lt = f }} return pcall(function() return {call} end)"
                )
            };
            assert_eq!(run(&program(", 0")), "false boom", "{call}");
            assert_eq!(run(&program("")), "false test:1: boom", "{call}");
        }
        assert_eq!(run("table.sort(setmetatable({}, { __index = error })) return 'sorted'"), "sorted");
    }

    /// What would take minutes is an error, or is done in steps that can be ended.
    #[test]
    fn a_pattern_as_long_as_its_text_is_refused() {
        let program = |length: &str| {
            format!(
                "local text, set = ('a'):rep({length}), '[' .. ('b'):rep(1e4) .. ']*' return text:match(set) == ''"
            )
        };
        assert_eq!(run(&program("1e4")), "true");
        assert_eq!(
            run(&program("1e5")),
            "raised: test:1: a pattern of 10003 bytes is too long for a text of 100000"
        );
    }

    #[test]
    fn long_texts_are_sorted_as_short_ones() {
        let program = "
            local long, texts = ('a'):rep(1e6), {}
            for i = 1, 300 do texts[i] = long .. ('%03d'):format(i * 7 % 300) end
            table.sort(texts)
            for i, text in texts do if text:sub(-3) ~= ('%03d'):format(i - 1) then return i, text:sub(-3) end end
            return 'sorted'";
        assert_eq!(run(&program.replace('\n', " ")), "sorted");
        assert_eq!(run("local t = {'b', 'a', 'c'} table.sort(t) return table.concat(t)"), "abc");
        assert_eq!(run("table.sort({'b', 1})"), "raised: attempt to compare number < string");
        assert_eq!(
            run("table.sort()"),
            "raised: test:1: invalid argument #1 to 'sort' (table expected, got nil)"
        );
    }

    #[test]
    fn types_are_checks_when_they_are_called() {
        assert_eq!(run("return string('a'), integer(5), number(1.5), boolean(false)"), "a 5 1.5 false");
        for call in ["string(5)", "integer(1.5)", "number('1')", "boolean(nil)", "integer(0/0)"] {
            assert!(run(&format!("return {call}")).starts_with("raised: "), "{call}");
        }
    }

    #[test]
    fn it_can_be_walked_like_any_table() {
        assert_eq!(run("for name, body in string do if name == 'len' then return body('abc') end end"), "3");
    }

    #[test]
    fn nobody_can_change_it() {
        assert!(run("string.find = nil").starts_with("raised: "));
    }
}
