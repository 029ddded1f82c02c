//! Outbound WebSocket connections as processes.
//!
//! Toward other processes such a connection is what a client's is: it tells its target of the join, the
//! messages and the leave, and takes `ws.send`, `ws.close` and `ws.control`. Only that it was dialed and
//! not accepted, so that what the tables call the client is here the remote server.
//!
//! ```text
//!   connect ──► dialing ──► open ──► closing ──► lingering ──► done
//!                  │          └──────────────────────▲
//!                  └──► ws.abort, done
//! ```
//!
//! Files: `options` (what a caller says, checked), `dial` (from an address to an open WebSocket), `party`
//! (the process toward other processes), `relay` (the open connection: reading), `outgoing` (writing),
//! `commands`, `ending`, `timers`, `stream` (the socket, plain or TLS), `faults` (what goes wrong in
//! tungstenite, in our words).

mod commands;
mod dial;
mod ending;
mod faults;
mod options;
mod outgoing;
mod party;
mod relay;
mod stream;
mod timers;

pub use futures_rustls::rustls;
pub use options::{ConnectFault, ConnectOptions};

use crate::alarm::Alarm;
use crate::runtime::Node;
use dial::{DialFault, Opened, dial};
use options::{Plan, Terms};
use party::Party;
use relay::Relay;
use smol::future::FutureExt as _;
use std::future::{Future as _, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use wsrelay_core::message::Destination;
use wsrelay_core::process::Pid;
use wsrelay_core::relay::End;
use wsrelay_core::time::Wake;
use wsrelay_host::panic_text;

impl Node {
    /// Opens a WebSocket connection to `url` (`ws://` or `wss://`) as a process whose messages go to
    /// `target`, and returns its PID at once.
    ///
    /// The process dials. When the server has accepted, the target gets `ws.join`, then the server's
    /// messages on the message topic, and at the end `ws.leave`, exactly as from a client's connection;
    /// `ws.send`, `ws.close` and `ws.control` to the process do what they do there, and wait in its
    /// mailbox while it dials. When the server cannot be reached or refuses, the target gets `ws.abort`
    /// with the reason, and the process crashes with it.
    ///
    /// The process watches the target from the start: a target that ends takes the connection with it,
    /// with the code 1000 or 1011. Cancelling the process closes with 1001, terminating it drops the
    /// socket. A drain of the node leaves it alone: it ends when its target does.
    ///
    /// ```no_run
    /// use wsrelay_smol::core::message::{Payload, Topic};
    /// use wsrelay_smol::{ConnectOptions, NodeOptions, Runtime};
    ///
    /// let runtime = Runtime::start(1)?;
    /// let node = runtime.node(NodeOptions::default());
    /// node.spawn(|context| async move {
    ///     let options = ConnectOptions::default();
    ///     let Ok(feed) = context.node().connect("wss://feed.example/v1", context.pid(), options) else { return };
    ///     loop {
    ///         match context.receive().await.payload {
    ///             Payload::Join(_) => _ = context.send(feed, Topic::SEND, r#"{"subscribe": "news"}"#),
    ///             Payload::Client(message) => println!("{:?}", message.data),
    ///             _ => return,
    ///         }
    ///     }
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectFault`], and no process was started.
    pub fn connect(
        &self,
        url: &str,
        target: impl Into<Destination>,
        options: ConnectOptions,
    ) -> Result<Pid, ConnectFault> {
        let (plan, terms) = options.check(url)?;
        let party = Party::open(self, &target.into(), &terms).ok_or(ConnectFault::NoProcess)?;
        let pid = party.pid();
        self.run(async move {
            // P5: a panic ends this process alone; its last words are said where `Party` is dropped.
            if let Err(panic) = AssertUnwindSafe(run(party, plan, terms)).catch_unwind().await {
                tracing::error!(%pid, why = panic_text(&*panic), "outbound connection panicked");
            }
        });
        Ok(pid)
    }
}

/// The process, from the first address to the last byte.
async fn run(mut party: Party, plan: Plan, terms: Terms) {
    match dialed(&mut party, plan, &terms).await {
        Ok(opened) => {
            tracing::debug!(pid = %party.pid(), peer = opened.peer.as_deref(), "outbound connection open");
            let mut relay = Relay::begin(party, opened, terms);
            poll_fn(|cx| relay.poll(cx)).await;
        }
        Err(Undone::Fault(fault)) => {
            tracing::info!(pid = %party.pid(), %fault, "outbound connection failed");
            party.abort(&fault.to_string());
        }
        Err(Undone::End(end)) => party.give_up(&end),
    }
}

/// Why there is no connection.
enum Undone {
    Fault(DialFault),
    /// The process has to end for another reason.
    End(End),
}

/// Dials, until that succeeds, fails, lasts too long or is not wanted any more.
async fn dialed(party: &mut Party, plan: Plan, terms: &Terms) -> Result<Opened, Undone> {
    let clock = party.node().clock();
    let until = Wake::At(clock.now() + terms.dial_wait_max);
    let mut alarm = Alarm::new(clock.clone());
    let mut dial = pin!(dial(plan, &terms.limits));
    poll_fn(|cx| {
        if let Poll::Ready(end) = party.poll_end(cx.waker()) {
            return Poll::Ready(Err(Undone::End(end)));
        }
        if let Poll::Ready(result) = dial.as_mut().poll(cx) {
            return Poll::Ready(result.map_err(Undone::Fault));
        }
        alarm.poll(cx, clock.now(), until).map(|()| Err(Undone::Fault(DialFault::Late)))
    })
    .await
}
