//! What tungstenite hears, in our words.

use async_tungstenite::tungstenite::protocol::{Message, Role as PeerRole};
use wsrelay_core::wire::{CloseCode, CloseFrame, Data, Incoming, Role};

pub(super) const fn role(role: Role) -> PeerRole {
    match role {
        Role::Server => PeerRole::Server,
        Role::Client => PeerRole::Client,
    }
}

pub(super) fn incoming(message: Message) -> Incoming {
    match message {
        Message::Text(text) => Incoming::Message(Data::Text(text.as_str().to_owned().into())),
        Message::Binary(data) => Incoming::Message(Data::Binary(data)),
        Message::Ping(data) => Incoming::Ping(data),
        Message::Pong(data) => Incoming::Pong(data),
        Message::Close(close) => Incoming::Close(close.map(|close| CloseFrame {
            code: CloseCode::new(close.code.into()).expect("a code that may be sent"),
            reason: close.reason.as_str().into(),
        })),
        Message::Frame(_) => unreachable!("frames are only written"),
    }
}
