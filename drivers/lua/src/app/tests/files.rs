//! Which files are read, and what a file may look like.

use super::super::files::{FILE_BYTES_MAX, Memory};
use super::super::load::load_from;
use super::{NOTHING, app, findings, id};

const LIBRARY: &str = "namespace: app\nname: l\nkind: library.lua\nsource: return 1\n";

#[test]
fn the_lock_says_where_the_sources_are() {
    let files = [
        ("wippy.lock", "directories:\n  modules: .wippy\n  src: ./lua/app\n"),
        ("lua/app/x.yaml", LIBRARY),
        ("src/y.yaml", "namespace: ["),
    ];
    let loaded = load_from(&Memory::new(&files));
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.code[&id("app:l")].place.to_string(), "lua/app/x.yaml:2:7");
}

#[test]
fn without_a_lock_the_sources_are_in_src() {
    let loaded = load_from(&Memory::new(&[("src/x.yaml", LIBRARY), ("y.yaml", "namespace: [")]));
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.code.len(), 1);
}

#[test]
fn a_lock_that_names_no_folder_of_the_application_is_an_error() {
    for (written, found) in [("../x", "../x"), ("/etc", "/etc"), ("nowhere", "nowhere")] {
        let lock = format!("directories: {{src: {written}}}\n");
        let loaded = load_from(&Memory::new(&[("wippy.lock", &lock), ("x.yaml", LIBRARY)]));
        assert_eq!(
            findings(&loaded),
            [format!(
                "wippy.lock:1:20: error: `directories.src`: expected a folder of the application, found the text `{found}`"
            )]
        );
    }
}

#[test]
fn locked_dependencies_are_told_to_be_missing() {
    let lock = "modules:\n  - {name: wippy/test}\n";
    let loaded = load_from(&Memory::new(&[("wippy.lock", lock), ("x.yaml", LIBRARY)]));
    assert_eq!(findings(&loaded), ["wippy.lock:1:1: warning: `modules` is not supported, ignored"]);
}

#[test]
fn hidden_folders_are_passed_over() {
    let files = [(".git/x.yaml", "{"), ("a/.cache/y.yml", "{"), ("b/z.txt", "{"), ("c.yaml", LIBRARY)];
    assert_eq!(findings(&load_from(&Memory::new(&files))), NOTHING);
}

#[test]
fn a_path_without_its_scheme_is_told() {
    let loaded = app("
  - {name: l, kind: library.lua, source: lua/l.lua}
");
    assert_eq!(
        findings(&loaded),
        ["_index.yaml:9:42: error: `source`: a path begins with `file://`: write `file://lua/l.lua`"]
    );
}

const EVIL: &str = "{namespace: evil, entries: [{name: l, kind: library.lua, source: ''}, {name: f, kind: fs.directory, directory: conf}]}";

/// Whoever may put files there is not whoever writes the application.
#[test]
fn what_lies_in_a_folder_of_files_is_no_part_of_the_application() {
    let yaml = "namespace: app\nentries: [{name: files, kind: fs.directory, directory: ./public}]\n";
    let files = [
        ("app.yaml", yaml),
        ("conf/library.yaml", LIBRARY),
        ("public/deep/down/data.json", "{"),
        ("public/evil.json", EVIL),
    ];
    let loaded = load_from(&Memory::new(&files));
    assert_eq!(
        findings(&loaded),
        ["public/evil.json:1:1: warning: the file lies in an `fs.directory`, so its entries are not read"]
    );
    assert_eq!(loaded.application.code.keys().map(ToString::to_string).collect::<Vec<_>>(), ["app:l"]);
}

/// That holds for each folder by itself.
#[test]
fn a_file_that_lies_in_one_of_its_folders_still_makes_data_of_the_others() {
    let yaml = "namespace: app\nentries: [{name: all, kind: fs.directory, directory: .}, {name: up, kind: fs.directory, directory: ./up}]\n";
    let evil = "{namespace: evil, entries: [{name: l, kind: library.lua, source: ''}]}";
    let loaded = load_from(&Memory::new(&[("app.yaml", yaml), ("up/evil.json", evil)]));
    assert_eq!(
        findings(&loaded),
        ["up/evil.json:1:1: warning: the file lies in an `fs.directory`, so its entries are not read"]
    );
    assert!(loaded.application.code.is_empty());
}

/// However deep either lies.
#[test]
fn files_that_call_each_other_data_are_errors() {
    let yaml = "namespace: app\nentries: [{name: files, kind: fs.directory, directory: ./up}]\n";
    for (own, evil) in [("conf/deep/app.yaml", "up/evil.json"), ("conf/app.yaml", "up/deep/evil.json")] {
        let loaded = load_from(&Memory::new(&[(own, yaml), (evil, EVIL), ("up/data.json", "{")]));
        let words = "error: the file lies in an `fs.directory` of a file that lies in one of this file's, so that it may be data";
        let texts = findings(&loaded);
        assert!(texts.contains(&format!("{own}:1:1: {words}")), "{texts:?}");
        assert!(texts.contains(&format!("{evil}:1:1: {words}")), "{texts:?}");
        assert!(loaded.application.code.is_empty());
    }
}

#[test]
fn a_folder_without_entries_is_an_error() {
    assert_eq!(
        findings(&load_from(&Memory::new(&[("src/a.lua", "")]))),
        [
            "src:1:1: error: there are no entries in this folder: no YAML file with a `namespace` and `entries`"
        ]
    );
}

#[test]
fn a_namespace_is_a_name() {
    for written in ["''", "'a:b'", "'a b'", "5", "[a]"] {
        let yaml = format!("namespace: {written}\nentries: []\n");
        let texts = findings(&load_from(&Memory::new(&[("x.yaml", &yaml), ("y.yaml", LIBRARY)])));
        assert_eq!(texts.len(), 1, "{texts:?}");
        let start = "x.yaml:1:12: error: `namespace`: expected a name without colons and blanks, such as `app.ws`, found ";
        assert!(texts[0].starts_with(start), "{texts:?}");
    }
}

#[test]
fn an_entry_has_a_name_and_a_kind() {
    let loaded = app("
  - {kind: process.host}
  - {name: x}
  - {name: 5, kind: ''}
  - just text
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:9:5: error: the entry has no `name`",
            "_index.yaml:10:5: error: the entry has no `kind`",
            "_index.yaml:11:12: error: `name`: expected a text, found the number 5",
            "_index.yaml:11:21: error: `kind`: expected a text, found an empty text",
            "_index.yaml:12:5: error: `entries`: expected an entry, which is a map, found the text `just text`",
        ]
    );
}

#[test]
fn data_stands_for_the_whole_entry() {
    let loaded = app("
  - name: w
    kind: process.lua
    method: ignored
    data:
      source: return 1
      method: run
");
    assert_eq!(
        findings(&loaded),
        ["_index.yaml:11:5: warning: `method` is ignored, since `data` stands for the whole entry"]
    );
    assert_eq!(loaded.application.code[&id("app:w")].method, "run");
}

#[test]
fn an_unknown_key_of_a_file_is_a_warning() {
    let yaml = "namespace: app\nentris:\n  - {name: x, kind: process.host}\n";
    assert_eq!(
        findings(&load_from(&Memory::new(&[("x.yaml", yaml)]))),
        [
            ".:1:1: error: there are no entries in this folder: no YAML file with a `namespace` and `entries`",
            "x.yaml:2:1: warning: a file of entries has no key `entris`, ignored; did you mean `entries`?",
        ]
    );
}

#[test]
fn a_path_from_the_top_begins_at_the_sources() {
    let yaml = "namespace: app\nname: l\nkind: library.lua\nsource: file:///lua/l.lua\n";
    let loaded = load_from(&Memory::new(&[("src/deep/x.yaml", yaml), ("src/lua/l.lua", "return 1")]));
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.code[&id("app:l")].source_place.to_string(), "src/lua/l.lua:1:1");
}

#[test]
fn a_file_may_stand_for_any_text_of_an_entry() {
    let loaded = load_from(&Memory::new(&[
        (
            "x.yaml",
            "namespace: app\nname: l\nkind: library.lua\nsource: return 1\nmeta: {a: [file://a.txt]}\n",
        ),
        ("a.txt", "hello"),
    ]));
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.code[&id("app:l")].meta, serde_json::json!({"a": ["hello"]}));
}

#[test]
fn files_that_cannot_be_sources_are_told_where_they_are_named() {
    let index = "namespace: app\nentries:\n  - {name: a, kind: library.lua, source: 'file://a.lua'}\n  - {name: b, kind: library.lua, source: 'file://b.lua'}\n  - {name: c, kind: library.lua, source: 'file:///../c.lua'}\n";
    let size = usize::try_from(FILE_BYTES_MAX).unwrap() + 1;
    let files = Memory::new(&[("src/x.yaml", index), ("c.lua", "return 'outside'")])
        .and("src/a.lua", vec![b' '; size])
        .and("src/b.lua", vec![0xff]);
    assert_eq!(
        findings(&load_from(&files)),
        [
            "src/x.yaml:3:42: error: `file://a.lua`: it is larger than 4 MiB",
            "src/x.yaml:4:42: error: `file://b.lua`: it is not UTF-8",
            "src/x.yaml:5:42: error: `file:///../c.lua`: it leads out of the application's sources",
        ]
    );
}

#[test]
fn files_that_editors_and_systems_leave_behind_are_passed_over() {
    let loaded = load_from(&Memory::new(&[
        ("a.yaml", LIBRARY),
        ("._a.yaml", "["),
        ("b/.#a.yaml", "["),
        (".yaml", "["),
        (".git/a.yaml", "["),
    ]));
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.code.len(), 1);
}

#[test]
fn what_a_message_quotes_neither_moves_a_cursor_nor_fills_a_screen() {
    let kind = "k".repeat(1_000_000);
    let loaded = app(&format!("  - {{name: a, kind: \"\\x1b[2J\"}}\n  - {{name: b, kind: {kind}}}"));
    assert_eq!(
        findings(&loaded),
        [
            r"_index.yaml:8:21: warning: unknown kind `\u{1b}[2J`, ignored".to_owned(),
            format!("_index.yaml:9:21: warning: unknown kind `{}…", "k".repeat(586)),
        ]
    );
}
