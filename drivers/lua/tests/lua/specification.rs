//! Every code block of the specification runs as it stands, and does what the text around it says.
//!
//! The specification lies beside the project, where its owner keeps it. Where it is not there, these tests say so and prove
//! nothing; `relaying.rs` has the same forms in the project's own words.

use crate::support::{Client, Got, Witness, World};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// The text, if it is there.
fn specification() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the repository");
    let beside = root.parent().map(|folder| folder.join("shared/spec/websocket-relay.md"));
    let path = std::env::var_os("WSRELAY_SPECIFICATION").map(PathBuf::from).or(beside)?;
    fs::read_to_string(path).ok()
}

/// The block below a heading, by its number there; `None` where the specification is not there.
#[expect(clippy::print_stdout, reason = "a test that proves nothing says so")]
fn block(heading: &str, number: usize) -> Option<String> {
    let Some(text) = specification() else {
        println!("skipped: the specification is not beside the project");
        return None;
    };
    let chapter = text.split(&format!("## {heading}\n")).nth(1).expect("the heading");
    let chapter = chapter.split("\n## ").next().expect("the chapter");
    // What is between fences is at the odd places.
    let fenced = chapter.split("```").skip(1).step_by(2).nth(number).expect("the block");
    let (_language, code) = fenced.split_once('\n').expect("a block of code");
    Some(code.to_owned())
}

const SERVER: &str = "
version: '1.0'
namespace: app
entries:
  - name: gateway
    kind: http.service
    addr: 127.0.0.1:0
    lifecycle:
      auto_start: true
  - name: processes
    kind: process.host
    lifecycle:
      auto_start: true
  - name: connect
    kind: function.lua
    source: file://handler.lua
    method: handler
    modules: [http, json]
  - name: connect.endpoint
    kind: http.endpoint
    meta:
      router: ws_router
    method: GET
    path: /connect
    func: connect
";

const PROCESSES: &str = "
version: '1.0'
namespace: app.ws
entries:
  - name: handler
    kind: process.lua
    source: file://process.lua
    method: handler
    modules: [json]
  - name: other
    kind: process.lua
    source: file://other.lua
    method: handler
    modules: [json]
";

/// The specification's router and handler, with this process behind them.
fn world(process: &str) -> Option<(World, Witness)> {
    let router: String = block("Configuration", 0)?.lines().map(|line| format!("  {line}\n")).collect();
    let handler = format!("{}\nreturn {{ handler = handler }}\n", block("Handler Setup", 0)?);
    let reports = "
        local function handler()
            local inbox = process.inbox()
            while true do
                local msg = inbox:receive()
                process.send('witness', msg:topic(), msg:payload():data())
            end
        end
        return { handler = handler }
    ";
    let world = World::start(&[
        ("app/_index.yaml", &format!("{SERVER}{router}")),
        ("app/handler.lua", &handler),
        ("ws/_index.yaml", PROCESSES),
        ("ws/process.lua", process),
        ("ws/other.lua", reports),
    ]);
    let witness = Witness::new(&world.node);
    Some((world, witness))
}

/// A process that runs these lines for each client that joins, and tells the witness of everything.
fn on_join(lines: &str) -> String {
    format!(
        "
        local json = require('json')
        local function joined(client_pid)
            {lines}
        end
        local function handler()
            local inbox = process.inbox()
            while true do
                local msg = inbox:receive()
                local data = msg:payload():data()
                process.send('witness', msg:topic(), data)
                if msg:topic() == 'ws.join' then
                    joined(data.client_pid)
                end
            end
        end
        return {{ handler = handler }}
        "
    )
}

const PATH: &str = "/ws/connect?user_id=u-7";

#[test]
fn the_handler_connects_a_client_to_a_process_of_its_own() {
    let Some((world, witness)) = world(&on_join("")) else { return };
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), PATH, &[]).await;
        let join = witness.next().await;
        assert_eq!((&join[0], &join[1]["metadata"]), (&json!("ws.join"), &json!({"user_id": "u-7"})));
        client.text("hi").await;
        let message = witness.next().await;
        let expected = json!({
            "client_pid": join[1]["client_pid"], "type": "text", "data": "hi", "metadata": {"user_id": "u-7"},
        });
        assert_eq!(message, json!(["ws.message", expected]));
        client.close(1000, "bye").await;
        let leave = witness.next().await;
        assert_eq!((&leave[0], &leave[1]["reason"]), (&json!("ws.leave"), &json!("bye")));
    });
}

#[test]
fn the_router_lets_in_its_own_pages_and_those_it_names_and_no_others() {
    let Some((world, _witness)) = world(&on_join("")) else { return };
    world.runtime.block_on(async {
        let address = world.address();
        let own = format!("http://{address}");
        for (origin, is_allowed) in [
            ("https://app.example.com", true),
            (&*own, true),
            ("https://evil.example", false),
            ("null", false),
        ] {
            let result = Client::try_connect(address, PATH, &[("Origin", origin)]).await;
            assert_eq!(result.map(|_| ()), if is_allowed { Ok(()) } else { Err(403) }, "{origin}");
        }
    });
}

#[test]
fn a_client_without_a_user_id_is_connected_too() {
    let Some((world, witness)) = world(&on_join("")) else { return };
    world.runtime.block_on(async {
        let _client = Client::connect(world.address(), "/ws/connect", &[]).await;
        assert_eq!(witness.next().await[1]["metadata"], json!({}));
    });
}

#[test]
fn the_receiving_loop_hands_each_message_on_and_cleans_up() {
    let Some(receiving) = block("Receiving Messages", 0) else { return };
    let process = format!(
        "
        function handle_message(client_pid, content)
            process.send(client_pid, 'ws.send', {{ type = 'text', data = 'got ' .. content.word }})
        end
        function cleanup(client_pid)
            process.send('witness', 'cleanup', client_pid)
        end
        {receiving}
        return {{ handler = handler }}
        "
    );
    let Some((world, witness)) = world(&process) else { return };
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), PATH, &[]).await;
        client.text(r#"{"word": "hello"}"#).await;
        assert_eq!(client.next().await, Got::Text("got hello".to_owned()));
        client.close(1000, "").await;
        assert_eq!(witness.next().await[0], json!("cleanup"));
    });
}

#[test]
fn text_and_binary_are_sent_raw_and_the_close_ends_the_connection() {
    let Some(sending) = block("Sending to Client", 0) else { return };
    let process = on_join(&format!("local binary_content = '\\0\\255\\254'\n{sending}"));
    let Some((world, _witness)) = world(&process) else { return };
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), PATH, &[]).await;
        assert_eq!(client.json().await, json!({"event": "update", "value": 42}));
        assert_eq!(client.next().await, Got::Binary(vec![0, 255, 254]));
        assert_eq!(client.next().await, Got::Close(1000, "Session ended".to_owned()));
    });
}

#[test]
fn a_broadcast_reaches_every_client_that_is_tracked() {
    let Some(broadcasting) = block("Broadcasting", 0) else { return };
    let process = on_join(&format!(
        "{broadcasting}
        broadcast({{ to = 'nobody: the client has left' }})
        clients[client_pid] = true
        broadcast({{ to = 'everybody' }})"
    ));
    let Some((world, _witness)) = world(&process) else { return };
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), PATH, &[]).await;
        assert_eq!(client.json().await, json!({"to": "everybody"}));
    });
}

#[test]
fn any_process_can_monitor_a_connection_and_send_to_it() {
    let Some(semantics) = block("Process Semantics", 0) else { return };
    let process = on_join(&format!(
        "local websocket_pid = client_pid
        {semantics}
        coroutine.spawn(function()
            local event = process.events():receive()
            process.send('witness', 'event', {{ event.kind, event.from == websocket_pid }})
        end)"
    ));
    let Some((world, witness)) = world(&process) else { return };
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), PATH, &[]).await;
        assert_eq!(client.next().await, Got::Text("hello".to_owned()));
        client.close(1000, "").await;
        // After the join comes the leave, and the exit after that.
        assert_eq!(witness.next().await[0], json!("ws.join"));
        assert_eq!(witness.next().await[0], json!("ws.leave"));
        assert_eq!(witness.next().await, json!(["event", ["pid.exit", true]]));
    });
}

#[test]
fn a_connection_is_handed_to_another_process_while_it_lives() {
    let Some(transfer) = block("Connection Transfer", 0) else { return };
    let process = on_join(&format!(
        "local websocket_pid = client_pid
        local new_process_pid = process.spawn('app.ws:other', 'app:processes')
        {transfer}"
    ));
    let Some((world, witness)) = world(&process) else { return };
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), PATH, &[]).await;
        client.text("to whom?").await;
        let mut seen = Vec::new();
        for _ in 0..4 {
            let event = witness.next().await;
            seen.push((event[0].clone(), event[1]["reason"].clone(), event[1]["data"].clone()));
        }
        let word = |word: &str| json!(word);
        // The old process and the new one report on their own; each in its order.
        assert!(seen.contains(&(word("ws.leave"), word("transfer"), json!(null))), "{seen:?}");
        assert_eq!(seen.iter().filter(|(topic, ..)| topic == "ws.join").count(), 2);
        assert!(seen.contains(&(word("ws.message"), json!(null), word("to whom?"))), "{seen:?}");
    });
}
