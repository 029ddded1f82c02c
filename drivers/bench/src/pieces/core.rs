//! Pieces of the core, without a host.

use crate::servers::actors::Echo;
use bytes::{Bytes, BytesMut};
use std::hint::black_box;
use std::sync::Arc;
use wsrelay_core::connection::{Input, Output, Outputs};
use wsrelay_core::limits::Limits;
use wsrelay_core::message::{ClientMessage, Message, Metadata, Payload as Content, Topic};
use wsrelay_core::process::{ActorInput, ActorProcess, Effects, Lifecycle, NodeId, Pid, Signal};
use wsrelay_core::relay::{RelayConfig, RelayOptions, Session, Start};
use wsrelay_core::time::Instant;
use wsrelay_core::upgrade::{Headers, Read, RequestReader, UpgradePolicy, check_upgrade, switching};
use wsrelay_core::wire::{self, Data, Decoder, Role, Text, Utf8, encode_message};

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Text of one byte a character.
    Ascii,
    /// Text of one to four bytes a character.
    Mixed,
    /// No text.
    Binary,
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const NOW: Instant = Instant::from_millis(1);

/// A payload of `len` bytes.
fn data(payload: Payload, len: usize) -> Data {
    const MIXED: &str = "Grüße, 世界! Ж¿😀 ";
    let text = match payload {
        Payload::Binary => return Data::Binary((0..=u8::MAX).cycle().take(len).collect::<Vec<_>>().into()),
        Payload::Ascii => "a".repeat(len),
        Payload::Mixed => {
            let mut text = String::new();
            for character in MIXED.chars().cycle() {
                if text.len() + character.len_utf8() > len {
                    break;
                }
                text.push(character);
            }
            let blanks = " ".repeat(len - text.len());
            text + &blanks
        }
    };
    Data::Text(Text::from(text))
}

/// A frame as a client sends it.
pub(crate) fn frame(payload: Payload, len: usize) -> Bytes {
    let mut frame = BytesMut::new();
    encode_message(&mut frame, Some(KEY), &data(payload, len));
    frame.freeze()
}

/// Bytes as they come from a driver: a short read is copied out of the buffer that a thread reads into.
pub(crate) struct Arriving(Bytes);

impl Arriving {
    pub(crate) const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(crate) fn next(&self) -> BytesMut {
        BytesMut::from(&self.0[..])
    }
}

/// Decodes one frame that is a message of its own, with what it costs to have it arrive.
pub fn decode(payload: Payload, len: usize) -> impl FnMut() {
    let arriving = Arriving::new(frame(payload, len));
    let mut decoder = Decoder::new(Role::Server, len, 1);
    move || {
        let mut buffer = arriving.next();
        let incoming = decoder.decode(&mut buffer);
        assert!(matches!(black_box(incoming), Ok(Some(_))));
    }
}

/// Encodes one message.
pub fn encode(payload: Payload, len: usize) -> impl FnMut() {
    let data = data(payload, len);
    let mut out = BytesMut::with_capacity(len + 16);
    move || {
        out.clear();
        encode_message(&mut out, None, black_box(&data));
        black_box(&out);
    }
}

/// Masks a payload.
pub fn mask(len: usize) -> impl FnMut() {
    let mut bytes = vec![0x5a; len];
    move || wire::mask(KEY, 0, black_box(&mut bytes))
}

/// Checks that bytes are text.
pub fn utf8(payload: Payload, len: usize) -> impl FnMut() {
    let bytes = data(payload, len).into_bytes();
    move || {
        let mut utf8 = Utf8::new();
        let result = utf8.push(black_box(&bytes)).and_then(|()| utf8.finish());
        _ = black_box(result);
    }
}

/// Reads the head of an upgrade request, checks it, and writes the 101.
pub fn upgrade() -> impl FnMut() {
    let arriving = Arriving::new(Bytes::from_static(UPGRADE));
    let (limits, policy, headers) = (Limits::default(), UpgradePolicy::default(), Headers::new());
    move || {
        let mut reader = RequestReader::new(None, false);
        let Ok(Some(Read::Request(request))) = reader.read(&mut arriving.next(), &limits) else {
            unreachable!("the request is whole")
        };
        let Ok(Some(handshake)) = check_upgrade(&request, &policy) else {
            unreachable!("the request is sound")
        };
        _ = black_box(switching(&handshake, None, &headers));
    }
}

/// As a browser sends it, less what is its own.
pub(crate) const UPGRADE: &[u8] = b"GET /echo HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nOrigin: http://localhost:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// One message of a client's becomes a signal for its target.
pub fn session_in(len: usize) -> impl FnMut() {
    let arriving = Arriving::new(frame(Payload::Ascii, len));
    let mut out = Outputs::new();
    let mut session = session(&mut out);
    move || {
        session.handle(NOW, Input::Received(arriving.next()), &mut out);
        let signals = out.drain().filter(|output| matches!(output, Output::Signal { .. })).count();
        assert_eq!(black_box(signals), 1);
    }
}

/// One `ws.send` becomes a frame for the client.
pub fn session_out(len: usize) -> impl FnMut() {
    let data = data(Payload::Ascii, len);
    let mut out = Outputs::new();
    let mut session = session(&mut out);
    move || {
        let message = Message { from: Some(target()), topic: Topic::SEND, payload: data.clone().into() };
        session.handle(NOW, Input::Signal(Signal::Message(message)), &mut out);
        let mut written = 0;
        for output in out.drain() {
            if let Output::Write(bytes) = black_box(output) {
                written += bytes.len();
            }
        }
        assert!(written > len);
        session.handle(NOW, Input::Written(written), &mut out);
        assert!(out.is_empty());
    }
}

/// An actor returns one message.
pub fn actor_echo(len: usize) -> impl FnMut() {
    let data = data(Payload::Ascii, len);
    let mut process = ActorProcess::new(target(), Echo);
    let mut effects = Effects::new();
    move || {
        let client = ClientMessage { pid: client(), data: data.clone(), metadata: Metadata::default() };
        let message =
            Message { from: Some(client.pid), topic: Topic::MESSAGE, payload: Content::Client(client) };
        process.handle(NOW, ActorInput::Signal(Signal::Message(message)), &mut effects);
        assert_eq!(black_box(&effects).len(), 1);
        effects.clear();
    }
}

/// A session that has begun.
fn session(out: &mut Outputs) -> Session {
    let start = Start {
        extensions: wsrelay_core::upgrade::Extensions::default(),
        lifecycle: Lifecycle::new(client()),
        target: target(),
        config: RelayConfig::to(target()),
        subprotocol: None,
        peer: None,
        options: Arc::new(RelayOptions::default()),
        seed: 1,
        response: Bytes::new(),
        early: BytesMut::new(),
    };
    let session = Session::begin(NOW, start, out);
    out.drain();
    session
}

fn client() -> Pid {
    pid(2)
}

fn target() -> Pid {
    pid(1)
}

fn pid(serial: u64) -> Pid {
    Pid::new(NodeId(1), serial.try_into().expect("the two are not zero"))
}
