//! The demo: a chat page, an echo and a broadcast behind one handler, on either driver.

mod broadcast;
mod echo;
pub mod on_smol;
pub mod on_threads;
mod room;

pub use broadcast::Broadcast;
pub use echo::Echo;
pub use room::Room;

use crate::args::{DemoOptions, Driver};
use crate::serving::{self, INTERRUPT_WINDOW};
use async_signal::{Signal, Signals};
use serde_json::{Map, Value};
use smol::stream::StreamExt as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::limits::Limits;
use wsrelay_core::process::Pid;
use wsrelay_core::relay::{RelayConfig, RelayOptions};
use wsrelay_core::upgrade::{Request, Response, UpgradePolicy};
use wsrelay_host::{NameFault, Node, NodeOptions};

/// Runs the demo until it is interrupted.
///
/// # Errors
///
/// In words: the address cannot be listened on, or the system gives no threads.
pub fn run(options: &DemoOptions) -> Result<(), String> {
    if options.allowed_origins.is_any() {
        tracing::warn!("any page of the web may connect (--allowed-origins \"*\")");
    }
    let signals = serving::signals([Signal::Int, Signal::Term])?;
    match options.driver {
        Driver::Smol => on_smol::run(options, signals)?,
        Driver::Thread => on_threads::run(options, signals)?,
    }
    tracing::info!("stopped");
    Ok(())
}

fn announce(address: SocketAddr) {
    tracing::info!("chat at http://{address}/ (Ctrl-C to stop)");
}

fn node_options(options: &DemoOptions) -> NodeOptions {
    NodeOptions { limits: limits(options), ..NodeOptions::default() }
}

fn connection_options(options: &DemoOptions) -> ConnectionOptions {
    ConnectionOptions {
        relay: Arc::new(RelayOptions {
            limits: limits(options),
            compression: options.compression.compression(),
            ..RelayOptions::default()
        }),
        upgrade: UpgradePolicy {
            origins: options.allowed_origins.clone(),
            relay_only: vec!["/ws".to_owned()],
            ..UpgradePolicy::default()
        },
    }
}

fn limits(options: &DemoOptions) -> Limits {
    let defaults = Limits::default();
    Limits {
        message_bytes_max: options.message_bytes_max,
        fragments_max: options.fragments_max,
        // Room for an echo of the largest message, and for the next one behind it.
        outbox_bytes_max: defaults.outbox_bytes_max.max(options.message_bytes_max.saturating_mul(2)),
        mailbox_bytes_max: defaults.mailbox_bytes_max.max(options.message_bytes_max.saturating_mul(2)),
        ..defaults
    }
}

/// Why an address cannot be listened on, in words.
fn cannot_listen(address: SocketAddr, error: &io::Error) -> String {
    let kind = error.kind();
    if kind == io::ErrorKind::AddrInUse {
        format!("{address} is in use by another program; choose another port with --listen")
    } else if kind == io::ErrorKind::PermissionDenied {
        format!("no permission to listen on {address}; ports below 1024 need it")
    } else if kind == io::ErrorKind::AddrNotAvailable {
        format!("this machine has no address {}", address.ip())
    } else {
        format!("cannot listen on {address}: {error}")
    }
}

/// The first interrupt drains, the second ends at once.
async fn interrupted(mut signals: Signals, node: &Node) {
    if signals.next().await.is_some() {
        tracing::info!("stopping: clients are closed within {INTERRUPT_WINDOW:?} (again to stop at once)");
        node.drain(INTERRUPT_WINDOW);
        _ = signals.next().await;
    }
}

/// Starts a room's process under a name, on whichever driver.
type StartRoom = Box<dyn Fn(&str, Room) -> Result<Pid, NameFault> + Send + Sync>;

/// The handler's state.
struct Demo {
    node: Node,
    start_room: StartRoom,
    echo: Pid,
    broadcast: Pid,
    heartbeat: Duration,
}

impl Demo {
    fn answer(&self, request: &Request) -> Response {
        let is_read = matches!(request.method.as_str(), "GET" | "HEAD");
        match request.path() {
            "/" if is_read => page(),
            "/healthz" if is_read => self.health(),
            "/ws/echo" if is_read => self.relay(self.echo, Map::new()),
            "/ws/broadcast" if is_read => self.relay(self.broadcast, Map::new()),
            "/ws/chat" if is_read => self.chat(request),
            "/" | "/healthz" | "/ws/echo" | "/ws/broadcast" | "/ws/chat" => {
                Response::text(405, "method not allowed\n").header("Allow", "GET, HEAD")
            }
            _ => Response::text(404, "not found\n"),
        }
    }

    fn health(&self) -> Response {
        match self.node.draining() {
            None => Response::text(200, "ok\n"),
            Some(_) => Response::text(503, "draining\n"),
        }
    }

    fn relay(&self, target: Pid, metadata: Map<String, Value>) -> Response {
        RelayConfig::to(target).heartbeat(self.heartbeat).metadata(metadata).into()
    }

    /// The room's process, which is started for its first member.
    fn chat(&self, request: &Request) -> Response {
        let name = |field: &str, chars_max: usize| {
            let name = request.query(field)?.trim().to_owned();
            let is_sound =
                !name.is_empty() && name.chars().count() <= chars_max && !name.chars().any(char::is_control);
            is_sound.then_some(name)
        };
        let (Some(user), Some(room)) = (name("user", 32), name("room", 64)) else {
            return Response::text(400, "user (1 to 32 characters) and room (1 to 64) are needed\n");
        };
        match self.room(&room) {
            Some(pid) => self.relay(pid, Map::from_iter([("user".to_owned(), Value::String(user))])),
            None => Response::text(503, "no room\n"),
        }
    }

    fn room(&self, room: &str) -> Option<Pid> {
        let name = format!("room:{room}");
        if let Some(pid) = self.node.lookup(&name) {
            return Some(pid);
        }
        match (self.start_room)(&name, Room::new(room)) {
            // Somebody else may have started it meanwhile.
            Ok(pid) | Err(NameFault::Taken(pid)) => Some(pid),
            Err(NameFault::NoProcess | NameFault::Malformed) => None,
        }
    }
}

fn page() -> Response {
    // The page is one file: its style and script are inline, and it talks to this server only.
    // The rest of the policy stands in the page itself, which cannot say this.
    const POLICY: &str = "frame-ancestors 'none'";
    Response::html(200, include_str!("../../../../examples/chat/public/index.html"))
        .header("Content-Security-Policy", POLICY)
        .header("X-Content-Type-Options", "nosniff")
        .header("Cache-Control", "no-cache")
}
