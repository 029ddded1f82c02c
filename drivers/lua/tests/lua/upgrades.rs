//! The same process with other code.

use crate::support::run_with;
use serde_json::json;

#[test]
fn links_and_monitors_in_both_directions_and_names_outlive_an_upgrade() {
    let first = "
        local main, child = ...
        process.monitor(child)
        process.registry.register('kept')
        process.send(main, 'ready')
        process.listen('go'):receive()
        process.upgrade('app:second', main)
    ";
    let second = "
        local main = ...
        local event = process.events():receive()
        process.send(main, 'saw', event.result.value)
        process.inbox():receive()
        error('as told', 0)
    ";
    let child = "return process.inbox():receive():payload():data()";
    let main = "
        process.set_options({trap_links = true})
        local me, inbox, events = process.pid(), process.inbox(), process.events()
        local child = process.spawn('app:child', 'app:processes')
        local pid = process.spawn_linked_monitored('app:first', 'app:processes', me, child)
        inbox:receive()
        process.send(pid, 'go')
        process.send(child, 'end', 'of the child')
        local saw = inbox:receive():payload():data()
        local named = process.registry.lookup('kept') == pid
        process.send('kept', 'fail')
        local one, two = events:receive(), events:receive()
        return {saw, named, one.kind, tostring(one.error), two.kind, one.from == pid}
    ";
    let expected = json!(["of the child", true, "pid.exit", "as told", "pid.link.down", true]);
    let others = [("first", first), ("second", second), ("child", child)];
    assert_eq!(run_with(main, &others), Ok(expected));
}

#[test]
fn messages_that_nobody_has_read_are_there_after_an_upgrade_whatever_listened_to_them() {
    let first = "
        local main = ...
        local topic, inbox = process.listen('topic'), process.inbox()
        process.send(main, 'ready')
        process.listen('go'):receive()
        process.upgrade(nil, main, 'again')
    ";
    // The same code again: an empty id, or none, is the process's own.
    let both = format!(
        "
        local main, again = ...
        if again then
            local inbox, got = process.inbox(), {{}}
            for n = 1, 3 do got[n] = inbox:receive():topic() end
            return got
        end
        {first}
        "
    );
    let main = "
        local pid = process.spawn_monitored('app:both', 'app:processes', process.pid())
        process.inbox():receive()
        process.send(pid, 'topic', 1)
        process.send(pid, 'other', 2)
        process.send(pid, 'topic', 3)
        process.send(pid, 'go')
        return process.events():receive().result.value
    ";
    assert_eq!(run_with(main, &[("both", &both)]), Ok(json!(["topic", "other", "topic"])));
}

#[test]
fn what_was_begun_before_an_upgrade_is_not_mistaken_for_what_is_begun_after_it() {
    let first = "
        local main = ...
        coroutine.spawn(function() process.exec('app:slow', 'app:processes', main) end)
        process.listen('go'):receive()
        process.upgrade('app:second', main)
    ";
    let second = "
        local main = ...
        process.send(main, 'upgraded')
        local value = process.exec('app:waiting', 'app:processes', main)
        return value
    ";
    let slow = "
        local main = ...
        process.send(main, 'slow', process.pid())
        process.inbox():receive()
        return 'of the old code'
    ";
    let waiting = "
        local main = ...
        process.send(main, 'waiting', process.pid())
        process.inbox():receive()
        return 'of the new code'
    ";
    let main = "
        local inbox = process.inbox()
        local pid = process.spawn_monitored('app:first', 'app:processes', process.pid())
        local slow = inbox:receive():payload():data()
        process.send(pid, 'go')
        inbox:receive()
        local waiting = inbox:receive():payload():data()
        process.monitor(slow)
        process.send(slow, 'end')
        process.events():receive()
        process.send(waiting, 'end')
        return process.events():receive().result.value
    ";
    let others = [("first", first), ("second", second), ("slow", slow), ("waiting", waiting)];
    assert_eq!(run_with(main, &others), Ok(json!("of the new code")));
}

#[test]
fn an_upgrade_within_a_coroutine_is_one_of_the_process_and_its_coroutines_and_timers_are_over() {
    let first = "
        local main = ...
        coroutine.spawn(function() time.sleep('5ms') process.send(main, 'from the old code') end)
        process.inbox():receive()
        local wrapped = coroutine.wrap(function() pcall(process.upgrade, 'app:second', 'given') end)
        coroutine.spawn(function() wrapped() end)
        process.inbox():receive()
    ";
    let second = "
        time.sleep('20ms')
        return {..., process.id()}
    ";
    let main = "
        local pid = process.spawn_monitored('app:first', 'app:processes', process.pid())
        process.send(pid, 'go')
        local value = process.events():receive().result.value
        local inbox, timeout = process.inbox(), time.after('1ms')
        local rest = channel.select({inbox:case_receive(), timeout:case_receive()})
        return {value, rest.channel == timeout}
    ";
    let others = [("first", first), ("second", second)];
    assert_eq!(run_with(main, &others), Ok(json!([["given", "app:second"], true])));
}

#[test]
fn an_upgrade_to_what_is_no_process_or_does_not_load_is_the_end_of_the_process() {
    let first = "process.inbox():receive() pcall(process.upgrade, (...)) time.sleep('1h')";
    let raising = "error('unused', 0)";
    let main = "
        local results = {}
        for _, id in ipairs({'app:absent', 'app:raising'}) do
            process.send(process.spawn_monitored('app:first', 'app:processes', id), 'go')
            table.insert(results, tostring(process.events():receive().result.error))
        end
        return results
    ";
    let others = [("first", first), ("raising", raising)];
    let expected = json!(["process.upgrade: no process app:absent", "unused"]);
    assert_eq!(run_with(main, &others), Ok(expected));
}
