//! Everything that happens because time passes (T).

use super::{Phase, Session};
use crate::connection::Outputs;
use crate::limits::Limits;
use crate::message::{Heartbeat, Payload, Topic};
use crate::relay::End;
use crate::seed;
use crate::time::{Duration, Instant, Timeout, Wake};
use alloc::boxed::Box;

/// The instants that deadlines are counted from.
#[derive(Debug)]
pub(super) struct Clocks {
    pub(super) opened_at: Instant,
    /// When the last byte arrived.
    heard_at: Instant,
    /// When the last message passed, in either direction.
    pub(super) message_at: Instant,
    /// When the pong of a written ping is overdue.
    pong_due: Wake,
    heartbeat_due: Wake,
    drain_due: Wake,
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
            drain_due: Wake::Never,
            seed,
        };
        clocks.restart_heartbeat(now, heartbeat);
        clocks
    }

    pub(super) const fn heard(&mut self, now: Instant) {
        self.heard_at = now;
        self.pong_due = Wake::Never;
    }

    /// Begins the client's silence anew, for pings and for idleness, after a time in which it could not be heard.
    pub(super) fn restart_silence(&mut self, now: Instant, limits: &Limits) {
        self.heard_at = now;
        self.message_at = now;
        if self.pong_due != Wake::Never {
            self.pong_due = Wake::At(now + limits.pong_wait_max);
        }
    }

    /// R2: the first beat comes somewhere within the interval, so that many connections do not beat together.
    pub(super) fn restart_heartbeat(&mut self, now: Instant, heartbeat: Timeout) {
        self.heartbeat_due = match heartbeat {
            Timeout::Off => Wake::Never,
            Timeout::After(every) => Wake::At(now + Duration::from_nanos(1) + self.share_of(every)),
        };
    }

    /// Chooses this connection's moment within the drain window. A second drain cannot put it off.
    pub(super) fn drain(&mut self, now: Instant, window: Duration) {
        let due = Wake::At(now + self.share_of(window));
        self.drain_due = self.drain_due.min(due);
    }

    /// A part of `span`, from nothing to almost all of it, drawn from the seed.
    fn share_of(&mut self, span: Duration) -> Duration {
        let nanos = (span.as_nanos() * u128::from(seed::next(&mut self.seed))) >> 64;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Session {
    /// The socket took bytes: the clock of an awaited pong starts when its ping is written.
    pub(super) fn written(&mut self, now: Instant, bytes: usize) {
        self.outbox.writer.written(now, bytes);
        if self.outbox.take_written_ping() {
            self.clocks.pong_due = Wake::At(now + self.options.limits.pong_wait_max);
        }
    }

    /// Everything that is due.
    pub(super) fn tick(&mut self, now: Instant, out: &mut Outputs) {
        if self.outbox.stall(&self.options.limits).is_due(now) {
            return match self.phase {
                Phase::Relaying | Phase::Transferring(_) | Phase::Failing { .. } => {
                    self.end(now, End::Stalled, out);
                }
                Phase::Closing(_) => self.give_up(out),
                Phase::Lingering { .. } | Phase::Done => self.cut(out),
            };
        }
        match &self.phase {
            Phase::Relaying | Phase::Transferring(_) => self.tick_open(now, out),
            Phase::Failing { fault, until } if *until <= now => {
                let end = End::Fault(*fault);
                self.end(now, end, out);
            }
            Phase::Closing(closing) if closing.deadline <= now => self.give_up(out),
            Phase::Lingering { until, .. } if *until <= now => self.cut(out),
            Phase::Failing { .. } | Phase::Closing(_) | Phase::Lingering { .. } | Phase::Done => {}
        }
    }

    fn tick_open(&mut self, now: Instant, out: &mut Outputs) {
        let end = [
            (self.busy_due(), End::TargetBusy),
            (self.pong_due(), End::Unresponsive),
            (self.clocks.drain_due, End::Drained),
            (self.lifetime_due(), End::Expired),
            (self.idle_due(), End::Idle),
        ]
        .into_iter()
        .find(|(wake, _)| wake.is_due(now));
        if let Some((_, end)) = end {
            return self.end(now, end, out);
        }
        if self.ping_due().is_due(now) {
            self.outbox.ping();
        }
        if self.clocks.heartbeat_due.is_due(now) {
            self.beat(now, out);
        }
    }

    fn beat(&mut self, now: Instant, out: &mut Outputs) {
        let heartbeat = Heartbeat {
            pid: self.pid(),
            uptime: now.since(self.clocks.opened_at),
            message_count: self.counters.messages_in,
            metadata: self.metadata.clone(),
        };
        self.tell_target(Topic::HEARTBEAT, Payload::Heartbeat(Box::new(heartbeat)), out);
        // Beats that a stopped clock swallowed are not made up for.
        self.clocks.heartbeat_due = self.heartbeat.from(now);
    }

    /// The soonest of everything that time can bring about.
    pub(super) fn next_wake(&self) -> Wake {
        let stall = self.outbox.stall(&self.options.limits);
        match &self.phase {
            Phase::Relaying | Phase::Transferring(_) => stall
                .min(self.inbound.next_turn)
                .min(self.busy_due())
                .min(self.pong_due())
                .min(self.ping_due())
                .min(self.clocks.heartbeat_due)
                .min(self.clocks.drain_due)
                .min(self.lifetime_due())
                .min(self.idle_due()),
            Phase::Closing(closing) => stall.min(self.inbound.next_turn).min(Wake::At(closing.deadline)),
            Phase::Failing { until, .. } | Phase::Lingering { until, .. } => stall.min(Wake::At(*until)),
            Phase::Done => Wake::Never,
        }
    }

    fn busy_due(&self) -> Wake {
        let wait = Timeout::After(self.options.limits.mailbox_wait_max);
        self.inbound.blocked_since.map_or(Wake::Never, |since| wait.from(since))
    }

    /// P8: while the relay itself does not read, nobody is declared dead for being silent.
    fn pong_due(&self) -> Wake {
        if self.is_deaf() { Wake::Never } else { self.clocks.pong_due }
    }

    fn ping_due(&self) -> Wake {
        let is_waiting = self.outbox.is_pinging() || self.clocks.pong_due != Wake::Never;
        if is_waiting || self.is_deaf() {
            Wake::Never
        } else {
            self.options.limits.ping_interval.from(self.clocks.heard_at)
        }
    }

    fn lifetime_due(&self) -> Wake {
        self.options.limits.lifetime_max.from(self.clocks.opened_at)
    }

    fn idle_due(&self) -> Wake {
        if self.is_deaf() { Wake::Never } else { self.options.limits.idle_max.from(self.clocks.message_at) }
    }
}
