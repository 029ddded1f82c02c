//! The bus of events among the processes of a program.

use crate::support::{run, run_with};
use serde_json::json;

#[test]
fn an_event_reaches_each_subscription_once_whole_and_in_order() {
    let main = "
        local events = require('events')
        local one, two = events.subscribe('chat'), events.subscribe('**', 'said')
        local data = {text = 'hi', inner = {1}}
        for n = 1, 50 do data.n = n assert(events.send('chat', 'said', '/tea', data)) end
        data.inner[1] = 2
        local same, last = true, nil
        for n = 1, 50 do
            local a, b = one:channel():receive(), two:channel():receive()
            same = same and a.data.n == n and b.data.n == n and a.data ~= b.data and a.data.inner[1] == 1
            last = a
        end
        return {same, last.system, last.kind, last.path, last.data.text, type(one), one:channel() == one:channel()}
    ";
    assert_eq!(run(main), Ok(json!([true, "chat", "said", "/tea", "hi", "userdata", true])));
}

#[test]
fn events_go_to_other_processes_and_not_to_their_inboxes() {
    let listener = "
        local events = require('events')
        local main, pattern = ...
        local channel_of_events, inbox = events.subscribe(pattern):channel(), process.inbox()
        process.send(main, 'ready')
        local event = channel_of_events:receive()
        local msg = inbox:receive()
        return {event.path, msg:topic()}
    ";
    let main = "
        local events = require('events')
        local results, inbox = {}, process.inbox()
        for _, pattern in ipairs({'shop.*', 'shop.(tea|coffee)', '**'}) do
            local pid = process.spawn_monitored('app:listener', 'app:processes', process.pid(), pattern)
            inbox:receive()
            events.send('shop', 'opened', '/too short')
            events.send('shop.tea', 'opened', pattern)
            process.send(pid, 'letter')
            table.insert(results, process.events():receive().result.value)
        end
        return results
    ";
    let expected = json!([["shop.*", "letter"], ["shop.(tea|coffee)", "letter"], ["/too short", "letter"]]);
    assert_eq!(run_with(main, &[("listener", listener)]), Ok(expected));
}

#[test]
fn a_subscription_that_was_closed_leaves_neither_topics_nor_unread_events() {
    // A process may listen to 1024 topics, and its mailbox holds as many messages.
    let main = "
        local events, inbox, letters = require('events'), process.inbox(), channel.new(1)
        coroutine.spawn(function() letters:send(inbox:receive():topic()) end)
        for n = 1, 1500 do
            local subscription = events.subscribe('chat')
            events.send('chat', 'said', '/')
            if n % 100 == 0 then time.sleep('1ms') end
            assert(subscription:close() and subscription:close())
        end
        local freed, late = channel.new(1), events.subscribe('chat')
        coroutine.spawn(function() freed:send(select(2, late:channel():receive())) end)
        coroutine.yield()
        late:close()
        process.listen('a topic'):close()
        while not process.send(process.pid(), 'letter') do time.sleep('1ms') end
        return {(letters:receive()), (freed:receive())}
    ";
    assert_eq!(run(main), Ok(json!(["letter", false])));
}

#[test]
fn what_is_no_pattern_or_no_event_is_invalid() {
    let main = "
        local events = require('events')
        local kinds = {}
        for _, attempt in ipairs({{''}, {7}, {'a', 7}}) do
            local none, fault = events.subscribe(unpack(attempt))
            table.insert(kinds, none == nil and fault:kind())
        end
        for _, attempt in ipairs({{'', 'k', '/'}, {'s', '', '/'}, {'s', 'k', ''}, {'s', 'k'}, {7, 'k', '/'}}) do
            local none, fault = events.send(unpack(attempt))
            table.insert(kinds, none == nil and fault:kind())
        end
        return kinds
    ";
    assert_eq!(run(main), Ok(json!(vec!["Invalid"; 8])));
}
