//! Channels and coroutines inside a process, and what waits.

use crate::support::run;
use serde_json::json;

#[test]
fn a_value_goes_from_hand_to_hand_or_through_the_buffer() {
    let main = "
        local hand, buffer = channel.new(), channel.new(2)
        coroutine.spawn(function() hand:send('over') end)
        local over = hand:receive()
        buffer:send(nil) buffer:send(2)
        local blocked = 'blocked'
        coroutine.spawn(function() buffer:send(3) blocked = 'sent' end)
        local one, ok = buffer:receive()
        local two, three = (buffer:receive()), (buffer:receive())
        return {over, one == nil, ok, two, three, blocked}
    ";
    assert_eq!(run(main), Ok(json!(["over", true, true, 2, 3, "sent"])));
}

#[test]
fn a_sender_goes_on_as_soon_as_the_buffer_has_room() {
    let main = "
        local ch, sent = channel.new(1), 0
        coroutine.spawn(function() for n = 1, 3 do ch:send(n) sent = n end end)
        coroutine.yield()
        local before, first = sent, ch:receive()
        coroutine.yield()
        return {before, first, sent, (ch:receive()), (ch:receive())}
    ";
    assert_eq!(run(main), Ok(json!([1, 1, 2, 2, 3])));
}

#[test]
fn a_closed_channel_gives_what_it_holds_and_then_nothing() {
    let main = "
        local ch = channel.new(1)
        ch:send('last')
        ch:close() ch:close()
        local last, ok = ch:receive()
        local nothing, over = ch:receive()
        local sent, fault = pcall(ch.send, ch, 1)
        return {last, ok, nothing == nil, over, sent, string.find(fault, 'send on closed channel') ~= nil}
    ";
    assert_eq!(run(main), Ok(json!(["last", true, true, false, false, true])));
}

#[test]
fn closing_frees_those_who_wait() {
    let main = "
        local ch, log, done = channel.new(), {}, channel.new()
        coroutine.spawn(function() local v, ok = ch:receive() table.insert(log, tostring(v) .. tostring(ok)) done:send() end)
        local full = channel.new()
        coroutine.spawn(function() local v, e = full:send(1) table.insert(log, tostring(v) .. ' ' .. e:message()) done:send() end)
        time.sleep(0)
        ch:close() full:close()
        done:receive() done:receive()
        return log
    ";
    assert_eq!(run(main), Ok(json!(["nilfalse", "nil send on closed channel"])));
}

#[test]
fn a_select_takes_the_first_case_that_is_ready_and_its_default_when_none_is() {
    let main = "
        local a, b, c = channel.new(1), channel.new(1), channel.new(1)
        b:send('b') c:send('c')
        local first = channel.select({a:case_receive(), b:case_receive(), c:case_receive()})
        local none = channel.select({a:case_receive(), default = true})
        local sent = channel.select({a:case_send('a'), c:case_receive()})
        c:receive()
        local closed = channel.new() closed:close()
        local over = channel.select({closed:case_receive()})
        local known = {[a] = 'a', [b] = 'b', [c] = 'c'}
        return {known[first.channel], first.value, first.ok, none.default, sent.channel == a, (a:receive()),
            over.value == nil, over.ok}
    ";
    assert_eq!(run(main), Ok(json!(["b", "b", true, true, true, "a", true, false])));
}

#[test]
fn a_select_waits_for_channels_the_mailbox_and_time_at_once() {
    let main = "
        local me, inbox, topic = process.pid(), process.inbox(), process.listen('topic')
        local ch, order = channel.new(), {}
        local function wait()
            local timeout = time.after('1h')
            local result = channel.select({inbox:case_receive(), topic:case_receive(), ch:case_receive(), timeout:case_receive()})
            if result.channel == inbox then return 'inbox ' .. result.value:payload():data() end
            if result.channel == topic then return 'topic ' .. result.value end
            if result.channel == ch then return 'channel ' .. result.value end
        end
        coroutine.spawn(function() ch:send('one') process.send(me, 'topic', 'two') process.send(me, 'x', 'three') end)
        for _ = 1, 3 do table.insert(order, wait()) end
        local soon = time.after('1ms')
        local result = channel.select({inbox:case_receive(), soon:case_receive()})
        table.insert(order, result.channel == soon and type(result.value))
        local _, open = soon:receive()
        table.insert(order, open)
        return order
    ";
    assert_eq!(run(main), Ok(json!(["channel one", "inbox three", "topic two", "userdata", false])));
}

#[test]
fn waiting_works_within_pcall_coroutines_and_iterators() {
    let main = "
        local function wait(v) time.sleep('1ms') return v end
        local _, within = pcall(wait, 'pcall')
        local got = {within}
        local numbers = coroutine.wrap(function() for n = 1, 2 do wait() coroutine.yield(n) end end)
        for n in numbers do table.insert(got, n) end
        local co = coroutine.create(function(a) local b = coroutine.yield(wait(a)) return wait(b) end)
        local _, one = coroutine.resume(co, 'first')
        local _, two = coroutine.resume(co, 'second')
        local ok, fault = coroutine.resume(co)
        return {got, one, two, ok, coroutine.status(co)}
    ";
    assert_eq!(run(main), Ok(json!([["pcall", 1, 2], "first", "second", false, "dead"])));
}

#[test]
fn a_coroutine_that_is_closed_while_it_waits_does_not_run_again() {
    let main = "
        local ran = false
        local co = coroutine.create(function() time.sleep('1ms') ran = true end)
        coroutine.spawn(function() coroutine.resume(co) end)
        time.sleep(0)
        time.sleep('5ms')
        local spawned
        spawned = coroutine.spawn(function() time.sleep('1ms') ran = 'spawned' end)
        time.sleep(0)
        coroutine.close(spawned)
        time.sleep('5ms')
        return ran
    ";
    assert_eq!(run(main), Ok(json!(true)));
}

#[test]
fn the_end_of_main_is_the_end_of_all_its_coroutines() {
    assert_eq!(run("coroutine.spawn(function() time.sleep('1h') end) return 'over'"), Ok(json!("over")));
}

#[test]
fn timers_are_stopped_and_set_anew() {
    let main = "
        local timer = time.timer('1h')
        local was = timer:stop()
        local _, open = timer:response():receive()
        local again = time.timer('1h')
        local reset = again:reset('1ms')
        local fired = type((again:response():receive()))
        local late, stopped = again:reset('1ms'), again:stop()
        local ticker, ticks = time.ticker('1ms'), 0
        for _ = 1, 3 do if ticker:channel():receive() then ticks = ticks + 1 end end
        ticker:stop()
        local _, fault = time.after(0)
        return {was, open, reset, fired, late, stopped, ticks, fault:kind()}
    ";
    assert_eq!(run(main), Ok(json!([true, false, true, "userdata", false, false, 3, "Invalid"])));
}

#[test]
fn timers_that_were_stopped_are_forgotten() {
    // The bound of the test's processes is 4 MiB, and each timer has some hundred bytes.
    let main = "for _ = 1, 100000 do time.timer('1h'):stop() end return 'still here'";
    assert_eq!(run(main), Ok(json!("still here")));
}

#[test]
fn a_channel_of_ones_own_can_be_fed_from_a_topic() {
    let main = "
        local me, ch = process.pid(), channel.new(1)
        assert(subscribe('news', ch) == ch)
        for n = 1, 3 do process.send(me, 'news', n) end
        local got = {(ch:receive()), (ch:receive()), (ch:receive())}
        unsubscribe(ch)
        process.send(me, 'news', 4)
        table.insert(got, process.inbox():receive():payload():data())
        return got
    ";
    assert_eq!(run(main), Ok(json!([1, 2, 3, 4])));
}

#[test]
fn events_reach_whoever_subscribed_to_their_pattern() {
    let main = "
        local events = require('events')
        local all = events.subscribe('chat.**')
        local some = events.subscribe('chat.rooms', 'opened')
        events.send('chat.rooms', 'closed', '/tea')
        events.send('chat.rooms', 'opened', '/tea', {by = 'ada'})
        events.send('shop', 'opened', '/')
        local one, two = all:channel():receive(), all:channel():receive()
        local three = some:channel():receive()
        some:close()
        local _, open = some:channel():receive()
        local nothing, fault = events.send('', 'kind', '/')
        return {one.kind, two.kind, two.path, two.data.by, three.kind, open, fault:kind()}
    ";
    assert_eq!(run(main), Ok(json!(["closed", "opened", "/tea", "ada", "opened", false, "Invalid"])));
}

#[test]
fn waiting_within_a_metamethod_is_refused_in_words() {
    let main = "
        local object = setmetatable({}, {__index = function() time.sleep('1ms') end})
        local ok, fault = pcall(function() return object.field end)
        return {ok, string.find(fault, 'attempt to yield across metamethod') ~= nil}
    ";
    assert_eq!(run(main), Ok(json!([false, true])));
}
