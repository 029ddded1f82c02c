//! A WebSocket client that shares nothing with the relay.

use super::within;
use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use async_tungstenite::{WebSocketStream, client_async};
use smol::Async;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::stream::StreamExt as _;
use std::net::{SocketAddr, TcpStream};

/// What a client got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Text(String),
    Binary(Vec<u8>),
    Close(u16, String),
    Cut,
}

pub(crate) struct Client(WebSocketStream<Async<TcpStream>>);

impl Client {
    /// Connects to a path, with headers.
    pub(crate) async fn connect(address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Self {
        Self::try_connect(address, path, headers).await.unwrap()
    }

    /// The same; the status of the response when it is refused.
    pub(crate) async fn try_connect(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let stream = Async::<TcpStream>::connect(address).await.unwrap();
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match within("the upgrade", client_async(request, stream)).await {
            Ok((client, _)) => Ok(Self(client)),
            Err(async_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn binary(&mut self, bytes: &[u8]) {
        self.0.send(Message::binary(bytes.to_vec())).await.unwrap();
    }

    pub(crate) async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        self.0.close(Some(frame)).await.unwrap();
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Got {
        loop {
            match within("a message", self.0.next()).await {
                Some(Ok(Message::Text(text))) => return Got::Text(text.to_string()),
                Some(Ok(Message::Binary(bytes))) => return Got::Binary(bytes.to_vec()),
                Some(Ok(Message::Close(frame))) => {
                    let frame = frame
                        .map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
                    return Got::Close(frame.0, frame.1);
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(_)) | None => return Got::Cut,
            }
        }
    }

    /// The next message, which is JSON.
    pub(crate) async fn json(&mut self) -> serde_json::Value {
        let got = self.next().await;
        let Got::Text(text) = &got else { panic!("JSON is expected, got {got:?}") };
        serde_json::from_str(text).unwrap()
    }
}

/// One ordinary request: the status, and the whole response.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    request(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")).await
}

/// The same, as written.
pub(crate) async fn request(address: SocketAddr, text: &str) -> (u16, String) {
    let mut stream = Async::<TcpStream>::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    within("the response", stream.read_to_end(&mut response)).await.unwrap();
    let response = String::from_utf8_lossy(&response).into_owned();
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    (status, response)
}
