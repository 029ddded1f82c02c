//! Connections from a process to a server: here to the application's own.

use crate::support::{Witness, World, within};
use serde_json::{Value as Json, json};
use wsrelay_core::message::Foreign as _;
use wsrelay_lua::vm::Values;

const YAML: &str = "
namespace: app
entries:
  - {name: gateway, kind: http.service, addr: '127.0.0.1:0'}
  - {name: processes, kind: process.host}
  - {name: router, kind: http.router, meta: {server: gateway}, middleware: [websocket_relay], options: {OPTIONS}}
  - {name: connect, kind: function.lua, source: 'file://connect.lua', method: handler, modules: [http, json]}
  - {name: connect.endpoint, kind: http.endpoint, method: GET, path: /echo, func: connect}
  - {name: echo, kind: process.lua, source: 'file://echo.lua'}
  - {name: main, kind: process.lua, source: 'file://main.lua', modules: [websocket, time, json]}
";

const CONNECT: &str = "
local http, json = require('http'), require('json')
return { handler = function(req, res)
    if req:query('refuse') then return res:status(403):json({}) end
    local pid = process.spawn('app:echo', 'app:processes')
    res:header('X-WS-Relay', json.encode({ target_pid = pid, metadata = { word = req:header('X-Word') } }))
end }
";

/// Says what it is told, and ends in the ways that it is told.
const ECHO: &str = "
return { main = function()
    local inbox = process.inbox()
    while true do
        local msg = inbox:receive()
        local data = msg:payload():data()
        if msg:topic() == 'ws.message' then
            local text = type(data) == 'table' and data.data or data
            local form = type(data) == 'table' and data.type or 'text'
            if text == 'close' then
                process.send(msg:from(), 'ws.send', { type = 'text', data = 'last' })
                process.send(msg:from(), 'ws.close', { code = 4001, reason = 'enough' })
            elseif text == 'crash' then
                error('on purpose')
            elseif text == 'word' then
                process.send(msg:from(), 'ws.send', { type = 'text', data = tostring(data.metadata.word) })
            else
                process.send(msg:from(), 'ws.send', { type = form, data = text })
            end
        elseif msg:topic() == 'ws.leave' then
            process.send('witness', 'left', { code = data.code, reason = data.reason })
            return
        end
    end
end }
";

/// Fills the mailbox with messages, takes them out again and says how many there was room for.
const FILL: &str = "
local function fill()
    local count = 0
    while process.send(process.pid(), 'fill', count) do count = count + 1 end
    local fill = process.listen('fill')
    for _ = 1, count do fill:receive() end
    return count
end
";

/// What a process makes of the server at `url`.
fn client_with(options: &str, body: &str) -> Json {
    let (world, _witness) = world(options, body);
    exec(&world).unwrap()
}

fn client(body: &str) -> Json {
    client_with("", body)
}

fn world(options: &str, body: &str) -> (World, Witness) {
    let main = format!(
        "local websocket, time = require('websocket'), require('time')\n{FILL}return {{ main = function(url)\n{body}\nend }}"
    );
    let yaml = YAML.replace("OPTIONS", options);
    let world = World::start(&[
        ("_index.yaml", &yaml),
        ("connect.lua", CONNECT),
        ("echo.lua", ECHO),
        ("main.lua", &main),
    ]);
    let witness = Witness::new(&world.node);
    (world, witness)
}

fn exec(world: &World) -> Result<Json, String> {
    let url = json!(format!("ws://{}/echo", world.address()));
    let result = world.instance.hub().exec("app:main", "app:processes", Values::from_json([&url]));
    let result = world.runtime.block_on(within("the end of app:main", result));
    result.map(|values| values.to_json()).map_err(|error| error.to_string())
}

#[test]
fn text_and_binary_come_back_as_they_were_sent() {
    let body = "
        local client = assert(websocket.connect(url))
        assert(client:send('héllo'))
        assert(client:send('\\0\\255', websocket.BINARY))
        assert(client:send('', 'binary'))
        local messages = client:channel()
        local one, two, three = messages:receive(), messages:receive(), messages:receive()
        local results = {one, two.type, two.data == '\\0\\255', three, client:receive() == messages, client:ping(), type(client)}
        client:close()
        return results
    ";
    let expected = json!([
        {"type": "text", "data": "héllo"},
        "binary",
        true,
        {"type": "binary", "data": ""},
        true,
        true,
        "userdata",
    ]);
    assert_eq!(client(body), expected);
}

#[test]
fn a_server_that_closes_ends_the_channel_after_its_last_message() {
    let body = "
        local client = assert(websocket.connect(url))
        client:send('close')
        local messages = client:channel()
        local last, ok = messages:receive()
        local nothing, open = messages:receive()
        local again = select(2, messages:receive())
        local selected = channel.select({messages:case_receive()})
        local sent, fault = client:send('too late')
        return {last.data, ok, nothing == nil, open, again, selected.ok, sent == nil, fault:kind(), client:close() == nil}
    ";
    assert_eq!(client(body), json!(["last", true, true, false, false, false, true, "Invalid", true]));
}

#[test]
fn whoever_waits_for_a_message_is_freed_when_the_connection_ends() {
    let body = "
        local client = assert(websocket.connect(url))
        local ended, timeout = channel.new(), time.after('10s')
        coroutine.spawn(function() ended:send(select(2, client:channel():receive())) end)
        coroutine.spawn(function()
            local r = channel.select({timeout:case_receive(), client:channel():case_receive()})
            ended:send(r.channel == client:channel() and r.ok)
        end)
        coroutine.yield()
        client:send('crash')
        return {(ended:receive()), (ended:receive())}
    ";
    assert_eq!(client(body), json!([false, false]));
}

#[test]
fn a_close_tells_the_server_its_code_and_reason() {
    let (world, witness) = world(
        "",
        "
        local client = assert(websocket.connect(url))
        local freed = channel.new()
        coroutine.spawn(function() freed:send(select(2, client:channel():receive())) end)
        coroutine.yield()
        client:close(4000, 'done here')
        client:close()
        return {(freed:receive()), select('#', client:close())}
    ",
    );
    assert_eq!(exec(&world), Ok(json!([false, 0])));
    let left = world.runtime.block_on(witness.next());
    assert_eq!(left, json!(["left", {"code": 4000, "reason": "done here"}]));
}

#[test]
fn what_cannot_be_connected_is_an_error_that_may_be_tried_again() {
    let body = "
        local refused, why = websocket.connect(url .. '?refuse=1')
        local nobody, none = websocket.connect('ws://127.0.0.1:1/')
        local odd, scheme = websocket.connect('ftp://127.0.0.1/')
        local wrong, option = websocket.connect(url, { read_limit = 'much' })
        return {refused == nil, why:kind(), why:retryable(), nobody == nil, none:kind(), none:retryable(),
            odd == nil, scheme:kind(), wrong == nil, option:kind(), (pcall(websocket.connect, 7)), (pcall(websocket.connect, url, 7))}
    ";
    let expected = json!([
        true, "Internal", true, true, "Internal", true, true, "Invalid", true, "Invalid", false, false
    ]);
    assert_eq!(client(body), expected);
}

#[test]
fn headers_go_along_and_timeouts_are_strings_or_numbers() {
    let body = "
        local words = {}
        for _, timeout in ipairs({'3s', 3, 3000}) do
            local client = assert(websocket.connect(url, { headers = { ['X-Word'] = 'w' .. timeout }, dial_timeout = timeout }))
            client:send('word')
            table.insert(words, client:receive():receive().data)
            client:close()
        end
        return words
    ";
    assert_eq!(client(body), json!(["w3s", "w3", "w3000"]));
}

#[test]
fn messages_have_their_type_also_where_processes_get_them_raw() {
    let body = "
        local client = assert(websocket.connect(url))
        client:send('raw')
        return client:channel():receive()
    ";
    assert_eq!(client_with("wsrelay.message_form: raw", body), json!({"type": "text", "data": "raw"}));
}

#[test]
fn two_connections_and_the_inbox_are_kept_apart() {
    let body = "
        local one, two = assert(websocket.connect(url)), assert(websocket.connect(url))
        process.send(process.pid(), 'ws.message', 'of my own')
        one:send('1') two:send('2') one:send('3')
        local second = two:channel():receive().data
        local mine = process.inbox():receive():payload():data()
        local first, third = one:channel():receive().data, one:channel():receive().data
        local timeout = time.after('20ms')
        local rest = channel.select({process.inbox():case_receive(), timeout:case_receive()})
        return {first, second, third, mine, rest.channel == timeout}
    ";
    assert_eq!(client(body), json!(["1", "2", "3", "of my own", true]));
}

#[test]
fn what_a_connection_has_said_by_the_time_it_is_closed_makes_room() {
    let body = "
        local before = fill()
        local client = assert(websocket.connect(url))
        process.monitor(client._pid)
        client:send('close')
        -- Its last message and its leave have come before its exit.
        process.events():receive()
        client:close()
        return fill() == before
    ";
    assert_eq!(client(body), json!(true));
}

#[test]
fn an_upgrade_closes_the_connections_of_the_code_before() {
    let (world, witness) = world(
        "",
        "
        if url == nil then return 'upgraded' end
        assert(websocket.connect(url))
        process.upgrade()
    ",
    );
    assert_eq!(exec(&world), Ok(json!("upgraded")));
    let left = world.runtime.block_on(witness.next());
    assert_eq!(left, json!(["left", {"code": 1001, "reason": ""}]));
}

#[test]
fn connections_that_were_closed_leave_nothing_in_the_mailbox() {
    // What a closed connection still says counts against the mailbox's bounds, unless it is taken out: then there is room for
    // as many messages as before.
    let body = "
        local before = fill()
        for _ = 1, 20 do
            local client = assert(websocket.connect(url))
            client:send('unread')
            client:close()
            client = assert(websocket.connect(url))
            client:send('close')
            local messages = client:channel()
            while messages:receive() do end
        end
        -- The last word of the last connection may still be on its way.
        while fill() ~= before do time.sleep('5ms') end
        return true
    ";
    let (world, _witness) = world("", body);
    assert_eq!(exec(&world), Ok(json!(true)));
}
