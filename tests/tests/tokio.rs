//! The example that drives the core by hand on tokio runs as it is shown.

#[expect(dead_code, unreachable_pub, reason = "the example has a main of its own, on a fixed port")]
#[path = "../../core/examples/tokio.rs"]
mod example;

use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use async_tungstenite::{WebSocketStream, client_async};
use smol::Async;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::stream::StreamExt as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;

type Client = WebSocketStream<Async<TcpStream>>;

/// Serves until the test program ends.
fn start() -> SocketAddr {
    let (sender, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            sender.send(listener.local_addr().expect("its address")).expect("a test that waits");
            example::serve(listener).await
        })
    });
    address.recv().expect("a server")
}

async fn connect(address: SocketAddr) -> Client {
    let stream = Async::<TcpStream>::connect(address).await.expect("a server");
    client_async(format!("ws://{address}/"), stream).await.expect("an upgrade").0
}

async fn next(client: &mut Client) -> Message {
    client.next().await.expect("an open connection").expect("a message")
}

fn code_of(message: &Message) -> Option<CloseCode> {
    if let Message::Close(Some(close)) = message { Some(close.code) } else { None }
}

#[test]
fn the_example_on_tokio_echoes_to_two_clients_and_closes() {
    let address = start();
    smol::block_on(async {
        let (mut first, mut second) = (connect(address).await, connect(address).await);
        for (client, text) in [(&mut first, "one"), (&mut second, "two")] {
            client.send(Message::text(text)).await.expect("an open connection");
            assert_eq!(next(client).await, Message::text(text));
        }
        let close = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
        first.close(Some(close)).await.expect("an open connection");
        assert_eq!(code_of(&next(&mut first).await), Some(CloseCode::Normal));
        assert!(first.next().await.is_none(), "the stream ends after the close");
        second.send(Message::text("still there")).await.expect("an open connection");
        assert_eq!(next(&mut second).await, Message::text("still there"));
    });
}

/// Far more than is read or written at once, and less than the outbox holds: nothing else bounds what a client
/// sends that does not read.
#[test]
fn the_example_on_tokio_keeps_the_order_of_what_is_written_in_parts() {
    const COUNT: usize = 400;
    let address = start();
    smol::block_on(async {
        let (mut sender, mut receiver) = connect(address).await.split();
        let text = |number| format!("{number}{}", "x".repeat(2_000));
        let send = async {
            for number in 0..COUNT {
                sender.send(Message::text(text(number))).await.expect("an open connection");
            }
        };
        let receive = async {
            for number in 0..COUNT {
                let message = receiver.next().await.expect("an open connection").expect("a message");
                assert_eq!(message, Message::text(text(number)));
            }
        };
        smol::future::zip(send, receive).await;
    });
}

/// The close of a client that broke the protocol waits for its target's answers: nothing but the connection's
/// wake brings it about.
#[test]
fn the_example_on_tokio_keeps_the_connections_wake() {
    let address = start();
    smol::block_on(async {
        let mut client = connect(address).await;
        client.send(Message::text("sound")).await.expect("an open connection");
        // A text frame that is not masked.
        client.get_mut().write_all(b"\x81\x01x").await.expect("an open connection");
        assert_eq!(next(&mut client).await, Message::text("sound"));
        assert_eq!(code_of(&next(&mut client).await), Some(CloseCode::Protocol));
    });
}

/// The echo learns of a client that is gone, and the others do not.
#[test]
fn the_example_on_tokio_outlives_clients_that_vanish() {
    let address = start();
    smol::block_on(async {
        let mut stays = connect(address).await;
        for _ in 0..20 {
            let mut goes = connect(address).await;
            goes.send(Message::text("and gone")).await.expect("an open connection");
            drop(goes);
        }
        let mut stream = Async::<TcpStream>::connect(address).await.expect("a server");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("an open connection");
        let mut refusal = String::new();
        stream.read_to_string(&mut refusal).await.expect("a response, and the end of the stream");
        assert!(refusal.starts_with("HTTP/1.1 426 "), "{refusal}");
        stays.send(Message::text("still there")).await.expect("an open connection");
        assert_eq!(next(&mut stays).await, Message::text("still there"));
    });
}
