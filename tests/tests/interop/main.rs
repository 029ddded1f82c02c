//! Compression with another implementation: Python's `websockets`, where it is installed.
//!
//! `PYTHON` names the interpreter; by default it is that of `target/python`, where `ci.sh` installs the library, or else
//! `python3`.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use wsrelay::args::{CompressionMode, DemoOptions};
use wsrelay_smol::NodeOptions;

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/client.py");

/// An interpreter that has the library; without one the test says that it was skipped.
fn python() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python/bin/python");
    let python = std::env::var_os("PYTHON").map(PathBuf::from);
    let python = python.unwrap_or_else(|| if own.exists() { own } else { "python3".into() });
    let has_library = Command::new(&python).args(["-c", "import websockets"]).output();
    if has_library.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    #[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
    {
        eprintln!("skipped: no Python with the library websockets");
    }
    None
}

fn talk(python: &Path, address: SocketAddr, mode: CompressionMode) {
    let name = if mode == CompressionMode::Shared { "shared" } else { "takeover" };
    let url = format!("ws://{address}/ws/echo");
    let output = Command::new(python).args([CLIENT, &url, name]).output().expect("it was just run");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out == "all is well\n", "{mode:?}: {out}{err}");
}

const MODES: [CompressionMode; 2] = [CompressionMode::Shared, CompressionMode::Takeover];

fn options(compression: CompressionMode) -> DemoOptions {
    DemoOptions { compression, listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..DemoOptions::default() }
}

/// [RFC 7692] Each combination of parameters.
#[test]
fn another_implementation_understands_the_smol_driver() {
    let Some(python) = python() else { return };
    for mode in MODES {
        let options = options(mode);
        let runtime = wsrelay_smol::Runtime::start(2).expect("threads");
        let node = runtime.node(NodeOptions::default());
        let server = wsrelay::demo::on_smol::server(&node, &options).expect("sound limits");
        let listener = TcpListener::bind(options.listen).expect("a port");
        let address = listener.local_addr().expect("its address");
        let serving = smol::spawn(async move { server.serve(listener).await });
        talk(&python, address, mode);
        drop(serving);
    }
}

/// [RFC 7692] The same.
#[test]
fn another_implementation_understands_the_thread_driver() {
    let Some(python) = python() else { return };
    for mode in MODES {
        let options = options(mode);
        let runtime = wsrelay_thread::Runtime::start(2, NodeOptions::default()).expect("threads");
        let server = wsrelay::demo::on_threads::server(runtime.node(), &options).expect("sound limits");
        let listening = server.bind(options.listen).expect("a port");
        let address = listening.address();
        thread::spawn(move || listening.serve());
        talk(&python, address, mode);
    }
}
