//! What a world is made of.

use crate::dice::Dice;
use std::time::Duration;
use wsrelay_core::deflate::{Context, Deflate};
use wsrelay_core::limits::Limits;
use wsrelay_core::relay::{Compression, Overflow, RelayOptions};
use wsrelay_core::time::Timeout;
use wsrelay_core::upgrade::UpgradePolicy;

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// From which everything follows that is left to chance.
    pub seed: u64,
    /// Threads that processes and connections are spread over, from 1 to 48; other numbers are taken as the nearest. Virtual ones: one after the other in an
    /// order that is left to chance.
    pub workers: usize,
    /// Whether processes live on no thread in particular, as on smol: then their mailboxes are behind locks, and wakers
    /// tell who has got something. Otherwise each lives on one worker, as on threads.
    pub roams: bool,
    /// The relay's options and limits.
    pub relay: RelayOptions,
    /// Who may open WebSocket connections.
    pub upgrade: UpgradePolicy,
    /// Most connections that relay at once.
    pub connections_max: usize,
    /// The network between the clients and the server.
    pub network: Network,
}

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Longest way of a piece of bytes, in milliseconds; each takes its own time, in order on one connection.
    pub latency_millis_max: u64,
    /// Longest piece in which written bytes travel and are read.
    pub chunk_bytes_max: usize,
    /// How much one direction of a connection holds: what is on its way, and what has arrived and is not read.
    pub socket_bytes: usize,
}

impl Network {
    /// A network without any faults: each write arrives a millisecond later, in one piece.
    pub const CALM: Self =
        Self { latency_millis_max: 1, chunk_bytes_max: 128 * 1024, socket_bytes: 256 * 1024 };

    pub(crate) const fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_millis_max)
    }
}

impl Options {
    /// A calm network, one worker, and the defaults of everything else.
    #[must_use]
    pub fn calm(seed: u64) -> Self {
        Self {
            seed,
            workers: 1,
            roams: false,
            relay: RelayOptions::default(),
            upgrade: UpgradePolicy::default(),
            connections_max: 100_000,
            network: Network::CALM,
        }
    }

    /// Everything drawn from the seed: a network that is fast or slow and cuts what is written into pieces, several
    /// workers, limits that are soon reached, each of the policies.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let network = Network {
            latency_millis_max: *dice.pick(&[0, 1, 20, 300]),
            chunk_bytes_max: *dice.pick(&[1, 7, 100, 1_400, 128 * 1024]),
            socket_bytes: *dice.pick(&[600, 4_000, 65_536]),
        };
        let mut relay = RelayOptions {
            overflow: *dice.pick(&[Overflow::Close, Overflow::Close, Overflow::DropNew, Overflow::DropOld]),
            limits: limits(&mut dice),
            ..RelayOptions::default()
        };
        if dice.one_in(8) {
            relay.control = wsrelay_core::relay::Authority::Target;
        }
        relay.compression = compression(&mut Dice::new(!seed));
        let workers = *dice.pick(&[1, 1, 2, 3]);
        let connections_max = if dice.one_in(16) { 3 } else { 100_000 };
        let roams = dice.one_in(3);
        Self { workers, roams, relay, connections_max, network, ..Self::calm(seed) }
    }
}

fn compression(dice: &mut Dice) -> Compression {
    let context = *dice.pick(&[None, Some(Context::Shared), Some(Context::Takeover)]);
    context.map_or(Compression::Off, |context| {
        Compression::Deflate(Deflate {
            context,
            min_bytes: *dice.pick(&[0, 20, 128]),
            level: *dice.pick(&[1, 6, 9]),
            window_bits: *dice.pick(&[8, 9, 12, 15]),
            ratio_max: None,
        })
    })
}

fn limits(dice: &mut Dice) -> Limits {
    let defaults = Limits::default();
    Limits {
        message_bytes_max: *dice.pick(&[200, 2_000, 100_000]),
        fragments_max: *dice.pick(&[4, 64]),
        flood_frames_max: *dice.pick(&[12, 256]),
        turn_messages_max: *dice.pick(&[1, 3, 256]),
        outbox_bytes_max: *dice.pick(&[3_000, 30_000, 300_000]),
        outbox_messages_max: *dice.pick(&[4, 16, 1_024]),
        write_ahead_bytes: *dice.pick(&[1, 500, 65_536]),
        mailbox_messages_max: *dice.pick(&[4, 32, 1_024]),
        mailbox_bytes_max: *dice.pick(&[5_000, 4_000_000]),
        ping_interval: *dice.pick(&[defaults.ping_interval, Timeout::After(Duration::from_secs(3))]),
        pong_wait_max: *dice.pick(&[defaults.pong_wait_max, Duration::from_secs(4)]),
        idle_max: *dice.pick(&[Timeout::Off, Timeout::Off, Timeout::After(Duration::from_secs(40))]),
        lifetime_max: *dice.pick(&[Timeout::Off, Timeout::Off, Timeout::After(Duration::from_secs(90))]),
        ..defaults
    }
}
