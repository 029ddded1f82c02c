//! A client that writes and reads bytes, for what no library would send.

use super::{World, within};
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::net::TcpStream;
use std::fmt::Write as _;
use std::net::Shutdown;

/// The example of RFC 6455 §1.3; it is answered with `s3pPLMBiTxaQ9kYGzzhZRbK+xOo=`.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A TCP connection and what has arrived on it.
pub(crate) struct Raw {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response, whole.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// One header's value, by its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(": ")?;
            field.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// H10, and nothing that looks like an identifier or a word of the system's own.
    pub(crate) fn assert_reveals_nothing(&self) {
        let all = format!("{}{}", self.head, self.body).to_ascii_lowercase();
        for secret in ["x-ws-relay", "target_pid", "|0x", "panick", "secret"] {
            assert!(!all.contains(secret), "{secret:?} reached the client:\n{all}");
        }
    }
}

impl Raw {
    pub(crate) async fn connect(world: &World) -> Self {
        let stream = within("a connection", TcpStream::connect(world.address)).await.expect("a connection");
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        within("bytes to be written", self.stream.write_all(bytes.as_ref())).await.expect("an open socket");
    }

    /// Ends the client's side of the stream.
    pub(crate) fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).expect("an open socket");
    }

    /// Sends a request without a body and reads its response.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.write(request(method, path, headers)).await;
        self.reply().await
    }

    /// Asks for an upgrade and reads the answer, whatever it is.
    pub(crate) async fn upgrade(&mut self, path: &str, more: &[(&str, &str)]) -> Reply {
        let mut headers = vec![
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", KEY),
        ];
        headers.extend(more);
        self.ask("GET", path, &headers).await
    }

    /// A connection that relays already.
    pub(crate) async fn open(world: &World, path: &str) -> Self {
        let mut raw = Self::connect(world).await;
        assert_eq!(raw.upgrade(path, &[]).await.status, 101);
        raw
    }

    /// The next head, without the body that may follow.
    pub(crate) async fn head(&mut self) -> String {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.fill().await, "the stream ended before a response");
        };
        String::from_utf8(self.take(end)).expect("a head of text")
    }

    /// The next response.
    pub(crate) async fn reply(&mut self) -> Reply {
        let head = self.head().await;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut reply = Reply { status, head, body: String::new() };
        let length = reply.header("Content-Length").map_or(0, |length| length.parse().expect("a length"));
        while self.buffer.len() < length {
            assert!(self.fill().await, "the stream ended inside a body");
        }
        reply.body = String::from_utf8(self.take(length)).expect("a body of text");
        reply
    }

    /// The next frame's opcode and payload. A server does not mask.
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        self.need(2).await;
        let (first, short) = (self.buffer[0], usize::from(self.buffer[1]));
        let (start, length) = match short {
            0..=125 => (2, short),
            126 => {
                self.need(4).await;
                (4, usize::from(u16::from_be_bytes([self.buffer[2], self.buffer[3]])))
            }
            _ => panic!("a frame that is masked or longer than these tests make them"),
        };
        self.need(start + length).await;
        let payload = self.take(start + length).split_off(start);
        (first & 0x0f, payload)
    }

    /// Everything up to the end of the stream, however it comes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.buffer)
    }

    async fn need(&mut self, length: usize) {
        while self.buffer.len() < length {
            assert!(self.fill().await, "the stream ended inside a frame: {:?}", self.buffer);
        }
    }

    /// Reads once. False at the end of the stream.
    async fn fill(&mut self) -> bool {
        let mut chunk = [0; 4096];
        let read = within("bytes for the client", self.stream.read(&mut chunk)).await;
        let length = read.unwrap_or(0);
        self.buffer.extend_from_slice(&chunk[..length]);
        length > 0
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length);
        std::mem::replace(&mut self.buffer, rest)
    }
}

/// A request head.
fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: relay.example\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").expect("a string takes everything");
    }
    head + "\r\n"
}

/// One masked frame of a client, with FIN.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(payload.len()).expect("a short payload") {
        length @ 0..=125 => frame.push(0x80 | length.to_be_bytes()[1]),
        length => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}
