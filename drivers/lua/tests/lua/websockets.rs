//! Connections to other servers.

use crate::support::World;
use serde_json::json;

const YAML: &str = "
namespace: app
entries:
  - {name: gateway, kind: http.service, addr: '127.0.0.1:0'}
  - {name: processes, kind: process.host}
  - {name: router, kind: http.router, meta: {server: gateway}, prefix: /ws, post_middleware: [websocket_relay]}
  - {name: connect, kind: function.lua, source: 'file://connect.lua', method: handler, modules: [http, json]}
  - {name: endpoint, kind: http.endpoint, method: GET, path: /echo, func: connect}
  - {name: echo, kind: process.lua, source: 'file://echo.lua'}
  - {name: main, kind: process.lua, source: 'file://main.lua', modules: [websocket, time]}
";

const CONNECT: &str = "
return { handler = function(req, res)
    if req:header('X-Token') ~= 'secret' then return res:status(401):json({}) end
    local pid = process.spawn('app:echo', 'app:processes')
    res:header('X-WS-Relay', json.encode({ target_pid = pid }))
end }
";

const ECHO: &str = "
return function()
    local inbox = process.inbox()
    while true do
        local msg = inbox:receive()
        local data = msg:payload():data()
        if msg:topic() == 'ws.message' then
            if data.data == 'close' then
                process.send(data.client_pid, 'ws.close', { code = 4000, reason = 'as you wish' })
            else
                process.send(data.client_pid, 'ws.send', { type = data.type, data = data.data })
            end
        end
    end
end
";

fn main_says(main: &str) -> Result<serde_json::Value, String> {
    let source = format!(
        "return {{ main = function(address)\nlocal url = 'ws://' .. address .. '/ws/echo'\n{main}\nend }}"
    );
    let world = World::start(&[
        ("_index.yaml", YAML),
        ("connect.lua", CONNECT),
        ("echo.lua", ECHO),
        ("main.lua", &source),
    ]);
    world.exec(&[json!(world.address().to_string())])
}

#[test]
fn messages_go_there_and_back_beside_those_of_the_inbox() {
    let main = "
        local client = websocket.connect(url, {headers = {['X-Token'] = 'secret'}, dial_timeout = '5s'})
        process.send(process.pid(), 'mine', 'not of the server')
        assert(client:send('text') and client:send('\\0\\255', websocket.BINARY) and client:ping())
        local messages = client:channel()
        local one, two = messages:receive(), messages:receive()
        local letter = process.inbox():receive()
        client:send('close')
        local nothing, open = messages:receive()
        local _, closed = client:send('too late')
        return {one.type, one.data, two.type, two.data == '\\0\\255', letter:topic(), nothing == nil, open, closed:kind(),
            messages == client:receive()}
    ";
    let expected = json!(["text", "text", "binary", true, "mine", true, false, "Invalid", true]);
    assert_eq!(main_says(main), Ok(expected));
}

#[test]
fn a_server_that_refuses_or_is_not_there_is_an_error_that_can_be_tried_again() {
    let main = "
        local none, refused = websocket.connect(url)
        local absent, unreachable = websocket.connect('ws://127.0.0.1:1/')
        local wrong, malformed = websocket.connect('http://127.0.0.1/')
        return {none == nil, refused:kind(), refused:retryable(), absent == nil, unreachable:retryable(), wrong == nil, malformed:kind()}
    ";
    assert_eq!(main_says(main), Ok(json!([true, "Internal", true, true, true, true, "Invalid"])));
}

/// The last word of a connection that was closed here comes later, and is not for the inbox.
#[test]
fn a_closed_connection_leaves_nothing_in_the_inbox() {
    let main = "
        for _ = 1, 20 do
            local client = websocket.connect(url, {headers = {['X-Token'] = 'secret'}})
            client:close(1000, 'enough')
            local _, open = client:channel():receive()
            assert(not open)
        end
        local client = websocket.connect(url, {headers = {['X-Token'] = 'secret'}})
        client:send('one more') client:channel():receive()
        process.send(process.pid(), 'mine')
        return process.inbox():receive():topic()
    ";
    assert_eq!(main_says(main), Ok(json!("mine")));
}
