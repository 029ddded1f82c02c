//! What one end writes, the other end reads: ours, the naive decoder and async-tungstenite alike.

use super::decode::{Bounds, Outcome, decode, pieces};
use super::peer::{self, Deaf};
use super::{Verdict, naive};
use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use bytes::{Bytes, BytesMut};
use smol::stream::StreamExt;
use wsrelay_core::wire::{
    CloseCode, CloseFrame, Data, Incoming, Opcode, Role, encode, encode_close, encode_message,
};
use wsrelay_sim::Dice;

/// The bytes are the choices of a conversation.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let mut dice = Dice::from_bytes(bytes);
    let is_client = dice.below(2) == 0;
    let cuts = dice.below(256).to_le_bytes()[0];
    let (mut stream, mut said) = (BytesMut::new(), Vec::new());
    while !dice.is_empty() && !matches!(said.last(), Some(Incoming::Close(_))) {
        say(&mut dice, is_client, &mut stream, &mut said);
    }
    let role = if is_client { Role::Server } else { Role::Client };
    let bounds =
        Bounds { role, message_bytes_max: 1 << 20, fragments_max: u32::MAX, compressed_bytes_max: None };
    let expected = Outcome { incoming: said.clone(), fault: None };
    assert_eq!(naive::decode(bounds, &stream), expected);
    assert_eq!(decode(bounds, [&stream[..]]), expected);
    assert_eq!(decode(bounds, pieces(&stream, cuts)), expected, "cut by {cuts}");
    said.retain(|it| *it != Incoming::EmptyFragment);
    // 1014 came after the peer was written.
    said.retain(|it| !matches!(it, Incoming::Close(Some(close)) if close.code == CloseCode::BAD_GATEWAY));
    let mut heard = smol::block_on(hear(role, &stream));
    heard.truncate(said.len());
    assert_eq!(heard, said);
    Verdict::of(!said.is_empty())
}

/// One message, in a frame or in several with pings between them, or a control frame.
fn say(dice: &mut Dice, is_client: bool, stream: &mut BytesMut, said: &mut Vec<Incoming>) {
    let mut key = {
        let mut keys = dice.split();
        move || is_client.then(|| keys.roll().to_le_bytes()[..4].try_into().expect("four bytes"))
    };
    match dice.below(8) {
        0..=4 => {
            let data = data(dice);
            let fragments = dice.index(4);
            if fragments == 0 {
                encode_message(stream, key(), &data);
            } else {
                let mut rest = data.as_bytes();
                let mut opcode = Opcode::from(data.kind());
                for _ in 0..fragments {
                    let (piece, after) = rest.split_at(dice.index(rest.len() + 1));
                    encode(stream, opcode, false, key(), piece);
                    if piece.is_empty() {
                        said.push(Incoming::EmptyFragment);
                    }
                    if dice.below(3) == 1 {
                        encode(stream, Opcode::Ping, true, key(), b"between");
                        said.push(Incoming::Ping(Bytes::from_static(b"between")));
                    }
                    (rest, opcode) = (after, Opcode::Continuation);
                }
                encode(stream, opcode, true, key(), rest);
            }
            said.push(Incoming::Message(data));
        }
        5 | 6 => {
            let payload = Bytes::from(dice.bytes(125));
            let is_ping = dice.below(2) == 0;
            encode(stream, if is_ping { Opcode::Ping } else { Opcode::Pong }, true, key(), &payload);
            said.push(if is_ping { Incoming::Ping(payload) } else { Incoming::Pong(payload) });
        }
        _ => {
            let close = CloseCode::new(u16::try_from(dice.below(5_000)).unwrap_or(0)).map(|code| {
                CloseFrame { code, reason: String::from_utf8_lossy(&dice.bytes(200)).as_ref().into() }
            });
            encode_close(stream, key(), close.as_ref());
            said.push(Incoming::Close(close));
        }
    }
}

fn data(dice: &mut Dice) -> Data {
    let is_text = dice.below(2) == 0;
    let mut bytes = dice.bytes(300);
    if dice.below(8) == 1 {
        // Around the lengths at which the header changes its form, and where words end.
        bytes = bytes.repeat(1 + dice.index(300));
    }
    if is_text {
        Data::Text(String::from_utf8_lossy(&bytes).into_owned().into())
    } else {
        Data::Binary(bytes.into())
    }
}

/// What async-tungstenite hears.
async fn hear(role: Role, stream: &[u8]) -> Vec<Incoming> {
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let socket = WebSocketStream::from_raw_socket(Deaf(stream), peer::role(role), Some(config)).await;
    let messages = socket.filter_map(Result::ok).map(peer::incoming);
    messages.collect().await
}
