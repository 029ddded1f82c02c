//! The Chrome `DevTools` Protocol: numbered calls and their answers on one WebSocket, events in between.
//!
//! <https://chromedevtools.github.io/devtools-protocol/>

use async_tungstenite::tungstenite::Message;
use async_tungstenite::{WebSocketStream, client_async};
use serde_json::{Value, json};
use smol::stream::StreamExt as _;
use smol::{Async, Timer};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long the browser may be silent. Longer than any wait inside a page, so that a page which waits in
/// vain can still say what it shows.
const SILENCE_MAX: Duration = Duration::from_secs(40);

/// Something that happened in a page.
pub(crate) struct Event {
    /// The page's session; empty for the browser itself.
    pub(crate) session: String,
    pub(crate) method: String,
    pub(crate) params: Value,
}

/// A browser's `DevTools`. Every function waits for its answer and panics when there is none.
pub(crate) struct Cdp {
    socket: WebSocketStream<Async<TcpStream>>,
    calls: u64,
    events: Vec<Event>,
}

impl Cdp {
    /// Connects to the URL that a browser writes to its standard error.
    pub(crate) fn connect(url: &str) -> Self {
        let address = url.strip_prefix("ws://").and_then(|rest| rest.split('/').next());
        let address: SocketAddr = address.and_then(|host| host.parse().ok()).expect("a DevTools URL");
        let socket = smol::block_on(async {
            let stream = Async::<TcpStream>::connect(address).await.expect("DevTools listens");
            client_async(url, stream).await.expect("DevTools speaks WebSocket").0
        });
        Self { socket, calls: 0, events: Vec::new() }
    }

    /// Calls `method` in a page's session, or of the browser itself. Events that come before the answer
    /// are kept.
    pub(crate) fn call(&mut self, session: Option<&str>, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": params});
        if let Some(session) = session {
            call["sessionId"] = json!(session);
        }
        smol::block_on(self.socket.send(Message::text(call.to_string()))).expect("DevTools reads");
        loop {
            let mut answer = self.read(method);
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method} {params}: {}", answer["error"]);
                return answer["result"].take();
            }
        }
    }

    /// Waits for the event `method` of a session, among those that came after the first `seen`.
    pub(crate) fn wait_for_event(&mut self, session: &str, method: &str, seen: usize) {
        let is_it = |event: &Event| event.session == session && event.method == method;
        while !self.events[seen..].iter().any(is_it) {
            self.read(method);
        }
    }

    /// All events so far.
    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// The next answer, or null after an event. What it is read for is told when there is nothing to read.
    fn read(&mut self, what_for: &str) -> Value {
        let message = smol::block_on(smol::future::or(self.socket.next(), async {
            Timer::after(SILENCE_MAX).await;
            None
        }));
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(error)) => panic!("{what_for}: DevTools: {error}"),
            None => panic!("{what_for}: DevTools is silent"),
        };
        let mut message: Value = serde_json::from_slice(&message.into_data()).unwrap_or_default();
        if let Some(method) = message["method"].as_str() {
            self.events.push(Event {
                session: message["sessionId"].as_str().unwrap_or_default().to_owned(),
                method: method.to_owned(),
                params: message["params"].take(),
            });
            return Value::Null;
        }
        message
    }
}
