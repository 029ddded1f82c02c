//! The example that drives the core by hand on `std::net` runs as it is shown.

#[expect(dead_code, unreachable_pub, reason = "the example has a main of its own, on a fixed port")]
#[path = "../../core/examples/std_net.rs"]
mod example;

use async_tungstenite::client_async;
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use smol::Async;
use smol::stream::StreamExt as _;
use std::net::{TcpListener, TcpStream};
use std::thread;

#[test]
fn the_example_on_std_net_echoes_to_two_clients_and_closes() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    // Serves until the test program ends.
    thread::spawn(move || example::serve(&listener));
    smol::block_on(async {
        let connect = || async {
            let stream = Async::<TcpStream>::connect(address).await.expect("a server");
            client_async(format!("ws://{address}/"), stream).await.expect("an upgrade").0
        };
        let (mut first, mut second) = (connect().await, connect().await);
        for (client, text) in [(&mut first, "one"), (&mut second, "two")] {
            client.send(Message::text(text)).await.expect("an open connection");
            assert_eq!(client.next().await.expect("an echo").expect("a message"), Message::text(text));
        }
        let close = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
        first.close(Some(close)).await.expect("an open connection");
        let echoed = first.next().await.expect("a close").expect("a frame");
        let Message::Close(Some(frame)) = echoed else { panic!("a close with a code, not {echoed:?}") };
        assert_eq!(frame.code, CloseCode::Normal);
    });
}
