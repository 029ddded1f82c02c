//! The example in `examples/chat`, served in the test's own process.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use wsrelay_lua::runtime::HubOptions;
use wsrelay_lua::{Instance, check};
use wsrelay_smol::{Node, NodeOptions, Runtime};

/// A server with the example's page and rooms. Dropping it cuts all its connections.
pub(crate) struct Demo {
    pub(crate) node: Node,
    pub(crate) address: SocketAddr,
    instance: Instance,
    runtime: Runtime,
}

impl Demo {
    /// Starts a server on a port that the system chooses.
    pub(crate) fn start() -> Self {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Starts a server on this address.
    pub(crate) fn start_on(address: SocketAddr) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository");
        let mut checked = check(&root.join("examples/chat"));
        assert_eq!(checked.findings, [], "the example is sound");
        checked.listen_on(address).expect("it has one server");
        let runtime = Runtime::start(2).expect("threads");
        let node = runtime.node(NodeOptions::default());
        let options = HubOptions { workers: 2, ..HubOptions::default() };
        let instance =
            runtime.block_on(Instance::start(checked, &node, options)).expect("a sound application");
        let address = instance.addresses().next().expect("it listens").1;
        Self { node, address, instance, runtime }
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
        self.runtime.block_on(self.instance.stop(Duration::from_secs(1)));
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
