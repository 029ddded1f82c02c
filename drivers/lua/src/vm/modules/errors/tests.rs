use mlua::{IntoLuaMulti as _, Lua, Value};

use super::super::testing::{lua, run};
use super::{Detail, ErrorObject, Kind, fail};

#[test]
fn a_message_alone_makes_an_error_of_unknown_kind() {
    let program = r#"
        local e = errors.new("simple")
        return type(e), e:message(), "[" .. e:kind() .. "]", e:retryable(), e:details()"#;
    assert_eq!(run(program), "userdata simple [] nil nil");
}

#[test]
fn a_table_makes_an_error_with_all_that_it_says() {
    let program = r#"
        local e = errors.new{message = "gone", kind = errors.NOT_FOUND, retryable = false, details = {id = 7}}
        return e:message(), e:kind(), e:retryable(), e:details().id"#;
    assert_eq!(run(program), "gone NotFound false 7");
}

#[test]
fn two_strings_are_kind_and_message_in_either_spelling() {
    let program = r#"return errors.new("PERMISSION_DENIED", "no"), errors.new(errors.TIMEOUT, "late")"#;
    assert_eq!(run(program), "<PermissionDenied: no> <Timeout: late>");
}

#[test]
fn a_kind_that_nobody_knows_does_not_swallow_the_message() {
    assert_eq!(run(r#"return errors.new("WEIRD", "text")"#), "<: text>");
}

#[test]
fn a_table_without_a_message_raises() {
    assert_eq!(
        run("return errors.new{kind = errors.INVALID}"),
        "raised: bad argument #1 to 'errors.new' (field 'message': string expected)"
    );
}

#[test]
fn a_number_is_no_message() {
    assert_eq!(
        run("return errors.new(5)"),
        "raised: bad argument #1 to 'errors.new' (string or table expected, got number)"
    );
}

#[test]
fn wrapping_keeps_everything_and_shows_the_context_in_the_stack_only() {
    let program = r#"
        local inner = errors.new{message = "inner", kind = errors.INVALID, retryable = true, details = {code = 42}}
        local e = errors.wrap(inner, "while loading")
        return e:message(), e:kind(), e:retryable(), e:details().code, e:stack():find("while loading", 1, true) ~= nil,
            inner:stack():find("while loading", 1, true)"#;
    assert_eq!(run(program), "inner Invalid true 42 true nil");
}

#[test]
fn wrapping_a_string_makes_an_error() {
    assert_eq!(run(r#"return errors.wrap("plain", "context")"#), "<: plain>");
}

#[test]
fn wrapping_what_a_function_raised_keeps_its_text() {
    let program = r#"local _, e = pcall(errors.new, 5) return errors.wrap(e)"#;
    assert_eq!(run(program), "<: bad argument #1 to 'errors.new' (string or table expected, got number)>");
}

#[test]
fn is_accepts_both_spellings_and_refuses_all_that_is_no_error() {
    let program = r#"
        local e = errors.new("TIMEOUT", "late")
        return errors.is(e, errors.TIMEOUT), errors.is(e, "TIMEOUT"), errors.is(e, errors.INVALID),
            errors.is("Timeout", errors.TIMEOUT), errors.is(nil, errors.TIMEOUT), errors.is(e, "no such kind")"#;
    assert_eq!(run(program), "true true false false false false");
}

#[test]
fn an_error_concatenates_on_either_side_and_with_another() {
    let program = r#"
        local e, f = errors.new("one"), errors.new("two")
        return "<" .. e, e .. ">", e .. f, e .. 1, tostring(e)"#;
    assert_eq!(run(program), "<one one> onetwo one1 one");
}

#[test]
fn an_error_does_not_concatenate_with_a_table() {
    assert_eq!(
        run(r#"return errors.new("x") .. {}"#),
        "raised: attempt to concatenate an error with a value of type table"
    );
}

#[test]
fn errors_are_equal_by_what_they_say() {
    let program = r#"
        local function make(id) return errors.new{message = "m", kind = "Invalid", details = {id = id}} end
        return make(1) == make(1), make(1) == make(2), make(1) ~= errors.new("m")"#;
    assert_eq!(run(program), "true false true");
}

#[test]
fn a_raised_error_comes_back_as_the_same_object() {
    let program = r#"
        local e = errors.new("INVALID", "x")
        local ok, caught = pcall(error, e)
        return ok, rawequal(e, caught), caught"#;
    assert_eq!(run(program), "false true <Invalid: x>");
}

#[test]
fn details_are_copied_when_they_are_given_and_when_they_are_read() {
    let program = r#"
        local given = {list = {1, 2}, [true] = "yes", bytes = "\255"}
        local e = errors.new{message = "m", details = given}
        given.list[1] = 9
        e:details().list[2] = 9
        local d = e:details()
        return d.list[1], d.list[2], d[true], d.bytes == "\255""#;
    assert_eq!(run(program), "1 2 yes true");
}

#[test]
fn details_that_contain_themselves_are_cut_off() {
    let program = r#"
        local loop = {name = "loop"}
        loop.loop = loop
        return errors.new{message = "m", details = loop}:details().loop.loop.name"#;
    assert_eq!(run(program), "loop");
}

#[test]
fn errors_in_details_are_copied_and_cut_off_like_tables() {
    let program = r#"
        local cause = errors.new{message = "cause", kind = "NotFound", details = {id = 7}}
        local e = errors.new{message = "m", details = {cause = cause}}:details().cause
        for i = 1, 1000 do cause = errors.new{message = "m", details = {cause = cause}} end
        local levels = 0
        while cause and cause:details() do
            cause = cause:details().cause
            levels += 1
        end
        return e, e:details().id, levels"#;
    assert_eq!(run(program), "<NotFound: cause> 7 16");
}

#[test]
fn errors_that_contain_each_other_twice_do_not_grow_without_end() {
    let program = r#"
        local e = errors.new("m")
        for i = 1, 60 do e = errors.new{message = "m", details = {e, e}} end
        return e == e, e"#;
    assert_eq!(run(program), "true <: m>");
}

#[test]
fn details_hold_a_mebibyte_of_text_at_most() {
    let program = r#"
        local text = string.rep("x", 300000)
        local details = errors.new{message = "m", details = {text, text, text, text, text}}:details()
        return #details, #details[1]"#;
    assert_eq!(run(program), "3 300000");
}

#[test]
fn objects_of_the_runtime_and_functions_are_left_out_of_details() {
    let program = r#"
        local channel = setmetatable({queue = {1}}, {__object = true})
        local details = errors.new{message = "m", details = {a = channel, b = print, c = 1, [channel] = 2}}:details()
        return details.a, details.b, details.c, (next(details))"#;
    assert_eq!(run(program), "nil nil 1 c");
}

#[test]
fn an_error_is_a_message_too() {
    let program = r#"
        local e = errors.new("INVALID", "inner")
        return errors.new("TIMEOUT", e), errors.new{message = e}, errors.new("plain", e)"#;
    assert_eq!(run(program), "<Timeout: inner> <: inner> <: plain>");
}

#[test]
fn a_loop_that_wraps_does_not_make_an_error_without_end() {
    let program = r#"
        local e = errors.new("m")
        for i = 1, 1000 do e = errors.wrap(e, `attempt {i}`) end
        return select(2, e:stack():gsub("wrapped: ", ""))"#;
    assert_eq!(run(program), "32");
}

#[test]
fn details_that_stand_for_more_than_there_is_memory_are_cut_off() {
    let program = r#"
        local t = {}
        for _ = 1, 100 do t = {t, t, t} end
        return errors.new{message = "m", details = t}:message()"#;
    assert_eq!(run(program), "m");
}

#[test]
fn empty_details_are_none() {
    assert_eq!(run(r#"return errors.new{message = "m", details = {}}:details()"#), "nil");
}

#[test]
fn an_error_knows_where_it_was_made() {
    let program = r#"
        local function inner() return errors.new("here") end
        local stack = errors.call_stack(inner())
        local frame = stack.frames[1]
        return frame.level, frame.source, frame.line, frame.name, frame.type, #stack.frames, type(stack.thread)"#;
    assert_eq!(run(program), "0 test 2 inner Lua 2 string");
}

#[test]
fn the_stack_is_a_text_with_message_and_places() {
    let program = "local function inner() return errors.new('here') end\nreturn inner():stack()";
    assert_eq!(run(program), "error: here\nstack traceback:\n\ttest:1 in function 'inner'\n\ttest:2");
}

#[test]
fn what_is_no_error_has_no_call_stack() {
    assert_eq!(run(r#"return errors.call_stack("x"), errors.call_stack(nil)"#), "nil nil");
}

#[test]
fn an_unknown_method_is_nil() {
    assert_eq!(run(r#"return errors.new("x").code"#), "nil");
}

#[test]
fn nobody_can_change_the_module() {
    assert_eq!(run("return pcall(function() errors.new = 1 end)").split(' ').next(), Some("false"));
}

#[test]
fn both_spellings_of_every_kind_are_read() {
    for kind in Kind::ALL {
        assert_eq!((Kind::parse(kind.as_str()), Kind::parse(kind.constant())), (Some(kind), Some(kind)));
    }
}

#[test]
fn a_failure_is_nil_and_an_error_that_says_whether_retrying_is_in_vain() {
    let lua = lua();
    for (kind, expected) in [
        (Kind::Invalid, ErrorObject::new(Kind::Invalid, "bad").retryable(false)),
        (Kind::Unavailable, ErrorObject::new(Kind::Unavailable, "bad")),
    ] {
        let values = fail(&lua, kind, "bad").unwrap().into_lua_multi(&lua).unwrap().into_vec();
        assert!(matches!(&values[..], [Value::Nil, error] if super::object(error) == Some(expected)));
    }
}

#[test]
fn an_error_moves_to_another_state_with_its_details() {
    let first = lua();
    let error: Value =
        first.load("return errors.new{message = 'm', details = {id = 7, [1] = 'one'}}").eval().unwrap();
    let moved = super::object(&error).unwrap();
    let other = Lua::new();
    other.globals().set("e", moved).unwrap();
    let shown: String = other.load("return e:message() .. e:details().id .. e:details()[1]").eval().unwrap();
    assert_eq!(shown, "m7one");
}

#[test]
fn an_error_shows_as_its_message_and_in_its_stack_where_nothing_caught_it() {
    let error = ErrorObject::new(Kind::Internal, "broken").with_stack("main:7\n".to_owned());
    assert_eq!((error.to_string().as_str(), error.message()), ("broken", "broken"));
    assert_eq!(error.stack(), "error: broken\nuncaught in:\nmain:7");
}

#[test]
fn an_error_can_cross_threads() {
    fn is_shared<T: Send + Sync + Clone + std::panic::RefUnwindSafe>() {}
    is_shared::<ErrorObject>();
    is_shared::<Detail>();
}
