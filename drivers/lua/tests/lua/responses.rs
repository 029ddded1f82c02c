//! What functions answer, beyond the ordinary.

use crate::support::{Witness, World, request, soon};
use serde_json::{Value as Json, json};

const YAML: &str = "
namespace: app
entries:
  - {name: gateway, kind: http.service, addr: '127.0.0.1:0'}
  - {name: processes, kind: process.host}
  - {name: router, kind: http.router, meta: {server: gateway}}
  - {name: handle, kind: function.lua, source: 'file://handle.lua', method: handler, modules: [http, json, time]}
  - {name: get, kind: http.endpoint, method: GET, path: /, func: handle}
  - {name: post, kind: http.endpoint, method: POST, path: /, func: handle}
  - {name: helper, kind: process.lua, source: 'file://helper.lua', modules: [http]}
";

const HELPER: &str = "
return { main = function()
    local _, request = http.request()
    local _, response = http.response()
    return { request:kind(), response:kind() }
end }
";

fn world(body: &str) -> World {
    let source = format!("return function(req, res)\n{body}\nend\n");
    World::start(&[("_index.yaml", YAML), ("handle.lua", &source), ("helper.lua", HELPER)])
}

fn ask(world: &World, method: &str) -> (u16, String, String) {
    let text =
        format!("{method} / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let (status, response) = world.runtime.block_on(request(world.address(), &text));
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (status, head.to_owned(), body.to_owned())
}

fn answer(body: &str) -> (u16, String, String) {
    ask(&world(body), "GET")
}

fn value(body: &str) -> Json {
    let (_, _, text) = answer(body);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"))
}

fn count(head: &str, name: &str) -> usize {
    head.lines().filter(|line| line.to_lowercase().starts_with(&format!("{name}:"))).count()
}

#[test]
fn the_length_and_the_encoding_of_a_body_are_not_the_scripts_to_say() {
    for name in ["Content-Length", "Transfer-Encoding", "Connection"] {
        let function = format!("res:set_header('{name}', '3') res:write('hello')");
        let (status, head, body) = answer(&function);
        assert_eq!((status, &*body), (200, "hello"), "{name}: {head}");
        assert_eq!((count(&head, "content-length"), count(&head, "transfer-encoding")), (1, 0), "{head}");
    }
}

#[test]
fn a_head_request_gets_the_headers_of_a_get_and_no_body() {
    let world = world("res:set_header('X-A', req:method()) res:write('hello')");
    let (status, head, body) = ask(&world, "HEAD");
    assert_eq!((status, &*body), (200, ""));
    assert!(head.contains("Content-Length: 5"), "{head}");
}

#[test]
fn a_status_alone_is_an_answer_and_a_content_type_alone_is_none() {
    assert_eq!(answer("res:set_status(204)").0, 204);
    assert_eq!(answer("res:set_header('X-A', '1')").0, 200);
    assert_eq!(answer("res:flush()").0, 200);
    assert_eq!(answer("res:set_content_type('text/plain')").0, 500);
    assert_eq!(answer("res:set_transfer('sse')").0, 500);
}

#[test]
fn a_header_that_is_set_again_is_replaced_and_cookies_add_up() {
    let (_, head, _) = answer(
        "res:set_header('X-A', '1') res:set_header('x-a', '2') res:set_cookie('a', '1') res:set_cookie('b', '2') res:write('')",
    );
    assert_eq!((count(&head, "x-a"), count(&head, "set-cookie")), (1, 2), "{head}");
    assert!(head.contains("x-a: 2"), "{head}");
}

#[test]
fn a_cookies_attributes_cannot_bring_others_along() {
    let function = "
        local refused = {}
        for _, options in ipairs({{path = '/; Domain=evil'}, {domain = 'a\\r\\nX-B: b'}, {same_site = 'None; Secure'}}) do
            table.insert(refused, res:set_cookie('a', 'b', options):kind())
        end
        res:write_json(refused)
    ";
    let (_, head, body) = answer(function);
    assert_eq!(body, r#"["Invalid","Invalid","Invalid"]"#);
    assert_eq!(count(&head, "set-cookie"), 0, "{head}");
}

#[test]
fn an_alias_that_cannot_do_its_work_raises_and_the_methods_return_the_error() {
    let secret = "internal server error";
    for function in [
        "res:status(99)",
        "res:header('X A', 'v')",
        "res:json({print, a = 1})",
        "res:write('x') res:status(200)",
    ] {
        let (status, _, body) = answer(function);
        assert_eq!((status, &*body), (500, secret), "{function}");
    }
    let function = "
        local circle = {}
        circle.self = circle
        return { res:set_status('ok'):kind(), res:set_status(101):kind(), res:set_status(200.5):kind(), res:write_json(circle):kind(),
            res:write({}):kind(), res:write_event({}):kind(), res:write_event({name = 'a\\nb', data = 1}):kind(), res:set_transfer('odd'):kind() }
    ";
    let expected =
        json!(["Invalid", "Invalid", "Invalid", "Internal", "Invalid", "Invalid", "Invalid", "Invalid"]);
    assert_eq!(value(function), expected);
}

#[test]
fn bytes_are_written_as_they_are() {
    let (status, head, body) =
        answer("res:set_content_type(http.CONTENT.STREAM) res:write('a\\0b') res:write(7)");
    assert_eq!((status, &*body), (200, "a\0b7"));
    assert!(head.contains("Content-Type: application/octet-stream"), "{head}");
}

#[test]
fn whatever_is_returned_is_json() {
    for (function, expected) in [
        ("return 7", "7"),
        ("return true", "true"),
        ("return false", "false"),
        ("return {1, 'two'}", "[1,\"two\"]"),
        ("return {}", "[]"),
        ("return '\"text\"'", "\"text\""),
        ("return nil, nil, 'x'", "internal server error"),
    ] {
        assert_eq!(answer(function).2, expected, "{function}");
    }
}

#[test]
fn each_request_is_a_process_of_its_own_and_its_relations_end_with_it() {
    let world = world(
        "local registry = process.registry
        local taken = registry.lookup('mine') ~= nil
        registry.register('mine')
        local events = process.events()
        local pid = process.spawn_monitored('app:helper', 'app:processes')
        local exit = events:receive()
        res:json({ process.pid(), taken, process.id(), exit.kind, exit.from == pid })",
    );
    let answers: Vec<Json> = (0..3).map(|_| serde_json::from_str(&ask(&world, "GET").2).unwrap()).collect();
    assert_ne!(answers[0][0], answers[1][0]);
    for answer in &answers {
        assert_eq!(
            answer.as_array().unwrap()[1..],
            json!([false, "app:handle", "pid.exit", true]).as_array().unwrap()[..]
        );
    }
}

#[test]
fn there_is_no_request_outside_of_a_function() {
    assert_eq!(value("return process.exec('app:helper', 'app:processes')"), json!(["Internal", "Internal"]));
}

#[test]
fn the_end_of_a_function_ends_its_coroutines() {
    let world = world(
        "coroutine.spawn(function() time.sleep('5ms') process.send('witness', 'from beyond') end)
        process.send('witness', 'answered')
        return {}",
    );
    let witness = Witness::new(&world.node);
    assert_eq!(ask(&world, "GET").0, 200);
    assert_eq!(ask(&world, "GET").0, 200);
    world.runtime.block_on(async {
        assert_eq!(witness.next().await[0], "answered");
        assert_eq!(witness.next().await[0], "answered");
        assert_eq!(soon(witness.next()).await, None);
    });
}

#[test]
fn requests_that_wait_do_not_hold_up_others() {
    let world = world(
        "if req:method() == 'GET' then
            process.registry.register('waiting')
            return { process.inbox():receive():payload():data() }
        end
        while not process.send('waiting', 'word', 'from the other') do time.sleep('1ms') end
        return { 'sent' }",
    );
    world.runtime.block_on(async {
        let text = |method: &str| {
            format!("{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        };
        let (get, post) = (text("GET"), text("POST"));
        let (one, two) =
            smol::future::zip(request(world.address(), &get), request(world.address(), &post)).await;
        assert!(one.1.ends_with("[\"from the other\"]"), "{one:?}");
        assert!(two.1.ends_with("[\"sent\"]"), "{two:?}");
    });
}

#[test]
fn constants_are_what_they_are_called() {
    let function = "
        return { http.STATUS.OK, http.STATUS.NOT_FOUND, http.STATUS.INTERNAL_ERROR, http.STATUS.INTERNAL_SERVER_ERROR,
            http.METHOD.DELETE, http.CONTENT.JSON, http.TRANSFER.SSE, (pcall(function() http.STATUS.OK = 1 end)) }
    ";
    assert_eq!(value(function), json!([200, 404, 500, 500, "DELETE", "application/json", "sse", false]));
}
