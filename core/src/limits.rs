//! Every bound, with its unit, its default, what happens past it, and what it costs at worst.

#[cfg(feature = "deflate")]
use crate::deflate::compressed_bytes_max;
use crate::relay::Compression;
use crate::time::{Duration, Timeout};
use core::fmt;

/// All bounds of a connection and of the mailboxes behind it.
///
/// Start from [`Limits::default`] and change what you need; [`Limits::check`] refuses
/// combinations that could not work. Sums of what one connection can hold are given by
/// [`Limits::memory_max`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest request head (request line and headers), in bytes. Default 16 KiB. Past it: 431.
    /// Held per connection, at worst: this, until the handler has answered.
    pub head_bytes_max: usize,
    /// Most header fields of a request. Default 64, at most 256. Past it: 431.
    /// Costs 32 bytes of stack each while a head is parsed.
    pub headers_max: usize,
    /// Largest request body, in bytes after chunked decoding. Default 1 MiB. Past it: 413.
    /// Held per connection, at worst: this, until the handler has answered.
    pub body_bytes_max: usize,
    /// Largest `X-WS-Relay` value, in bytes. Default 8 KiB. Past it: 500, the handler's fault.
    /// Held per connection, at worst: this, as metadata.
    pub relay_header_bytes_max: usize,
    /// Time for a request to arrive whole, from the connection's start or the request's first byte.
    /// Default 10 s. Past it: 408.
    pub handshake_wait_max: Duration,
    /// Time between two requests of a keep-alive connection. Default 30 s. Past it: closed.
    pub keep_alive_wait_max: Duration,
    /// Time for the handler to answer. Default 30 s. Past it: 503; a late answer is discarded.
    pub handler_wait_max: Duration,

    /// Largest message, in payload bytes after defragmentation. Default 1 MiB. Past it: 1009.
    /// Held per connection, at worst: twice this while a fragmented message grows.
    pub message_bytes_max: usize,
    /// Most frames of one message. Default 1024. Past it: 1009. Costs nothing.
    pub fragments_max: u32,
    /// Most pings, pongs and empty fragments in one [`Limits::flood_period`]. Default 256. Past it: 1008.
    pub flood_frames_max: u32,
    /// The period of [`Limits::flood_frames_max`]. Default 10 s.
    pub flood_period: Duration,
    /// Most messages that are decoded in one turn, before others get theirs. Default 256.
    /// A target's mailbox can be over its bound by this many for each thread that runs connections.
    pub turn_messages_max: u32,

    /// Most payload bytes queued for the client. Default 1 MiB. Past it: the outbox policy
    /// ([`Overflow`](crate::relay::Overflow)). Held per connection, at worst: this.
    pub outbox_bytes_max: usize,
    /// Most messages queued for the client. Default 1024. Past it: the outbox policy.
    /// Costs 64 bytes each.
    pub outbox_messages_max: usize,
    /// How far ahead of the socket the outbox encodes, in bytes. Default 64 KiB. Part of
    /// `outbox_bytes_max`: what is inside it can no longer be dropped or overtaken by a pong.
    pub write_ahead_bytes: usize,

    /// Most messages waiting in one process's mailbox. Default 1024. Past it: senders are told,
    /// and sockets that feed it are not read.
    pub mailbox_messages_max: usize,
    /// Most payload bytes waiting in one process's mailbox. Default 4 MiB. Past it: the same.
    /// A message larger than this is taken by an empty mailbox.
    pub mailbox_bytes_max: usize,
    /// How long a connection waits for room in its target's mailbox. Default 10 s. Past it: 1013.
    pub mailbox_wait_max: Duration,

    /// Silence after which the client is pinged. Default 25 s. `Off`: never.
    pub ping_interval: Timeout,
    /// Time for any byte to arrive after a ping was written. Default 10 s. Past it: 1011, then cut.
    pub pong_wait_max: Duration,
    /// Time without progress while something waits to be written. Default 10 s. Past it: cut, 1006.
    pub write_wait_max: Duration,
    /// Time to write what was queued before a close, and again for the client's close frame. Default 5 s.
    /// Past it: cut.
    pub close_wait_max: Duration,
    /// Time for the target to answer what the client sent just before it broke the protocol: the answers
    /// go out before the close frame. Default 50 ms, counted from the client's last message. Costs nothing.
    pub reply_wait_max: Duration,
    /// Time without a message in either direction. Default off. Past it: 1001.
    pub idle_max: Timeout,
    /// Age of a connection. Default off. Past it: 1001.
    pub lifetime_max: Timeout,
    /// Shortest heartbeat a handler may ask for. Default 1 s. Below it: 500, or the command is refused.
    pub heartbeat_min: Duration,
    /// Longest heartbeat a handler may ask for. Default 24 h. Above it: the same.
    pub heartbeat_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * KIB;
        Self {
            head_bytes_max: 16 * KIB,
            headers_max: 64,
            body_bytes_max: MIB,
            relay_header_bytes_max: 8 * KIB,
            handshake_wait_max: Duration::from_secs(10),
            keep_alive_wait_max: Duration::from_secs(30),
            handler_wait_max: Duration::from_secs(30),
            message_bytes_max: MIB,
            fragments_max: 1024,
            flood_frames_max: 256,
            flood_period: Duration::from_secs(10),
            turn_messages_max: 256,
            outbox_bytes_max: MIB,
            outbox_messages_max: 1024,
            write_ahead_bytes: 64 * KIB,
            mailbox_messages_max: 1024,
            mailbox_bytes_max: 4 * MIB,
            mailbox_wait_max: Duration::from_secs(10),
            ping_interval: Timeout::After(Duration::from_secs(25)),
            pong_wait_max: Duration::from_secs(10),
            write_wait_max: Duration::from_secs(10),
            close_wait_max: Duration::from_secs(5),
            reply_wait_max: Duration::from_millis(50),
            idle_max: Timeout::Off,
            lifetime_max: Timeout::Off,
            heartbeat_min: Duration::from_secs(1),
            heartbeat_max: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl Limits {
    /// The most bytes that one connection holds, whatever its client and its processes do: requests,
    /// the message being received, the outbox, its share of the mailboxes on both sides, and what it remembers to compress.
    ///
    /// Left out are what the connections of a thread share to compress with (docs/performance.md), the fixed size of the connection itself (about 3 KiB on the smol driver, half of that on threads) and what the
    /// allocator adds.
    #[must_use]
    pub const fn memory_max(&self, compression: &Compression) -> usize {
        // Bytes that were read and wait for their turn, in the driver's buffer.
        const READ: usize = 128 * 1024;
        // The first messages of a mailbox are not copied out of the buffers they arrived in.
        const KEPT: usize = 16 * READ;
        // A message's own size, beside its payload.
        const MESSAGE: usize = 160;
        let request = self.head_bytes_max.saturating_add(self.body_bytes_max);
        // While a fragmented message grows, its buffer is at most doubled. A compressed one is held as it came, which can be a
        // little more, and as what it becomes.
        let (message, codec) = match compression {
            Compression::Off => (self.message_bytes_max.saturating_mul(2), 0),
            #[cfg(feature = "deflate")]
            Compression::Deflate(deflate) => (
                compressed_bytes_max(self.message_bytes_max)
                    .saturating_add(self.message_bytes_max)
                    .saturating_mul(2),
                deflate.memory_max(),
            ),
        };
        // HTTP and WebSocket follow each other; the larger counts.
        let exchange = if request > message { request } else { message };
        // The outbox, and the mailbox in front of it, which takes as many bytes and four times as many messages.
        let outbound = self
            .outbox_messages_max
            .saturating_mul(5)
            .saturating_mul(MESSAGE)
            .saturating_add(self.outbox_bytes_max.saturating_mul(2))
            .saturating_add(self.write_ahead_bytes);
        let target = self
            .mailbox_messages_max
            .saturating_add(self.turn_messages_max as usize)
            .saturating_mul(MESSAGE)
            .saturating_add(self.mailbox_bytes_max);
        exchange
            .saturating_add(READ)
            .saturating_add(outbound)
            .saturating_add(target)
            .saturating_add(2 * KEPT)
            .saturating_add(self.relay_header_bytes_max)
            .saturating_add(codec)
    }

    /// Checks that the limits can work together.
    ///
    /// # Errors
    ///
    /// The first field that cannot, and what was expected of it.
    pub fn check(&self) -> Result<(), LimitsFault> {
        let rules = [
            ("head_bytes_max", self.head_bytes_max >= 256, "at least 256 bytes"),
            ("headers_max", (1..=256).contains(&self.headers_max), "from 1 to 256"),
            ("relay_header_bytes_max", self.relay_header_bytes_max >= 64, "at least 64 bytes"),
            ("message_bytes_max", self.message_bytes_max >= 1, "at least 1 byte"),
            ("fragments_max", self.fragments_max >= 1, "at least 1"),
            ("turn_messages_max", self.turn_messages_max >= 1, "at least 1"),
            ("outbox_bytes_max", self.outbox_bytes_max >= 1, "at least 1 byte"),
            ("outbox_messages_max", self.outbox_messages_max >= 1, "at least 1"),
            ("write_ahead_bytes", self.write_ahead_bytes >= 1, "at least 1 byte"),
            ("mailbox_messages_max", self.mailbox_messages_max >= 1, "at least 1"),
            ("mailbox_bytes_max", self.mailbox_bytes_max >= 1, "at least 1 byte"),
            ("handshake_wait_max", !self.handshake_wait_max.is_zero(), "more than zero"),
            ("handler_wait_max", !self.handler_wait_max.is_zero(), "more than zero"),
            ("write_wait_max", !self.write_wait_max.is_zero(), "more than zero"),
            ("close_wait_max", !self.close_wait_max.is_zero(), "more than zero"),
            ("mailbox_wait_max", !self.mailbox_wait_max.is_zero(), "more than zero"),
            ("flood_period", !self.flood_period.is_zero(), "more than zero"),
            ("ping_interval", self.ping_interval != Timeout::After(Duration::ZERO), "more than zero, or off"),
            ("pong_wait_max", !self.pong_wait_max.is_zero(), "more than zero"),
            ("idle_max", self.idle_max != Timeout::After(Duration::ZERO), "more than zero, or off"),
            ("lifetime_max", self.lifetime_max != Timeout::After(Duration::ZERO), "more than zero, or off"),
            ("heartbeat_min", !self.heartbeat_min.is_zero(), "more than zero"),
            ("heartbeat_max", self.heartbeat_max >= self.heartbeat_min, "at least heartbeat_min"),
        ];
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            Some((name, _, expected)) => Err(LimitsFault { name, expected }),
            None => Ok(()),
        }
    }
}

/// Why a set of [`Limits`] cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsFault {
    /// The field's name.
    pub name: &'static str,
    /// What was expected of it.
    pub expected: &'static str,
}

impl fmt::Display for LimitsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit `{}` must be {}", self.name, self.expected)
    }
}

impl core::error::Error for LimitsFault {}
