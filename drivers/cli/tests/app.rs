//! `wsrelay run`, `check` and `new` as a user runs them.

mod support;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{Running, WSRELAY};

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wsrelay-cli-{}-{name}", std::process::id()));
        _ = fs::remove_dir_all(&path);
        Self(path)
    }

    /// One that `wsrelay new` has filled.
    fn with_chat(name: &str) -> Self {
        let folder = Self::new(name);
        let output = wsrelay(&["new".as_ref(), folder.0.as_os_str()]);
        assert!(output.status.success(), "{output:?}");
        folder
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.0.join(name);
        let text = fs::read_to_string(&path).expect("a file of the application");
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).expect("room on the disk");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

fn wsrelay(arguments: &[&OsStr]) -> Output {
    Command::new(WSRELAY).args(arguments).env_remove("RUST_LOG").output().expect("the command")
}

fn check(folder: &Path) -> (bool, String, String) {
    let output = wsrelay(&["check".as_ref(), "--routes".as_ref(), folder.as_os_str()]);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// Serves an application on a port that the system chooses.
fn run(folder: &Folder) -> Running {
    let mut command = Command::new(WSRELAY);
    Running::start(command.args(["run", "--listen", "127.0.0.1:0"]).arg(&folder.0), "listening on http://")
}

#[test]
fn a_new_application_is_sound_and_is_not_written_over_another() {
    let folder = Folder::with_chat("new");
    let (is_sound, out, err) = check(&folder.0);
    assert!(is_sound && err.is_empty(), "{err}");
    assert!(out.contains("1 servers, 1 routers, 1 endpoints, 1 functions, 1 processes"), "{out}");
    assert!(out.contains("  GET     /ws/chat"), "{out}");
    let again = wsrelay(&["new".as_ref(), folder.0.as_os_str()]);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("is not empty"));
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_file_and_line() {
    let folder = Folder::with_chat("wrong");
    folder.edit("_index.yaml", "func: chat", "func: chatt");
    folder.edit("_index.yaml", "- websocket_relay", "- websocket_relai");
    folder.edit("room.lua", "local members = {}", "goto members");
    folder.edit("chat.lua", "if not pid then", "if not pid than");
    let (is_sound, out, err) = check(&folder.0);
    assert!(!is_sound && out.is_empty(), "{out}");
    let lines: Vec<_> = err.lines().collect();
    for (start, words) in [
        ("_index.yaml:44:9: error: ", "did you mean `websocket_relay`?"),
        ("_index.yaml:58:11: error: `func`: there is no `app:chatt`", "did you mean `app:chat`?"),
        ("chat.lua:34:", "got 'than'"),
        ("room.lua:11:", "`continue`"),
    ] {
        assert!(lines.iter().any(|line| line.starts_with(start) && line.contains(words)), "{start}: {err}");
    }
    assert!(err.ends_with("has errors: see above\n"), "{err}");
}

#[test]
fn a_hangup_reads_the_application_again_and_keeps_the_old_one_where_the_new_is_unsound() {
    let folder = Folder::with_chat("reload");
    // So that an ordinary request is answered by the code.
    folder.edit("_index.yaml", "relay_only: true", "relay_only: false");
    let mut running = run(&folder);
    assert!(running.get("/").contains("<title>wsrelay chat</title>"));
    assert!(running.get("/ws/chat").contains("user (1 to 32 characters)"));
    folder.edit("chat.lua", "user (1 to 32 characters)", "a user");
    running.signal("-HUP");
    running.wait_for(" reloaded");
    assert!(running.get("/ws/chat").contains("a user and room"));
    folder.edit("chat.lua", "local http", "local local http");
    running.signal("-HUP");
    running.wait_for("chat.lua:5:");
    running.wait_for("not reloaded");
    assert!(running.get("/ws/chat").contains("a user and room"));
    // Nor does one that is mistaken for no application at all.
    folder.edit("chat.lua", "local local http", "local http");
    folder.edit("_index.yaml", "namespace: app", "namespce: app");
    running.signal("-HUP");
    running.wait_for("`entries` without a `namespace`");
    running.wait_for("not reloaded");
    assert!(running.get("/ws/chat").contains("a user and room"));
}

#[test]
fn a_reload_says_what_takes_effect_only_later() {
    let folder = Folder::with_chat("later");
    let mut running = run(&folder);
    folder.edit("_index.yaml", "wsrelay.compression: shared", "wsrelay.compression: takeover");
    running.signal("-HUP");
    let line = running.wait_for("options that hold for the whole server have changed");
    assert!(line.contains("server=\"app:gateway\""), "{line}");
    running.wait_for(" reloaded");
}

#[test]
fn an_interrupt_ends_the_command_well() {
    let folder = Folder::with_chat("stop");
    let mut running = run(&folder);
    running.signal("-INT");
    running.wait_for("stopping: clients are closed within 2s");
    running.wait_for(" stopped");
    assert!(running.child.wait().expect("its end").success());
}

#[test]
fn an_application_that_is_not_there_is_an_error_in_words() {
    let (is_sound, _, err) = check(Path::new("/nowhere/at/all"));
    assert!(!is_sound);
    assert!(err.starts_with("/nowhere/at/all:1:1: error: the folder cannot be read: "), "{err}");
}

/// A service that does not end when it is asked to is in the way of nothing: code and routes are new, and signals are heard.
#[test]
fn a_reload_that_waits_for_a_service_keeps_nobody_waiting() {
    const SERVICE: &str = "
  - name: stubborn
    kind: process.lua
    source: 'return function() while true do require(\"logger\"):info(\"hears \" .. process.events():receive().kind) end end'
    modules: [logger]
    lifecycle: {auto_start: true, stop_timeout: 1h}

  - {name: plain, kind: http.router, meta: {server: gateway}}
  - {name: word.endpoint, kind: http.endpoint, meta: {router: plain}, method: GET, path: /old, func: word}
  - {name: word, kind: function.lua, method: handler, source: 'return { handler = function(req, res) res:write(\"old\") end }', modules: [http]}
";
    let folder = Folder::with_chat("stubborn");
    let path = folder.0.join("_index.yaml");
    let yaml = fs::read_to_string(&path).expect("the application") + SERVICE;
    fs::write(&path, yaml).expect("room on the disk");
    let mut running = run(&folder);
    assert!(running.get("/old").ends_with("\r\n\r\nold"));
    folder.edit("_index.yaml", "hears", "now hears");
    folder.edit("_index.yaml", "/old", "/new");
    folder.edit("_index.yaml", "res:write(\"old\")", "res:write(\"new\")");
    running.signal("-HUP");
    running.wait_for("hears pid.cancel");
    assert!(running.get("/new").ends_with("\r\n\r\nnew"));
    assert!(running.get("/old").starts_with("HTTP/1.1 404 "));
    // Another one waits for the first.
    running.signal("-HUP");
    running.signal("-INT");
    running.wait_for("stopping: clients are closed within 2s");
    running.signal("-INT");
    running.wait_for(" stopped");
    assert!(running.child.wait().expect("its end").success());
}

/// Each on a line of its own, which nobody else has written.
#[test]
fn what_handlers_fail_with_is_in_the_log() {
    const FUNCTION: &str = "
  - {name: plain, kind: http.router, meta: {server: gateway}}
  - {name: word.endpoint, kind: http.endpoint, meta: {router: plain}, method: GET, path: /fail, func: word}
  - {name: word, kind: function.lua, method: handler, modules: [http], source: 'return { handler = function(req) return nil, req:query(\"why\") end }'}
";
    let folder = Folder::with_chat("words");
    let path = folder.0.join("_index.yaml");
    let yaml = fs::read_to_string(&path).expect("the application") + FUNCTION;
    fs::write(&path, yaml).expect("room on the disk");
    let mut running = run(&folder);
    assert!(running.get("/fail?why=no%20room%0aERROR%20forged").starts_with("HTTP/1.1 500 "));
    let line = running.wait_for("function gave no response");
    assert!(line.contains("function=\"app:word\" fault=no room\\nERROR forged"), "{line}");
}
