//! The demo server in the test's own process.

use smol::Task;
use std::fmt::Write as _;
use std::io;
use std::net::{SocketAddr, TcpListener};
use wsrelay::args::DemoOptions;
use wsrelay::demo;
use wsrelay_smol::{Node, NodeOptions, Runtime};

/// A server with the demo's page and rooms. Dropping it cuts all its connections.
pub(crate) struct Demo {
    pub(crate) node: Node,
    pub(crate) address: SocketAddr,
    serving: Task<io::Result<()>>,
    _runtime: Runtime,
}

impl Demo {
    /// Starts a server on a port that the system chooses.
    pub(crate) fn start() -> Self {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Starts a server on this address.
    pub(crate) fn start_on(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("an address to listen on");
        let address = listener.local_addr().expect("a bound address");
        let runtime = Runtime::start(2).expect("threads");
        let node = runtime.node(NodeOptions::default());
        let server = demo::on_smol::server(&node, &DemoOptions::default()).expect("sound limits");
        let serving = smol::spawn(async move { server.serve(listener).await });
        Self { node, address, serving, _runtime: runtime }
    }

    /// The page where one types name and room.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The page of a member of a room.
    pub(crate) fn url_of(&self, user: &str, room: &str) -> String {
        format!("{}?user={}&room={}", self.url(), percent(user), percent(room))
    }

    /// Waits until the server has nothing more to serve, after a drain.
    pub(crate) fn wait_for_end(self) {
        smol::block_on(self.serving).expect("a served listener");
    }
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
