//! A WebSocket client of another make.

use super::{World, within};
use async_tungstenite::tungstenite::client::IntoClientRequest as _;
use async_tungstenite::tungstenite::http::HeaderValue;
use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::{self, Message};
use async_tungstenite::{WebSocketReceiver, WebSocketSender, WebSocketStream};
use smol::net::TcpStream;
use smol::stream::StreamExt as _;

/// A client that behaves.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    response: tungstenite::handshake::client::Response,
}

impl Client {
    /// Connects to `path`.
    pub(crate) async fn open(world: &World, path: &str) -> Self {
        Self::open_with(world, path, &[]).await
    }

    /// Connects to `path` with these headers in the request.
    pub(crate) async fn open_with(
        world: &World,
        path: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Self {
        let url = format!("ws://{}{path}", world.address);
        let mut request = url.into_client_request().expect("a sound request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        let opening = async {
            let stream = TcpStream::connect(world.address).await.expect("a connection");
            stream.set_nodelay(true).expect("no delay");
            async_tungstenite::client_async(request, stream).await.expect("an upgrade")
        };
        let (socket, response) = within("the upgrade", opening).await;
        Self { socket, response }
    }

    /// One header of the 101.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) async fn send(&mut self, message: Message) {
        within("the client's message to be sent", self.socket.send(message)).await.expect("an open socket");
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// The next message, which has to come.
    pub(crate) async fn message(&mut self) -> Message {
        let next = within("a message for the client", self.socket.next()).await;
        next.expect("a message before the end").expect("a message before a failure")
    }

    /// The next message, which has to be text.
    pub(crate) async fn text(&mut self) -> String {
        let message = self.message().await;
        assert!(message.is_text(), "text was expected, and this came: {message:?}");
        message.to_text().expect("text").to_owned()
    }

    /// Text to the target that echoes, and back.
    pub(crate) async fn echo(&mut self, text: &str) {
        self.send_text(text).await;
        assert_eq!(self.text().await, text);
    }

    /// The close frame, which has to be next, and the end of the socket after it. 1005 is an empty one.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        let (messages, close) = self.until_closed().await;
        assert_eq!(messages, [], "messages before the close {close:?}");
        close
    }

    /// Everything up to the close frame, and that.
    pub(crate) async fn until_closed(&mut self) -> (Vec<Message>, (u16, String)) {
        let mut messages = Vec::new();
        loop {
            let message = self.message().await;
            if let Message::Close(close) = message {
                // Drives the answer out, to the end of the stream.
                while let Some(Ok(_)) = within("the end of the stream", self.socket.next()).await {}
                return (messages, code_and_reason(close));
            }
            messages.push(message);
        }
    }

    /// The socket has to end without a close frame.
    pub(crate) async fn cut(&mut self) {
        let end = within("the socket to be cut", self.socket.next()).await;
        assert!(!matches!(end, Some(Ok(_))), "the socket was to be cut, and this came: {end:?}");
    }

    /// Closes with this code and reads to the end; the server's answer.
    pub(crate) async fn close(&mut self, close: Option<(u16, &str)>) -> (u16, String) {
        let frame = close.map(|(code, reason)| CloseFrame { code: code.into(), reason: reason.into() });
        within("the close to be sent", self.socket.close(frame)).await.expect("an open socket");
        self.closed().await
    }

    /// Two halves, to send and to receive at the same time.
    pub(crate) fn split(self) -> (WebSocketSender<TcpStream>, WebSocketReceiver<TcpStream>) {
        self.socket.split()
    }
}

fn code_and_reason(close: Option<CloseFrame>) -> (u16, String) {
    close.map_or((1005, String::new()), |close| (close.code.into(), close.reason.to_string()))
}
