//! What processes can do to each other.

use crate::support::{World, run, run_with};
use serde_json::json;

#[test]
fn a_process_returns_a_value() {
    assert_eq!(run("return 6 * 7"), Ok(json!(42)));
}

#[test]
fn a_process_that_returns_an_error_has_failed() {
    assert_eq!(run("return 1, 'no luck'"), Err("no luck".to_owned()));
}

#[test]
fn a_message_reaches_the_inbox_of_another_process() {
    let echo = "
        local msg = process.inbox():receive()
        process.send(msg:from(), 'reply', {topic = msg:topic(), data = msg:payload():data()})
    ";
    let main = "
        local pid = process.spawn('app:echo', 'app:processes')
        assert(process.send(pid, 'hello', {name = 'ada', list = {1, 2, 3}}))
        local msg = process.inbox():receive()
        return {msg:topic(), msg:from() == pid, msg:payload():data()}
    ";
    let data = json!({"topic": "hello", "data": {"name": "ada", "list": [1, 2, 3]}});
    assert_eq!(run_with(main, &[("echo", echo)]), Ok(json!(["reply", true, data])));
}

#[test]
fn a_message_to_itself_is_there_at_once_for_one_that_does_not_wait() {
    let main = "
        local inbox = process.inbox()
        process.send(process.pid(), 'note', 7)
        local got = channel.select({inbox:case_receive(), default = true})
        local none = channel.select({inbox:case_receive(), default = true})
        return {got.ok and got.value:payload():data(), none.default}
    ";
    assert_eq!(run(main), Ok(json!([7, true])));
}

#[test]
fn sleeping_lets_other_coroutines_run() {
    let main = "
        local time = require('time')
        local order = {}
        local done = channel.new()
        coroutine.spawn(function() table.insert(order, 'b') done:send(true) end)
        table.insert(order, 'a')
        time.sleep('10ms')
        done:receive()
        table.insert(order, 'c')
        return table.concat(order)
    ";
    assert_eq!(run(main), Ok(json!("abc")));
}

#[test]
fn an_endless_loop_is_ended_past_its_budget_whatever_catches_errors() {
    for body in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "table.sort({3, 2, 1}, function() while true do end end)",
        "coroutine.wrap(function() while true do end end)()",
        "process.upgrade()",
    ] {
        let result = run(body);
        let Err(error) = result else { panic!("{body}: {result:?}") };
        assert!(error.starts_with("the script ran for too long"), "{body}: {error}");
    }
}

#[test]
fn a_process_that_allocates_without_end_is_ended() {
    for body in [
        "local t = {} while true do t[#t + 1] = {} end",
        "local s = 'x' while true do s = s .. s end",
        "return #('x'):rep(5e8)",
        "local t = {} while true do pcall(function() while true do t[#t + 1] = ('x'):rep(1000) .. #t end end) end",
    ] {
        assert_eq!(run(body), Err("the process holds more memory than it may".to_owned()), "{body}");
    }
}

/// Each time somebody else lives for a moment, as a handler does beside a room.
#[test]
fn processes_are_spread_over_the_workers_as_they_live() {
    let main = "
        local function main()
            for i = 1, 20 do
                process.exec('app:short', 'app:processes')
                process.spawn('app:long', 'app:processes')
            end
        end
        return { main = main }
    ";
    let short = "return { main = function() end }";
    let long = "return { main = function() process.inbox():receive() end }";
    let world = World::of_processes(main, &[("short", short), ("long", long)]);
    assert!(world.exec(&[]).is_ok());
    assert_eq!(world.instance.hub().loads(), [10, 10]);
}

#[test]
fn what_is_wrong_with_an_argument_is_said_of_the_line_that_gave_it() {
    for call in [
        "process.spawn(5, 'app:processes')",
        "process.spawn_linked('app:main', nil)",
        "process.spawn_monitored('app:main')",
        "process.exec('app:main')",
        "process.with_options({}):with_name(5)",
        "process.with_options({}):spawn(5)",
        "process.with_options({}):spawn_monitored('app:main')",
    ] {
        let main = format!("local ok, words = pcall(function()\n    {call}\nend)\nreturn words");
        let said = run(&main).map(|said| said.to_string());
        assert!(said.as_ref().is_ok_and(|said| said.starts_with("\"main.lua:3: ")), "{call}: {said:?}");
    }
}
