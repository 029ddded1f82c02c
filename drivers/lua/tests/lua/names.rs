//! Names, and processes that are built step by step.

use crate::support::{World, run, run_with};
use serde_json::json;

const KEEPER: &str = "
    local inbox, got = process.inbox(), {}
    while true do
        local msg = inbox:receive()
        if msg:topic() == 'tell' then return got end
        table.insert(got, msg:topic() .. ' ' .. tostring(msg:payload() and msg:payload():data()) .. ' ' .. (msg:from() == '' and 'nobody' or 'somebody'))
    end
";

#[test]
fn names_are_texts_that_do_not_look_like_pids() {
    let main = "
        local registry, kinds = process.registry, {}
        for _, name in ipairs({'', '{a|b}', 7, true}) do
            local done, fault = registry.register(name)
            table.insert(kinds, done == nil and fault:kind())
        end
        local _, gone = registry.register('n', '{nowhere|0x00001}')
        local _, unknown = registry.register('n', 'nobody')
        local none, odd = registry.lookup(7)
        return {kinds, gone:kind(), unknown:kind(), none == nil, odd:kind(), registry.unregister(7), registry.unregister('none')}
    ";
    let kinds = json!(["Invalid", "Invalid", "Invalid", "Invalid"]);
    let expected = json!([kinds, "NotFound", "NotFound", true, "NotFound", false, false]);
    assert_eq!(run(main), Ok(expected));
}

#[test]
fn a_process_may_have_several_names_and_others_may_take_them_away() {
    let main = "
        local registry = process.registry
        local pid = process.spawn_monitored('app:keeper', 'app:processes')
        assert(registry.register('one', pid) and registry.register('two', pid, registry.LOCAL))
        process.send('one', 'a', 1)
        process.send('two', 'b', 2)
        local taken = registry.unregister('one')
        local _, fault = process.send('one', 'c')
        local mine = registry.register('one')
        process.send('two', 'tell')
        local got = process.events():receive().result.value
        return {taken, fault:message(), mine, got, registry.lookup('two') == nil, registry.lookup('one') == process.pid()}
    ";
    let fault = "could not resolve 'one' as PID or registered name";
    let got = json!(["a 1 somebody", "b 2 somebody"]);
    assert_eq!(run_with(main, &[("keeper", KEEPER)]), Ok(json!([true, fault, true, got, true, true])));
}

#[test]
fn builders_do_not_change_and_each_step_makes_a_new_one() {
    let main = "
        local plain = process.with_context({})
        local named = plain:with_name('named')
        local one = named:with_message('first', 1)
        local two = one:with_message('second'):with_message('third', 3)
        local pid = plain:with_message('only', 0):spawn_monitored('app:keeper', 'app:processes')
        local holder = two:spawn_monitored('app:keeper', 'app:processes')
        local again = one:spawn('app:keeper', 'app:processes')
        local results = {holder == again, process.registry.lookup('named') == holder, type(plain)}
        for _, each in ipairs({pid, holder}) do
            process.send(each, 'tell')
            table.insert(results, process.events():receive().result.value)
        end
        return results
    ";
    let expected = json!([
        true,
        true,
        "userdata",
        ["only 0 nobody"],
        ["first 1 nobody", "second nil nobody", "third 3 nobody", "first 1 nobody"],
    ]);
    assert_eq!(run_with(main, &[("keeper", KEEPER)]), Ok(expected));
}

#[test]
fn two_that_build_under_one_name_at_once_get_the_same_process() {
    let racer = "
        local main = ...
        process.inbox():receive()
        local pid, fault = process.with_options({}):with_name('the one'):with_message('hello', 1):spawn('app:keeper', 'app:processes')
        process.send(main, 'got', pid or tostring(fault))
    ";
    let main = "
        local racers, pids, inbox = {}, {}, process.inbox()
        for n = 1, 8 do racers[n] = process.spawn('app:racer', 'app:processes', process.pid()) end
        for n = 1, 8 do process.send(racers[n], 'go') end
        for _ = 1, 8 do pids[inbox:receive():payload():data()] = true end
        local count = 0
        for pid in pairs(pids) do count = count + 1 end
        local holder = process.registry.lookup('the one')
        process.monitor(holder)
        process.send(holder, 'tell')
        return {count, pids[holder], #process.events():receive().result.value}
    ";
    let others = [("racer", racer), ("keeper", KEEPER)];
    for _ in 0..5 {
        assert_eq!(run_with(main, &others), Ok(json!([1, true, 8])));
    }
}

#[test]
fn a_builder_whose_process_does_not_load_gives_the_error_and_frees_the_name() {
    let main = "
        local build = process.with_options({}):with_name('n'):with_message('m')
        local pid, fault = build:spawn_monitored('app:absent', 'app:processes')
        local none, host = build:spawn('app:keeper', 'app:absent')
        return {pid == nil, fault:kind(), none == nil, host:kind(), process.registry.lookup('n') == nil,
            (pcall(build.spawn, build, 7, 'app:processes')), (pcall(build.with_name, build, 7)),
            (pcall(process.with_context, {user = 'u'})), (pcall(build.with_actor, build, {}))}
    ";
    let expected = json!([true, "NotFound", true, "NotFound", true, false, false, false, false]);
    assert_eq!(run_with(main, &[("keeper", KEEPER)]), Ok(expected));
}

#[test]
fn a_source_that_does_not_load_is_its_spawners_affair_alone() {
    let main = "
        process.registry.register('linked')
        local pid, fault = process.spawn('app:broken', 'app:processes')
        time.sleep('1ms')
        return {pid == nil, tostring(fault)}
    ";
    let main = format!("local time = require('time')\nreturn {{ main = function() {main} end }}");
    let broken = "process.link(process.registry.lookup('linked')) error('no such thing', 0)";
    let world = World::of_processes(&main, &[("broken", broken)]);
    assert_eq!(world.exec(&[]), Ok(json!([true, "no such thing"])));
}

#[test]
fn nothing_stands_beside_the_value_of_a_function_that_may_fail() {
    let main = "
        local json, time, base64, uuid = require('json'), require('time'), require('base64'), require('uuid')
        local me = process.pid()
        local all = {}
        table.insert(all, json.encode(1))
        table.insert(all, json.decode('2'))
        table.insert(all, base64.encode('3'))
        table.insert(all, base64.decode('NA=='))
        table.insert(all, uuid.v4())
        table.insert(all, time.parse_duration('6s'))
        table.insert(all, time.date(2026, 11, 25, 7, 0, 0, 0, time.utc))
        table.insert(all, process.send(me, 'topic', 8))
        table.insert(all, process.registry.register('name'))
        table.insert(all, process.registry.lookup('name'))
        table.insert(all, process.monitor(process.spawn('app:keeper', 'app:processes')))
        table.insert(all, process.cancel(me))
        return {#all, all[1], all[2], all[4], all[8]}
    ";
    assert_eq!(run_with(main, &[("keeper", KEEPER)]), Ok(json!([12, "1", 2, "4", true])));
}

#[test]
fn a_pid_or_a_result_can_be_the_last_of_some_arguments() {
    let main = "
        local all = {}
        table.insert(all, process.spawn('app:once', 'app:processes'))
        table.insert(all, process.with_options({}):spawn('app:once', 'app:processes'))
        table.insert(all, process.exec('app:once', 'app:processes'))
        return {#all, all[3]}
    ";
    assert_eq!(run_with(main, &[("once", "return false")]), Ok(json!([3, false])));
}

#[test]
fn what_is_sent_before_a_process_first_runs_is_there_for_it() {
    let main = "
        local pid = process.spawn_monitored('app:keeper', 'app:processes')
        for n = 1, 100 do process.send(pid, 't', n) end
        process.send(pid, 'tell')
        local got = process.events():receive().result.value
        return {#got, got[1], got[100]}
    ";
    let expected = json!([100, "t 1 somebody", "t 100 somebody"]);
    assert_eq!(run_with(main, &[("keeper", KEEPER)]), Ok(expected));
}
