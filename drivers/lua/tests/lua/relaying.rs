//! Clients and the processes behind them.

use crate::support::{Client, Got, Witness, World};
use serde_json::json;
use std::fs;
use wsrelay_lua::check;
use wsrelay_smol::Runtime;

/// A server whose clients go to the service `app:room`, which has this function.
fn yaml(options: &str) -> String {
    format!(
        "
version: '1.0'
namespace: app
entries:
  - {{name: gateway, kind: http.service, addr: '127.0.0.1:0'}}
  - {{name: processes, kind: process.host}}
  - name: router
    kind: http.router
    meta: {{server: gateway}}
    prefix: /ws
    middleware: [websocket_relay]
    options: {{{options}}}
  - {{name: connect, kind: function.lua, source: 'file://connect.lua', method: handler, modules: [http, json]}}
  - {{name: connect.endpoint, kind: http.endpoint, method: GET, path: /room, func: connect}}
  - {{name: room, kind: process.lua, source: 'file://room.lua', modules: [json, time]}}
  - name: room.service
    kind: process.service
    process: room
    host: processes
    lifecycle:
      auto_start: true
      restart: {{initial_delay: 10ms, max_delay: 50ms}}
"
    )
}

const CONNECT: &str = "
local http, json = require('http'), require('json')
return { handler = function()
    local res = http.response()
    local room = process.registry.lookup('room')
    if not room then
        return res:status(503)
    end
    res:header('X-WS-Relay', json.encode({ target_pid = room, metadata = {} }))
end }
";

/// A room that echoes, and does what it is told.
const ROOM: &str = "
local json = require('json')
local function main()
    process.registry.register('room')
    process.send('witness', 'started', process.pid())
    local inbox, events = process.inbox(), process.events()
    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == events then return end
        local msg = result.value
        local payload = msg:payload():data()
        if msg:topic() == 'ws.message' then
            local word = type(payload) == 'table' and payload.data or payload
            if word == 'crash' then error('the secret is 42') end
            if word == 'wrapped' then process.send(msg:from(), 'news', { n = 1 }) end
            if word == 'odd' then process.send(msg:from(), 'ws.send', { any = 'thing' }) end
            if word == 'close' then process.send(msg:from(), 'ws.close', 'only a reason') end
            if word == 'form' then process.send(msg:from(), 'ws.send', { type = 'text', data = type(payload) }) end
        end
        process.send('witness', msg:topic(), payload)
    end
end
return { main = main }
";

fn world(relay: &str, room: &str) -> (World, Witness) {
    World::with_witness(&[("_index.yaml", &yaml(relay)), ("connect.lua", CONNECT), ("room.lua", room)])
}

#[test]
fn a_service_that_fails_is_started_again_and_its_clients_are_told_and_come_back() {
    let (world, witness) = world("", ROOM);
    world.runtime.block_on(async {
        let first = witness.next().await;
        let mut client = Client::connect(world.address(), "/ws/room", &[]).await;
        client.text("crash").await;
        // C: the target crashed; nothing of its error is told.
        assert_eq!(client.next().await, Got::Close(1011, "internal error".to_owned()));
        assert_eq!(witness.next().await[0], "ws.join");
        let second = witness.next().await;
        assert_eq!(second[0], "started");
        assert_ne!(first, second);
        let mut again = Client::connect(world.address(), "/ws/room", &[]).await;
        again.text("form").await;
        assert_eq!(again.next().await, Got::Text("table".to_owned()));
    });
}

#[test]
fn a_service_that_is_terminated_is_started_again() {
    let (world, witness) = world("", ROOM);
    world.runtime.block_on(async {
        for _ in 0..3 {
            assert_eq!(witness.next().await[0], "started");
            world.node.terminate("room").unwrap();
        }
        assert_eq!(witness.next().await[0], "started");
    });
}

#[test]
fn other_topics_and_odd_commands_reach_the_client_wrapped() {
    let (world, _witness) = world("", ROOM);
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), "/ws/room", &[]).await;
        client.text("wrapped").await;
        assert_eq!(client.json().await, json!({"topic": "news", "data": {"n": 1}}));
        client.text("odd").await;
        assert_eq!(client.json().await, json!({"topic": "ws.send", "data": {"any": "thing"}}));
        client.text("close").await;
        assert_eq!(client.next().await, Got::Close(1000, "only a reason".to_owned()));
    });
}

#[test]
fn binary_messages_arrive_as_they_were_sent() {
    let (world, witness) = world(
        "",
        &ROOM.replace(
            "process.send('witness', msg:topic(), payload)",
            "process.send('witness', msg:topic(), {payload.type, payload.data == '\\0\\255'})",
        ),
    );
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), "/ws/room", &[]).await;
        client.binary(&[0, 255]).await;
        witness.next().await;
        witness.next().await;
        assert_eq!(witness.next().await, json!(["ws.message", ["binary", true]]));
    });
}

#[test]
fn messages_are_raw_where_that_is_asked_for() {
    let (world, _witness) = world("wsrelay.message_form: raw", ROOM);
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), "/ws/room", &[]).await;
        client.text("form").await;
        assert_eq!(client.next().await, Got::Text("string".to_owned()));
    });
}

#[test]
fn a_reload_disturbs_nobody_whose_code_is_the_same_and_starts_what_has_changed_anew() {
    let (mut world, witness) = world("", ROOM);
    let runtime = Runtime::start(1).unwrap();
    runtime.block_on(async {
        assert_eq!(witness.next().await[0], "started");
        let address = world.address();
        let mut client = Client::connect(address, "/ws/room", &[]).await;
        witness.next().await;
        // Only the function is another, and everything stands elsewhere.
        let yaml = fs::read_to_string(world.folder.path().join("_index.yaml")).unwrap();
        world.folder.write("_index.yaml", &format!("# changed\n{yaml}"));
        world.folder.write("connect.lua", &format!("-- changed\n{CONNECT}"));
        world.instance.reload(check(world.folder.path())).await.unwrap();
        client.text("form").await;
        assert_eq!(client.next().await, Got::Text("table".to_owned()));
        witness.next().await;
        // Now the room itself: it is asked to end, and its clients with it.
        world.folder.write("room.lua", &ROOM.replace("data = type(payload)", "data = 'changed'"));
        world.instance.reload(check(world.folder.path())).await.unwrap();
        assert!(matches!(client.next().await, Got::Close(1000, _)));
        assert_eq!(witness.next().await[0], "started");
        let mut client = Client::connect(address, "/ws/room", &[]).await;
        client.text("form").await;
        assert_eq!(client.next().await, Got::Text("changed".to_owned()));
        // And one that is unsound changes nothing.
        world.folder.write("room.lua", "this is no Lua");
        assert!(world.instance.reload(check(world.folder.path())).await.is_err());
        client.text("form").await;
        assert_eq!(client.next().await, Got::Text("changed".to_owned()));
    });
}

#[test]
fn a_stop_closes_clients_and_asks_services_to_end() {
    let room = ROOM.replace("if result.channel == events then return end", "if result.channel == events then process.send('witness', 'cancelled', result.value.reason) return end");
    let (world, witness) = world("wsrelay.close_wait_max: 100ms", &room);
    let World { runtime, instance, folder: _folder, .. } = world;
    runtime.block_on(async {
        let address = instance.addresses().next().unwrap().1;
        let mut client = Client::connect(address, "/ws/room", &[]).await;
        let stop = instance.stop(std::time::Duration::from_millis(50));
        let seen = async { client.next().await };
        let ((), got) = smol::future::zip(stop, seen).await;
        assert_eq!(got, Got::Close(1012, "server restarting".to_owned()));
        let mut last = witness.next().await;
        while last[0] != "cancelled" {
            last = witness.next().await;
        }
        assert_eq!(last, json!(["cancelled", "service stopping"]));
    });
}
