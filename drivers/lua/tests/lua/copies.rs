//! What passes between processes is a copy.

use crate::support::{run, run_with};
use serde_json::json;

#[test]
fn circles_and_what_is_shared_keep_their_shape() {
    let main = "
        local shared = {'shared'}
        local value = {a = shared, b = shared}
        value.self = value
        value.list = {value, {value}}
        value[shared] = 'by table'
        process.send(process.pid(), 't', value)
        local copy = process.inbox():receive():payload():data()
        return {copy ~= value, copy.self == copy, copy.a == copy.b, copy.list[1] == copy, copy.list[2][1] == copy, copy[copy.a], copy.a[1]}
    ";
    assert_eq!(run(main), Ok(json!([true, true, true, true, true, "by table", "shared"])));
}

#[test]
fn a_table_that_contains_itself_in_many_places_is_copied_at_once() {
    let main = "
        local value = {}
        for n = 1, 8 do value[n] = value end
        local nested = {'bottom'}
        for _ = 1, 60 do nested = {nested, nested} end
        process.send(process.pid(), 't', value)
        process.send(process.pid(), 't', nested)
        local inbox = process.inbox()
        local one = inbox:receive():payload():data()
        local two = inbox:receive():payload():data()
        return {one[1] == one and one[8] == one, two[1][2][1][2] ~= nil}
    ";
    assert_eq!(run(main), Ok(json!([true, true])));
}

#[test]
fn what_does_not_travel_becomes_nil_and_its_fields_vanish() {
    let main = "
        local value = {f = print, ch = channel.new(), co = coroutine.create(print), p = payload.new(1), t = time.now(), ok = 1,
            [print] = 'by function', [true] = 'by boolean', [0.5] = 'by number', ['\\0'] = 'by byte'}
        process.send(process.pid(), 't', value, print, nil, 'last')
        local got = process.inbox():receive():payload()
        local copy, fields = got[1]:data(), 0
        for _ in pairs(copy) do fields = fields + 1 end
        return {fields, copy.ok, copy[true], copy[0.5], copy['\\0'], got[2]:data() == nil, got[3]:data() == nil, got[4]:data()}
    ";
    assert_eq!(run(main), Ok(json!([4, 1, "by boolean", "by number", "by byte", true, true, "last"])));
}

#[test]
fn a_nil_at_the_end_is_no_payload_and_one_before_it_is() {
    let main = "
        local json, me, inbox = require('json'), process.pid(), process.inbox()
        process.send(me, 't', json.encode({1}))
        process.send(me, 't', nil, nil)
        process.send(me, 't', nil, 2, nil)
        local one, none, two = inbox:receive():payload(), inbox:receive():payload(), inbox:receive():payload()
        return {one:data(), none == nil, #two, two[1]:data() == nil, two[2]:data()}
    ";
    assert_eq!(run(main), Ok(json!(["[1]", true, 2, true, 2])));
}

#[test]
fn what_either_side_changes_later_the_other_does_not_see() {
    let holder = "
        local given = ...
        local inbox = process.inbox()
        given.mine = 'changed by the holder'
        while true do
            local msg = inbox:receive()
            process.send(msg:from(), 'held', given)
        end
    ";
    let main = "
        local value = {inner = {1}}
        local pid = process.spawn('app:holder', 'app:processes', value)
        value.inner[1] = 2
        process.send(pid, 'show')
        local held = process.inbox():receive():payload():data()
        held.inner[1] = 3
        process.send(pid, 'show')
        return {value, held, process.inbox():receive():payload():data()}
    ";
    let expected = json!([
        {"inner": [2]},
        {"inner": [3], "mine": "changed by the holder"},
        {"inner": [1], "mine": "changed by the holder"},
    ]);
    assert_eq!(run_with(main, &[("holder", holder)]), Ok(expected));
}

#[test]
fn error_objects_keep_all_they_say_as_arguments_results_and_payloads() {
    let other = "
        local fault, list = ...
        return {fault, list[1]:message(), type(fault)}
    ";
    let failing = "local fault = ... return nil, fault";
    let main = "
        local fault = errors.new({message = 'm', kind = errors.CONFLICT, retryable = true, details = {n = 1}})
        local function words(e) return {e:kind(), e:message(), e:retryable(), e:details().n, 'it says ' .. e, tostring(e)} end
        local back = process.exec('app:other', 'app:processes', fault, {fault})
        local nothing, failed = process.exec('app:failing', 'app:processes', fault)
        process.send(process.pid(), 't', fault)
        local sent = process.inbox():receive():payload():data()
        return {words(back[1]), back[2], back[3], nothing == nil, words(failed), words(sent)}
    ";
    let words = json!(["Conflict", "m", true, 1, "it says m", "m"]);
    let others = [("other", other), ("failing", failing)];
    assert_eq!(run_with(main, &others), Ok(json!([words, "m", "userdata", true, words, words])));
}

#[test]
fn numbers_strings_and_empty_tables_arrive_as_they_were() {
    let main = "
        local given = {0, -0.5, 1e300, 2^53, 2^53 + 2, 1/0, -1/0, '', 'a\\0b', '\\255', {}, false}
        process.send(process.pid(), 't', given)
        local got = process.inbox():receive():payload():data()
        local same = {}
        for at = 1, #given do
            same[at] = type(given[at]) == 'table' and next(got[at]) == nil or given[at] == got[at]
        end
        process.send(process.pid(), 't', -0)
        local zero = process.inbox():receive():payload():data()
        return {same, #got, 1 / zero < 0}
    ";
    assert_eq!(run(main), Ok(json!([vec![true; 12], 12, true])));
}

#[test]
fn what_is_too_large_to_be_copied_is_refused_in_words() {
    let main = "
        local many = {}
        for n = 1, 70000 do many[n] = {} end
        local sent, why = process.send(process.pid(), 't', many)
        return {sent == nil, why:kind(), string.find(why, 'too large') ~= nil}
    ";
    let mut bounds = crate::support::options();
    bounds.memory_bytes_max = 64 * 1024 * 1024;
    let main = format!("return {{ main = function() {main} end }}");
    let yaml = "
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: main, kind: process.lua, source: 'file://main.lua'}
";
    let world = crate::support::World::with_options(&[("main.lua", &main), ("_index.yaml", yaml)], bounds);
    assert_eq!(world.exec(&[]), Ok(json!([true, "Invalid", true])));
}

#[test]
fn what_is_returned_is_one_value_and_a_copy_too() {
    let other = "local t = {n = 1} t.self = t return t, nil, 'ignored'";
    let main = "
        local value = process.exec('app:other', 'app:processes')
        return {value.n, value.self == value}
    ";
    assert_eq!(run_with(main, &[("other", other)]), Ok(json!([1, true])));
}
