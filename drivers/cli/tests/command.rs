//! The command as a user runs it.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use support::{Running, WSRELAY};

/// Starts the demo on a driver, through a shell that first runs `before`.
fn demo(driver: &str, before: &str) -> Running {
    let script = format!("{before}; exec \"$0\" demo --listen 127.0.0.1:0 --driver {driver}");
    Running::start(Command::new("sh").args(["-c", &script, WSRELAY]), "chat at http://")
}

const DRIVERS: [&str; 2] = ["smol", "thread"];

#[test]
fn an_interrupt_drains_and_ends_the_command_well() {
    for driver in DRIVERS {
        let mut demo = demo(driver, "true");
        assert!(demo.get("/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
        demo.signal("-INT");
        demo.wait_for("stopping");
        demo.wait_for("stopped");
        assert!(demo.child.wait().expect("an end").success());
    }
}

/// A client that never answers the close holds a drain up, for as long as nobody is impatient.
#[test]
fn a_second_interrupt_ends_the_command_at_once() {
    for driver in DRIVERS {
        let mut demo = demo(driver, "true");
        let mut client = demo.connect();
        let request = "GET /ws/echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        client.write_all(request.as_bytes()).expect("a request");
        assert!(client.read(&mut [0; 12]).expect("an answer") > 0);
        demo.signal("-INT");
        demo.wait_for("stopping");
        demo.signal("-INT");
        demo.wait_for("stopped");
        assert!(demo.child.wait().expect("an end").success());
    }
}

/// All that one driver serves, the other serves too.
#[test]
fn both_drivers_serve_the_same_routes() {
    let answers = DRIVERS.map(|driver| {
        let demo = demo(driver, "true");
        ["/", "/healthz", "/ws/echo", "/ws/broadcast", "/ws/chat?user=a&room=b", "/nowhere"]
            .map(|path| demo.get(path))
    });
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0][0].contains("<!doctype html>"), "{}", answers[0][0]);
}

#[test]
fn a_port_that_is_taken_is_told_in_words() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    for driver in DRIVERS {
        let arguments = ["demo", "--listen", &address, "--driver", driver];
        let output = Command::new(WSRELAY).args(arguments).output().expect("the command");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        let expected =
            format!("wsrelay: {address} is in use by another program; choose another port with --listen");
        assert!(said.contains(&expected), "{said}");
    }
}

/// The accept loop backs off while there are no descriptors, and goes on when there are.
#[test]
fn a_server_out_of_descriptors_recovers() {
    for driver in DRIVERS {
        let mut demo = demo(driver, "ulimit -n 32");
        let crowd: Vec<_> = (0..40).map(|_| demo.connect()).collect();
        demo.wait_for("cannot accept clients");
        drop(crowd);
        assert!(demo.get("/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
    }
}
