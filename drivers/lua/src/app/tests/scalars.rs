//! How YAML is understood, and where things stand in it.

use super::super::files::Memory;
use super::super::load::load_from;
use super::{NOTHING, app, findings, id};
use serde_json::json;

const LIBRARY: &str = "namespace: app\nname: l\nkind: library.lua\nsource: return 1\n";

#[test]
fn option_values_become_the_text_that_was_written() {
    let loaded = app("
  - name: r
    kind: http.router
    meta: {server: gateway}
    options: {a: 1.10, b: true, c: yes, d: 007, e: 0x1F, f: '5', g: 1_000, h: -3}
");
    assert_eq!(findings(&loaded), NOTHING);
    let options: Vec<_> = loaded.application.routers[0].options.values().map(|(text, _)| &**text).collect();
    assert_eq!(options, ["1.10", "true", "yes", "007", "0x1F", "5", "1_000", "-3"]);
}

#[test]
fn an_option_knows_where_its_value_stands() {
    let loaded = app("
  - {name: r, kind: http.router, meta: {server: gateway}, options: {a: b}}
");
    assert_eq!(loaded.application.routers[0].options["a"].1.to_string(), "_index.yaml:9:72");
}

#[test]
fn an_address_that_begins_with_a_colon_needs_no_quotes() {
    let yaml = "namespace: app\nname: gw\nkind: http.service\naddr: :8080\n";
    let loaded = load_from(&Memory::new(&[("x.yaml", yaml)]));
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.servers[0].addr, ":8080");
}

#[test]
fn every_second_use_of_a_key_is_an_error_and_the_first_stands() {
    let loaded = app("
  - name: f
    kind: process.lua
    source: return 1
    method: a
    method: b
    source: return 2
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:13:5: error: the key `method` is already in line 12",
            "_index.yaml:14:5: error: the key `source` is already in line 11",
        ]
    );
    assert_eq!(loaded.application.code[&id("app:f")].method, "a");
}

#[test]
fn blank_lines_at_the_top_of_a_block_belong_to_the_source() {
    let loaded = app("
  - name: w
    kind: process.lua
    source: |


      return 1
");
    let code = &loaded.application.code[&id("app:w")];
    assert_eq!((&*code.source, code.source_place.line), ("\n\nreturn 1\n", 12));
}

#[test]
fn a_comment_or_an_anchor_at_a_block_does_not_move_its_first_line() {
    let loaded = app("
  - name: w
    kind: process.lua
    source: &code |-  # what runs
      return 1
  - name: v
    kind: process.lua
    source: *code
");
    assert_eq!(findings(&loaded), NOTHING);
    for name in ["app:w", "app:v"] {
        let code = &loaded.application.code[&id(name)];
        assert_eq!((&*code.source, code.source_place.line), ("return 1", 12), "{name}");
    }
}

#[test]
fn a_quoted_source_begins_where_its_quote_stands() {
    let loaded = app("
  - name: w
    kind: process.lua
    source: \"\\n\\nreturn 1\"
");
    let code = &loaded.application.code[&id("app:w")];
    assert_eq!((&*code.source, code.source_place.line), ("\n\nreturn 1", 11));
}

#[test]
fn lines_that_end_as_on_windows_count_as_others_do() {
    let yaml =
        "namespace: app\r\nname: w\r\nkind: process.lua\r\nsource: |\r\n  a()\r\n  b()\r\nmetod: x\r\n";
    let loaded = load_from(&Memory::new(&[("x.yaml", yaml)]));
    assert_eq!(
        findings(&loaded),
        ["x.yaml:7:1: warning: process.lua has no key `metod`, ignored; did you mean `method`?"]
    );
    let code = &loaded.application.code[&id("app:w")];
    assert_eq!((&*code.source, code.source_place.line), ("a()\nb()\n", 5));
}

#[test]
fn columns_count_characters() {
    let yaml = "namespace: app\nentries: [{name: 'größe', kind: proces.lua}]\n";
    let loaded = load_from(&Memory::new(&[("x.yaml", yaml)]));
    assert_eq!(
        findings(&loaded),
        ["x.yaml:2:33: warning: unknown kind `proces.lua`, ignored; did you mean `process.lua`?"]
    );
}

#[test]
fn json_is_read_with_its_tabs() {
    let json = "{\n\t\"namespace\": \"app\",\n\t\"name\": \"l\",\n\t\"kind\": \"library.lua\",\n\t\"source\": \"return \\u0031\"\n}\n";
    let loaded = load_from(&Memory::new(&[("x.json", json)]));
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(&*loaded.application.code[&id("app:l")].source, "return 1");
}

#[test]
fn what_is_merged_into_a_map_is_read_as_its_own() {
    let loaded = app("
  - {name: a, kind: library.lua, source: return 1, meta: &base {x: 1, y: 1}}
  - {name: b, kind: library.lua, source: return 1, meta: {<<: *base, y: 2}}
");
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.code[&id("app:b")].meta, json!({"x": 1, "y": 2}));
}

#[test]
fn a_syntax_error_stands_where_the_parser_met_it() {
    let files = [
        ("a.yaml", "a: b: c\n"),
        ("b.yaml", "a: 1\n---\nb: 2\n"),
        ("c.yaml", "a:\n\tb: 1\n"),
        ("d.yaml", "namespace: app\nentries: []\n"),
    ];
    assert_eq!(
        findings(&load_from(&Memory::new(&files))),
        [
            "a.yaml:1:5: error: not valid YAML: mapping values are not allowed in this context",
            "b.yaml:3:1: error: a second document begins here, and a file holds one",
            "c.yaml:2:2: error: not valid YAML: tabs disallowed within this context (block indentation)",
        ]
    );
}

#[test]
fn what_is_nested_too_deep_is_refused_whether_it_is_written_or_comes_from_aliases() {
    let written = format!("namespace: app\nmeta: {}{}\n", "[".repeat(60), "]".repeat(60));
    let mut aliases = String::from("namespace: app\nmeta:\n  a0: &a0 [x]\n");
    for level in 1..1200 {
        aliases.push_str(&format!("  a{level}: &a{level} [*a{}]\n", level - 1));
    }
    let texts = findings(&load_from(&Memory::new(&[
        ("a.yaml", &written),
        ("b.yaml", &aliases),
        ("c.yaml", LIBRARY),
    ])));
    assert_eq!(texts.len(), 2, "{texts:#?}");
    for text in texts {
        assert!(text.ends_with(": error: not valid YAML: nested more than 32 deep"), "{text}");
    }
}
