//! The command, running as a user's shell runs it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

pub(crate) const WSRELAY: &str = env!("CARGO_BIN_EXE_wsrelay");

/// A command that serves; ended with the test, also when it fails.
pub(crate) struct Running {
    pub(crate) child: Child,
    log: BufReader<ChildStderr>,
    address: String,
}

impl Running {
    /// Starts a command, which says where it serves with these words and the address.
    pub(crate) fn start(command: &mut Command, words: &str) -> Self {
        let mut child =
            command.env_remove("RUST_LOG").stderr(Stdio::piped()).spawn().expect("a program to start");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut running = Self { child, log, address: String::new() };
        let line = running.wait_for(words);
        let (_, rest) = line.split_once("http://").expect("an address");
        running.address = rest.split('/').next().expect("an address").to_owned();
        running
    }

    /// The next line of the log that contains `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert!(self.log.read_line(&mut line).expect("a log") > 0, "the log ended without {text:?}");
        }
        line
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a listener");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        stream
    }

    /// Asks for a path, on a connection of its own. The whole response.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = self.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        response
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill").success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
