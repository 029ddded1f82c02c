//! The same bytes to tungstenite: the same messages, and the same verdict. Where the two differ, it is one of the
//! [`Difference`]s.

use super::Verdict;
use super::decode::{Bounds, Outcome, decode};
use super::peer::{self, Deaf};
use async_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use async_tungstenite::tungstenite::protocol::frame::CloseFrame;
use async_tungstenite::tungstenite::protocol::{WebSocket, WebSocketConfig};
use async_tungstenite::tungstenite::{Error, Message};
use wsrelay_core::fault::ClientFault;
use wsrelay_core::wire::{CloseCode, Incoming};

/// A difference that is known, and decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// tungstenite takes lengths that are not written in the fewest bytes. RFC 6455 §5.2: "in all cases, the minimal
    /// number of bytes MUST be used to encode the length".
    LengthNotMinimal,
    /// tungstenite does not know 1014, which IANA's registry (RFC 6455 §11.7) has.
    BadGateway,
    /// A frame that breaks two rules is refused by both, and each names another one. RFC 6455 §7.1.7 gives no order.
    OtherRule,
}

/// What a stream came to, in words that both can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// More bytes are needed.
    Dry,
    /// A close frame. Nothing after it counts.
    Closed,
    Protocol,
    Utf8,
    TooBig,
}

/// The bytes are one for the role and the bounds, and the stream.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let Some((settings, stream)) = bytes.split_first() else { return Verdict::Refused };
    let bounds = Bounds {
        // The peer holds control frames to its limit for messages, and does not count fragments.
        message_bytes_max: [125, 300, 1_000, 66_000][usize::from(settings >> 1 & 3)],
        fragments_max: u32::MAX,
        compressed_bytes_max: None,
        ..Bounds::decode(*settings)
    };
    let ours = decode(bounds, [stream]);
    let (mut peers, mut peers_end) = read(bounds, stream);
    let end = end_of(&ours);
    let mut mine: Vec<Incoming> =
        ours.incoming.iter().filter(|it| **it != Incoming::EmptyFragment).cloned().collect();
    if !matches!(end, End::Dry | End::Closed) && peers_end == End::Dry {
        // We refuse with the first byte that proves a fault, the peer when the frame is whole: let it become whole.
        let whole = [stream, &vec![0; bounds.message_bytes_max + 14][..]].concat();
        (peers, peers_end) = read(bounds, &whole);
    }
    if let Some(difference) = difference(&ours, end, peers_end, peers.len().saturating_sub(mine.len())) {
        match difference {
            // What the peer makes of the rest does not matter.
            Difference::LengthNotMinimal => peers.truncate(mine.len()),
            Difference::BadGateway => drop(mine.pop()),
            Difference::OtherRule => {}
        }
    } else {
        assert_eq!(end, peers_end, "ours: {ours:?}; the peer's: {peers:?}");
    }
    assert_eq!(mine, peers, "{bounds:?}; ours: {end:?}, the peer's: {peers_end:?}");
    Verdict::of(matches!(end, End::Dry | End::Closed) && !mine.is_empty())
}

/// The difference, where there is one; the peer has heard so many messages more.
fn difference(ours: &Outcome, end: End, peers_end: End, more: usize) -> Option<Difference> {
    let is_bad_gateway =
        |it: &Incoming| matches!(it, Incoming::Close(Some(close)) if close.code == CloseCode::BAD_GATEWAY);
    match (ours.fault, end, peers_end) {
        (Some(ClientFault::LengthNotMinimal), ..) => Some(Difference::LengthNotMinimal),
        // A control frame's length in more than its seven bits is either.
        (Some(ClientFault::LongControl), ..) if more > 0 => Some(Difference::LengthNotMinimal),
        _ if end == peers_end => None,
        (None, End::Closed, End::Protocol) if ours.incoming.last().is_some_and(is_bad_gateway) => {
            Some(Difference::BadGateway)
        }
        // The peer looks at a length first, we at what the same header says beside it.
        (Some(_), End::Protocol, End::TooBig) => Some(Difference::OtherRule),
        // A close frame with a bad reason, and something else that is bad.
        (Some(ClientFault::CloseCode(_) | ClientFault::LongControl), _, End::Utf8) => {
            Some(Difference::OtherRule)
        }
        _ => None,
    }
}

fn end_of(outcome: &Outcome) -> End {
    match outcome.fault {
        None if matches!(outcome.incoming.last(), Some(Incoming::Close(_))) => End::Closed,
        None => End::Dry,
        Some(fault) => match fault.close_code() {
            CloseCode::PROTOCOL_ERROR => End::Protocol,
            CloseCode::INVALID_PAYLOAD => End::Utf8,
            CloseCode::TOO_BIG => End::TooBig,
            code => unreachable!("no frame is answered with {code}"),
        },
    }
}

/// What tungstenite makes of it.
fn read(bounds: Bounds, stream: &[u8]) -> (Vec<Incoming>, End) {
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .max_message_size(Some(bounds.message_bytes_max))
        .max_frame_size(Some(bounds.message_bytes_max));
    let mut socket = WebSocket::from_raw_socket(Deaf(stream), peer::role(bounds.role), Some(config));
    let mut incoming = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Close(Some(close))) if is_refusal(&close) => return (incoming, End::Protocol),
            Ok(message) => {
                let is_last = matches!(message, Message::Close(_));
                incoming.push(peer::incoming(message));
                if is_last {
                    return (incoming, End::Closed);
                }
            }
            Err(error) => return (incoming, end_of_peer(&error)),
        }
    }
}

/// A close code that may not be sent comes out as one that says so.
fn is_refusal(close: &CloseFrame) -> bool {
    u16::from(close.code) == 1002 && close.reason.as_str() == "Protocol violation"
}

fn end_of_peer(error: &Error) -> End {
    if let Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) = error {
        End::Dry
    } else if let Error::Protocol(_) = error {
        End::Protocol
    } else if let Error::Utf8(_) = error {
        End::Utf8
    } else if let Error::Capacity(CapacityError::MessageTooLong { .. }) = error {
        End::TooBig
    } else {
        panic!("the peer failed otherwise: {error}")
    }
}
