//! What a process can make grow, and what happens then.

use crate::support::{World, options, run, run_with};
use serde_json::{Value as Json, json};
use wsrelay_lua::runtime::HubOptions;

#[test]
fn a_process_that_spawns_without_end_is_refused() {
    let yaml = "
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: main, kind: process.lua, source: 'file://main.lua'}
  - {name: idle, kind: process.lua, source: 'return function() process.inbox():receive() end'}
";
    let main = "
        return { main = function()
            local spawned = 0
            while true do
                local pid, fault = process.spawn('app:idle', 'app:processes')
                if not pid then return {spawned, fault:message()} end
                spawned = spawned + 1
            end
        end }
    ";
    let options = HubOptions { processes_max: 50, ..options() };
    let world = World::with_options(&[("_index.yaml", yaml), ("main.lua", main)], options);
    assert_eq!(world.exec(&[]), Ok(json!([49, "there are too many processes"])));
}

/// With a budget that they would not use up in minutes.
#[test]
fn what_cannot_be_preempted_is_ended_when_it_takes_long() {
    for body in [
        "return ('a'):rep(40):find(('a?'):rep(40) .. ('a'):rep(41))",
        "return ('('):rep(1e6):find('%b()')",
        "return ((' '):rep(1e6) .. 'x' .. (' '):rep(1e6) .. 'x'):match('^%s*(.-)%s*$')",
        "return ('x'):gsub('x', function() while true do end end)",
        "table.sort({3, 2, 1}, function() while true do end end)",
        "local t, a = {}, ('x'):rep(1e6) local b = a .. 'b' for i = 1, 1e5 do t[i] = if i % 2 == 0 then a else b end table.sort(t)",
        // Whatever catches the error, and though it receives something all the time.
        "return ('x'):gsub('x', function() while true do pcall(function() while true do end end) end end)",
        "local me, inbox = process.pid(), process.inbox()
         return ('x'):gsub('x', function()
            while true do pcall(function() while true do process.send(me, 'm', 1) inbox:receive() end end) end
         end)",
        // A coroutine of its own can be pre-empted, what resumes it cannot.
        "return ('x'):gsub('x', coroutine.wrap(function() while true do end end))",
    ] {
        let result = run_alone(body, HubOptions { budget: u64::MAX / 2, ..options() });
        assert!(
            result.as_ref().is_err_and(|error| error.contains("in which no other process can run")),
            "{result:?}"
        );
    }
}

/// As long as it ends within the bound.
#[test]
fn what_cannot_be_preempted_may_run_coroutines() {
    let main = "
        local function work() local n = 0 for i = 1, 20000 do n = n + i % 3 end return n end
        local function worked() return tostring(coroutine.wrap(work)()) end
        local list, object = {2, 1}, setmetatable({}, { __index = worked })
        table.sort(list, function(a, b) return worked() ~= '' and a < b end)
        return { ('x'):gsub('x', worked), list[1], object.field }
    ";
    assert_eq!(run(main), Ok(json!(["20001", 1, "20001"])));
}

/// Who has been told may go on where it can be pre-empted.
#[test]
fn what_took_too_long_can_be_caught() {
    let main = "
        local ok = pcall(string.gsub, 'x', 'x', function() while true do end end)
        local n = 0
        for i = 1, 1000000 do n = n + 1 end
        local outer = pcall(string.gsub, 'x', 'x', function()
            return tostring(pcall(function() while true do end end))
        end)
        return {ok, n, outer}
    ";
    let options = HubOptions { budget: u64::MAX / 2, ..options() };
    assert_eq!(run_alone(main, options), Ok(json!([false, 1_000_000, false])));
}

/// The time that it took is charged.
#[test]
fn what_cannot_be_preempted_is_ended_whatever_catches_errors() {
    let main = "while true do pcall(string.find, ('('):rep(1e6), '%b()') end";
    let result = run_alone(main, HubOptions { budget: 50_000_000, ..options() });
    assert!(result.as_ref().is_err_and(|error| error.contains("ran for too long")), "{result:?}");
}

#[test]
fn long_texts_are_found_in_longer_ones_in_no_time() {
    let main = "
        local text, part = ('a'):rep(1e6), ('a'):rep(5e5) .. 'b'
        return { text:find(part, 1, true) or 0, string.find(text, part) or 0, #text:split(part) }
    ";
    assert_eq!(run(main), Ok(json!([0, 0, 1])));
}

/// Runs a process with these options, in an application of nothing else: `main` is the body of its function.
fn run_alone(main: &str, options: HubOptions) -> Result<Json, String> {
    let yaml = "
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: main, kind: process.lua, source: 'file://main.lua'}
";
    let source = format!("return {{ main = function() {main} end }}");
    World::with_options(&[("_index.yaml", yaml), ("main.lua", &source)], options).exec(&[])
}

#[test]
fn names_topics_subscriptions_and_connections_of_a_process_are_counted() {
    for (attempt, words) in [
        ("process.registry.register('n' .. n)", "too many names"),
        ("process.listen('t' .. n)", "too many topics"),
        ("events.subscribe('s' .. n)", "too many subscriptions"),
    ] {
        let main = format!(
            "
            for n = 1, 20000 do
                local ok, value, fault = pcall(function() return {attempt} end)
                if not ok then return value end
                if not value then return fault:message() end
            end
            "
        );
        let said = run(&main).map(|value| value.to_string());
        assert!(said.as_ref().is_ok_and(|said| said.contains(words)), "{attempt}: {said:?}");
    }
}

/// What is kept outside of its memory is short.
#[test]
fn names_topics_and_patterns_are_short() {
    for attempt in ["process.registry.register(text)", "process.listen(text)", "events.subscribe(text)"] {
        let main = format!(
            "
            local text = ('x'):rep(1025)
            local ok, value, fault = pcall(function() return {attempt} end)
            return tostring(if ok then fault or value else value)
            "
        );
        let said = run(&main).map(|value| value.to_string());
        assert!(
            said.as_ref().is_ok_and(|said| said.contains("longer than 1024 bytes")),
            "{attempt}: {said:?}"
        );
    }
}

#[test]
fn what_error_objects_hold_counts() {
    let main = "
        local kept = {}
        for i = 1, 100 do kept[i] = errors.new({ message = ('x'):rep(100000) .. i }) end
        return #kept
    ";
    assert_eq!(run(main), Err("the process holds more memory than it may".to_owned()));
}

/// Whoever does not listen is told no more; a sooner deadline still counts.
#[test]
fn a_process_is_asked_to_end_a_hundred_times_at_most() {
    let main = "
        local child = process.spawn_monitored('app:child', 'app:processes')
        local asked = 0
        for n = 1, 200 do if process.cancel(child, '1000h') then asked = asked + 1 end end
        local sooner = process.cancel(child, '5ms')
        local event = process.events():receive()
        return {asked, sooner, event.kind, event.from == child}
    ";
    let child = "process.inbox():receive()";
    assert_eq!(run_with(main, &[("child", child)]), Ok(json!([100, true, "pid.exit", true])));
}

#[test]
fn a_full_mailbox_refuses_and_says_so() {
    let main = "
        local child = process.spawn('app:child', 'app:processes')
        local sent = 0
        while true do
            local ok, fault = process.send(child, 'flood', sent)
            if not ok then return {sent, fault:kind(), fault:retryable()} end
            sent = sent + 1
        end
    ";
    // It takes a single message out, once, so that it has begun to look.
    let child = "process.listen('never'):receive()";
    assert_eq!(run_with(main, &[("child", child)]), Ok(json!([1024, "Unavailable", true])));
}

#[test]
fn a_value_that_is_too_large_is_not_sent() {
    let main = "
        local big = {}
        for n = 1, 70000 do big[n] = {} end
        local ok, fault = process.send(process.pid(), 't', big)
        return {ok == nil, fault:kind()}
    ";
    let options = HubOptions { memory_bytes_max: 64 * 1024 * 1024, ..options() };
    assert_eq!(run_alone(main, options), Ok(json!([true, "Invalid"])));
}

#[test]
fn a_hog_is_ended_and_its_neighbours_in_the_same_state_go_on() {
    let neighbour = "
        local kept = ('x'):rep(2 * 1024 * 1024)
        local msg = process.inbox():receive()
        process.send(msg:from(), 'alive', #kept)
    ";
    let hog = "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end";
    let main = "
        local neighbours = {}
        for n = 1, 6 do neighbours[n] = process.spawn('app:neighbour', 'app:processes') end
        local hog = process.spawn_monitored('app:hog', 'app:processes')
        local event = process.events():receive()
        local inbox, alive = process.inbox(), 0
        for _, pid in ipairs(neighbours) do
            process.send(pid, 'are you there')
            alive = alive + inbox:receive():payload():data()
        end
        return {event.from == hog, event.result.error:message(), alive}
    ";
    let expected = json!([true, "the process holds more memory than it may", 6 * 2 * 1024 * 1024]);
    assert_eq!(run_with(main, &[("neighbour", neighbour), ("hog", hog)]), Ok(expected));
}

#[test]
fn a_process_that_others_keep_busy_is_not_one_that_runs_for_ever() {
    let main = "
        local me, inbox = process.pid(), process.inbox()
        for n = 1, 20000 do process.send(me, 't', n) inbox:receive() end
        return 'fine'
    ";
    let options = HubOptions { budget: 50_000, ..options() };
    assert_eq!(run_alone(main, options), Ok(json!("fine")));
}

/// None of them holds half of what the state does.
#[test]
fn processes_that_grow_together_are_ended_as_each_alone() {
    let hog = "
        local held = {}
        for i = 1, 2000 do
            held[i] = buffer.create(65536)
            if i % 10 == 0 then time.sleep('1ms') end
        end
        return #held
    ";
    let main = "
        local words = {}
        for n = 1, 4 do process.spawn_monitored('app:hog', 'app:processes') end
        for n = 1, 4 do
            local result = process.events():receive().result
            words[n] = if result.error then result.error:message() else result.value
        end
        return words
    ";
    let expected = json!(vec!["the process holds more memory than it may"; 4]);
    assert_eq!(run_with(main, &[("hog", hog)]), Ok(expected));
}

/// What others hold of what it has made is theirs, and what is left of former ones nobody's.
#[test]
fn a_process_is_not_ended_for_what_others_hold() {
    let yaml = "
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: main, kind: process.lua, source: 'file://main.lua', modules: [time]}
  - {name: keeper, kind: process.lua, source: 'file://keeper.lua'}
  - {name: filler, kind: process.lua, source: 'file://filler.lua', modules: [time]}
  - {name: small, kind: process.lua, source: 'file://small.lua', modules: [time]}
";
    let main = "
        return function()
            local pids = {}
            for n = 1, 8 do pids[n] = process.spawn('app:keeper', 'app:processes') end
            -- Twice its own bound.
            for n = 1, 80 do
                process.send(pids[n % 8 + 1], 'keep', ('x'):rep(100000) .. n)
                time.sleep('1ms')
            end
            process.exec('app:filler', 'app:processes', pids)
            local kept, fault = process.exec('app:small', 'app:processes')
            return kept or tostring(fault)
        end
    ";
    let keeper = "
        return function()
            local kept, inbox = {}, process.inbox()
            while true do kept[#kept + 1] = inbox:receive():payload():data() end
        end
    ";
    let filler = "
        return function(pids)
            for n = 1, 36 do
                process.send(pids[n % 8 + 1], 'keep', ('y'):rep(100000) .. n)
                time.sleep('1ms')
            end
        end
    ";
    let small = "
        return function()
            local kept = {}
            for n = 1, 30 do kept[n] = ('z'):rep(100000) .. n time.sleep('1ms') end
            return #kept
        end
    ";
    let files = [
        ("_index.yaml", yaml),
        ("main.lua", main),
        ("keeper.lua", keeper),
        ("filler.lua", filler),
        ("small.lua", small),
    ];
    let options = HubOptions { workers: 1, ..options() };
    assert_eq!(World::with_options(&files, options).exec(&[]), Ok(json!(30)));
}

/// However much of it there is between two looks.
#[test]
fn large_garbage_does_not_count() {
    let main = "
        local parts, text = {}, ('x'):rep(2 * 1024 * 1024)
        for i = 1, 20000 do parts[i] = ('x'):rep(50) end
        local n = 0
        for i = 1, 300 do n += #table.concat(parts) + #text:reverse() end
        return n
    ";
    let options = HubOptions { memory_bytes_max: 16 * 1024 * 1024, ..options() };
    assert_eq!(run_alone(main, options), Ok(json!(300 * (1_000_000 + 2 * 1024 * 1024))));
}

/// What is garbage is not held: this makes a hundred times its bound of it.
#[test]
fn garbage_does_not_count() {
    let main = "local n = 0 for _ = 1, 400000 do n = n + #(('x'):rep(1000) .. n) end return 'fine'";
    assert_eq!(run(main), Ok(json!("fine")));
}

/// Among others that hold much: their memory is not that of the process, and its garbage is not what it holds.
#[test]
fn a_process_is_ended_for_what_it_holds_itself() {
    let yaml = "
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: main, kind: process.lua, source: 'file://main.lua'}
  - {name: other, kind: process.lua, source: 'file://other.lua'}
  - {name: wasteful, kind: process.lua, source: 'file://wasteful.lua'}
  - {name: greedy, kind: process.lua, source: 'file://greedy.lua'}
";
    let other = "
        return function(parent)
            kept = {}
            for i = 1, 6000 do kept[i] = string.rep('y', 200) .. i .. tostring(process.pid()) end
            process.send(parent, 'full')
            process.inbox():receive()
        end
    ";
    let wasteful = "return function() local s = '' for i = 1, 20000 do s ..= 'x' end return #s end";
    let greedy = "return function() local t = {} while true do t[#t + 1] = {#t} end end";
    let main = "
        return function()
            local full = process.listen('full')
            for i = 1, 30 do
                process.spawn('app:other', 'app:processes', process.pid())
                full:receive()
            end
            for i = 1, 3 do
                local length, fault = process.exec('app:wasteful', 'app:processes')
                if length ~= 20000 then return i .. ': ' .. tostring(fault) end
            end
            local none, words = process.exec('app:greedy', 'app:processes')
            if not words:message():find('more memory than it may', 1, true) then return tostring(words) end
            return 'right'
        end
    ";
    let files = [
        ("_index.yaml", yaml),
        ("main.lua", main),
        ("other.lua", other),
        ("wasteful.lua", wasteful),
        ("greedy.lua", greedy),
    ];
    for workers in [1, 2] {
        let options =
            HubOptions { workers, budget: u64::MAX / 2, memory_bytes_max: 16 * 1024 * 1024, ..options() };
        assert_eq!(World::with_options(&files, options).exec(&[]), Ok(json!("right")));
    }
}
