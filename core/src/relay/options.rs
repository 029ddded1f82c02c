//! What an operator chooses about a relay, beside the limits.

#[cfg(feature = "deflate")]
use crate::deflate::Deflate;
use crate::limits::Limits;

/// What happens when the outbox is over its bound (P9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The client is too slow: it is closed with 1013.
    #[default]
    Close,
    /// The new message is refused; its sender can learn of it.
    DropNew,
    /// The oldest queued messages make room.
    DropOld,
}

/// Who may control a connection with `ws.close` and `ws.control` (R9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authority {
    /// Any process.
    #[default]
    Any,
    /// Only the present target.
    Target,
}

/// A relay's options and limits; shared by all connections of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayOptions {
    /// Every bound.
    pub limits: Limits,
    /// What happens when the outbox is over its bound. Default: close.
    pub overflow: Overflow,
    /// Who may send `ws.close` and `ws.control`. Default: any process.
    pub control: Authority,
    /// Whether topics of the application's own reach the client as `{"topic", "data"}` (R8). Default: on.
    pub envelope: Envelope,
    /// Whether messages are compressed for clients that offer it. Default: off.
    pub compression: Compression,
}

/// Whether messages are compressed for clients that offer it (RFC 7692).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Every offer is declined.
    #[default]
    Off,
    /// The first offer that is understood is accepted.
    #[cfg(feature = "deflate")]
    Deflate(Deflate),
}

/// What becomes of a message on a topic of the application's own (R8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Envelope {
    /// The client gets it as one text message, `{"topic": …, "data": …}`.
    #[default]
    On,
    /// It is dropped and counted.
    Off,
}
