//! What `check` says of applications that cannot run.

use crate::support::Folder;
use wsrelay_lua::check;

fn said(files: &[(&str, &str)]) -> Vec<String> {
    let folder = Folder::new(files);
    check(folder.path()).findings.iter().map(ToString::to_string).collect()
}

/// Of each library: its name and those that it imports.
fn libraries<'a>(imports: impl IntoIterator<Item = (String, Vec<&'a str>)>) -> String {
    let mut yaml = "namespace: app\nentries:\n".to_owned();
    for (name, imports) in imports {
        let imports = imports.iter().map(|import| format!("{import}: 'app:{import}'")).collect::<Vec<_>>();
        yaml += &format!(
            "  - {{name: {name}, kind: library.lua, source: return 1, imports: {{{}}}}}\n",
            imports.join(", ")
        );
    }
    yaml
}

#[test]
fn libraries_that_import_themselves_on_any_way_are_an_error_and_nothing_worse() {
    for imports in [
        vec![("a", vec!["a"])],
        vec![("a", vec!["b"]), ("b", vec!["a"])],
        vec![("a", vec!["b"]), ("b", vec!["c", "d"]), ("c", vec![]), ("d", vec!["a"])],
    ] {
        let yaml = libraries(imports.into_iter().map(|(name, imports)| (name.to_owned(), imports)));
        let said = said(&[("_index.yaml", &yaml)]);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(": error: ") && said[0].contains("the imports go in a circle"), "{said:?}");
    }
}

/// Wherever the compiler begins.
#[test]
fn very_many_libraries_that_import_one_another_in_a_row_are_an_error() {
    for (number, is_downwards, is_too_many) in [
        (100, true, false),
        (100, false, false),
        (101, true, true),
        (101, false, true),
        (5_000, true, true),
        (5_000, false, true),
    ] {
        let name = |at: usize| format!("l{at:05}");
        let names: Vec<_> =
            (0..number).map(|at| name(if is_downwards { number - 1 - at } else { at })).collect();
        let rows = (0..number)
            .map(|at| (names[at].clone(), names.get(at + 1).map(|name| &**name).into_iter().collect()));
        let said = said(&[("_index.yaml", &libraries(rows))]);
        let found =
            said.iter().filter(|said| said.contains("more than 100 libraries import one another in a row"));
        assert_eq!((found.count() > 0, said.is_empty()), (is_too_many, !is_too_many), "{number} {said:?}");
    }
}

#[test]
fn an_error_in_an_import_hides_none_of_what_imports_it() {
    let yaml = "
namespace: app
entries:
  - {name: a, kind: library.lua, source: 'file://a.lua', imports: {b: 'app:b'}}
  - {name: b, kind: library.lua, source: 'file://b.lua'}
";
    let said = said(&[("_index.yaml", yaml), ("a.lua", "local = 1"), ("b.lua", "\nlocal = 2")]);
    let places: Vec<_> = said.iter().map(|said| said.split(" error").next().unwrap_or_default()).collect();
    assert_eq!(places, ["a.lua:1:1:", "b.lua:2:1:"], "{said:?}");
}

#[test]
fn a_source_that_cannot_be_read_is_one_error() {
    let yaml = "{namespace: app, name: main, kind: process.lua, source: 'file://main.lua'}";
    let said = said(&[("_index.yaml", yaml)]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("_index.yaml:1:") && said[0].contains("main.lua"), "{said:?}");
}

/// Neither for itself nor for what belongs to it.
#[test]
fn a_server_that_is_not_there_hides_nothing() {
    let yaml = "
namespace: app
entries:
  - {name: one, kind: http.router, meta: {server: absent}, middleware: [realip]}
  - {name: two, kind: http.router, middleware: [token_auth]}
  - {name: get, kind: http.endpoint, meta: {router: one}, method: FETCH, path: /a, func: absent}
";
    let said = said(&[("_index.yaml", yaml)]);
    let has = |line: usize, words: &str| {
        said.iter().any(|said| said.starts_with(&format!("_index.yaml:{line}:")) && said.contains(words))
    };
    for (line, words) in [
        (4, "`app:absent`"),
        (4, "real_ip"),
        (5, "meta.server"),
        (5, "token_auth"),
        (6, "FETCH"),
        (6, "`app:absent`"),
    ] {
        assert!(has(line, words), "{line} {words}: {said:#?}");
    }
    assert_eq!(said.len(), 6, "{said:#?}");
}

/// By whatever name the folder is called.
#[cfg(unix)]
#[test]
fn data_is_data_behind_links_and_absolute_paths() {
    let evil = "{namespace: evil, entries: [{name: processes, kind: process.host}]}";
    let folder = Folder::new(&[("data/up/evil.yaml", evil), ("other/evil.yaml", evil)]);
    std::os::unix::fs::symlink("data/up", folder.path().join("uploads")).unwrap();
    let other = folder.path().join("other");
    let yaml = format!(
        "
namespace: app
entries:
  - {{name: uploads, kind: fs.directory, directory: ./uploads}}
  - {{name: other, kind: fs.directory, directory: '{}'}}
",
        other.display()
    );
    folder.write("_index.yaml", &yaml);
    let checked = check(folder.path());
    let found: Vec<_> = checked.findings.iter().map(ToString::to_string).collect();
    let words = "evil.yaml:1:1: warning: the file lies in an `fs.directory`, so its entries are not read";
    assert_eq!(found, [format!("data/up/{words}"), format!("other/{words}")]);
}
