//! Servers, routers, endpoints and static files.

use super::super::files::Memory;
use super::super::load::load_from;
use super::{NOTHING, app, findings};
use std::path::Path;
use std::time::Duration;

#[test]
fn a_server_has_an_address_and_timeouts() {
    let loaded = app("
  - name: other
    kind: http.service
    addr: 127.0.0.1:9090
    timeouts: {read: 5s, write: 0, idle: 1m30s}
    host: {buffer_size: 1024, worker_count: 4}
    lifecycle: {auto_start: true, startup: required}
");
    assert_eq!(findings(&loaded), NOTHING);
    let server = &loaded.application.servers[1];
    assert_eq!(server.addr, "127.0.0.1:9090");
    assert_eq!(server.read_timeout, Some(Duration::from_secs(5)));
    assert_eq!(server.write_timeout, None);
    assert_eq!(server.idle_timeout, Some(Duration::from_secs(90)));
    assert!(server.lifecycle.auto_start);
}

#[test]
fn a_server_listens_whatever_its_lifecycle_says() {
    let loaded = app("
  - {name: s, kind: http.service, addr: ':0', lifecycle: {auto_start: false}}
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:9:59: warning: `lifecycle.auto_start` has no effect here: a server listens as long as the application runs"
        ]
    );
    assert_eq!(loaded.application.servers.len(), 2);
}

#[test]
fn a_bad_server_is_told_key_by_key() {
    let loaded = app("
  - {name: a, kind: http.service}
  - {name: b, kind: http.service, addr: 8080}
  - {name: c, kind: http.service, addr: 'localhost:99999'}
  - {name: d, kind: http.service, addr: ':1', tls: {cert: x}, timeouts: {reed: 5s}}
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:9:12: error: http.service `app:a` has no `addr`",
            "_index.yaml:10:41: error: `addr`: expected `host:port` or `:port`, found the number 8080",
            "_index.yaml:11:41: error: `addr`: expected `host:port` or `:port`, found the text `localhost:99999`",
            "_index.yaml:12:47: warning: `tls` is not supported, ignored",
            "_index.yaml:12:74: warning: `timeouts` has no key `timeouts.reed`, ignored; did you mean `read`?",
        ]
    );
}

#[test]
fn a_router_has_a_server() {
    let loaded = app("
  - {name: a, kind: http.router}
  - {name: b, kind: http.router, meta: {server: gatewy}}
  - {name: c, kind: http.router, meta: {server: processes}}
  - {name: d, kind: http.router, meta: {server: 'app:gateway'}, prefix: api}
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:9:12: error: http.router `app:a` has no `meta.server`",
            "_index.yaml:10:49: error: `meta.server`: there is no `app:gatewy`; did you mean `app:gateway`?",
            "_index.yaml:11:49: error: `meta.server`: expected an http.service, but `app:processes` is a process.host",
            "_index.yaml:12:73: error: `prefix`: `api` does not begin with `/`",
        ]
    );
}

#[test]
fn two_routers_of_one_server_differ_in_their_prefix() {
    let loaded = app("
  - {name: a, kind: http.router, meta: {server: gateway}, prefix: /api}
  - {name: b, kind: http.router, meta: {server: gateway}, prefix: /api/}
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:10:12: error: `app:b` has the prefix `/api` on `app:gateway`, as `app:a` at _index.yaml:9:12 has"
        ]
    );
}

#[test]
fn middleware_is_a_list_and_options_are_scalars() {
    let loaded = app("
  - {name: a, kind: http.router, meta: {server: gateway}, middleware: cors, options: {x: [1]}}
  - {name: b, kind: http.router, meta: {server: gateway}, prefix: /b, post_middleware: [cors, 5], post_options: x}
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:9:71: error: `middleware`: expected a list of texts, found the text `cors`",
            "_index.yaml:9:90: error: `options.x`: expected a text, a number, true or false, found a list",
            "_index.yaml:10:95: error: `post_middleware`: expected a text, found the number 5",
            "_index.yaml:10:113: error: `post_options`: expected a map of options, found the text `x`",
        ]
    );
}

/// A router and a function for the endpoints below; what comes next begins on line 11.
const ROUTED: &str = "
  - {name: r, kind: http.router, meta: {server: gateway}, prefix: /api}
  - {name: f, kind: function.lua, source: return 1, method: handler}
";

#[test]
fn a_bad_endpoint_is_told_key_by_key() {
    let loaded = app(&format!(
        "{ROUTED}
  - {{name: a, kind: http.endpoint, method: FETCH, path: /a, func: f}}
  - {{name: b, kind: http.endpoint, method: GET, path: 'b', func: f}}
  - {{name: c, kind: http.endpoint, method: GET, path: /c, func: r}}
  - {{name: d, kind: http.endpoint}}
"
    ));
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:12:44: error: `method`: expected one of GET POST PUT DELETE PATCH HEAD OPTIONS TRACE, found the text `FETCH`",
            "_index.yaml:13:55: error: `path`: `b` does not begin with `/`",
            "_index.yaml:14:65: error: `func`: expected a function.lua, but `app:r` is an http.router",
            "_index.yaml:15:12: error: http.endpoint `app:d` has no `method`",
            "_index.yaml:15:12: error: http.endpoint `app:d` has no `path`",
            "_index.yaml:15:12: error: http.endpoint `app:d` has no `func`",
        ]
    );
}

#[test]
fn two_endpoints_of_one_method_and_path_are_an_error_whatever_their_parameters_are_called() {
    let loaded = app(&format!(
        "{ROUTED}
  - {{name: a, kind: http.endpoint, method: GET, path: '/u/{{id}}', func: f}}
  - {{name: b, kind: http.endpoint, method: get, path: '/u/:name', func: f}}
  - {{name: c, kind: http.endpoint, method: POST, path: '/u/:name', func: f}}
"
    ));
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:13:12: error: `app:b` answers GET /api/u/{name} on `app:gateway`, as `app:a` at _index.yaml:12:12 does"
        ]
    );
}

#[test]
fn an_endpoint_names_its_router_when_there_are_several() {
    let loaded = app(&format!(
        "{ROUTED}
  - {{name: s, kind: http.router, meta: {{server: gateway}}, prefix: /s}}
  - {{name: a, kind: http.endpoint, method: GET, path: /a, func: f}}
  - {{name: b, kind: http.endpoint, method: GET, path: /b, func: f, router: s}}
  - {{name: c, kind: http.endpoint, method: GET, path: /c, func: f, router: s, meta: {{router: r}}}}
"
    ));
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:13:12: error: http.endpoint `app:a` has no `meta.router`, and the application has 2 routers"
        ]
    );
    let routers: Vec<_> = loaded.application.endpoints.iter().map(|end| end.router.as_str()).collect();
    assert_eq!(routers, ["app:s", "app:r"]);
}

#[test]
fn a_parameter_has_one_name_in_the_whole_path() {
    let loaded = app("
  - {name: r, kind: http.router, meta: {server: gateway}, prefix: '/t/{id}'}
  - {name: f, kind: function.lua, source: return 1, method: handler}
  - {name: e, kind: http.endpoint, method: GET, path: '/u/{id}', func: f}
");
    assert_eq!(
        findings(&loaded),
        ["_index.yaml:11:12: error: the whole path `/t/{id}/u/{id}` has the parameter `id` twice"]
    );
}

/// An application with static files in `public`; what comes next begins on line 6.
fn with_statics(entries: &str) -> super::super::load::Loaded {
    let index = format!(
        "namespace: app
entries:
  - {{name: gw, kind: http.service, addr: ':1'}}
  - {{name: files, kind: fs.directory, directory: ./public}}
{entries}"
    );
    load_from(&Memory::new(&[("src/_index.yaml", &index), ("public/js/app.js", "")]))
}

#[test]
fn static_files_come_from_a_folder_beside_the_sources() {
    let loaded = with_statics(
        "
  - name: s
    kind: http.static
    meta: {server: gw}
    path: /app/
    fs: files
    directory: js
    static_options: {spa: true, index: main.html, cache: no-cache}
    middleware: [cors]
    options: {cors.allow.origins: '*'}
",
    );
    assert_eq!(findings(&loaded), NOTHING);
    let files = &loaded.application.statics[0];
    assert_eq!((&*files.path, &*files.folder), ("/app", Path::new("/memory/public/js")));
    assert_eq!((files.spa, &*files.index, files.cache.as_deref()), (true, "main.html", Some("no-cache")));
    assert_eq!(files.options.keys().collect::<Vec<_>>(), ["cors.allow.origins"]);
}

#[test]
fn older_files_have_the_static_options_among_the_others() {
    let loaded = with_statics("
  - {name: s, kind: http.static, meta: {server: gw}, path: /, fs: files, options: {spa: 'true', index: a.html, x: y}}
");
    assert_eq!(findings(&loaded), NOTHING);
    let files = &loaded.application.statics[0];
    assert_eq!((&*files.path, files.spa, &*files.index, &files.cache), ("/", true, "a.html", &None));
    assert_eq!(files.options.keys().collect::<Vec<_>>(), ["x"]);
}

#[test]
fn static_files_that_are_not_there_are_an_error() {
    let loaded = with_statics(
        "
  - {name: a, kind: fs.directory, directory: nowhere}
  - {name: b, kind: fs.directory, directory: later, auto_init: true, mode: 0755}
  - {name: c, kind: http.static, meta: {server: gw}, path: /c, fs: files, directory: ../src}
  - {name: d, kind: http.static, meta: {server: gw}, path: /d, fs: b}
  - {name: e, kind: http.static, meta: {server: gw}, path: /d, fs: files}
",
    );
    assert_eq!(
        findings(&loaded),
        [
            "src/_index.yaml:6:46: error: `directory`: there is no folder `nowhere`",
            "src/_index.yaml:8:86: error: `directory`: `../src` leads out of `app:files`",
            "src/_index.yaml:10:12: error: `app:e` serves the path `/d` on `app:gw`, as `app:d` at src/_index.yaml:9:12 does",
        ]
    );
}
