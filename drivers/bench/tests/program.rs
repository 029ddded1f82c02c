//! The program as a whole: each server is started, loaded for a moment, and loses nothing.
#![cfg(target_os = "linux")]

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> (String, String, bool) {
    let program = env!("CARGO_BIN_EXE_wsrelay-bench");
    let Output { stdout, stderr, status } =
        Command::new(program).args(arguments).output().expect("the program was built");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes text");
    (text(stdout), text(stderr), status.success())
}

#[test]
fn every_server_returns_every_message() {
    let (table, errors, is_success) =
        run(&["--only", "echo-64x16-32,echo-8x64k-text", "--seconds", "0.05", "--runs", "1"]);
    assert!(is_success, "{errors}");
    for server in ["raw", "floor", "smol", "tokio-tungstenite", "fastwebsockets", "tokio-websockets"] {
        let rows =
            table.lines().filter(|line| line.starts_with("| ") && line[2..].starts_with(server)).count();
        assert!(rows >= 2, "{server}: {table}");
    }
}

#[test]
fn what_does_not_exist_is_refused_in_words() {
    for arguments in [["--only", "nothing"], ["--servers", "nobody"], ["serve", "nobody"]] {
        let (_, errors, is_success) = run(&arguments);
        assert!(!is_success && errors.contains("there is"), "{errors}");
    }
}
