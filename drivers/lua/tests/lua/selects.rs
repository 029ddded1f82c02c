//! What waits in several places at once, and what was closed while it waited.

use crate::support::run;
use serde_json::json;

#[test]
fn a_select_that_had_to_wait_tells_the_same_as_one_that_had_not() {
    let main = "
        local results = {}
        local function tell(case)
            local r = channel.select({case})
            table.insert(results, {type(r.channel), r.value == nil and 'nil' or r.value, r.ok, r.default == nil})
        end
        local full, empty = channel.new(1), channel.new()
        tell(full:case_send('at once'))
        coroutine.spawn(function() full:receive() end)
        tell(full:case_send('later'))
        tell(full:case_receive())
        coroutine.spawn(function() empty:send('a value') end)
        tell(empty:case_receive())
        coroutine.spawn(function() empty:close() end)
        tell(empty:case_receive())
        return results
    ";
    let sent = json!(["userdata", "nil", true, true]);
    let expected = json!([
        sent,
        sent,
        ["userdata", "later", true, true],
        ["userdata", "a value", true, true],
        ["userdata", "nil", false, true],
    ]);
    assert_eq!(run(main), Ok(expected));
}

#[test]
fn a_send_that_waits_in_a_select_is_not_ok_when_its_channel_closes() {
    let main = "
        local ch = channel.new()
        coroutine.spawn(function() ch:close() end)
        local r = channel.select({ch:case_send(1)})
        return {r.channel == ch, r.value == nil, r.ok}
    ";
    assert_eq!(run(main), Ok(json!([true, true, false])));
}

#[test]
fn a_select_takes_one_value_and_leaves_the_others_where_they_are() {
    let main = "
        local a, b, me = channel.new(), channel.new(1), process.pid()
        local inbox = process.inbox()
        local done = channel.new()
        coroutine.spawn(function()
            local r = channel.select({a:case_receive(), b:case_receive(), inbox:case_receive()})
            done:send(r.value)
        end)
        coroutine.yield()
        coroutine.spawn(function() a:send('a') end)
        b:send('b')
        process.send(me, 't', 'mail')
        local first = done:receive()
        return {first, inbox:receive():payload():data(), channel.select({a:case_receive(), b:case_receive()}).value}
    ";
    assert_eq!(run(main), Ok(json!(["b", "mail", "a"])));
}

#[test]
fn a_flooded_case_goes_before_those_behind_it() {
    let main = "
        local flood, other = channel.new(3), channel.new(1)
        other:send('other')
        for n = 1, 3 do flood:send(n) end
        local order = {}
        for _ = 1, 4 do
            table.insert(order, channel.select({flood:case_receive(), other:case_receive()}).value)
        end
        return order
    ";
    assert_eq!(run(main), Ok(json!([1, 2, 3, "other"])));
}

#[test]
fn what_is_no_case_is_skipped_and_a_default_may_stand_beside_the_list() {
    let main = "
        local ch = channel.new(1)
        local none = channel.select({'no case', 7, ch:case_receive()}, true)
        ch:send('v')
        local some = channel.select({'no case', 7, ch:case_receive()}, true)
        local ok = pcall(channel.select, {})
        return {none, some.value, ok}
    ";
    assert_eq!(run(main), Ok(json!([{"default": true, "ok": true}, "v", false])));
}

#[test]
fn a_send_case_of_a_closed_channel_raises() {
    let main = "
        local ch = channel.new()
        local case = ch:case_send(1)
        ch:close()
        local made, why = pcall(ch.case_send, ch, 1)
        local selected, also = pcall(channel.select, {case})
        return {made, string.find(why, 'send on closed channel') ~= nil, selected, string.find(also, 'send on closed channel') ~= nil}
    ";
    assert_eq!(run(main), Ok(json!([false, true, false, true])));
}

#[test]
fn a_select_in_a_loop_leaves_nothing_behind_in_the_channels_that_stay_silent() {
    // The bound of the test's processes is 4 MiB, which so many waits would fill several times.
    let main = "
        local silent, busy, held = channel.new(), channel.new(), channel.new()
        coroutine.spawn(function() held:receive() end)
        coroutine.spawn(function() for n = 1, 40000 do busy:send(n) if n % 1000 == 0 then time.sleep('1us') end end busy:close() end)
        local last
        while true do
            local r = channel.select({silent:case_receive(), held:case_receive(), busy:case_receive()})
            if not r.ok then return last end
            last = r.value
        end
    ";
    assert_eq!(run(main), Ok(json!(40_000)));
}

#[test]
fn a_sender_that_waits_hands_its_value_to_the_buffer_when_there_is_room() {
    let main = "
        local ch, log = channel.new(1), {}
        coroutine.spawn(function() for n = 1, 3 do ch:send(n) table.insert(log, 'sent ' .. n) end ch:close() end)
        while true do
            local v, ok = ch:receive()
            if not ok then return log end
            table.insert(log, 'got ' .. v)
        end
    ";
    let Ok(serde_json::Value::Array(log)) = run(main) else { panic!() };
    let got: Vec<_> = log.iter().filter(|line| line.as_str().unwrap().starts_with("got")).collect();
    assert_eq!(got, ["got 1", "got 2", "got 3"]);
    assert_eq!(log.len(), 6);
}

#[test]
fn a_channel_of_the_mailbox_cannot_be_sent_to() {
    let main = "
        local sent, why = pcall(function() process.inbox():send(1) end)
        return {sent, string.find(why, 'fed by the mailbox') ~= nil, (pcall(channel.new, -1)), (pcall(channel.new, 'two'))}
    ";
    assert_eq!(run(main), Ok(json!([false, true, false, false])));
}

#[test]
fn every_receiver_gets_its_own_message_in_the_order_in_which_they_came_to_wait() {
    let main = "
        local inbox, done, me = process.inbox(), channel.new(3), process.pid()
        for n = 1, 3 do
            coroutine.spawn(function() done:send(n .. ' got ' .. inbox:receive():payload():data()) end)
        end
        coroutine.yield()
        for n = 1, 3 do process.send(me, 't', n) end
        return {(done:receive()), (done:receive()), (done:receive())}
    ";
    assert_eq!(run(main), Ok(json!(["1 got 1", "2 got 2", "3 got 3"])));
}
