//! The global `string`, whose functions take an error object for its text, and the types that are called as functions.
//!
//! Only calls of the form `string.find(x, …)` go through here; `x:find(…)` is native, for strings have their own
//! metatable.

use mlua::{IntoLua, Lua, Table, Value};

use super::errors;

/// A copy of the table `string` of this state, to be called in place of it.
///
/// # Errors
///
/// Lua has no memory left, or the state has no `string`.
pub fn library(lua: &Lua) -> mlua::Result<Table> {
    let native: Table = lua.globals().get("string")?;
    let text = lua.create_function(|lua, value: Value| match errors::text(&value) {
        Some(text) => text.into_lua(lua),
        None => Ok(value),
    })?;
    lua.load(include_str!("string/library.luau")).set_name("=string").call((native, text))
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
    use super::super::testing::run;

    #[test]
    fn an_error_object_is_taken_for_its_text() {
        let program = "local e = errors.new('file not found') return string.find(e, 'not'), string.upper(e), string.len(e)";
        assert_eq!(run(program), "6 FILE NOT FOUND 14");
    }

    #[test]
    fn the_other_functions_are_lua_s_own() {
        assert_eq!(
            run("return ('abc'):rep(2), string.rep('ab', 3, '-'), string.format('%5.2f|%s', 1.5, nil)"),
            "abcabc ab-ab-ab  1.50|nil"
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
    fn nobody_can_change_it() {
        assert!(run("string.find = nil").starts_with("raised: "));
    }
}
