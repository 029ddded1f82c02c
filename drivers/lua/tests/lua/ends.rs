//! How the end of a process reaches others: in which order, over which relations, and whom it takes along.

use crate::support::{run, run_with};
use serde_json::json;

/// Ends as it is told to: with a value, an error in the second place, or an error that is raised.
const CHILD: &str = "
    local msg = process.inbox():receive()
    local word = msg:topic()
    if word == 'return' then return msg:payload():data() end
    if word == 'fail' then return nil, msg:payload():data() end
    error(msg:payload():data(), 0)
";

#[test]
fn names_are_free_before_the_exit_is_told_and_the_exit_comes_before_the_link() {
    let main = "
        process.set_options({trap_links = true})
        local seen = {}
        for _ = 1, 20 do
            local pid = process.spawn_linked_monitored('app:child', 'app:processes')
            process.registry.register('name', pid)
            process.send('name', 'raise', 'oh')
            local events = process.events()
            local one = events:receive()
            local free = process.registry.lookup('name') == nil
            local two = events:receive()
            local key = one.kind .. ' ' .. tostring(free) .. ' ' .. two.kind .. ' ' .. tostring(one.from == pid and two.from == pid)
            seen[key .. ' ' .. two.result.error:message()] = true
        end
        return seen
    ";
    let expected = json!({"pid.exit true pid.link.down true oh": true});
    assert_eq!(run_with(main, &[("child", CHILD)]), Ok(expected));
}

#[test]
fn an_error_in_the_second_place_is_a_failure_to_links_and_a_value_is_none() {
    let main = "
        process.set_options({trap_links = true})
        local events, seen = process.events(), {}
        for _, order in ipairs({{'return', 1}, {'return', false}, {'fail', 'words'}, {'fail', errors.new('NOT_FOUND', 'object')}, {'return', 2}}) do
            local pid = process.spawn_linked('app:child', 'app:processes')
            process.monitor(pid)
            process.send(pid, order[1], order[2])
            local event = events:receive()
            table.insert(seen, event.kind .. ' ' .. tostring(event.result.value) .. ' ' .. tostring(event.result.error))
            if event.result.error then
                local link = events:receive()
                table.insert(seen, link.kind .. ' ' .. link.result.error:kind() .. ' ' .. tostring(event.error == link.error))
            end
        end
        return seen
    ";
    let expected = json!([
        "pid.exit 1 nil",
        "pid.exit false nil",
        "pid.exit nil words",
        "pid.link.down  true",
        "pid.exit nil object",
        "pid.link.down NotFound true",
        "pid.exit 2 nil",
    ]);
    assert_eq!(run_with(main, &[("child", CHILD)]), Ok(expected));
}

#[test]
fn the_normal_end_of_one_of_two_linked_processes_disturbs_the_other_in_nothing() {
    let main = "
        local child = process.spawn_linked('app:child', 'app:processes')
        process.monitor(child)
        process.send(child, 'return', 'done')
        local events = process.events()
        local event = events:receive()
        local timeout = time.after('20ms')
        local rest = channel.select({events:case_receive(), timeout:case_receive()})
        return {event.result.value, rest.channel == timeout}
    ";
    assert_eq!(run_with(main, &[("child", CHILD)]), Ok(json!(["done", true])));
}

#[test]
fn a_failure_goes_along_all_links_that_do_not_trap_it() {
    let linker = "
        local main, next_one = ...
        if next_one then process.link(next_one) end
        process.send(main, 'ready')
        process.inbox():receive()
    ";
    let main = "
        local child = process.spawn('app:child', 'app:processes')
        local chain, me, inbox = {child}, process.pid(), process.inbox()
        for n = 2, 5 do
            chain[n] = process.spawn('app:linker', 'app:processes', me, chain[n - 1])
            inbox:receive()
        end
        process.set_options({trap_links = true})
        process.link(chain[5])
        for n = 1, 5 do process.monitor(chain[n]) end
        process.send(child, 'raise', 'oh')
        local seen, link = {}, nil
        for _ = 1, 6 do
            local event = process.events():receive()
            if event.kind == process.event.LINK_DOWN then
                link = {event.from == chain[5], event.result.error:message()}
            else
                for n = 1, 5 do if event.from == chain[n] then seen[n] = event.result.error:message() end end
            end
        end
        return {seen, link}
    ";
    let cascade = "linked process failed";
    let expected = json!([["oh", cascade, cascade, cascade, cascade], [true, cascade]]);
    assert_eq!(run_with(main, &[("child", CHILD), ("linker", linker)]), Ok(expected));
}

#[test]
fn trapping_is_asked_for_when_the_link_breaks_and_not_when_it_is_made() {
    let trapper = "
        local main, child, first, second = ...
        process.set_options({trap_links = first})
        process.link(child)
        process.set_options({trap_links = second})
        process.send(main, 'linked')
        return process.events():receive().kind
    ";
    let main = "
        local results, inbox = {}, process.inbox()
        for _, pair in ipairs({{false, true}, {true, false}}) do
            local child = process.spawn('app:child', 'app:processes')
            local pid = process.spawn_monitored('app:trapper', 'app:processes', process.pid(), child, pair[1], pair[2])
            inbox:receive()
            process.send(child, 'raise', 'oh')
            local result = process.events():receive().result
            table.insert(results, result.value or tostring(result.error))
        end
        return results
    ";
    let others = [("child", CHILD), ("trapper", trapper)];
    assert_eq!(run_with(main, &others), Ok(json!(["pid.link.down", "linked process failed"])));
}

#[test]
fn events_that_come_before_anybody_asks_for_them_wait() {
    let main = "
        local one = process.spawn_monitored('app:child', 'app:processes')
        local two = process.spawn_monitored('app:child', 'app:processes')
        local inbox = process.inbox()
        process.send(one, 'return', 1)
        while process.send(one, 'gone yet?') do time.sleep('1ms') end
        process.send(two, 'return', 2)
        while process.send(two, 'gone yet?') do time.sleep('1ms') end
        process.cancel(process.pid(), 'third')
        local events = process.events()
        local first, second, third = events:receive(), events:receive(), events:receive()
        return {first.result.value, second.result.value, third.reason, events == process.events(), inbox == process.inbox(),
            math.abs(first.at - os.time()) < 60, first.at % 1 == 0}
    ";
    let expected = json!([1, 2, "third", true, true, true, true]);
    assert_eq!(run_with(main, &[("child", CHILD)]), Ok(expected));
}

#[test]
fn one_that_was_spawned_as_monitored_or_linked_cannot_be_monitored_twice_and_can_be_linked_twice() {
    let main = "
        local results = {}
        for _, spawn in ipairs({'spawn', 'spawn_monitored', 'spawn_linked', 'spawn_linked_monitored'}) do
            local pid = process[spawn]('app:child', 'app:processes')
            local built = process.with_options({})[spawn](process.with_options({}), 'app:child', 'app:processes')
            local monitored, fault = process.monitor(pid)
            local too = process.monitor(built)
            local linked = process.link(pid) and process.link(pid)
            table.insert(results, {monitored == true, fault and fault:kind(), too == true, linked})
        end
        return results
    ";
    let expected = json!([
        {"1": true, "3": true, "4": true},
        [false, "AlreadyExists", false, true],
        {"1": true, "3": true, "4": true},
        [false, "AlreadyExists", false, true],
    ]);
    assert_eq!(run_with(main, &[("child", CHILD)]), Ok(expected));
}

#[test]
fn relations_to_nobody_are_errors_and_taking_them_back_is_none() {
    let main = "
        local pid = process.spawn_monitored('app:child', 'app:processes')
        process.send(pid, 'return')
        process.events():receive()
        local results = {}
        for _, name in ipairs({'monitor', 'link', 'terminate', 'cancel'}) do
            local done, fault = process[name](pid)
            table.insert(results, {name, done == nil, string.find(fault, 'not found') ~= nil})
            local none, unknown = process[name]('nobody')
            table.insert(results, {none == nil, unknown:kind()})
        end
        return {results, process.unmonitor(pid), process.unlink(pid)}
    ";
    let mut results = Vec::new();
    for name in ["monitor", "link", "terminate", "cancel"] {
        results.push(json!([name, true, true]));
        results.push(json!([true, "NotFound"]));
    }
    assert_eq!(run_with(main, &[("child", CHILD)]), Ok(json!([results, true, true])));
}

#[test]
fn an_exit_error_is_an_object_that_behaves_like_a_string() {
    let main = "
        local results = {}
        for _, raised in ipairs({'words', 7, true}) do
            local pid = process.spawn_monitored('app:child', 'app:processes')
            process.send(pid, 'raise', raised)
            local error = process.events():receive().result.error
            table.insert(results, {type(error), error:message(), 'it: ' .. error, string.upper(error), error:kind()})
        end
        return results
    ";
    let row = |text: &str| json!(["userdata", text, format!("it: {text}"), text.to_uppercase(), ""]);
    assert_eq!(run_with(main, &[("child", CHILD)]), Ok(json!([row("words"), row("7"), row("true")])));
}

#[test]
fn a_process_may_end_itself() {
    let suicide = "process.inbox():receive() process.terminate(process.pid()) process.send('main', 'still alive') time.sleep('1h')";
    let main = "
        process.registry.register('main')
        process.send(process.spawn_monitored('app:suicide', 'app:processes'), 'go')
        return tostring(process.events():receive().result.error)
    ";
    assert_eq!(run_with(main, &[("suicide", suicide)]), Ok(json!("process terminated")));
}

#[test]
fn a_deadline_that_was_kept_ends_nobody_and_numbers_are_milliseconds() {
    let obedient = "local event = process.events():receive() return event.reason";
    let deaf = "process.inbox():receive()";
    let main = "
        local one = process.spawn_monitored('app:obedient', 'app:processes')
        process.cancel(one, '30s')
        local kept = process.events():receive().result.value
        local two = process.spawn_monitored('app:deaf', 'app:processes')
        process.cancel(two, 10)
        local ended = tostring(process.events():receive().result.error)
        local three = process.spawn_monitored('app:deaf', 'app:processes')
        process.cancel(three, 'not a duration')
        process.cancel(three)
        process.send(three, 'end')
        return {kept, ended, process.events():receive().result.value == nil}
    ";
    let others = [("obedient", obedient), ("deaf", deaf)];
    assert_eq!(run_with(main, &others), Ok(json!(["30s", "process terminated", true])));
}

/// [P3] [P4] However soon it ends, its parent hears how.
#[test]
fn one_that_ends_at_once_is_told_as_what_it_was() {
    let main = "
        process.set_options({trap_links = true})
        local events, seen = process.events(), {}
        for n = 1, 40 do
            process.spawn_linked_monitored('app:hasty', 'app:processes', n % 2 == 0)
            local exit = events:receive()
            seen[exit.kind .. ' ' .. tostring(exit.result.value) .. ' ' .. tostring(exit.result.error)] = true
            if n % 2 == 1 then seen[events:receive().kind] = true end
        end
        return seen
    ";
    let hasty = "if ... then return 'well' end error('badly', 0)";
    let expected = json!({"pid.exit well nil": true, "pid.exit nil badly": true, "pid.link.down": true});
    assert_eq!(run_with(main, &[("hasty", hasty)]), Ok(expected));
}

#[test]
fn exec_of_what_fails_in_any_way_gives_the_error_and_leaves_no_event() {
    let main = "
        local results = {}
        for _, how in ipairs({'raise', 'fail', 'kill', 'spawned'}) do
            local value, fault = process.exec('app:failing', 'app:processes', how)
            table.insert(results, {value == nil, tostring(fault)})
        end
        local none, fault = process.exec('app:absent', 'app:processes')
        local _, host = process.exec('app:failing', 'app:absent')
        process.cancel(process.pid(), 'the only event')
        return {results, fault:kind(), host:kind(), process.events():receive().reason, (pcall(process.exec, 7, 'app:processes'))}
    ";
    let failing = "
        local how = ...
        if how == 'raise' then error('raised', 0) end
        if how == 'fail' then return 1, 'failed' end
        if how == 'kill' then process.terminate(process.pid()) time.sleep('1h') end
        coroutine.spawn(function() error('in a coroutine', 0) end)
        time.sleep('1h')
    ";
    let rows =
        json!([[true, "raised"], [true, "failed"], [true, "process terminated"], [true, "in a coroutine"]]);
    let expected = json!([rows, "NotFound", "NotFound", "the only event", false]);
    assert_eq!(run_with(main, &[("failing", failing)]), Ok(expected));
}

#[test]
fn a_pid_is_a_plain_string() {
    let main = "
        local pid = process.pid()
        return {type(pid), tostring(pid) == pid, string.match(pid, '^{.+|.+}$') == pid, process.id()}
    ";
    assert_eq!(run(main), Ok(json!(["string", true, true, "app:main"])));
}

#[test]
fn an_error_that_is_a_table_says_what_it_says() {
    let child = "
        local kind = process.inbox():receive():topic()
        if kind == 'message' then error({message = 'by its message', code = 5}) end
        if kind == 'text' then error(setmetatable({}, {__tostring = function() return 'as a text' end})) end
        if kind == 'loop' then error(setmetatable({}, {__tostring = function() while true do end end})) end
        error({5})
    ";
    let main = "
        local said = {}
        for _, kind in ipairs({'message', 'text', 'loop', 'nothing'}) do
            local pid = process.spawn_monitored('app:child', 'app:processes')
            process.send(pid, kind)
            table.insert(said, process.events():receive().result.error:message())
        end
        return said
    ";
    let exhausted =
        "the script ran for too long without waiting or receiving anything (budget: 5000000 safepoints)";
    let expected = json!(["by its message", "as a text", exhausted, "an error that is a table"]);
    assert_eq!(run_with(main, &[("child", child)]), Ok(expected));
}
