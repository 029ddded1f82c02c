//! What a connection counts.

/// Counters of one connection, from its join on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages from the client.
    pub messages_in: u64,
    /// Payload bytes from the client.
    pub bytes_in: u64,
    /// Messages that were put on their way to the client.
    pub messages_out: u64,
    /// Payload bytes of those.
    pub bytes_out: u64,
    /// Messages for the client that the outbox's policy dropped.
    pub messages_dropped: u64,
    /// Commands of processes that were refused.
    pub commands_refused: u64,
    /// Times the connection was handed to another target.
    pub transfers: u64,
}
