//! Whether the house is in order: what is absent on purpose is absent, and every promise has its test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// All files below `folder` with one of these endings, with their text.
fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                if !path.ends_with("target") && !path.ends_with(".git") {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| path.extension().is_some_and(|found| found == *ending)) {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, fs::read_to_string(&path).expect("text")));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no files below {folder}");
    found
}

/// The lines of code that contain one of `words`, outside comments, except in the files `but`.
fn uses(folder: &str, words: &[&str], but: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in files(folder, &["rs"]) {
        if but.iter().any(|allowed| name.starts_with(allowed)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found
}

const NOTHING: Vec<String> = Vec::new();

#[test]
fn the_core_cannot_name_a_clock_a_socket_a_thread_or_chance() {
    let (_, lib) =
        files("core/src", &["rs"]).into_iter().find(|(name, _)| name == "core/src/lib.rs").unwrap();
    assert!(lib.contains("#![no_std]") && lib.contains("#![forbid(unsafe_code)]"));
    // In its own tests it may; what ships cannot, for `std` is not there.
    let shipped = uses("core/src", &["std::"], &[])
        .into_iter()
        .filter(|line| !line.contains("tests") && !line.contains("testing"))
        .filter(|line| !line.contains("extern crate std"))
        .filter(|line| !is_in_test_module(line))
        .collect::<Vec<_>>();
    assert_eq!(shipped, NOTHING);
}

/// Whether a use, given as `file:line: code`, lies below its file's `#[cfg(test)]`.
fn is_in_test_module(found: &str) -> bool {
    let mut parts = found.splitn(3, ':');
    let (Some(name), Some(line)) = (parts.next(), parts.next()) else { return false };
    let text = fs::read_to_string(root().join(name)).expect("text");
    let line: usize = line.parse().expect("a line number");
    text.lines().position(|text| text == "#[cfg(test)]").is_some_and(|tests| line > tests)
}

/// What a feature brings in is the user's choice.
#[test]
fn the_core_depends_on_six_packages_and_no_more() {
    let manifest = fs::read_to_string(root().join("core/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split('[').next().unwrap();
    let needed = dependencies.lines().filter(|line| !line.contains("optional = true"));
    let names: Vec<_> = needed.filter_map(|line| line.split('.').next()).collect();
    let names: BTreeSet<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
    let card = BTreeSet::from(["base64", "bytes", "httparse", "serde", "serde_json", "sha1"]);
    assert!(names.is_subset(&card), "{names:?}");
}

/// One number of a Lua state's has no other way to it.
#[test]
fn no_package_has_unsafe_code_but_for_one_call() {
    const ONLY: &str = "drivers/lua/src/vm/memory/total.rs";
    let is = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe_code"];
    for folder in ["core", "drivers", "tests/src", "fuzz/fuzz_targets"] {
        assert_eq!(uses(folder, &is, &[ONLY, "core/src/lib.rs"]), NOTHING);
    }
    assert_eq!(uses("drivers/lua/src/vm/memory", &["unsafe {"], &[]).len(), 1);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"deny\""));
}

#[test]
fn the_only_clock_is_the_hosts() {
    let clocks = ["Instant::now", "SystemTime::now"];
    // What measures time has its own.
    let but = [
        "drivers/host/src/clock.rs",
        "drivers/smol/benches",
        "drivers/smol/tests",
        "drivers/bench",
        "drivers/sim/src/report.rs",
        "drivers/sim/examples",
        "drivers/lua/examples",
    ];
    assert_eq!(uses("drivers", &clocks, &but), NOTHING);
}

#[test]
fn nothing_in_a_simulation_depends_on_anything_but_its_seed() {
    let words = ["f32", "f64", "HashMap", "HashSet", "RandomState", "std::thread", "std::net"];
    assert_eq!(
        uses("drivers/sim/src", &words, &["drivers/sim/src/main.rs", "drivers/sim/src/args.rs"]),
        NOTHING
    );
}

#[test]
fn a_driver_knows_no_opcode_topic_or_close_code() {
    let words = ["Opcode", "CloseCode", "Topic::", "\"ws."];
    // The one exception speaks through another library, which leaves the words to it.
    let but = ["drivers/smol/src/outbound", "drivers/smol/tests", "drivers/smol/benches"];
    for folder in ["drivers/smol", "drivers/thread/src", "drivers/host/src"] {
        assert_eq!(uses(folder, &words, &but), NOTHING);
    }
}

#[test]
fn nothing_is_unfinished() {
    let words = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore"];
    for folder in ["core", "drivers", "tests"] {
        assert_eq!(uses(folder, &words, &["tests/tests/tidy.rs"]), NOTHING);
    }
}

#[test]
fn no_test_sleeps() {
    let sleeps = ["thread::sleep", "Timer::after"];
    // What makes a test fail that waits in vain is no sleep.
    let guards = [
        "tests/tests/tidy.rs",
        "tests/tests/sockets/support/mod.rs",
        "tests/tests/browser/cdp.rs",
        "drivers/smol/tests/outbound/world.rs",
        "drivers/lua/tests/lua/support/mod.rs",
    ];
    let folders = [
        "tests",
        "drivers/smol/tests",
        "drivers/thread",
        "drivers/host",
        "drivers/lua/tests",
        "drivers/cli/tests",
    ];
    for folder in folders {
        assert_eq!(uses(folder, &sleeps, &guards), NOTHING);
    }
}

#[test]
fn a_file_fits_a_sitting() {
    let long: Vec<_> = ["core", "drivers", "tests"]
        .into_iter()
        .flat_map(|folder| files(folder, &["rs"]))
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > 450)
        .collect();
    assert_eq!(long, []);
}

#[test]
fn every_package_takes_the_workspaces_lints() {
    let drivers =
        ["host", "smol", "thread", "sim", "lua", "cli", "bench"].map(|name| format!("drivers/{name}"));
    let folders = drivers.into_iter().chain(["core".to_owned(), "tests".to_owned()]);
    for folder in folders {
        let manifest = fs::read_to_string(root().join(&folder).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{folder}");
    }
}

/// The promises: every numbered rule, every row of the table of ends, every bound and time.
fn promises() -> BTreeSet<String> {
    let numbered = [("H", 13), ("R", 9), ("P", 10)]
        .into_iter()
        .flat_map(|(chapter, last)| (1..=last).map(move |number| format!("{chapter}{number}")));
    let end = fs::read_to_string(root().join("core/src/relay/end.rs")).expect("the table of ends");
    let (_, variants) = end.split_once("pub enum End {").expect("the enum");
    let (variants, _) = variants.split_once("\n}").expect("its end");
    let rows = variants
        .lines()
        .filter(|line| !line.trim_start().starts_with("///"))
        .filter_map(|line| line.trim().split(['(', ',']).next())
        .filter(|name| !name.is_empty())
        .map(|name| format!("C:{name}"));
    let times = "ping pong auto-pong handshake write close idle lifetime drain message fragments flood head \
                 header outbox mailbox";
    let times = times.split_whitespace().map(|name| format!("T:{name}"));
    numbered.chain(rows).chain(times).collect()
}

#[test]
fn every_promise_is_named_by_a_test() {
    let mut named = BTreeSet::new();
    for folder in ["core/src", "drivers", "tests"] {
        for (_, text) in files(folder, &["rs"]) {
            for line in text.lines().filter_map(|line| line.trim().strip_prefix("/// [")) {
                let marks = line.split('[').map_while(|part| part.split_once(']'));
                named.extend(marks.map(|(mark, _)| mark.to_owned()));
            }
        }
    }
    let missing: Vec<_> = promises().difference(&named).cloned().collect();
    assert_eq!(missing, NOTHING, "rules without a test");
    assert!(promises().len() > 60);
}

#[test]
fn the_readme_names_its_two_commands() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for command in ["cargo run --release", "cargo test --workspace"] {
        assert!(readme.lines().any(|line| line == command), "{command}");
    }
}
