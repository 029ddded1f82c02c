//! Sleeping, timers, tickers.

use crate::support::run;
use serde_json::json;

#[test]
fn who_sleeps_less_wakes_first_and_equal_ones_in_their_order() {
    let main = "
        local order, done = {}, channel.new()
        for _, length in ipairs({'30ms', '10ms', '20ms', '10ms'}) do
            coroutine.spawn(function() time.sleep(length) table.insert(order, length) done:send() end)
        end
        for _ = 1, 4 do done:receive() end
        return order
    ";
    assert_eq!(run(main), Ok(json!(["10ms", "10ms", "20ms", "30ms"])));
}

#[test]
fn durations_are_go_strings_nanoseconds_or_durations() {
    let main = "
        local results = {}
        for _, length in ipairs({'1ms', 1000000, time.MILLISECOND, time.parse_duration('1ms'), 0, -1}) do
            table.insert(results, select('#', time.sleep(length)) >= 0 and time.sleep(length) == nil)
        end
        local nothing, fault = time.sleep('soon')
        local none, why = time.after('soon')
        return {results, nothing == nil, fault:kind(), none == nil, why:kind()}
    ";
    let slept = json!([true, true, true, true, true, true]);
    assert_eq!(run(main), Ok(json!([slept, true, "Invalid", true, "Invalid"])));
}

#[test]
fn at_least_as_much_time_passes_as_was_asked_for() {
    let main = "
        local begin = time.now()
        time.sleep('15ms')
        time.after('15ms'):receive()
        return time.now():sub(begin):milliseconds() >= 30
    ";
    assert_eq!(run(main), Ok(json!(true)));
}

#[test]
fn after_tells_the_time_once_and_is_closed_then() {
    let main = "
        local ch = time.after('1ms')
        local value, ok = ch:receive()
        local nothing, over = ch:receive()
        local selected = channel.select({ch:case_receive()})
        local kinds = {}
        for _, length in ipairs({0, -1, '0s'}) do table.insert(kinds, select(2, time.after(length)):kind()) end
        return {type(value), value:unix() > 0, ok, nothing == nil, over, selected.ok, kinds}
    ";
    let kinds = json!(["Invalid", "Invalid", "Invalid"]);
    assert_eq!(run(main), Ok(json!(["userdata", true, true, true, false, false, kinds])));
}

#[test]
fn what_was_closed_before_its_time_gives_nothing_when_that_comes() {
    let main = "
        local ch = time.after('1ms')
        ch:close()
        time.sleep('5ms')
        local value, ok = ch:receive()
        return {value == nil, ok}
    ";
    assert_eq!(run(main), Ok(json!([true, false])));
}

#[test]
fn a_timer_says_whether_it_was_still_to_come() {
    let main = "
        local stopped, fired = time.timer('1h'), time.timer('1ms')
        fired:response():receive()
        local twice = {stopped:stop(), stopped:stop()}
        local none, why = time.timer(0)
        local _, reset = time.timer('1h'):reset('soon')
        return {twice, stopped:reset('1ms'), fired:stop(), fired:reset('1ms'), fired:channel() == fired:response(),
            none == nil, why:kind(), reset:kind(), type(stopped)}
    ";
    let expected = json!([[true, false], false, false, false, true, true, "Invalid", "Invalid", "userdata"]);
    assert_eq!(run(main), Ok(expected));
}

#[test]
fn stopping_a_timer_frees_whoever_waits_for_it() {
    let main = "
        local timer, done = time.timer('1h'), channel.new()
        coroutine.spawn(function() done:send(select(2, timer:response():receive())) end)
        coroutine.yield()
        timer:stop()
        return {(done:receive())}
    ";
    assert_eq!(run(main), Ok(json!([false])));
}

#[test]
fn a_timer_that_is_set_anew_fires_then_and_only_then() {
    let main = "
        local timer, order = time.timer('5ms'), {}
        timer:reset('40ms')
        local soon = time.after('20ms')
        for _ = 1, 2 do
            local r = channel.select({soon:case_receive(), timer:response():case_receive()})
            table.insert(order, r.channel == soon and 'soon' or 'timer')
            if r.channel == soon then soon = channel.new() end
        end
        return order
    ";
    assert_eq!(run(main), Ok(json!(["soon", "timer"])));
}

#[test]
fn a_ticker_drops_ticks_that_nobody_takes_and_ends_when_it_is_stopped() {
    let main = "
        local ticker = time.ticker('1ms')
        time.sleep('60ms')
        ticker:stop()
        local held = 0
        while true do
            local value, ok = ticker:response():receive()
            if not ok then break end
            held = held + 1
        end
        return {held, ticker:stop(), ticker:channel() == ticker:response(), select(2, time.ticker(0)):kind()}
    ";
    assert_eq!(run(main), Ok(json!([16, true, true, "Invalid"])));
}

#[test]
fn ten_thousand_timers_come_in_their_order() {
    let main = "
        local last, count, seed = 0, 0, 1
        local done = channel.new(1)
        for n = 1, 3000 do
            seed = (seed * 16807) % 2147483647
            local length = 1000000 + seed % 20000000
            coroutine.spawn(function()
                time.sleep(length)
                count = count + 1
                if count == 3000 then done:send(true) end
            end)
        end
        -- Half of them are given up in a mixed order, which must not disturb the others.
        local given = {}
        for n = 1, 7000 do
            seed = (seed * 16807) % 2147483647
            given[n] = time.timer(1000000 + seed % 20000000)
        end
        for n = 1, 7000, 2 do given[n]:stop() end
        done:receive()
        local fired = 0
        time.sleep('25ms')
        for n = 2, 7000, 2 do if given[n]:response():receive() then fired = fired + 1 end end
        return {count, fired}
    ";
    let mut world = crate::support::options();
    world.memory_bytes_max = 64 * 1024 * 1024;
    let main = format!("local time = require('time')\nreturn {{ main = function() {main} end }}");
    let files = [
        ("main.lua", &*main),
        (
            "_index.yaml",
            "
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: main, kind: process.lua, source: 'file://main.lua', modules: [time]}
",
        ),
    ];
    let world = crate::support::World::with_options(&files, world);
    assert_eq!(world.exec(&[]), Ok(json!([3000, 3500])));
}

#[test]
fn timers_that_were_set_and_stopped_do_not_fill_the_heap() {
    // The bound of the test's processes is 4 MiB. One that lasts stands before them, and one behind.
    let main = "
        local first, last = time.timer('30m'), time.timer('2h')
        for _ = 1, 10 do
            local some = {}
            for n = 1, 1000 do some[n] = time.timer('1h') end
            for n = 1, 1000 do some[n]:stop() end
        end
        for _ = 1, 20000 do local t = time.timer('1h') t:reset('90m') t:stop() end
        for _ = 1, 20000 do first:reset('31m') end
        return {first:stop(), last:stop()}
    ";
    assert_eq!(run(main), Ok(json!([true, true])));
}

#[test]
fn a_loop_that_waits_with_a_timeout_of_its_own_each_time_does_not_fill_the_heap() {
    // The bound of the test's processes is 4 MiB, which so many timeouts would fill several times.
    let main = "
        local me, inbox, got = process.pid(), process.inbox(), 0
        for n = 1, 20000 do
            process.send(me, 't', n)
            if n % 2 == 0 then time.sleep(0) end
            local timeout = time.after('1h')
            local r = channel.select({timeout:case_receive(), inbox:case_receive()})
            if r.channel == inbox then got = got + 1 end
            coroutine.spawn(function()
                local result = channel.select({time.after('1h'):case_receive(), inbox:case_receive()})
                if result.channel == inbox then got = got + 1 end
            end)
            coroutine.yield()
            process.send(me, 't', n)
            time.sleep('1us')
        end
        while got < 40000 do time.sleep('1ms') end
        return got
    ";
    assert_eq!(run(main), Ok(json!(40_000)));
}

#[test]
fn a_timeout_that_outlasts_several_waits_comes_when_it_is_due() {
    let main = "
        local timeout, me, inbox = time.after('30ms'), process.pid(), process.inbox()
        local begin, waits = time.now(), 0
        coroutine.spawn(function() while true do time.sleep('1ms') process.send(me, 't') end end)
        while true do
            local r = channel.select({inbox:case_receive(), timeout:case_receive()})
            if r.channel == timeout then break end
            waits = waits + 1
        end
        local passed = time.now():sub(begin):milliseconds()
        return {waits > 3, passed >= 30}
    ";
    assert_eq!(run(main), Ok(json!([true, true])));
}

#[test]
fn a_timeout_that_nobody_waits_for_is_there_when_it_is_asked_about() {
    let main = "
        local one, two, three = time.after('1ms'), time.after('1ms'), time.after('1h')
        time.sleep('20ms')
        local asked = time.now()
        local value = channel.select({one:case_receive(), default = true}).value
        local none = channel.select({three:case_receive(), default = true}).default
        return {asked:sub(value):milliseconds() >= 10, type((two:receive())), (select(2, two:receive())), none}
    ";
    assert_eq!(run(main), Ok(json!([true, "userdata", false, true])));
}

#[test]
fn of_several_who_wait_for_one_timeout_one_gets_the_time_and_all_go_on() {
    let main = "
        local timeout, done = time.after('5ms'), channel.new(3)
        for _ = 1, 3 do coroutine.spawn(function() done:send(select(2, timeout:receive())) end) end
        local times = 0
        for _ = 1, 3 do if done:receive() then times = times + 1 end end
        return times
    ";
    assert_eq!(run(main), Ok(json!(1)));
}
