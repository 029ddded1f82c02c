//! One node on one thread, the processes on it, and scripted servers.

use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::{Message as Frame, Utf8Bytes};
use async_tungstenite::{WebSocketStream, accept_async};
use futures_rustls::TlsAcceptor;
use futures_rustls::pki_types::PrivateKeyDer;
use serde_json::{Map, Value};
use smol::channel::{self, Receiver, Sender};
use smol::stream::StreamExt as _;
use smol::{Async, Executor, Timer};
use std::future::Future;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use wsrelay_smol::core::connection::ConnectionOptions;
use wsrelay_smol::core::limits::Limits;
use wsrelay_smol::core::message::{
    Abort, Ack, ClientMessage, Close, Join, Leave, Message, Metadata, Payload, Topic,
};
use wsrelay_smol::core::process::{Actor, Event, ExitReason, Pid};
use wsrelay_smol::core::relay::RelayConfig;
use wsrelay_smol::core::wire::Data;
use wsrelay_smol::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring};
use wsrelay_smol::{ConnectOptions, Context, Node, NodeOptions, Server};

pub(crate) type ServerRequest = async_tungstenite::tungstenite::handshake::server::Request;
pub(crate) type ServerResponse = async_tungstenite::tungstenite::handshake::server::Response;

/// How long a test waits for what has to come; reached by a test that fails only.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One node and the thread it runs on.
pub(crate) struct World {
    pub(crate) executor: Arc<Executor<'static>>,
    pub(crate) node: Node,
}

pub(crate) fn run(test: impl AsyncFnOnce(&World)) {
    run_with(Limits::default(), test);
}

/// With these limits for the mailboxes.
pub(crate) fn run_with(limits: Limits, test: impl AsyncFnOnce(&World)) {
    let executor = Arc::new(Executor::new());
    let node = Node::on(&executor, NodeOptions { limits, ..NodeOptions::default() });
    let world = World { executor: Arc::clone(&executor), node };
    smol::block_on(executor.run(within(test(&world))));
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    let late = async {
        Timer::after(PATIENCE).await;
        panic!("nothing came in time")
    };
    smol::future::or(future, late).await
}

impl World {
    /// Our own server, which returns what it gets. Its URL.
    pub(crate) fn echo_server(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let echo = self.node.spawn_actor(Echo);
        let server = Server::new(self.node.clone(), ConnectionOptions::default(), move |_| async move {
            RelayConfig::to(echo).into()
        });
        let server = server.unwrap();
        self.executor.spawn(async move { server.serve(listener).await }).detach();
        url
    }

    pub(crate) fn probe(&self) -> Probe {
        let (orders, taken) = channel::unbounded::<Order>();
        let (sender, events) = channel::unbounded();
        let pid = self.node.spawn(|context| async move {
            loop {
                let order = async { Err(taken.recv().await.unwrap()) };
                let event = async { Ok(context.next().await) };
                match smol::future::or(event, order).await {
                    Ok(event) => _ = sender.send(event).await,
                    Err(order) => {
                        if let Some(reason) = order(&context) {
                            return reason;
                        }
                    }
                }
            }
        });
        Probe { pid, orders, events }
    }

    /// A connection to a scripted server that has joined its target.
    pub(crate) async fn connected(
        &self,
        options: ConnectOptions,
    ) -> (Probe, Pid, WebSocketStream<Async<TcpStream>>) {
        let (listener, url) = listen();
        let target = self.probe();
        let pid = target.connect(&url, options).await;
        let (stream, _) = listener.accept().await.unwrap();
        let server = accept_async(stream).await.unwrap();
        target.join().await;
        (target, pid, server)
    }
}

pub(crate) type Order = Box<dyn FnOnce(&Context) -> Option<ExitReason> + Send>;

/// A process that does as it is told and hands on what it gets.
pub(crate) struct Probe {
    pub(crate) pid: Pid,
    orders: Sender<Order>,
    events: Receiver<Event>,
}

impl Probe {
    /// Has the process do something.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        order: impl FnOnce(&Context) -> T + Send + 'static,
    ) -> T {
        let (sender, result) = channel::bounded(1);
        let order: Order = Box::new(move |context| {
            _ = sender.try_send(order(context));
            None
        });
        self.orders.send(order).await.unwrap();
        result.recv().await.unwrap()
    }

    pub(crate) async fn end(&self, reason: ExitReason) {
        self.orders.send(Box::new(|_| Some(reason))).await.unwrap();
        // Closed when the process is dropped.
        while self.events.recv().await.is_ok() {}
    }

    /// Has the process connect, as the target, and watch the connection.
    pub(crate) async fn connect(&self, url: &str, options: ConnectOptions) -> Pid {
        let url = url.to_owned();
        self.call(move |context| {
            let pid = context.node().connect(&url, context.pid(), options).unwrap();
            context.monitor(pid).unwrap();
            pid
        })
        .await
    }

    pub(crate) async fn send(&self, to: Pid, text: &'static str) {
        self.call(move |context| context.send(to, Topic::SEND, text)).await.unwrap();
    }

    pub(crate) async fn close(&self, to: Pid, close: Close) {
        self.call(move |context| context.send(to, Topic::CLOSE, close)).await.unwrap();
    }

    pub(crate) async fn message(&self) -> Message {
        let event = self.events.recv().await.unwrap();
        let Event::Message(message) = event else { panic!("{event:?}") };
        message
    }

    pub(crate) async fn join(&self) -> Join {
        let message = self.message().await;
        assert_eq!(message.topic, Topic::JOIN, "{message:?}");
        let Payload::Join(join) = message.payload else { panic!("{message:?}") };
        assert_eq!(message.from, Some(join.pid));
        *join
    }

    pub(crate) async fn client(&self) -> (Pid, Data) {
        let message = self.message().await;
        let Payload::Client(client) = message.payload else { panic!("{message:?}") };
        (client.pid, client.data)
    }

    pub(crate) async fn number(&self, pid: Pid) -> usize {
        let message = self.message().await;
        let Payload::Client(client) = message.payload else { panic!("{message:?}") };
        assert_eq!(client.pid, pid);
        number(&client)
    }

    pub(crate) async fn leave(&self) -> Leave {
        let message = self.message().await;
        assert_eq!(message.topic, Topic::LEAVE, "{message:?}");
        let Payload::Leave(leave) = message.payload else { panic!("{message:?}") };
        *leave
    }

    pub(crate) async fn abort(&self) -> Abort {
        let message = self.message().await;
        assert_eq!(message.topic, Topic::ABORT, "{message:?}");
        let Payload::Abort(abort) = message.payload else { panic!("{message:?}") };
        abort
    }

    pub(crate) async fn ack(&self) -> Ack {
        let message = self.message().await;
        assert_eq!(message.topic, Topic::ACK, "{message:?}");
        let Payload::Ack(ack) = message.payload else { panic!("{message:?}") };
        *ack
    }

    pub(crate) async fn exit(&self) -> (Pid, ExitReason) {
        let event = self.events.recv().await.unwrap();
        let Event::Exit { from, reason } = event else { panic!("{event:?}") };
        (from, reason)
    }
}

/// Returns what it gets.
pub(crate) struct Echo;

impl Actor for Echo {
    fn handle(&mut self, event: Event, context: &mut wsrelay_smol::core::process::Context<'_>) {
        if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
            context.send(client.pid, Topic::SEND, client.data);
        }
    }
}

pub(crate) fn options() -> ConnectOptions {
    ConnectOptions::default()
}

pub(crate) fn listen() -> (Async<TcpListener>, String) {
    let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0)).unwrap();
    let url = format!("ws://{}", listener.get_ref().local_addr().unwrap());
    (listener, url)
}

pub(crate) fn metadata(fields: Value) -> Metadata {
    let fields: Map<String, Value> = serde_json::from_value(fields).unwrap();
    Metadata::new(fields)
}

pub(crate) fn number(client: &ClientMessage) -> usize {
    std::str::from_utf8(client.data.as_bytes()).unwrap().parse().unwrap()
}

pub(crate) fn close_frame(code: u16, reason: &'static str) -> Frame {
    Frame::Close(Some(CloseFrame { code: code.into(), reason: Utf8Bytes::from_static(reason) }))
}

/// Reads up to the close frame and the end behind it. Its code.
pub(crate) async fn closed_with<S>(server: &mut WebSocketStream<S>) -> u16
where
    S: smol::io::AsyncRead + smol::io::AsyncWrite + Unpin,
{
    let mut code = None;
    while let Some(Ok(frame)) = server.next().await {
        if let Frame::Close(Some(close)) = frame {
            code = Some(close.code.into());
        }
    }
    code.expect("the stream ended without a close frame")
}

/// A server's certificate for `localhost`, and a client that trusts it and nobody else.
pub(crate) fn certified() -> (TlsAcceptor, Arc<ClientConfig>) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let certificate = certified.cert.der().clone();
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), Arc::new(client))
}
