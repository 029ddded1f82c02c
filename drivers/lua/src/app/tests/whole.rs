//! Applications as a whole: everything at once, and in order.

use super::super::files::Memory;
use super::super::load::load_from;
use super::{NOTHING, findings};

#[test]
fn findings_come_in_the_order_of_files_and_lines() {
    let files = [
        (
            "b.yaml",
            "namespace: b\nentries:\n  - {name: x, kind: nothing.known}\n  - {name: y, kind: library.lua}\n",
        ),
        (
            "a.yaml",
            "namespace: a\nentries:\n  - {name: x, kind: library.lua, source: return 1, modules: [sql], kin: 1}\n",
        ),
        ("c.yaml", "namespace: c\nentries: {\n"),
    ];
    let loaded = load_from(&Memory::new(&files));
    let texts = findings(&loaded);
    assert!(loaded.has_errors());
    assert_eq!(
        texts[..4],
        [
            "a.yaml:3:62: error: module `sql` is not available here",
            "a.yaml:3:68: warning: library.lua has no key `kin`, ignored",
            "b.yaml:3:21: warning: unknown kind `nothing.known`, ignored",
            "b.yaml:4:12: error: library.lua `b:y` has no `source`",
        ]
    );
    assert!(texts[4].starts_with("c.yaml:"), "{texts:?}");
    assert_eq!(texts.len(), 5);
}

#[test]
fn an_entry_that_cannot_be_read_does_not_make_its_referents_wrong() {
    let index = "namespace: app
entries:
  - {name: gw, kind: http.service, addr: nonsense}
  - {name: r, kind: http.router, meta: {server: gw}, prefix: nonsense}
  - {name: f, kind: function.lua, source: 'file://missing.lua', method: m}
  - {name: e, kind: http.endpoint, method: GET, path: /, func: f}
";
    let texts = findings(&load_from(&Memory::new(&[("x.yaml", index)])));
    assert_eq!(texts.len(), 3, "{texts:#?}");
}

#[test]
fn names_of_other_namespaces_are_written_in_full() {
    let files = [
        ("a.yaml", "namespace: app\nname: gw\nkind: http.service\naddr: ':1'\n"),
        (
            "b.yaml",
            "namespace: app.ws\nentries:\n  - {name: r, kind: http.router, meta: {server: 'app:gw'}}\n  - {name: s, kind: http.router, meta: {server: gw}, prefix: /s}\n",
        ),
    ];
    assert_eq!(
        findings(&load_from(&Memory::new(&files))),
        ["b.yaml:4:49: error: `meta.server`: there is no `app.ws:gw`; did you mean `app:gw`?"]
    );
}

#[test]
fn kinds_of_the_original_that_are_not_here_are_ignored_with_their_keys() {
    let index = "namespace: app
entries:
  - {name: a, kind: registry.entry, data: [1, 2], file: 'file://missing'}
  - {name: b, kind: db.sql.sqlite, file: x.db}
  - {name: c, kind: env.variable, meta: {anything: goes}}
";
    assert_eq!(
        findings(&load_from(&Memory::new(&[("x.yaml", index)]))),
        [
            "x.yaml:3:21: warning: kind `registry.entry` is not supported, ignored",
            "x.yaml:4:21: warning: kind `db.sql.sqlite` is not supported, ignored",
            "x.yaml:5:21: warning: kind `env.variable` is not supported, ignored",
        ]
    );
}

#[test]
fn the_file_of_a_single_entry_shares_its_meta_and_version() {
    let yaml = "version: '1.0'\nnamespace: app\nname: h\nkind: process.host\nmeta: {comment: x}\n";
    assert_eq!(findings(&load_from(&Memory::new(&[("x.yaml", yaml)]))), NOTHING);
}

/// An index with something of everything, to be damaged.
const EVERYTHING: &str = "version: '1.0'
namespace: app
meta: &m {a: [1, 2.5, ~, true]}
entries:
  - {name: gw, kind: http.service, addr: ':1', timeouts: {read: 5s}}
  - {name: r, kind: http.router, meta: {server: gw}, prefix: /a/, options: {x: 1.0}}
  - {name: e, kind: http.endpoint, method: GET, path: '/u/{id}/{rest...}', func: f}
  - {name: d, kind: fs.directory, directory: ., auto_init: true}
  - {name: s, kind: http.static, meta: {server: gw}, path: /s, fs: d}
  - {name: h, kind: process.host, host: {workers: 2}}
  - name: f
    kind: function.lua
    method: run
    modules: [json, time]
    imports: {l: app:l}
    source: |

      return {}
  - {name: l, kind: library.lua, source: 'file:///l.lua', meta: {<<: *m}}
  - name: p
    kind: process.lua
    source: \"return 1\"
    lifecycle: {auto_start: true, restart: {delay: 1s, jitter: 0.5}}
";

#[test]
fn everything_at_once_is_read_without_a_finding() {
    let loaded = load_from(&Memory::new(&[("x.yaml", EVERYTHING), ("l.lua", "return 1")]));
    assert_eq!(findings(&loaded), NOTHING);
}

/// However an index is damaged, it is read or refused, and what is said of it names a line that it has.
#[test]
fn a_damaged_index_never_ends_in_a_panic() {
    fn property(damages: Vec<(usize, u8)>) -> bool {
        const PIECES: [&str; 16] =
            ["", "\n", ":", "{", "}", "[", "]", "-", "'", "\"", "|", "&a ", "*a", "<<: ", "\t", "ö: ~\n"];
        let mut text = EVERYTHING.to_owned();
        for (at, piece) in damages {
            let chars: Vec<char> = text.chars().collect();
            let at = at % chars.len();
            let (before, behind) = chars.split_at(at);
            let piece = PIECES[usize::from(piece) % PIECES.len()];
            text = before.iter().copied().chain(piece.chars()).chain(behind[1..].iter().copied()).collect();
        }
        let lines = text.split('\n').count();
        let loaded = load_from(&Memory::new(&[("x.yaml", &text), ("l.lua", "return 1")]));
        loaded.findings.iter().all(|finding| finding.place.line as usize <= lines)
    }
    quickcheck::QuickCheck::new().tests(300).quickcheck(property as fn(Vec<(usize, u8)>) -> bool);
}
