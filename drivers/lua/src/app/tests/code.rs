//! Functions, processes and libraries.

use super::super::model::{CodeKind, EntryId};
use super::super::modules::AVAILABLE_MODULES;
use super::{NOTHING, app, findings, id};

#[test]
fn a_function_has_a_method_and_perhaps_a_pool() {
    let loaded = app("
  - {name: a, kind: function.lua, source: return 1, method: run, pool: {type: lazy, size: 4, max_size: 16}}
  - {name: b, kind: function.lua, source: return 1}
  - {name: c, kind: function.lua, method: run}
  - {name: d, kind: function.lua, source: return 1, method: run, pool: {type: eager, size: -1, sise: 1}}
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:10:12: error: function.lua `app:b` has no `method`",
            "_index.yaml:11:12: error: function.lua `app:c` has no `source`",
            "_index.yaml:12:79: error: `pool.type`: expected one of inline lazy static adaptive, found the text `eager`",
            "_index.yaml:12:92: error: `pool.size`: expected a whole number from 0 to 4294967295, found the number -1",
            "_index.yaml:12:96: warning: `pool` has no key `pool.sise`, ignored; did you mean `size`?",
        ]
    );
    let code = &loaded.application.code[&id("app:a")];
    assert_eq!((code.kind, &*code.method), (CodeKind::Function, "run"));
}

#[test]
fn imports_lead_to_libraries() {
    let loaded = app("
  - {name: lib, kind: library.lua, source: return 1}
  - {name: p, kind: process.lua, source: return 1, imports: {a: lib, b: 'app:lib', c: processes, d: libb}}
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:10:87: error: `imports.c`: expected a library.lua, but `app:processes` is a process.host",
            "_index.yaml:10:101: error: `imports.d`: there is no `app:libb`; did you mean `app:lib`?",
        ]
    );
    let imports = &loaded.application.code[&id("app:p")].imports;
    let imports: Vec<_> = imports.iter().map(|(alias, id, _)| (&**alias, id.as_str())).collect();
    assert_eq!(imports[..2], [("a", "app:lib"), ("b", "app:lib")]);
}

#[test]
fn a_library_that_imports_itself_is_an_error() {
    let loaded = app("
  - {name: l, kind: library.lua, source: return 1, imports: {me: l}}
");
    assert_eq!(findings(&loaded), ["_index.yaml:9:66: error: the imports go in a circle: `app:l` → `app:l`"]);
}

#[test]
fn a_library_that_two_others_import_is_no_circle() {
    let loaded = app("
  - {name: a, kind: library.lua, source: return 1, imports: {b: b, c: c}}
  - {name: b, kind: library.lua, source: return 1, imports: {c: c}}
  - {name: c, kind: library.lua, source: return 1}
");
    assert_eq!(findings(&loaded), NOTHING);
}

#[test]
fn everything_that_is_here_may_be_listed() {
    let list = AVAILABLE_MODULES.join(", ");
    let loaded = app(&format!(
        "
  - {{name: p, kind: process.lua, source: return 1, modules: [{list}]}}
"
    ));
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.code[&id("app:p")].modules.len(), AVAILABLE_MODULES.len());
}

#[test]
fn each_module_that_is_not_here_is_told_where_it_is_listed() {
    let loaded = app("
  - name: p
    kind: process.lua
    source: return 1
    modules:
      - funcs
      - tmie
      - kubernetes
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:13:9: error: module `funcs` is not available here",
            "_index.yaml:14:9: error: there is no module `tmie`; did you mean `time`?",
            "_index.yaml:15:9: error: there is no module `kubernetes`",
        ]
    );
}

/// The fingerprint of `app:main` among these entries.
fn fingerprint(entries: &str) -> u64 {
    app(entries).application.fingerprint(&id("app:main"))
}

#[test]
fn a_fingerprint_does_not_depend_on_where_the_code_stands() {
    let near = "\n  - {name: main, kind: process.lua, source: return 1, modules: [json]}\n";
    let far = "\n\n\n  - {name: main, kind: process.lua, modules: [json], meta: {a: 1}, source: return 1}\n";
    assert_eq!(fingerprint(near), fingerprint(far));
}

#[test]
fn a_fingerprint_depends_on_method_modules_and_distant_imports() {
    let with = |method: &str, modules: &str, distant: &str| {
        fingerprint(&format!("
  - {{name: main, kind: process.lua, source: return 1, method: {method}, modules: {modules}, imports: {{a: a}}}}
  - {{name: a, kind: library.lua, source: return 1, imports: {{b: b}}}}
  - {{name: b, kind: library.lua, source: return {distant}}}
"))
    };
    let first = with("run", "[json]", "1");
    assert_eq!(first, with("run", "[json]", "1"));
    for other in [with("walk", "[json]", "1"), with("run", "[time]", "1"), with("run", "[json]", "2")] {
        assert_ne!(first, other);
    }
}

#[test]
fn what_is_unknown_has_a_fingerprint_as_well() {
    let application = app("").application;
    let unknown = |text: &str| application.fingerprint(&EntryId::resolve("app", text));
    assert_eq!(unknown("x"), unknown("x"));
}

#[test]
fn blank_lines_before_a_source_count_as_its_lines() {
    let source = |text: &str| {
        let loaded = app(&format!("  - name: l\n    kind: library.lua\n    source: {text}"));
        let code = &loaded.application.code[&id("app:l")];
        (code.source.to_string(), code.source_place.to_string())
    };
    let at = |line| format!("_index.yaml:{line}");
    assert_eq!(source("|\n\n  \n      x()\n"), ("\n\nx()\n".to_owned(), at("11:7")));
    assert_eq!(source("\"\\n\\nx()\""), ("\n\nx()".to_owned(), at("10:13")));
    assert_eq!(source("|+\n\n\n"), ("\n\n".to_owned(), at("10:13")));
}
