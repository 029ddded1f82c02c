mod code;
mod disk;
mod files;
mod http;
mod process;
mod scalars;
mod whole;

use super::files::Memory;
use super::load::{Loaded, load_from};
use super::model::{CodeKind, EntryId};
use super::{Severity, load};
use std::time::Duration;

/// A server and a host that the entries below can name.
const BASE: &str = "
version: '1.0'
namespace: app
entries:
  - {name: gateway, kind: http.service, addr: ':8080'}
  - {name: processes, kind: process.host}
";

/// The base with more entries behind it, which begin on line 9.
fn app(entries: &str) -> Loaded {
    load_from(&Memory::new(&[("_index.yaml", &format!("{BASE}\n{entries}"))]))
}

fn findings(loaded: &Loaded) -> Vec<String> {
    loaded.findings.iter().map(ToString::to_string).collect()
}

fn id(text: &str) -> EntryId {
    EntryId::resolve("", text)
}

const NOTHING: [&str; 0] = [];

#[test]
fn the_specifications_router_is_read_as_it_stands() {
    let loaded = app("
  - name: ws_router
    kind: http.router
    meta:
      server: gateway
    prefix: /ws
    post_middleware:
      - websocket_relay
    post_options:
      wsrelay.allowed.origins: \"https://app.example.com\"
");
    assert_eq!(findings(&loaded), NOTHING);
    let router = &loaded.application.routers[0];
    assert_eq!(
        (router.id.as_str(), router.server.as_str(), &*router.prefix),
        ("app:ws_router", "app:gateway", "/ws")
    );
    assert_eq!(router.post_middleware[0].0, "websocket_relay");
    assert_eq!(router.post_options["wsrelay.allowed.origins"].0, "https://app.example.com");
}

#[test]
fn an_inline_source_knows_the_line_it_begins_on() {
    let loaded = app("
  - name: worker
    kind: process.lua
    source: |
      return function() end
");
    assert_eq!(findings(&loaded), NOTHING);
    let code = &loaded.application.code[&id("app:worker")];
    assert_eq!(
        (&*code.source, code.source_place.to_string()),
        ("return function() end\n", "_index.yaml:12:7".into())
    );
    assert_eq!((code.kind, &*code.method), (CodeKind::Process, "main"));
}

#[test]
fn a_source_of_its_own_begins_on_its_first_line() {
    let yaml = "namespace: app\nname: worker\nkind: process.lua\nsource: file://lua/worker.lua\n";
    let loaded = load_from(&Memory::new(&[("sub/x.yml", yaml), ("sub/lua/worker.lua", "return 1")]));
    assert_eq!(findings(&loaded), NOTHING);
    let code = &loaded.application.code[&id("app:worker")];
    assert_eq!((&*code.source, code.source_place.to_string()), ("return 1", "sub/lua/worker.lua:1:1".into()));
}

#[test]
fn a_source_that_is_missing_or_outside_is_an_error_where_it_is_named() {
    let loaded = app("
  - {name: a, kind: process.lua, source: 'file://a.lua'}
  - {name: b, kind: process.lua, source: 'file://../b.lua'}
");
    let texts = findings(&loaded);
    assert_eq!(texts.len(), 2, "{texts:#?}");
    assert!(
        texts[0].starts_with("_index.yaml:9:42: error: `file://a.lua`: there is no such file"),
        "{texts:#?}"
    );
    assert!(
        texts[1].starts_with(
            "_index.yaml:10:42: error: `file://../b.lua`: it leads out of the application's sources"
        ),
        "{texts:#?}"
    );
}

#[test]
fn what_is_unknown_is_a_warning_with_the_nearest_name() {
    let loaded = app("
  - {name: a, kind: http.rooter}
  - {name: b, kind: process.lua, source: 'return 1', metod: main}
  - {name: c, kind: terminal.host}
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:9:21: warning: unknown kind `http.rooter`, ignored; did you mean `http.router`?",
            "_index.yaml:10:54: warning: process.lua has no key `metod`, ignored; did you mean `method`?",
            "_index.yaml:11:21: warning: kind `terminal.host` is not supported, ignored",
        ]
    );
    assert!(!loaded.has_errors());
}

#[test]
fn a_wrong_value_is_an_error_that_says_what_was_expected_and_found() {
    let loaded = app("
  - name: s
    kind: process.service
    process: processes
    host: nowhere
    lifecycle:
      auto_start: maybe
      stop_timeout: 10
      restart: {max_attempts: -1, backoff_factor: 0.5}
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:11:14: error: `process`: expected a process.lua, but `app:processes` is a process.host",
            "_index.yaml:12:11: error: `host`: there is no `app:nowhere`",
            "_index.yaml:14:19: error: `lifecycle.auto_start`: expected true or false, found the text `maybe`",
            "_index.yaml:15:21: error: `lifecycle.stop_timeout`: expected a duration such as `30s` or `1m30s` (duration without a unit (one of ns us ms s m h)), found the number 10",
            "_index.yaml:16:31: error: `lifecycle.restart.max_attempts`: expected a whole number from 0 to 4294967295, found the number -1",
            "_index.yaml:16:51: error: `lifecycle.restart.backoff_factor`: expected a number from 1, found the number 0.5",
        ]
    );
}

#[test]
fn a_file_that_is_no_yaml_is_an_error_and_the_others_are_read() {
    let files = [("a.yaml", "namespace: app\nentries: [\n"), ("b.yaml", BASE)];
    let loaded = load_from(&Memory::new(&files));
    let texts = findings(&loaded);
    assert_eq!(texts.len(), 1, "{texts:#?}");
    assert!(texts[0].starts_with("a.yaml:"), "{texts:#?}");
    assert!(texts[0].contains(": error: "), "{texts:#?}");
    assert_eq!(loaded.application.servers.len(), 1);
}

#[test]
fn hostile_yaml_is_refused_without_a_panic() {
    let mut bomb = String::from("namespace: app\na0: &a0 [x]\n");
    for level in 1..30 {
        let names = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{names}]\n"));
    }
    let deep = format!("namespace: app\nentries: {}", "[".repeat(20_000));
    let doubled = "namespace: app\nnamespace: app\nentries: []\n";
    let files = Memory::new(&[("bomb.yaml", &bomb), ("deep.yaml", &deep), ("doubled.yaml", doubled)])
        .and("large.yaml", vec![b'x'; 5 * 1024 * 1024])
        .and("binary.yaml", vec![0xff, 0xfe, 0x00]);
    let loaded = load_from(&files);
    let errors = loaded.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let files: Vec<_> = errors.map(|finding| &*finding.place.file).collect();
    assert_eq!(files, ["binary.yaml", "bomb.yaml", "deep.yaml", "doubled.yaml", "large.yaml"]);
}

#[test]
fn files_without_a_namespace_are_none_of_ours_unless_they_have_entries() {
    let files = [
        ("a.yaml", "just: data\n"),
        ("b.yaml", "entries: []\n"),
        ("node_modules/c.yaml", "{"),
        ("d.yaml", BASE),
    ];
    let loaded = load_from(&Memory::new(&files));
    assert_eq!(findings(&loaded), ["b.yaml:1:1: error: `entries` without a `namespace`"]);
}

#[test]
fn two_entries_of_one_name_are_an_error_that_names_the_first() {
    let loaded = app("
  - {name: processes, kind: process.host}
");
    assert_eq!(
        findings(&loaded),
        ["_index.yaml:9:12: error: `app:processes` is already the entry at _index.yaml:6:12"]
    );
}

#[test]
fn libraries_that_import_each_other_in_a_circle_are_an_error() {
    let loaded = app("
  - {name: a, kind: library.lua, source: 'return 1', imports: {b: 'app:b'}}
  - {name: b, kind: library.lua, source: 'return 1', imports: {a: 'app:a'}}
");
    let texts = findings(&loaded);
    assert_eq!(texts.len(), 1, "{texts:#?}");
    assert!(texts[0].contains("`app:a` → `app:b` → `app:a`"), "{texts:#?}");
}

#[test]
fn only_what_is_here_can_be_required() {
    let loaded = app("
  - {name: a, kind: process.lua, source: 'return 1', modules: [json, channel, sql, jsn]}
");
    let texts = findings(&loaded);
    assert_eq!(texts.len(), 2, "{texts:#?}");
    assert!(texts[0].contains("`sql`") && texts[0].contains("not available here"), "{texts:#?}");
    assert!(texts[1].contains("did you mean `json`?"), "{texts:#?}");
}

#[test]
fn a_lifecycle_on_a_process_makes_it_a_service_on_the_only_host() {
    let loaded = app("
  - name: worker
    kind: process.lua
    source: return 1
    lifecycle: {auto_start: true, depends_on: [processes], restart: {delay: 5ms}}
");
    assert_eq!(findings(&loaded), NOTHING);
    let service = &loaded.application.services[0];
    assert_eq!((service.process.as_str(), service.host.as_str()), ("app:worker", "app:processes"));
    assert_eq!(service.lifecycle.restart.initial_delay, Duration::from_millis(5));
    assert_eq!(service.lifecycle.requires, [id("app:processes")]);
}

#[test]
fn an_endpoint_without_a_router_has_the_only_one() {
    let loaded = app("
  - {name: r, kind: http.router, meta: {server: gateway}}
  - {name: f, kind: function.lua, source: 'return 1', method: handler}
  - {name: e, kind: http.endpoint, method: get, path: '/users/:id', func: f}
");
    let endpoint = &loaded.application.endpoints[0];
    assert_eq!((endpoint.router.as_str(), &*endpoint.path), ("app:r", "/users/{id}"));
    assert_eq!((&*endpoint.method, endpoint.function.as_str()), ("GET", "app:f"));
}

#[test]
fn the_meta_of_a_file_stands_under_that_of_its_entries() {
    let yaml = "namespace: app\nmeta: {a: 1, b: 1}\nentries:\n  - {name: x, kind: library.lua, source: '1', meta: {b: 2}}\n";
    let loaded = load_from(&Memory::new(&[("x.yaml", yaml)]));
    assert_eq!(loaded.application.code[&id("app:x")].meta, serde_json::json!({"a": 1, "b": 2}));
}

#[test]
fn code_has_another_fingerprint_when_it_or_what_it_imports_is_another() {
    let fingerprint = |library: &str, source: &str| {
        let entries = format!(
            "
  - {{name: lib, kind: library.lua, source: '{library}'}}
  - {{name: main, kind: process.lua, source: '{source}', imports: {{lib: 'app:lib'}}}}
"
        );
        app(&entries).application.fingerprint(&id("app:main"))
    };
    let first = fingerprint("return 1", "return 2");
    assert_eq!(first, fingerprint("return 1", "return 2"));
    assert_ne!(first, fingerprint("return 1", "return 3"));
    assert_ne!(first, fingerprint("return 0", "return 2"));
}

#[test]
fn a_link_that_leads_out_of_the_folder_is_not_followed() {
    let base = std::env::temp_dir().join(format!("wsrelay-app-{}", std::process::id()));
    let (inside, outside) = (base.join("app"), base.join("secret.lua"));
    std::fs::create_dir_all(&inside).unwrap();
    std::fs::write(&outside, "return 'secret'").unwrap();
    std::fs::write(
        inside.join("_index.yaml"),
        "namespace: app\nname: a\nkind: library.lua\nsource: file://a.lua\n",
    )
    .unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&outside, inside.join("a.lua")).unwrap();
    let texts = findings(&load(&inside));
    std::fs::remove_dir_all(&base).unwrap();
    assert_eq!(texts.len(), 1, "{texts:#?}");
    assert!(texts[0].starts_with("_index.yaml:4:9: error: `file://a.lua`: "), "{texts:#?}");
}
