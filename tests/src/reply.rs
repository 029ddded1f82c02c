//! The relay's own responses.

use wsrelay_sim::wire::{Reply, reply};

/// The relay's own refusal: a short text, and the end of the connection.
#[must_use]
pub fn refused(status: u16, body: &str) -> Reply {
    reply(status).header("content-type", "text/plain; charset=utf-8").closed().body(body)
}

/// The refusal of an ordinary request where only a WebSocket is served.
#[must_use]
pub fn wants_upgrade() -> Reply {
    refused(426, "this resource is a WebSocket endpoint")
        .header("sec-websocket-version", "13")
        .without("connection")
        .header("connection", "Upgrade, close")
        .header("upgrade", "websocket")
}

/// The 101 that answers the handshake of [`UPGRADE`](crate::UPGRADE).
#[must_use]
pub fn switched() -> Reply {
    reply(101)
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
}
