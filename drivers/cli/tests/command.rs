//! The command as a user runs it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

const WSRELAY: &str = env!("CARGO_BIN_EXE_wsrelay");

/// A running demo; ended with the test, also when it fails.
struct Demo {
    child: Child,
    log: BufReader<ChildStderr>,
    address: String,
}

impl Demo {
    /// Starts the command on a driver, through a shell that first runs `before`.
    fn start(driver: &str, before: &str) -> Self {
        let script = format!("{before}; exec \"$0\" demo --listen 127.0.0.1:0 --driver {driver}");
        let mut child = Command::new("sh")
            .args(["-c", &script, WSRELAY])
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut demo = Self { child, log, address: String::new() };
        let line = demo.wait_for("chat at http://");
        let (_, rest) = line.split_once("http://").expect("an address");
        demo.address = rest.split('/').next().expect("an address").to_owned();
        demo
    }

    /// The next line of the log that contains `text`.
    fn wait_for(&mut self, text: &str) -> String {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert!(self.log.read_line(&mut line).expect("a log") > 0, "the log ended without {text:?}");
        }
        line
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a listener");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        stream
    }

    /// Asks for the health, on a connection of its own.
    fn health(&self) -> String {
        let mut stream = self.connect();
        let request = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("a request");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        response
    }

    fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

const DRIVERS: [&str; 2] = ["smol", "thread"];

#[test]
fn an_interrupt_drains_and_ends_the_command_well() {
    for driver in DRIVERS {
        let mut demo = Demo::start(driver, "true");
        assert!(demo.health().starts_with("HTTP/1.1 200 OK\r\n"));
        demo.interrupt();
        demo.wait_for("stopping");
        demo.wait_for("stopped");
        assert!(demo.child.wait().expect("an end").success());
    }
}

/// A client that never answers the close holds a drain up, for as long as nobody is impatient.
#[test]
fn a_second_interrupt_ends_the_command_at_once() {
    for driver in DRIVERS {
        let mut demo = Demo::start(driver, "true");
        let mut client = demo.connect();
        let request = "GET /ws/echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        client.write_all(request.as_bytes()).expect("a request");
        assert!(client.read(&mut [0; 12]).expect("an answer") > 0);
        demo.interrupt();
        demo.wait_for("stopping");
        demo.interrupt();
        demo.wait_for("stopped");
        assert!(demo.child.wait().expect("an end").success());
    }
}

/// All that one driver serves, the other serves too.
#[test]
fn both_drivers_serve_the_same_routes() {
    let answers = DRIVERS.map(|driver| {
        let demo = Demo::start(driver, "true");
        let ask = |path: &str| {
            let mut stream = demo.connect();
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).expect("a request");
            let mut response = String::new();
            stream.read_to_string(&mut response).expect("a response");
            response
        };
        ["/", "/healthz", "/ws/echo", "/ws/broadcast", "/ws/chat?user=a&room=b", "/nowhere"].map(ask)
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
        let mut demo = Demo::start(driver, "ulimit -n 32");
        let crowd: Vec<_> = (0..40).map(|_| demo.connect()).collect();
        demo.wait_for("cannot accept clients");
        drop(crowd);
        assert!(demo.health().starts_with("HTTP/1.1 200 OK\r\n"));
    }
}
