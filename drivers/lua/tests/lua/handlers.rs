//! Functions that answer requests.

use crate::support::{Witness, World, get, request};
use serde_json::{Value as Json, json};

const YAML: &str = "
version: '1.0'
namespace: app
entries:
  - {name: gateway, kind: http.service, addr: '127.0.0.1:0'}
  - {name: processes, kind: process.host}
  - {name: router, kind: http.router, meta: {server: gateway}, prefix: /api}
  - {name: handle, kind: function.lua, source: 'file://handle.lua', method: handler, modules: [http, json, time]}
  - {name: get, kind: http.endpoint, method: GET, path: '/{id}/{rest...}', func: handle}
  - {name: post, kind: http.endpoint, method: POST, path: '/{id}/{rest...}', func: handle}
";

/// An application whose only function has this body; `req` and `res` are its arguments.
fn world(body: &str) -> World {
    let source = format!(
        "local http, json, time = require('http'), require('json'), require('time')\nlocal function handler(req, res)\n{body}\nend\nreturn {{ handler = handler }}\n"
    );
    World::start(&[("_index.yaml", YAML), ("handle.lua", &source)])
}

/// Status, headers and body of what the function answers to a request.
fn answer(body: &str, method: &str, path: &str, headers: &str, content: &str) -> (u16, String, String) {
    let world = world(body);
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{content}",
        content.len()
    );
    let (status, response) = world.runtime.block_on(request(world.address(), &text));
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (status, head.to_owned(), body.to_owned())
}

fn body(function: &str) -> Json {
    let (_, _, body) = answer(
        function,
        "GET",
        "/api/7/a/b%20c?q=1&q=2&e=",
        "Accept: text/*\r\nCookie: a=1; b=two\r\nX-One: 1\r\nx-one: 2\r\n",
        "",
    );
    serde_json::from_str(&body).unwrap_or_else(|_| panic!("{body}"))
}

#[test]
fn a_request_has_everything_that_was_sent() {
    let function = "
        return {req:method(), req:path(), req:param('id'), req:param('rest'), req:query('q'), req:query('none') == nil,
            req:query_params().q, req:header('X-ONE'), req:headers()['Host'], req:cookie('b'), req:host(),
            req:accepts('text/plain'), req:accepts('image/png'), req:has_body(), req == http.request(),
            string.find(req:remote_addr(), '127.0.0.1:', 1, true) == 1}
    ";
    let expected = json!([
        "GET",
        "/api/7/a/b%20c",
        "7",
        "a/b c",
        "1",
        true,
        "1,2",
        "1, 2",
        "a.example",
        "two",
        "a.example",
        true,
        false,
        false,
        true,
        true,
    ]);
    assert_eq!(body(function), expected);
}

#[test]
fn a_body_is_read_as_text_or_json() {
    let function = "return {req:body(), req:body_json().n, req:content_length(), req:is_content_type('application/json'), req:content_type()}";
    let headers = "Content-Type: application/json; charset=utf-8\r\n";
    let (_, _, body) = answer(function, "POST", "/api/1/", headers, "{\"n\": 5}");
    let expected = json!(["{\"n\": 5}", 5, 8, true, "application/json; charset=utf-8"]);
    assert_eq!(serde_json::from_str::<Json>(&body).unwrap(), expected);
    let function = "local v, e = req:body_json() return {v == nil, e:kind()}";
    let (_, _, body) = answer(function, "POST", "/api/1/", "", "{");
    assert_eq!(body, "[true,\"Invalid\"]");
}

#[test]
fn both_forms_of_the_response_write_the_same() {
    let older = "res:status(201):header('X-A', '1'):json({ok = true})";
    let newer = "res:set_status(201) res:set_header('X-A', '1') res:write_json({ok = true})";
    for function in [older, newer] {
        let (status, head, body) = answer(function, "GET", "/api/1/", "", "");
        assert_eq!((status, &*body), (201, "{\"ok\":true}"));
        assert!(
            head.contains("\r\nX-A: 1\r\n") && head.contains("\r\nContent-Type: application/json\r\n"),
            "{head}"
        );
    }
}

#[test]
fn what_is_returned_is_json_and_nothing_at_all_is_an_error_that_says_nothing() {
    let failed = (500, "internal server error".to_owned());
    for (function, expected) in [
        ("return {a = 1}", (200, "{\"a\":1}".to_owned())),
        ("return '[1]'", (200, "[1]".to_owned())),
        ("return nil, 'the password is 123'", failed.clone()),
        ("error('the password is 123')", failed.clone()),
        ("local x = nil return x.y", failed.clone()),
        ("", failed.clone()),
        ("while true do end", failed.clone()),
    ] {
        let (status, _, body) = answer(function, "GET", "/api/1/", "", "");
        assert_eq!((status, body), expected, "{function}");
    }
}

#[test]
fn headers_cannot_be_injected_or_come_after_the_body() {
    let function = "
        local results = {}
        for _, pair in ipairs({{'X-A', 'a\\r\\nX-B: b'}, {'X A', 'a'}, {'X-A', 'a\\0'}, {'', ''}}) do
            table.insert(results, tostring(res:set_header(pair[1], pair[2]) ~= nil))
        end
        table.insert(results, res:set_cookie('a', 'b;c') ~= nil and 'true')
        res:write(table.concat(results, ' '))
        res:write(' ' .. res:set_status(404):kind() .. ' ' .. res:set_header('X-C', 'c'):kind())
    ";
    let (status, head, body) = answer(function, "GET", "/api/1/", "", "");
    assert_eq!((status, &*body), (200, "true true true true true Invalid Invalid"));
    assert!(!head.contains("X-"), "{head}");
}

#[test]
fn cookies_redirects_and_events_are_written_as_browsers_read_them() {
    let function =
        "res:set_cookie('s', 'v', {path = '/', http_only = true, max_age = 60}) res:redirect('/there')";
    let (status, head, _) = answer(function, "GET", "/api/1/", "", "");
    assert_eq!(status, 302);
    assert!(head.contains("\r\nLocation: /there\r\n"), "{head}");
    assert!(head.contains("\r\nSet-Cookie: s=v; Path=/; Max-Age=60; HttpOnly\r\n"), "{head}");
    let (_, head, body) =
        answer("res:write_event({name = 'tick', data = {n = 1}})", "GET", "/api/1/", "", "");
    assert!(head.contains("\r\nContent-Type: text/event-stream\r\n"), "{head}");
    assert_eq!(body, "event: tick\ndata: {\"n\":1}\n\n");
}

#[test]
fn a_function_is_a_process_that_can_ask_others_and_wait() {
    let function = "
        local pid = process.pid()
        coroutine.spawn(function() process.send(pid, 'answer', 42) end)
        local inbox, timeout = process.inbox(), time.after('10s')
        local result = channel.select({inbox:case_receive(), timeout:case_receive()})
        return {result.value:payload():data()}
    ";
    assert_eq!(body(function), json!([42]));
}

/// A client that is gone looks like one that has sent all it wants to say, so this is what ends its function, too.
#[test]
fn a_function_that_takes_too_long_is_ended() {
    let yaml = YAML.replace("addr: '127.0.0.1:0'", "addr: '127.0.0.1:0', timeouts: {write: 100ms}");
    let source =
        "return function() process.send('witness', 'pid', process.pid()) process.inbox():receive() end";
    let world = World::start(&[("_index.yaml", &yaml), ("handle.lua", source)]);
    let witness = Witness::new(&world.node);
    world.runtime.block_on(async {
        let asked = get(world.address(), "/api/1/");
        let watched = async {
            let pid = witness.next().await[1].as_str().unwrap().parse().unwrap();
            witness.watch(pid).await;
        };
        let ((status, _), ()) = smol::future::zip(asked, watched).await;
        assert_eq!(status, 503);
        assert_eq!(witness.next().await, json!(["exit", "killed"]));
    });
}

#[test]
fn what_is_no_route_is_not_found_and_other_methods_are_not_allowed() {
    let world = world("return {}");
    world.runtime.block_on(async {
        let address = world.address();
        assert_eq!(get(address, "/nothing").await.0, 404);
        let (status, response) =
            request(address, "PUT /api/1/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert_eq!(status, 405);
        assert!(response.contains("\r\nAllow: GET, HEAD, OPTIONS, POST\r\n"), "{response}");
    });
}

/// H10
#[test]
fn a_relay_header_of_a_route_without_a_relay_goes_nowhere() {
    let function = "res:header('X-WS-Relay', json.encode({target_pid = process.pid()})) res:write('plain')";
    let (status, head, body) = answer(function, "GET", "/api/1/", "", "");
    assert_eq!((status, &*body), (200, "plain"));
    assert!(!head.to_lowercase().contains("relay"), "{head}");
}
