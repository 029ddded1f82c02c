//! What a process can do to the clients behind it, in the forms of the specification and beside them.

use crate::support::{Client, Got, Witness, World};
use serde_json::{Value as Json, json};

const YAML: &str = "
version: '1.0'
namespace: app
entries:
  - {name: gateway, kind: http.service, addr: '127.0.0.1:0'}
  - {name: processes, kind: process.host}
  - {name: router, kind: http.router, meta: {server: gateway}, prefix: /ws, post_middleware: [websocket_relay]}
  - {name: connect, kind: function.lua, source: 'file://connect.lua', method: handler, modules: [http, json]}
  - {name: endpoint, kind: http.endpoint, method: GET, path: /room, func: connect}
  - {name: room, kind: process.lua, source: 'file://room.lua', modules: [json, time]}
  - {name: other, kind: process.lua, source: 'file://other.lua'}
";

/// One room for all who connect; the relay's fields are what the query says.
const CONNECT: &str = "
return { handler = function(req, res)
    local room = process.with_options({}):with_name('room'):spawn('app:room', 'app:processes')
    local relay = { target_pid = room }
    local fields = req:query('fields')
    for name, value in pairs(fields and json.decode(fields) or {}) do relay[name] = value end
    res:header('X-WS-Relay', json.encode(relay))
end }
";

/// Tells the witness all that it hears.
const OTHER: &str = "
return function()
    local inbox = process.inbox()
    while true do
        local msg = inbox:receive()
        process.send('witness', 'other ' .. msg:topic(), msg:payload() and msg:payload():data())
    end
end
";

/// A room that tells the witness all that it hears, and runs these lines, as `act`, for each client's word.
fn world(lines: &str) -> (World, Witness) {
    let room = format!(
        "
        local clients = {{}}
        local function act(client, word, msg)
            {lines}
        end
        return {{ main = function()
            local inbox = process.inbox()
            while true do
                local msg = inbox:receive()
                local data = msg:payload() and msg:payload():data()
                process.send('witness', msg:topic(), data)
                if msg:topic() == 'ws.join' then clients[data.client_pid] = true end
                if msg:topic() == 'ws.leave' then clients[data.client_pid] = nil end
                if type(data) == 'table' and data.type then act(data.client_pid, data.data, msg) end
            end
        end }}
        "
    );
    let world = World::start(&[
        ("_index.yaml", YAML),
        ("connect.lua", CONNECT),
        ("room.lua", &room),
        ("other.lua", OTHER),
    ]);
    let witness = Witness::new(&world.node);
    (world, witness)
}

fn path(fields: &Json) -> String {
    let text = fields.to_string();
    let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/ws/room?fields={encoded}")
}

/// What a client that says one word gets, up to the end of it: the lines close it with 1000.
fn gets(lines: &str) -> Vec<Got> {
    let (world, _witness) = world(&format!(
        "{lines}\nprocess.send(client, 'ws.close', {{ code = 1000, reason = 'that is all' }})"
    ));
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), "/ws/room", &[]).await;
        client.text("go").await;
        let mut all = Vec::new();
        loop {
            let got = client.next().await;
            if got == Got::Close(1000, "that is all".to_owned()) {
                return all;
            }
            assert!(!matches!(got, Got::Close(..) | Got::Cut), "{got:?}");
            all.push(got);
        }
    })
}

fn text(text: &str) -> Got {
    Got::Text(text.to_owned())
}

#[test]
fn text_and_binary_are_raw_frames_in_the_order_of_their_sending() {
    let lines = "
        for n = 1, 200 do process.send(client, 'ws.send', { type = 'text', data = tostring(n) }) end
        process.send(client, 'ws.send', { type = 'binary', data = '\\0\\255' })
        process.send(client, 'ws.send', { type = 'text', data = '' })
    ";
    let mut expected: Vec<_> = (1..=200).map(|n| text(&n.to_string())).collect();
    expected.extend([Got::Binary(vec![0, 255]), text("")]);
    assert_eq!(gets(lines), expected);
}

#[test]
fn whatever_is_not_in_the_form_of_a_send_is_wrapped_by_value() {
    let lines = "
        process.send(client, 'ws.send', { type = 'json', data = 'd' })
        process.send(client, 'ws.send', { type = 'text', data = 7 })
        process.send(client, 'ws.send', 'a string')
        process.send(client, 'news', 'a string')
        process.send(client, 'news', json.encode({ n = 1 }))
        process.send(client, 'news', { n = 1, list = { 1, 2 } })
        process.send(client, 'news', 7)
        process.send(client, 'news', true)
        process.send(client, 'news', '\\255')
    ";
    let json_of = |got: &Got| match got {
        Got::Text(text) => serde_json::from_str(text).unwrap(),
        Got::Binary(_) | Got::Close(..) | Got::Cut => json!(format!("{got:?}")),
    };
    let got: Vec<Json> = gets(lines).iter().map(json_of).collect();
    let wrapped = |topic: &str, data: Json| json!({"topic": topic, "data": data});
    let expected = vec![
        wrapped("ws.send", json!({"type": "json", "data": "d"})),
        wrapped("ws.send", json!({"type": "text", "data": 7})),
        wrapped("ws.send", json!("a string")),
        wrapped("news", json!("a string")),
        wrapped("news", json!("{\"n\":1}")),
        wrapped("news", json!({"n": 1, "list": [1, 2]})),
        wrapped("news", json!(7)),
        wrapped("news", json!(true)),
        wrapped("news", json!("/w==")),
    ];
    assert_eq!(got, expected);
}

#[test]
fn text_that_is_none_is_refused_and_the_connection_lives() {
    let lines = "
        local sent, fault = process.send(client, 'ws.send', { type = 'text', data = '\\255' })
        process.send(client, 'ws.send', { type = 'text', data = tostring(sent) .. ' ' .. fault:kind() })
        local odd, why = process.send(client, 'ws.send', { type = 'text', data = 'x', ref = {} })
        process.send(client, 'ws.send', { type = 'text', data = tostring(odd) .. ' ' .. why:kind() })
        process.send(client, 'ws.close', { code = 1005 })
        process.send(client, 'ws.unknown', 1)
    ";
    assert_eq!(gets(lines), [text("nil Invalid"), text("nil Invalid")]);
}

#[test]
fn a_send_with_a_ref_is_acknowledged() {
    let (world, witness) = world(
        "process.send(client, 'ws.send', { type = 'text', data = word, ref = 'r1' })
        process.send(client, 'ws.close', { code = 4999, reason = 'done', ref = 2 })",
    );
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), "/ws/room", &[]).await;
        client.text("go").await;
        assert_eq!(client.next().await, text("go"));
        assert_eq!(client.next().await, Got::Close(4999, "done".to_owned()));
        let mut acks = Vec::new();
        while acks.len() < 2 {
            let seen = witness.next().await;
            if seen[0] == "ws.ack" {
                acks.push(seen[1].clone());
            }
        }
        assert_eq!(acks, [json!({"ref": "r1", "ok": true}), json!({"ref": 2, "ok": true})]);
    });
}

#[test]
fn a_close_may_have_a_code_a_reason_both_or_nothing() {
    for (payload, code, reason) in [
        (", { code = 4001, reason = 'both' }", 4001, "both"),
        (", { code = 4002 }", 4002, ""),
        (", { reason = 'only this' }", 1000, "only this"),
        (", 'as text'", 1000, "as text"),
        ("", 1000, ""),
    ] {
        let (world, witness) = world(&format!("process.send(client, 'ws.close'{payload})"));
        world.runtime.block_on(async {
            let mut client = Client::connect(world.address(), "/ws/room", &[]).await;
            client.text("go").await;
            assert_eq!(client.next().await, Got::Close(code, reason.to_owned()), "{payload}");
            // The client's answer goes out when it reads on.
            assert_eq!(client.next().await, Got::Cut);
            let mut seen = witness.next().await;
            while seen[0] != "ws.leave" {
                seen = witness.next().await;
            }
            assert_eq!((&seen[1]["code"], &seen[1]["reason"]), (&json!(code), &json!(reason)), "{payload}");
        });
    }
}

#[test]
fn a_broadcast_reaches_those_who_are_there_and_not_those_who_have_left() {
    let (world, witness) = world(
        "for pid in pairs(clients) do process.send(pid, 'ws.send', { type = 'text', data = word }) end",
    );
    world.runtime.block_on(async {
        let mut clients = Vec::new();
        for _ in 0..4 {
            clients.push(Client::connect(world.address(), "/ws/room", &[]).await);
            assert_eq!(witness.next().await[0], "ws.join");
        }
        clients.pop().unwrap().close(1000, "").await;
        assert_eq!(witness.next().await[0], "ws.leave");
        clients[0].text("to all").await;
        for client in &mut clients {
            assert_eq!(client.next().await, text("to all"));
        }
    });
}

#[test]
fn metadata_comes_with_every_message_and_an_empty_list_counts_as_none() {
    for (fields, metadata) in [
        (json!({}), json!({})),
        (json!({"metadata": []}), json!({})),
        (json!({"metadata": {}}), json!({})),
        (
            json!({"metadata": {"user": "u-1", "tags": ["a"], "deep": {"n": 1}}}),
            json!({"user": "u-1", "tags": ["a"], "deep": {"n": 1}}),
        ),
    ] {
        let (world, witness) = world("");
        world.runtime.block_on(async {
            let mut client = Client::connect(world.address(), &path(&fields), &[]).await;
            client.text("go").await;
            client.close(4000, "bye").await;
            for topic in ["ws.join", "ws.message", "ws.leave"] {
                let seen = witness.next().await;
                assert_eq!((&seen[0], &seen[1]["metadata"]), (&json!(topic), &metadata), "{fields}");
            }
        });
    }
}

#[test]
fn messages_come_on_the_topic_that_was_asked_for_and_no_heartbeat_comes_unasked() {
    let (world, witness) = world("");
    world.runtime.block_on(async {
        let fields = json!({"message_topic": "chat.said", "heartbeat_interval": "1s"});
        let mut client = Client::connect(world.address(), &path(&fields), &[]).await;
        let mut silent = Client::connect(world.address(), "/ws/room", &[]).await;
        client.text("go").await;
        assert_eq!(witness.next().await[0], "ws.join");
        assert_eq!(witness.next().await[0], "ws.join");
        let said = witness.next().await;
        assert_eq!((&said[0], &said[1]["data"]), (&json!("chat.said"), &json!("go")));
        let who = said[1]["client_pid"].clone();
        for _ in 0..2 {
            let beat = witness.next().await;
            assert_eq!((&beat[0], &beat[1]["client_pid"]), (&json!("ws.heartbeat"), &who));
            assert_eq!(beat[1]["message_count"], json!(1));
            assert!(beat[1]["uptime"].is_string(), "{beat}");
        }
        silent.text("still here").await;
    });
}

#[test]
fn a_transfer_tells_both_processes_and_takes_topic_and_metadata_along() {
    let (world, witness) = world(
        "local other = process.spawn('app:other', 'app:processes')
        process.send(client, 'ws.control', { target_pid = other, message_topic = 'moved', metadata = { seat = 2 } })",
    );
    world.runtime.block_on(async {
        let mut client =
            Client::connect(world.address(), &path(&json!({"metadata": {"seat": 1}})), &[]).await;
        client.text("go").await;
        assert_eq!(witness.next().await[0], "ws.join");
        assert_eq!(witness.next().await[0], "ws.message");
        // Each of the two reports by itself, in its own order.
        let mut seen = [witness.next().await, witness.next().await];
        seen.sort_by_key(|one| one[0].to_string());
        assert_eq!((&seen[0][0], &seen[0][1]["metadata"]), (&json!("other ws.join"), &json!({"seat": 2})));
        assert_eq!((&seen[1][0], &seen[1][1]["metadata"]), (&json!("ws.leave"), &json!({"seat": 1})));
        assert_eq!(seen[1][1]["reason"], "transfer");
        client.text("to whom?").await;
        let moved = witness.next().await;
        assert_eq!((&moved[0], &moved[1]["data"]), (&json!("other moved"), &json!("to whom?")));
    });
}

#[test]
fn a_transfer_to_nobody_changes_nothing() {
    let (world, witness) = world(
        "if word == 'go' then
            local other = process.spawn_monitored('app:other', 'app:processes')
            process.terminate(other)
            process.events():receive()
            process.send(client, 'ws.control', { target_pid = other, message_topic = 'moved', ref = 1 })
        end",
    );
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), "/ws/room", &[]).await;
        client.text("go").await;
        assert_eq!(witness.next().await[0], "ws.join");
        assert_eq!(witness.next().await[0], "ws.message");
        let ack = witness.next().await;
        assert_eq!((&ack[0], &ack[1]["ok"]), (&json!("ws.ack"), &json!(null)), "{ack}");
        client.text("still here").await;
        let seen = witness.next().await;
        assert_eq!((&seen[0], &seen[1]["data"]), (&json!("ws.message"), &json!("still here")));
    });
}

#[test]
fn a_client_that_is_cancelled_goes_away_and_one_that_is_terminated_is_cut() {
    for (call, expected) in [("cancel", None), ("terminate", Some(Got::Cut))] {
        let (world, witness) = world(&format!("process.{call}(client)"));
        world.runtime.block_on(async {
            let mut client = Client::connect(world.address(), "/ws/room", &[]).await;
            client.text("go").await;
            let got = client.next().await;
            match expected {
                Some(expected) => assert_eq!(got, expected),
                None => assert!(matches!(got, Got::Close(1001, _)), "{got:?}"),
            }
            for topic in ["ws.join", "ws.message", "ws.leave"] {
                assert_eq!(witness.next().await[0], topic, "{call}");
            }
        });
    }
}

#[test]
fn the_sender_of_what_a_client_says_is_the_client() {
    let (world, _witness) = world(
        "process.send(client, 'ws.send', { type = 'text', data = tostring(msg:from() == client) .. ' ' .. type(msg:from()) })",
    );
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), "/ws/room", &[]).await;
        client.text("go").await;
        assert_eq!(client.next().await, text("true string"));
    });
}
