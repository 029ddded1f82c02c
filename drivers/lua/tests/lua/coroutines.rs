//! Coroutines that wait, fail, yield and are closed.

use crate::support::{run, run_with};
use serde_json::json;

#[test]
fn the_spawner_goes_on_and_the_spawned_run_in_their_order() {
    let main = "
        local order = {'main'}
        local thread = coroutine.spawn(function() table.insert(order, 'first') end)
        coroutine.spawn(function() table.insert(order, 'second') end)
        table.insert(order, 'main again')
        coroutine.yield()
        return {order, type(thread), coroutine.status(thread), (pcall(coroutine.spawn, 'no function'))}
    ";
    let order = json!(["main", "main again", "first", "second"]);
    assert_eq!(run(main), Ok(json!([order, "thread", "dead", false])));
}

#[test]
fn a_value_is_not_lost_on_a_coroutine_that_was_closed_while_it_waited_for_one() {
    let main = "
        local ch, me, inbox = channel.new(1), process.pid(), process.inbox()
        local one = coroutine.spawn(function() ch:receive() end)
        local two = coroutine.spawn(function() inbox:receive() end)
        local three = coroutine.spawn(function() channel.select({ch:case_receive(), inbox:case_receive()}) end)
        coroutine.yield()
        for _, co in {one, two, three} do assert(coroutine.close(co)) end
        ch:send('value')
        process.send(me, 't', 'mail')
        return {(ch:receive()), inbox:receive():payload():data()}
    ";
    assert_eq!(run(main), Ok(json!(["value", "mail"])));
}

#[test]
fn a_value_is_not_received_from_a_coroutine_that_was_closed_while_it_sent() {
    let main = "
        local ch = channel.new()
        local sender = coroutine.spawn(function() ch:send('from the closed') end)
        coroutine.yield()
        coroutine.close(sender)
        coroutine.spawn(function() ch:send('from the living') end)
        return (ch:receive())
    ";
    assert_eq!(run(main), Ok(json!("from the living")));
}

#[test]
fn an_iterator_and_a_coroutine_within_a_coroutine_can_wait() {
    let main = "
        local ch = channel.new()
        coroutine.spawn(function() for n = 1, 3 do ch:send(n) end ch:close() end)
        local got = {}
        for v in function() return (ch:receive()) end do table.insert(got, v) end
        local inner = coroutine.wrap(function()
            local deeper = coroutine.wrap(function() time.sleep('1ms') coroutine.yield('deep') time.sleep('1ms') return 'deeper' end)
            coroutine.yield(deeper())
            coroutine.yield(deeper())
        end)
        table.insert(got, inner())
        table.insert(got, inner())
        return got
    ";
    assert_eq!(run(main), Ok(json!([1, 2, 3, "deep", "deeper"])));
}

#[test]
fn what_a_coroutine_within_a_coroutine_waits_for_reaches_it() {
    let main = "
        local ch = channel.new()
        coroutine.spawn(function() ch:send('handed over') end)
        return coroutine.wrap(function()
            return {(ch:receive()), (process.exec('app:worker', 'app:processes'))}
        end)()
    ";
    let worker = "return 'worked out'";
    assert_eq!(run_with(main, &[("worker", worker)]), Ok(json!(["handed over", "worked out"])));
}

#[test]
fn an_error_after_a_wait_goes_to_whoever_resumed() {
    let main = "
        local co = coroutine.create(function() time.sleep('1ms') error('late', 0) end)
        local resumed, why = coroutine.resume(co)
        local wrapped, also = pcall(coroutine.wrap(function() time.sleep('1ms') error({code = 7}) end))
        local called, third = pcall(function() time.sleep('1ms') error(errors.new('INVALID', 'object')) end)
        local handled = select(2, xpcall(function() time.sleep('1ms') error('x', 0) end, function(m) return m .. ' handled' end))
        return {resumed, why, wrapped, also.code, called, third:kind(), handled}
    ";
    assert_eq!(run(main), Ok(json!([false, "late", false, 7, false, "Invalid", "x handled"])));
}

#[test]
fn values_pass_through_resume_and_yield_nils_among_them() {
    let main = "
        local co = coroutine.create(function(...)
            local n = select('#', ...)
            local m = select('#', coroutine.yield(n, nil, nil))
            return m, nil
        end)
        local first = table.pack(coroutine.resume(co, nil, nil, nil))
        local second = table.pack(coroutine.resume(co, nil, nil))
        return {first.n, first[2], second.n, second[2], coroutine.isyieldable(), type(coroutine.running())}
    ";
    assert_eq!(run(main), Ok(json!([4, 3, 3, 2, true, "thread"])));
}

#[test]
fn many_coroutines_share_the_process_while_one_works_without_a_pause() {
    // The worker's loop is pre-empted again and again; nothing that the others wait for is lost meanwhile.
    let main = "
        local done, count = channel.new(), 0
        for n = 1, 50 do
            coroutine.spawn(function()
                local timer = time.after('1ms')
                local v, ok = timer:receive()
                for _ = 1, 20000 do count = count + 1 end
                done:send(ok)
            end)
        end
        for _ = 1, 50 do assert(done:receive()) end
        return count
    ";
    assert_eq!(run(main), Ok(json!(1_000_000)));
}

#[test]
fn mail_comes_through_after_a_coroutine_was_made_to_pause() {
    let main = "
        local got
        coroutine.spawn(function() got = process.inbox():receive():topic() end)
        coroutine.spawn(function() for _ = 1, 3e6 do end end)
        coroutine.yield()
        process.send(process.pid(), 'mail')
        while not got do coroutine.yield() end
        return got
    ";
    assert_eq!(run(main), Ok(json!("mail")));
}

#[test]
fn time_and_mail_come_through_while_coroutines_keep_each_other_busy() {
    let echo = "local msg = process.inbox():receive() process.send(msg:from(), 'back')";
    let main = "
        local came, inbox = {}, process.inbox()
        coroutine.spawn(function() time.sleep('1ms') came.time = true end)
        coroutine.spawn(function() came.mail = inbox:receive():topic() end)
        process.send(process.spawn('app:echo', 'app:processes'), 'there')
        while not (came.time and came.mail) do coroutine.yield() end
        return came
    ";
    assert_eq!(run_with(main, &[("echo", echo)]), Ok(json!({"time": true, "mail": "back"})));
}
