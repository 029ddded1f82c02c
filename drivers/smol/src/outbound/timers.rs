//! Everything that happens because time passes (T).

use super::ending::Phase;
use super::relay::Relay;
use wsrelay_core::limits::Limits;
use wsrelay_core::message::Heartbeat;
use wsrelay_core::relay::End;
use wsrelay_core::time::{Duration, Instant, Timeout, Wake};

/// The instants that deadlines are counted from.
#[derive(Debug)]
pub(super) struct Clocks {
    opened_at: Instant,
    /// When the last byte arrived.
    heard_at: Instant,
    /// When the last message passed, in either direction.
    pub(super) message_at: Instant,
    /// When the pong of a written ping is overdue.
    pong_due: Wake,
    heartbeat_due: Wake,
    seed: u64,
}

impl Clocks {
    pub(super) fn new(now: Instant, seed: u64, heartbeat: Timeout) -> Self {
        let mut clocks = Self {
            opened_at: now,
            heard_at: now,
            message_at: now,
            pong_due: Wake::Never,
            heartbeat_due: Wake::Never,
            seed,
        };
        clocks.restart_heartbeat(now, heartbeat);
        clocks
    }

    pub(super) const fn heard(&mut self, now: Instant) {
        self.heard_at = now;
        self.pong_due = Wake::Never;
    }

    /// The clock of an awaited pong starts when its ping is written.
    pub(super) fn pinged(&mut self, now: Instant, limits: &Limits) {
        self.pong_due = Wake::At(now + limits.pong_wait_max);
    }

    /// Begins the server's silence anew, after a time in which it could not be heard.
    pub(super) fn restart_silence(&mut self, now: Instant, limits: &Limits) {
        self.heard_at = now;
        if self.pong_due != Wake::Never {
            self.pinged(now, limits);
        }
    }

    /// R2: the first beat comes somewhere within the interval, so that many connections do not beat
    /// together; where, the seed says.
    pub(super) fn restart_heartbeat(&mut self, now: Instant, heartbeat: Timeout) {
        self.heartbeat_due = match heartbeat {
            Timeout::Off => Wake::Never,
            Timeout::After(every) => {
                let nanos = (every.as_nanos() * u128::from(self.seed)) >> 64;
                Wake::At(now + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
            }
        };
    }
}

impl Relay {
    /// Everything that is due.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.outgoing.stall(&self.limits).is_due(now) {
            return match self.phase {
                Phase::Open | Phase::Closing { .. } => self.end(now, End::Stalled),
                Phase::Lingering { .. } | Phase::Done => self.phase = Phase::Done,
            };
        }
        match &self.phase {
            Phase::Open => self.tick_open(now),
            Phase::Closing { deadline, .. } if *deadline <= now => self.abandon(),
            Phase::Lingering { until, .. } if *until <= now => self.phase = Phase::Done,
            Phase::Closing { .. } | Phase::Lingering { .. } | Phase::Done => {}
        }
    }

    fn tick_open(&mut self, now: Instant) {
        let end = [
            (self.busy_due(), End::TargetBusy),
            (self.pong_due(), End::Unresponsive),
            (self.lifetime_due(), End::Expired),
            (self.idle_due(), End::Idle),
        ]
        .into_iter()
        .find(|(wake, _)| wake.is_due(now));
        if let Some((_, end)) = end {
            return self.end(now, end);
        }
        if self.ping_due().is_due(now) {
            self.outgoing.ping();
        }
        if self.clocks.heartbeat_due.is_due(now) {
            self.beat(now);
        }
    }

    fn beat(&mut self, now: Instant) {
        self.party.beat(Heartbeat {
            pid: self.party.pid(),
            uptime: now.since(self.clocks.opened_at),
            message_count: self.messages_in,
            metadata: self.party.metadata.clone(),
        });
        // Beats that a stopped clock swallowed are not made up for.
        self.clocks.heartbeat_due = self.heartbeat.from(now);
    }

    /// The soonest of everything that time can bring about.
    pub(super) fn wake(&self) -> Wake {
        let stall = self.outgoing.stall(&self.limits);
        match &self.phase {
            Phase::Open => stall
                .min(self.busy_due())
                .min(self.pong_due())
                .min(self.ping_due())
                .min(self.clocks.heartbeat_due)
                .min(self.lifetime_due())
                .min(self.idle_due()),
            Phase::Closing { deadline, .. } => stall.min(Wake::At(*deadline)),
            Phase::Lingering { until, .. } => stall.min(Wake::At(*until)),
            Phase::Done => Wake::Never,
        }
    }

    fn busy_due(&self) -> Wake {
        let wait = Timeout::After(self.limits.mailbox_wait_max);
        self.blocked_since.map_or(Wake::Never, |since| wait.from(since))
    }

    /// P8: while we do not read, nobody is declared dead for being silent.
    fn pong_due(&self) -> Wake {
        if self.blocked_since.is_some() { Wake::Never } else { self.clocks.pong_due }
    }

    fn ping_due(&self) -> Wake {
        let is_waiting = self.outgoing.is_pinging() || self.clocks.pong_due != Wake::Never;
        if is_waiting || self.blocked_since.is_some() {
            Wake::Never
        } else {
            self.limits.ping_interval.from(self.clocks.heard_at)
        }
    }

    fn lifetime_due(&self) -> Wake {
        self.limits.lifetime_max.from(self.clocks.opened_at)
    }

    fn idle_due(&self) -> Wake {
        self.limits.idle_max.from(self.clocks.message_at)
    }
}
