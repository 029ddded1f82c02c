//! Sources of the original's dialect: what runs, and what is said of what does not.

use crate::support::{Folder, run};
use serde_json::json;
use wsrelay_lua::check;

#[test]
fn type_annotations_are_read() {
    let main = "
        type User = { name: string, age: number? }
        type Pair<T> = { first: T, second: T }
        local function greet(user: User, ...: any): (string, number?)
            return 'hello ' .. user.name, user.age
        end
        local pair: Pair<string> = { first = 'a', second = 'b' }
        local count: number = 0
        for _, value: string in pairs(pair) do count += #value end
        local greeting = greet({ name = 'ada' } :: User) :: string
        return { greeting, count }
    ";
    assert_eq!(run(main), Ok(json!(["hello ada", 2])));
}

/// What `check` says of a source.
fn said(source: &str) -> Vec<String> {
    let yaml = "{namespace: app, name: main, kind: process.lua, source: 'file://main.lua'}";
    let folder = Folder::new(&[("_index.yaml", yaml), ("main.lua", source)]);
    check(folder.path()).findings.iter().map(ToString::to_string).collect()
}

#[test]
fn what_luau_does_not_read_is_explained_where_it_stands() {
    for (line, words) in [
        ("goto continue", "write `continue` for `goto continue`"),
        ("::continue::", "write `continue` for `goto continue`"),
        ("local user = value as User", "write `value :: T`"),
        ("local name = user.name!", "write `value :: any`"),
        ("type T = { readonly id: string }", "write `read` before the field"),
        ("type Age = number @min(0)", "leave them out"),
        ("local function first<T: Named>(x: T) end", "write `<T>`"),
        ("local flags = a & b", "write bit32.band"),
        ("local flags = 1 << 4", "write bit32.band"),
    ] {
        let said = said(&format!("-- a comment\n\n{line}\n"));
        assert_eq!(said.len(), 1, "{line}: {said:?}");
        assert!(said[0].starts_with("main.lua:3:1: error: ") && said[0].contains(words), "{line}: {said:?}");
    }
}

#[test]
fn a_mistake_in_an_inline_source_is_shown_on_the_line_of_the_yaml_file() {
    let yaml = "namespace: app\nname: main\nkind: process.lua\nsource: |\n  local a = 1\n  local b = = 2\n";
    let folder = Folder::new(&[("_index.yaml", yaml)]);
    let said: Vec<_> = check(folder.path()).findings.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("_index.yaml:6:1: error: "), "{said:?}");
}
