//! The examples of `docs/lua.md` run.

use crate::support::{Client, Folder, Got, World, get, request, run_with};
use std::fs;
use std::path::Path;
use wsrelay_lua::check;

/// The guide's blocks of one kind, as it marks them.
fn blocks(kind: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the repository");
    let guide = fs::read_to_string(root.join("docs/lua.md")).expect("the guide");
    let fenced = guide.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let found: Vec<_> = fenced.filter(|(mark, _)| *mark == kind).map(|(_, code)| code.to_owned()).collect();
    assert!(!found.is_empty(), "no block of {kind}");
    found
}

#[test]
fn its_processes_run() {
    let child = "
        local argument = ...
        local inbox, events = process.inbox(), process.events()
        while true do
            local result = channel.select({inbox:case_receive(), events:case_receive()})
            if result.channel == events then return argument end
            local msg = result.value
            process.send(msg:from(), 'greeting', 'hello ' .. msg:payload():data().name)
        end
    ";
    for code in blocks("lua").into_iter().chain(blocks("lua no_server")) {
        let main = format!("{code}\nreturn 'done'");
        assert_eq!(run_with(&main, &[("child", child)]), Ok("done".into()), "{code}");
    }
}

#[test]
fn its_handler_answers() {
    let yaml = "
namespace: app
entries:
  - {name: gateway, kind: http.service, addr: '127.0.0.1:0'}
  - {name: router, kind: http.router, meta: {server: gateway}, prefix: /api}
  - {name: f, kind: function.lua, source: 'file://f.lua', method: handler, modules: [http, json]}
  - {name: e, kind: http.endpoint, method: GET, path: '/{id}', func: f}
";
    for code in blocks("lua handler") {
        let world = World::start(&[("_index.yaml", yaml), ("f.lua", &code)]);
        let text = "GET /api/7?q=a+b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let (status, response) = world.runtime.block_on(request(world.address(), text));
        assert_eq!(status, 201, "{response}");
        assert!(
            response.contains("\r\nX-Answer: 42\r\n") && response.ends_with("{\"id\":\"7\"}"),
            "{response}"
        );
    }
}

#[test]
fn its_session_serves_a_client_and_ends_with_it() {
    let yaml = "
namespace: app
entries:
  - {name: gateway, kind: http.service, addr: '127.0.0.1:0'}
  - {name: processes, kind: process.host}
  - {name: router, kind: http.router, meta: {server: gateway}, prefix: /ws, post_middleware: [websocket_relay]}
  - {name: f, kind: function.lua, source: 'file://connect.lua', method: handler, modules: [http, json]}
  - {name: e, kind: http.endpoint, method: GET, path: /session, func: f}
  - {name: session, kind: process.lua, source: 'file://session.lua', method: main}
";
    let (connect, session) = (blocks("lua connect").remove(0), blocks("lua session").remove(0));
    let world = World::start(&[("_index.yaml", yaml), ("connect.lua", &connect), ("session.lua", &session)]);
    world.runtime.block_on(async {
        let mut client = Client::connect(world.address(), "/ws/session", &[]).await;
        assert_eq!(client.next().await, Got::Text("welcome to tea".to_owned()));
        client.text("hello").await;
        assert_eq!(client.next().await, Got::Text("hello".to_owned()));
        client.text("bye").await;
        assert_eq!(client.next().await, Got::Close(4000, "as you like".to_owned()));
        drop(client);
        // An ordinary request gets no connection, and leaves no process behind.
        assert_eq!(get(world.address(), "/ws/session").await.0, 426);
        world.quiet().await;
    });
}

#[test]
fn its_entries_are_sound() {
    let entries: String =
        blocks("yaml").iter().flat_map(|block| block.lines()).map(|line| format!("  {line}\n")).collect();
    let yaml = format!("version: '1.0'\nnamespace: app\nentries:\n{entries}");
    let stub = "return {}";
    let files = [
        ("_index.yaml", &*yaml),
        ("join.lua", stub),
        ("room.lua", stub),
        ("words.lua", stub),
        ("public/index.html", "<!doctype html>"),
    ];
    let folder = Folder::new(&files);
    let checked = check(folder.path());
    assert_eq!(checked.findings, []);
}
