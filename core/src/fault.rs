//! What can go wrong, whose fault it is, and what they will see.
//!
//! One table, three culprits:
//!
//! | culprit | type | what they see |
//! |---|---|---|
//! | the client, over HTTP | [`HttpFault`] | a status and a short body |
//! | the client, over WebSocket | [`ClientFault`] | a close code and a short reason |
//! | the HTTP handler | [`ConfigFault`] | the client: 500 and nothing more; the log: all of it |
//! | a process | [`CommandFault`] | its command is refused whole; the connection lives on |
//!
//! A mistake of ours is an assertion and has no entry here.

use crate::wire::CloseCode;
use alloc::string::String;
use core::fmt;

/// The client broke RFC 6455, or a limit, on an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientFault {
    /// RSV1, RSV2 or RSV3 is set and no extension was negotiated that defines it.
    ReservedBits,
    /// An opcode that RFC 6455 reserves.
    ReservedOpcode(u8),
    /// A control frame without FIN.
    FragmentedControl,
    /// A control frame with more than 125 bytes of payload.
    LongControl,
    /// A client's frame without a mask.
    Unmasked,
    /// A server's frame with a mask.
    Masked,
    /// A length not written in the fewest bytes.
    LengthNotMinimal,
    /// A 64-bit length with its highest bit set.
    LengthOverflow,
    /// A continuation frame while no message is open.
    UnexpectedContinuation,
    /// A new text or binary frame while a message is open.
    MissingContinuation,
    /// A close frame with a payload of one byte.
    ShortClose,
    /// A close code that must not be sent.
    CloseCode(u16),
    /// A close reason that is not UTF-8.
    CloseReason,
    /// A text message that is not UTF-8.
    Utf8,
    /// A message over [`Limits::message_bytes_max`](crate::limits::Limits::message_bytes_max).
    MessageTooBig,
    /// A compressed message that is no DEFLATE data.
    Deflate,
    /// A compressed message that becomes more than
    #[cfg_attr(feature = "deflate", doc = "[`Deflate::ratio_max`](crate::deflate::Deflate::ratio_max)")]
    #[cfg_attr(not(feature = "deflate"), doc = "`Deflate::ratio_max`")]
    /// times as large as it came.
    DeflateRatio,
    /// A message in more than [`Limits::fragments_max`](crate::limits::Limits::fragments_max) frames.
    TooManyFragments,
    /// More pings, pongs and empty fragments in a period than
    /// [`Limits::flood_frames_max`](crate::limits::Limits::flood_frames_max).
    Flood,
}

impl ClientFault {
    /// The code of the close frame that answers this fault.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::FragmentedControl
            | Self::LongControl
            | Self::Unmasked
            | Self::Masked
            | Self::LengthNotMinimal
            | Self::LengthOverflow
            | Self::UnexpectedContinuation
            | Self::MissingContinuation
            | Self::ShortClose
            | Self::CloseCode(_) => CloseCode::PROTOCOL_ERROR,
            Self::CloseReason | Self::Utf8 | Self::Deflate => CloseCode::INVALID_PAYLOAD,
            Self::MessageTooBig | Self::DeflateRatio | Self::TooManyFragments => CloseCode::TOO_BIG,
            Self::Flood => CloseCode::POLICY_VIOLATION,
        }
    }

    /// Where the rule stands.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::ReservedBits | Self::ReservedOpcode(_) | Self::LengthNotMinimal | Self::LengthOverflow => {
                "RFC 6455 §5.2"
            }
            Self::FragmentedControl | Self::LongControl => "RFC 6455 §5.5",
            Self::Unmasked | Self::Masked => "RFC 6455 §5.1",
            Self::UnexpectedContinuation | Self::MissingContinuation => "RFC 6455 §5.4",
            Self::ShortClose | Self::CloseReason => "RFC 6455 §5.5.1",
            Self::CloseCode(_) => "RFC 6455 §7.4",
            Self::Utf8 => "RFC 6455 §8.1",
            Self::Deflate => "RFC 7692 §7.2.2",
            Self::DeflateRatio => "RFC 7692 §8",
            Self::MessageTooBig | Self::TooManyFragments | Self::Flood => "RFC 6455 §10.4",
        }
    }
}

impl fmt::Display for ClientFault {
    /// The reason the client reads in the close frame: short, and about the client's own bytes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "reserved bits set",
            Self::ReservedOpcode(opcode) => return write!(f, "reserved opcode {opcode}"),
            Self::FragmentedControl => "fragmented control frame",
            Self::LongControl => "control frame over 125 bytes",
            Self::Unmasked => "frame not masked",
            Self::Masked => "frame masked",
            Self::LengthNotMinimal => "length not minimal",
            Self::LengthOverflow => "length over 63 bits",
            Self::UnexpectedContinuation => "continuation without a message",
            Self::MissingContinuation => "message inside a message",
            Self::ShortClose => "close payload of one byte",
            Self::CloseCode(code) => return write!(f, "close code {code} not allowed"),
            Self::CloseReason => "close reason not UTF-8",
            Self::Utf8 => "text not UTF-8",
            Self::MessageTooBig => "message too big",
            Self::Deflate => "compressed message is no DEFLATE data",
            Self::DeflateRatio => "message grows too much when decompressed",
            Self::TooManyFragments => "too many fragments",
            Self::Flood => "too many control frames or empty fragments",
        })
    }
}

impl core::error::Error for ClientFault {}

/// The client's HTTP request cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HttpFault {
    /// Not HTTP/1.x, or not a well-formed head.
    Malformed(&'static str),
    /// The head is over [`Limits::head_bytes_max`](crate::limits::Limits::head_bytes_max) or has too many headers.
    HeadTooBig,
    /// The body is over [`Limits::body_bytes_max`](crate::limits::Limits::body_bytes_max).
    BodyTooBig,
    /// A transfer coding other than `chunked`.
    TransferCoding,
    /// An HTTP version other than 1.0 and 1.1.
    Version,
    /// An `Expect` other than `100-continue`.
    Expectation,
    /// The request did not arrive in time.
    Timeout,
    /// An upgrade request with another method than GET (H1).
    UpgradeMethod,
    /// A plain request where only WebSocket connections are served (H1, H6).
    UpgradeRequired,
    /// Another WebSocket version than 13 (H1).
    WebSocketVersion,
    /// The key is missing, doubled, or not 16 bytes of base64 (H1).
    WebSocketKey,
    /// The `Origin` is not allowed (H2). Holds what the client sent, for the log.
    Origin(String),
    /// The node drains, is at its limit of connections, or the target is not alive (H8, H9).
    Unavailable,
    /// The handler failed, or set what it may not (H7, H12).
    Handler,
    /// The handler did not answer in time.
    HandlerTimeout,
}

impl HttpFault {
    /// The status of the response.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::WebSocketKey => 400,
            Self::Origin(_) => 403,
            Self::UpgradeMethod => 405,
            Self::Timeout => 408,
            Self::BodyTooBig => 413,
            Self::Expectation => 417,
            Self::UpgradeRequired | Self::WebSocketVersion => 426,
            Self::HeadTooBig => 431,
            Self::Handler => 500,
            Self::TransferCoding => 501,
            Self::Unavailable | Self::HandlerTimeout => 503,
            Self::Version => 505,
        }
    }
}

impl fmt::Display for HttpFault {
    /// The body of the response: short, without anything of the system's own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(what) => return write!(f, "malformed request: {what}"),
            Self::HeadTooBig => "request head too large",
            Self::BodyTooBig => "request body too large",
            Self::TransferCoding => "transfer coding not supported",
            Self::Version => "HTTP version not supported",
            Self::Expectation => "expectation not supported",
            Self::Timeout => "request not complete in time",
            Self::UpgradeMethod => "a WebSocket connection is opened with GET",
            Self::UpgradeRequired => "this resource is a WebSocket endpoint",
            Self::WebSocketVersion => "WebSocket version not supported",
            Self::WebSocketKey => "malformed Sec-WebSocket-Key",
            Self::Origin(_) => "origin not allowed",
            Self::Unavailable => "service unavailable",
            Self::Handler => "internal server error",
            Self::HandlerTimeout => "no answer in time",
        })
    }
}

impl core::error::Error for HttpFault {}

/// The handler's relay header, or another of its headers, cannot be honoured (H7, H12).
///
/// The client sees a bare 500; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConfigFault {
    /// The header was set more than once.
    Twice,
    /// The header is over [`Limits::relay_header_bytes_max`](crate::limits::Limits::relay_header_bytes_max).
    TooLong,
    /// The header is not UTF-8, not JSON, or not an object.
    NotJson(String),
    /// A field is missing, unknown or of the wrong type; named, with what was expected.
    Field {
        /// The field's name.
        name: &'static str,
        /// What was expected of it.
        expected: &'static str,
    },
    /// `Sec-WebSocket-Protocol` names a protocol that the client did not offer.
    Subprotocol(String),
    /// A header of the handler's response cannot be written: its name or value breaks RFC 9110 §5.
    Header(String),
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice => f.write_str("X-WS-Relay was set more than once"),
            Self::TooLong => f.write_str("X-WS-Relay is too long"),
            Self::NotJson(why) => write!(f, "X-WS-Relay is not a JSON object: {why}"),
            Self::Field { name, expected } => write!(f, "X-WS-Relay: `{name}` must be {expected}"),
            Self::Subprotocol(name) => write!(f, "subprotocol {name:?} was not offered by the client"),
            Self::Header(name) => write!(f, "header {name:?} cannot be sent"),
        }
    }
}

impl core::error::Error for ConfigFault {}

/// A process sent a command that a connection refuses (R6, R8, R9, P9). Nothing of it took effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CommandFault {
    /// `ws.send` with another type than `text` or `binary`, or data that is not a string.
    SendType,
    /// A close code that a server may not send.
    CloseCode(u64),
    /// A field is missing or of the wrong type; named, with what was expected.
    Field {
        /// The field's name.
        name: &'static str,
        /// What was expected of it.
        expected: &'static str,
    },
    /// A topic of the system's own: an unknown `ws.…`, or `@…`.
    ReservedTopic,
    /// A topic of the application's while the envelope is off.
    EnvelopeOff,
    /// A payload that has no JSON form a client may see.
    NotForClients,
    /// The sender is not the target and `control` is `target`.
    NotTarget,
    /// The new target is not alive.
    NoProcess,
    /// The message is larger than the whole outbox may be.
    TooBig,
    /// The outbox is full and its policy drops.
    OutboxFull,
    /// The connection does not relay yet: its client has not joined anybody.
    NotOpen,
    /// The connection is closing.
    Closing,
}

impl fmt::Display for CommandFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SendType => "ws.send: `type` must be \"text\" or \"binary\" and `data` a string",
            Self::CloseCode(code) => return write!(f, "ws.close: a server may not send the code {code}"),
            Self::Field { name, expected } => return write!(f, "`{name}` must be {expected}"),
            Self::ReservedTopic => "the topic is reserved",
            Self::EnvelopeOff => "the topic is not one of the relay's, and the envelope is off",
            Self::NotForClients => "the payload is not for clients",
            Self::NotTarget => "only the target may control this connection",
            Self::NoProcess => "the new target is not alive",
            Self::TooBig => "ws.send: the message is larger than the outbox",
            Self::OutboxFull => "the outbox is full",
            Self::NotOpen => "the connection is not open yet",
            Self::Closing => "the connection is closing",
        })
    }
}

impl core::error::Error for CommandFault {}
