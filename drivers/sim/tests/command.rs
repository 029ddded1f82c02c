//! The command, as somebody at a terminal uses it.

use std::process::{Command, Output};

fn run(args: &[&str]) -> (bool, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_wsrelay-sim")).args(args).output().expect("the command starts");
    (
        status.success(),
        String::from_utf8_lossy(&stdout).into_owned(),
        String::from_utf8_lossy(&stderr).into_owned(),
    )
}

/// A file of this name, with this text, that is gone afterwards with the folder of the test's build.
fn file(name: &str, text: &str) -> String {
    let path = format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, text).expect("a folder for tests");
    path
}

#[test]
fn seeds_that_hold_are_counted_and_what_happened_in_them_is_said() {
    let (is_success, out, _) = run(&["--seeds", "2", "--from", "40"]);
    assert!(is_success, "{out}");
    assert!(out.starts_with("2 seeds in ") && out.contains("connection-hours"), "{out}");
    assert!(out.contains("clock jump") && out.contains("hostile request"), "{out}");
}

#[test]
fn a_trace_is_the_same_each_time() {
    let (is_success, first, _) = run(&["--seed", "41", "--trace"]);
    let (_, second, _) = run(&["--seed", "41", "--trace"]);
    assert!(is_success && first.contains("client 0 reads 101"), "{first}");
    assert_eq!(first, second);
}

#[test]
fn a_file_of_seeds_may_have_remarks() {
    let path = file("seeds", "# those that matter\n\n41 a remark\n2\n");
    let (is_success, out, _) = run(&["--file", &path]);
    assert!(is_success && out.starts_with("2 seeds in "), "{out}");
}

#[test]
fn what_is_no_seed_is_named_with_its_line() {
    let path = file("no-seeds", "41\nforty\n");
    let (is_success, _, error) = run(&["--file", &path]);
    assert_eq!((is_success, error), (false, format!("error: {path}:2: \"forty\" is not a seed\n")));
}

#[test]
fn an_invariant_that_there_is_not_is_answered_with_those_that_there_are() {
    let (is_success, _, error) = run(&["--without", "nonsense"]);
    assert!(
        !is_success && error.contains("no invariant is called \"nonsense\"; there are delivery, "),
        "{error}"
    );
}
