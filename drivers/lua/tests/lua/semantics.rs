//! What a process is to others: mailboxes, ends, monitors, links, names, upgrades.

use crate::support::{World, run, run_with};
use serde_json::json;

/// Waits for whatever is sent, and ends when told to; or fails, or is called off.
const CHILD: &str = "
    local inbox, events = process.inbox(), process.events()
    while true do
        local result = channel.select({inbox:case_receive(), events:case_receive()})
        if result.channel == events then return 'cancelled' end
        local topic, payload = result.value:topic(), result.value:payload()
        local data = payload and payload:data()
        if topic == 'return' then return data end
        if topic == 'return error' then return data, 'broken' end
        if topic == 'return object' then return nil, errors.new({message = 'no such thing', kind = errors.NOT_FOUND}) end
        if topic == 'raise' then error(data, 0) end
        if topic == 'raise in coroutine' then coroutine.spawn(function() error(data, 0) end) end
        if topic == 'loop' then while true do end end
    end
";

#[test]
fn messages_of_one_sender_keep_their_order_and_wait_for_whoever_listens_late() {
    let main = "
        local me = process.pid()
        for n = 1, 3 do process.send(me, 'other', n) process.send(me, 'mine', n * 10) end
        process.send(me, 'inbox', 'of that name')
        local mine = process.listen('mine')
        local got = {mine:receive(), mine:receive(), (mine:receive())}
        local inbox = process.inbox()
        for _ = 1, 4 do
            local msg = inbox:receive()
            table.insert(got, msg:topic() .. '=' .. msg:payload():data())
        end
        return got
    ";
    let expected = json!([10, 20, 30, "other=1", "other=2", "other=3", "inbox=of that name"]);
    assert_eq!(run(main), Ok(expected));
}

#[test]
fn a_topic_that_nobody_listens_to_any_more_falls_to_the_inbox() {
    let main = "
        local me = process.pid()
        local first = process.listen('t')
        assert(first == process.listen('t'))
        process.send(me, 't', 1)
        local one = first:receive()
        assert(process.unlisten(first))
        local _, open = first:receive()
        process.send(me, 't', 2)
        local two = process.inbox():receive():payload():data()
        local nothing, fault = process.listen('@t')
        return {one, open, two, nothing == nil, fault:kind()}
    ";
    assert_eq!(run(main), Ok(json!([1, false, 2, true, "Invalid"])));
}

#[test]
fn several_payloads_are_an_array_and_a_message_can_be_had_whole() {
    let main = "
        local me = process.pid()
        local raw, whole = process.listen('raw'), process.listen('whole', {message = true})
        process.send(me, 'raw', 1, 2)
        process.send(me, 'raw')
        process.send(me, 'whole', 'a', 'b')
        local several, none = raw:receive(), raw:receive()
        local message = whole:receive()
        local payloads = message:payload()
        return {several[1], several[2], none == nil, message:topic(), #payloads, payloads[2]:data(), message:from() == me}
    ";
    assert_eq!(run(main), Ok(json!([1, 2, true, "whole", 2, "b", true])));
}

#[test]
fn what_is_sent_is_a_copy() {
    let main = "
        local me = process.pid()
        local circle = {name = 'circle', f = print, ch = channel.new()}
        circle.self = circle
        local fault = errors.new({message = 'sent', kind = errors.CONFLICT})
        process.send(me, 't', circle, fault, {1, {2}}, 'a\\0\\255', 0/0)
        circle.name = 'changed'
        local p = process.inbox():receive():payload()
        local copy, error = p[1]:data(), p[2]:data()
        return {copy.name, copy.self == copy, copy.f == nil, copy.ch == nil, error:kind(), error:message(),
            p[3]:data()[2][1], p[4]:data() == 'a\\0\\255', p[5]:data() ~= p[5]:data()}
    ";
    assert_eq!(run(main), Ok(json!(["circle", true, true, true, "Conflict", "sent", 2, true, true])));
}

#[test]
fn to_nobody_nothing_can_be_sent() {
    let main = "
        local _, unknown = process.send('nobody', 't')
        local pid = process.spawn_monitored('app:child', 'app:processes')
        process.terminate(pid)
        process.events():receive()
        local _, dead = process.send(pid, 't')
        local _, reserved = process.send(process.pid(), '@t')
        return {unknown:message(), unknown:kind(), string.find(dead, 'not found') ~= nil, dead:kind(), reserved:kind()}
    ";
    let unknown = "could not resolve 'nobody' as PID or registered name";
    let expected = json!([unknown, "NotFound", true, "NotFound", "Invalid"]);
    assert_eq!(run_with(main, &[("child", CHILD)]), Ok(expected));
}

/// The parent's view of a child that is told to end: what the exit event says, and whether a link is told.
fn ended(order: &str, is_link_told: bool) -> serde_json::Value {
    let marker = if is_link_told { "" } else { "process.cancel(process.pid(), 'nothing else came')" };
    let main = format!(
        "
        process.set_options({{trap_links = true}})
        local pid = process.spawn_linked_monitored('app:child', 'app:processes')
        {order}
        local events = process.events()
        local exit = events:receive()
        {marker}
        local next = events:receive()
        return {{exit.kind, exit.from == pid, exit.result.value == nil and 'nil' or exit.result.value,
            exit.result.error == nil and 'nil' or exit.result.error:message(), next.kind}}
        "
    );
    run_with(&main, &[("child", CHILD)]).unwrap()
}

#[test]
fn every_end_is_told_as_what_it_is() {
    let (exit, link_down, cancel) = ("pid.exit", "pid.link.down", "pid.cancel");
    for (order, value, error, then) in [
        ("process.send(pid, 'return', 42)", json!(42), "nil", cancel),
        ("process.send(pid, 'return', false)", json!(false), "nil", cancel),
        ("process.send(pid, 'return')", json!("nil"), "nil", cancel),
        ("process.cancel(pid)", json!("cancelled"), "nil", cancel),
        ("process.send(pid, 'return error', 42)", json!("nil"), "broken", link_down),
        ("process.send(pid, 'return object')", json!("nil"), "no such thing", link_down),
        ("process.send(pid, 'raise', 'oh')", json!("nil"), "oh", link_down),
        ("process.send(pid, 'raise in coroutine', 'oh')", json!("nil"), "oh", link_down),
        ("process.terminate(pid)", json!("nil"), "process terminated", link_down),
        ("process.send(pid, 'loop') process.terminate(pid)", json!("nil"), "process terminated", link_down),
    ] {
        assert_eq!(ended(order, then == link_down), json!([exit, true, value, error, then]), "{order}");
    }
}

#[test]
fn a_link_that_is_not_trapped_ends_the_other_process_even_in_its_sleep() {
    let sleeper = "
        process.link(...)
        process.send('main', 'linked')
        time.sleep('1h')
    ";
    let main = "
        process.registry.register('main')
        local child = process.spawn('app:child', 'app:processes')
        local sleeper = process.spawn_monitored('app:sleeper', 'app:processes', child)
        process.inbox():receive()
        process.send(child, 'raise', 'oh')
        local event = process.events():receive()
        return {event.from == sleeper, event.result.error:message()}
    ";
    let others = [("child", CHILD), ("sleeper", sleeper)];
    assert_eq!(run_with(main, &others), Ok(json!([true, "linked process failed"])));
}

#[test]
fn several_processes_can_monitor_one_and_each_hears_once() {
    let watcher = "
        process.monitor(...)
        process.send('main', 'watching')
        local event = process.events():receive()
        process.send('main', 'saw', event.result.value)
    ";
    let main = "
        process.registry.register('main')
        local child = process.spawn('app:child', 'app:processes')
        assert(process.monitor(child))
        local again, fault = process.monitor(child)
        local inbox = process.inbox()
        for _ = 1, 2 do process.spawn('app:watcher', 'app:processes', child) inbox:receive() end
        process.send(child, 'return', 'done')
        local one, two = inbox:receive():payload():data(), inbox:receive():payload():data()
        local own = process.events():receive()
        local gone, why = process.monitor(child)
        return {again == nil, fault:kind(), one, two, own.result.value, gone == nil, why:message()}
    ";
    let others = [("child", CHILD), ("watcher", watcher)];
    let expected = json!([true, "AlreadyExists", "done", "done", "done", true, "process not found"]);
    assert_eq!(run_with(main, &others), Ok(expected));
}

#[test]
fn unmonitor_and_unlink_take_relations_back() {
    let main = "
        local child = process.spawn_linked_monitored('app:child', 'app:processes')
        assert(process.unmonitor(child) and process.unlink(child))
        local witness = process.spawn('app:child', 'app:processes')
        process.monitor(witness)
        process.send(child, 'raise', 'oh')
        process.send(witness, 'return', 'only this')
        return process.events():receive().result.value
    ";
    assert_eq!(run_with(main, &[("child", CHILD)]), Ok(json!("only this")));
}

#[test]
fn a_deadline_ends_a_process_that_ignores_the_cancel_and_no_deadline_does_not() {
    let deaf = "process.inbox():receive() return 'in my own time'";
    let main = "
        local one = process.spawn_monitored('app:deaf', 'app:processes')
        local two = process.spawn_monitored('app:deaf', 'app:processes')
        process.cancel(two, 'no hurry')
        process.cancel(one, '20ms')
        local first = process.events():receive()
        process.send(two, 'go')
        local second = process.events():receive()
        local _, dead = process.cancel(one)
        return {first.from == one, first.result.error:message(), second.result.value, string.find(dead, 'not found') ~= nil}
    ";
    let expected = json!([true, "process terminated", "in my own time", true]);
    assert_eq!(run_with(main, &[("deaf", deaf)]), Ok(expected));
}

#[test]
fn a_cancel_says_who_why_and_until_when() {
    let main = "
        local events = process.events()
        process.cancel(process.pid(), 'because')
        process.cancel(process.pid(), '1h')
        local one, two = events:receive(), events:receive()
        process.cancel(process.pid(), 3600000)
        local three = events:receive()
        return {one.kind, one.from == process.pid(), one.reason, one.deadline == nil,
            two.reason, two.deadline > os.time() + 3500, three.deadline > os.time() + 3500}
    ";
    assert_eq!(run(main), Ok(json!(["pid.cancel", true, "because", true, "1h", true, true])));
}

#[test]
fn exec_gives_the_value_or_the_error_of_what_it_ran() {
    let main = "
        local sum = process.exec('app:sum', 'app:processes', 1, 2)
        local nothing, fault = process.call('app:sum', 'app:processes', 1)
        return {sum, nothing == nil, fault:message()}
    ";
    let sum = "local a, b = ... if not b then return nil, 'one is not enough' end return a + b";
    assert_eq!(run_with(main, &[("sum", sum)]), Ok(json!([3, true, "one is not enough"])));
}

#[test]
fn what_cannot_be_spawned_is_an_error_and_leaves_no_event() {
    let files = [
        (
            "_index.yaml",
            "
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: main, kind: process.lua, source: 'file://main.lua'}
  - {name: broken, kind: process.lua, source: 'error(\"in the chunk\", 0)'}
  - {name: nameless, kind: process.lua, source: 'return {}', method: absent}
  - {name: library, kind: library.lua, source: 'return {}'}
",
        ),
        (
            "main.lua",
            "
            return { main = function()
                local faults = {}
                for _, id in ipairs({'app:absent', 'app:library', 'app:broken', 'app:nameless'}) do
                    local pid, fault = process.spawn_linked_monitored(id, 'app:processes')
                    assert(pid == nil)
                    table.insert(faults, fault:message())
                end
                local _, host = process.spawn('app:main', 'app:nowhere')
                table.insert(faults, host:message())
                process.cancel(process.pid(), 'the first event')
                table.insert(faults, process.events():receive().reason)
                return faults
            end }
        ",
        ),
    ];
    let expected = json!([
        "entry app:absent not found",
        "entry app:library is not a process.lua",
        "in the chunk",
        "_index.yaml: what this returns has no function \"absent\", which is the method of app:nameless",
        "host app:nowhere not found",
        "the first event",
    ]);
    assert_eq!(World::start(&files).exec(&[]), Ok(expected));
}

#[test]
fn a_builder_spawns_once_for_a_name_and_brings_messages_along() {
    let main = "
        local build = process.with_options({}):with_name('the one'):with_message('hello', 'first')
        local one = build:spawn('app:echo', 'app:processes')
        local two = build:with_message('hello', 'second'):spawn('app:echo', 'app:processes')
        local inbox, got = process.inbox(), {}
        process.send(one, 'who')
        for _ = 1, 4 do
            local msg = inbox:receive()
            table.insert(got, msg:payload():data())
        end
        return {one == two, got}
    ";
    let echo = "
        local inbox, main = process.inbox(), nil
        local kept = {}
        while true do
            local msg = inbox:receive()
            if msg:topic() == 'who' then
                for _, text in ipairs(kept) do process.send(msg:from(), 'echo', text) end
                process.send(msg:from(), 'echo', 'end')
            else
                table.insert(kept, msg:payload():data() .. ' from ' .. (msg:from() == '' and 'nobody' or 'somebody'))
            end
        end
    ";
    let kept = json!(["first from nobody", "first from nobody", "second from nobody", "end"]);
    assert_eq!(run_with(main, &[("echo", echo)]), Ok(json!([true, kept])));
}

#[test]
fn a_name_has_one_owner_and_is_free_when_that_ends() {
    let main = "
        local registry = process.registry
        local child = process.spawn_monitored('app:child', 'app:processes')
        assert(registry.register('n', child) and registry.register('n', child))
        local _, taken = registry.register('n')
        local by_name = process.send('n', 'return', 'by name')
        local value = process.events():receive().result.value
        local nobody, fault = registry.lookup('n')
        assert(registry.register('n'))
        local mine = registry.lookup('n') == process.pid()
        local _, scope = registry.register('m', nil, registry.STRONG)
        return {taken:kind(), by_name, value, nobody == nil, fault:kind(), mine, registry.unregister('n'),
            registry.unregister('n'), scope:kind()}
    ";
    let expected = json!(["AlreadyExists", true, "by name", true, "NotFound", true, true, false, "Internal"]);
    assert_eq!(run_with(main, &[("child", CHILD)]), Ok(expected));
}

#[test]
fn an_upgrade_keeps_the_pid_names_relations_and_unread_messages() {
    let first = "
        process.registry.register('upgraded')
        process.set_options({trap_links = true})
        process.send('main', 'ready')
        process.listen('go'):receive()
        process.upgrade('app:second', 'argument')
    ";
    let second = "
        local argument = ...
        local unread = process.inbox():receive():payload():data()
        return {argument, unread, process.id(), process.get_options().trap_links, process.registry.lookup('upgraded') == process.pid()}
    ";
    let main = "
        process.registry.register('main')
        local pid = process.spawn_monitored('app:first', 'app:processes')
        process.inbox():receive()
        process.send(pid, 'letter', 'unread')
        process.send(pid, 'go')
        local event = process.events():receive()
        return {event.from == pid, event.result.value}
    ";
    let value = json!(["argument", "unread", "app:second", false, true]);
    assert_eq!(run_with(main, &[("first", first), ("second", second)]), Ok(json!([true, value])));
}

#[test]
fn what_was_begun_before_an_upgrade_is_not_taken_for_what_comes_after_it() {
    let main = "
        for _ = 1, 3 do coroutine.spawn(function() process.spawn('app:sum', 'app:processes', 10, 20) end) end
        time.sleep(0)
        process.upgrade('app:second')
    ";
    let second = "return process.exec('app:sum', 'app:processes', 1, 2)";
    let sum = "local a, b = ... return a + b";
    assert_eq!(run_with(main, &[("second", second), ("sum", sum)]), Ok(json!(3)));
}

#[test]
fn an_upgrade_to_nothing_is_an_error_of_the_process() {
    let error = run("process.upgrade('app:nothing')").unwrap_err();
    assert!(error.contains("no process app:nothing"), "{error}");
}

#[test]
fn options_are_checked() {
    let main = "
        local a, unknown = process.set_options({trap_link = true})
        local b, wrong = process.set_options({trap_links = 'yes'})
        local c = process.set_options({trap_links = true})
        return {a, unknown:kind(), b, wrong:kind(), c, process.get_options().trap_links}
    ";
    assert_eq!(run(main), Ok(json!([false, "Invalid", false, "Invalid", true, true])));
}

#[test]
fn processes_see_nothing_of_each_other_or_of_the_machine() {
    let other = "leak = 'from the other' string.leak = nil return leak";
    let main = "
        local value, fault = process.exec('app:other', 'app:processes')
        local refused = {}
        for name, attempt in pairs({
            string = function() string.find = nil end,
            process = function() process.send = nil end,
            channel = function() channel.new = nil end,
            table = function() table.insert = nil end,
            json = function() json.encode = nil end,
            method = function() local ch = channel.new() getmetatable(ch).__index = nil end,
        }) do
            if not pcall(attempt) then table.insert(refused, name) end
        end
        table.sort(refused)
        local absent = {}
        for _, name in ipairs({'io', 'debug', 'loadstring', 'load', 'dofile', 'getfenv', 'setfenv', 'collectgarbage',
            'newproxy', 'gcinfo', 'package'}) do
            if _G[name] == nil then table.insert(absent, name) end
        end
        return {leak == nil, fault ~= nil, refused, #absent, os.execute == nil, getmetatable('') == nil,
            pcall(require, 'sql'), type(channel.new()), type(process.inbox())}
    ";
    let refused = json!(["channel", "json", "method", "process", "string", "table"]);
    let expected = json!([true, true, refused, 11, true, true, false, "userdata", "userdata"]);
    assert_eq!(run_with(main, &[("other", other)]), Ok(expected));
}

#[test]
fn an_error_names_its_file_and_line_and_where_it_came_from() {
    let main = "
        local function inner() error('here') end
        local ok, message = pcall(inner)
        return message
    ";
    assert_eq!(run(main), Ok(json!("main.lua:3: here")));
}
