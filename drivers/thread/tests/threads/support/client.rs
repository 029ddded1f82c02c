//! A client that writes and reads bytes, on the test's own thread.

use super::PATIENCE;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// A TCP connection and what has arrived on it.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a server");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Self { stream, buffer: Vec::new() }
    }

    /// A connection that relays already.
    pub(crate) fn open(address: SocketAddr, path: &str) -> Self {
        let mut client = Self::connect(address);
        assert_eq!(client.upgrade(path), 101);
        client
    }

    /// Asks for an upgrade; the status of the answer.
    pub(crate) fn upgrade(&mut self, path: &str) -> u16 {
        self.write(format!("GET /{path} HTTP/1.1\r\nHost: relay.example\r\n{UPGRADE}\r\n"));
        self.reply().0
    }

    /// Asks for a page, without waiting for it.
    pub(crate) fn ask(&mut self, path: &str) {
        self.write(format!("GET /{path} HTTP/1.1\r\nHost: relay.example\r\n\r\n"));
    }

    /// The next response: its status and its body.
    pub(crate) fn reply(&mut self) -> (u16, String) {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.fill(), "the stream ended before a response");
        };
        let head = String::from_utf8(self.take(end)).expect("a head of text");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let length = length.map_or(0, |length| length.parse().expect("a length"));
        self.need(length);
        (status, String::from_utf8(self.take(length)).expect("a body of text"))
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("an open socket");
    }

    pub(crate) fn send_text(&mut self, text: &str) {
        self.write(frame(1, text.as_bytes()));
    }

    /// The next frame's opcode and payload. A server does not mask.
    pub(crate) fn frame(&mut self) -> (u8, Vec<u8>) {
        self.need(2);
        let (first, short) = (self.buffer[0], usize::from(self.buffer[1]));
        assert!(short <= 125, "a frame that is masked or longer than these tests make them");
        self.need(2 + short);
        (first & 0x0f, self.take(2 + short).split_off(2))
    }

    /// The next message, which has to be text.
    pub(crate) fn text(&mut self) -> String {
        let (opcode, payload) = self.frame();
        assert_eq!(opcode, 1, "text was expected, and this came: {payload:?}");
        String::from_utf8(payload).expect("UTF-8")
    }

    /// Text to a target that echoes, and back.
    pub(crate) fn echo(&mut self, text: &str) {
        self.send_text(text);
        assert_eq!(self.text(), text);
    }

    /// The close frame, which has to be next; it is answered, and the stream has to end. The code.
    pub(crate) fn closed(&mut self) -> u16 {
        let (opcode, payload) = self.frame();
        assert_eq!(opcode, 8, "a close was expected, and this came: {payload:?}");
        self.write(frame(8, &payload));
        assert_eq!(self.rest(), b"");
        u16::from_be_bytes([payload[0], payload[1]])
    }

    /// Closes normally, and reads to the end.
    pub(crate) fn close(mut self) {
        self.write(frame(8, &1000_u16.to_be_bytes()));
        assert_eq!(self.frame(), (8, 1000_u16.to_be_bytes().to_vec()));
        assert_eq!(self.rest(), b"");
    }

    /// Everything up to the end of the stream, however it comes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.buffer)
    }

    /// Another handle of the same socket.
    pub(crate) fn stream(&self) -> TcpStream {
        self.stream.try_clone().expect("a descriptor")
    }

    fn need(&mut self, length: usize) {
        while self.buffer.len() < length {
            assert!(self.fill(), "the stream ended inside something: {:?}", self.buffer);
        }
    }

    /// Reads once. False at the end of the stream.
    fn fill(&mut self) -> bool {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(length) => {
                self.buffer.extend_from_slice(&chunk[..length]);
                length > 0
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("waited in vain for bytes from the server")
            }
            // The other side has dropped the socket with something unread in it.
            Err(_) => false,
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length);
        std::mem::replace(&mut self.buffer, rest)
    }
}

/// One masked frame of a client, with FIN.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
    let length = u8::try_from(payload.len()).expect("a short payload");
    assert!(length <= 125, "a short payload");
    let mut frame = vec![0x80 | opcode, 0x80 | length];
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}
