//! Why a connection may end, and how it ends then: table C of the promises, read a second time.

use std::collections::BTreeSet;
use std::time::Duration;
use wsrelay_core::limits::Limits;
use wsrelay_core::process::{ExitReason, Pid};
use wsrelay_core::relay::{Authority, Overflow, RelayOptions};
use wsrelay_core::time::{Instant, Timeout};

/// All that could have brought a connection to its end so far.
#[derive(Debug)]
pub(crate) struct Causes {
    /// The `ws.close` commands that were sent to it.
    pub(crate) closes: Vec<Command>,
    /// Everybody whom its client has joined.
    pub(crate) targets: BTreeSet<Pid>,
    /// The words of its cancels, and who has sent them.
    pub(crate) cancels: Vec<(Option<Pid>, String)>,
    pub(crate) killed: bool,
    /// The client's close frame.
    pub(crate) client_close: Option<Option<(u16, String)>>,
    /// Whether it has answered ours.
    pub(crate) client_answered: bool,
    /// The codes that answer what the client broke.
    pub(crate) broken: Vec<u16>,
    /// Pings, pongs and empty fragments, and when the first of them was written.
    pub(crate) idle_frames: u32,
    idle_since: Option<Instant>,
    /// Whether the client has ended its stream, or its socket has failed.
    pub(crate) lost: bool,
    /// Whether a process crashed that was linked to it.
    pub(crate) link_crashed: bool,
    pub(crate) drained: bool,
    /// Whether the client has gone without a word.
    pub(crate) vanished: bool,
    /// Whether its target had no room.
    pub(crate) target_full: bool,
    /// Whether more was sent to it than its client took, by the bounds of the outbox.
    pub(crate) overrun: bool,
    pub(crate) opened_at: Instant,
    /// When the server last read something of the client's; and whether it was ever too long ago.
    heard_at: Instant,
    was_silent: bool,
    /// When the client's socket last took something, or there was nothing to take; likewise.
    progress_at: Instant,
    has_stalled: bool,
    /// When a message last passed; likewise.
    message_at: Instant,
    was_idle: bool,
}

/// A `ws.close`.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) from: Pid,
    pub(crate) code: u16,
    pub(crate) reason: String,
    /// Whether it was sent before the client had joined anybody.
    pub(crate) is_early: bool,
}

/// How a connection has ended, as processes see it.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// The code, reason and cleanness of the last leave, if there was one.
    pub(crate) leave: Option<(u16, String, bool)>,
    pub(crate) exit: ExitReason,
    pub(crate) at: Instant,
}

/// One row of the table: its name, and what the client may be told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The code of the close frame: 1005 for one that is empty, none where there is no frame at all.
    pub(crate) close: Option<u16>,
    /// Whether it comes even where a polite end is under way, whose close frame the client may have got already.
    is_abrupt: bool,
}

/// The ends that come even where a polite one is under way.
const ABRUPT: [&str; 7] =
    ["terminate", "lost", "no pong", "stalled", "linked crash", "slow client", "target full"];

impl Causes {
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            closes: Vec::new(),
            targets: BTreeSet::new(),
            cancels: Vec::new(),
            killed: false,
            client_close: None,
            client_answered: false,
            broken: Vec::new(),
            idle_frames: 0,
            idle_since: None,
            lost: false,
            link_crashed: false,
            drained: false,
            vanished: false,
            target_full: false,
            overrun: false,
            opened_at: now,
            heard_at: now,
            was_silent: false,
            progress_at: now,
            has_stalled: false,
            message_at: now,
            was_idle: false,
        }
    }

    /// The relay has begun.
    pub(crate) const fn open(&mut self, now: Instant) {
        self.opened_at = now;
        self.message_at = now;
    }

    /// The server has read something.
    pub(crate) fn heard(&mut self, now: Instant, limits: &Limits) {
        self.was_silent = self.is_silent(now, limits);
        self.heard_at = now;
    }

    /// The socket has taken something, or there is nothing to take.
    pub(crate) fn progress(&mut self, now: Instant, limits: &Limits) {
        self.has_stalled = self.is_stalled(now, limits);
        self.progress_at = now;
    }

    /// A message has passed.
    pub(crate) fn message(&mut self, now: Instant, limits: &Limits) {
        self.was_idle = self.is_idle(now, limits);
        self.message_at = now;
    }

    fn is_silent(&self, now: Instant, limits: &Limits) -> bool {
        let silence = match limits.ping_interval {
            Timeout::Off => Duration::MAX,
            Timeout::After(every) => every + limits.pong_wait_max,
        };
        self.was_silent || now.since(self.heard_at) >= silence
    }

    fn is_stalled(&self, now: Instant, limits: &Limits) -> bool {
        self.has_stalled || now.since(self.progress_at) >= limits.write_wait_max
    }

    fn is_idle(&self, now: Instant, limits: &Limits) -> bool {
        let is_long = match limits.idle_max {
            Timeout::Off => false,
            Timeout::After(span) => now.since(self.message_at) >= span,
        };
        self.was_idle || is_long
    }

    /// Whether it may have been open or idle for too long by now.
    pub(crate) fn may_expire(&self, now: Instant, limits: &Limits) -> bool {
        self.is_idle(now, limits) || self.is_old(now, limits)
    }

    fn is_old(&self, now: Instant, limits: &Limits) -> bool {
        match limits.lifetime_max {
            Timeout::Off => false,
            Timeout::After(span) => now.since(self.opened_at) >= span,
        }
    }

    /// The rows that describe what was seen and whose cause there was. `target` is how the target ended, if it has.
    pub(crate) fn rows(
        &self,
        options: &RelayOptions,
        ended: &Ended,
        target: Option<&ExitReason>,
        is_target_over: bool,
    ) -> Vec<Row> {
        let limits = &options.limits;
        let now = ended.at;
        let is_old = self.is_old(now, limits);
        let normal = ended.exit == ExitReason::Normal;
        let crashed = matches!(ended.exit, ExitReason::Crashed(_));
        // Where the target has ended, nobody is told.
        let told = |code: u16| ended.leave.as_ref().map_or(is_target_over, |(its, ..)| *its == code);
        let says = |words: &str| ended.leave.as_ref().is_none_or(|(_, its, _)| its == words);
        let clean = ended.leave.as_ref().is_some_and(|(.., clean)| *clean);
        let mut rows = Vec::new();
        if clean && self.client_close.is_none() && !self.client_answered {
            return rows;
        }
        for close in &self.closes {
            let is_allowed = options.control == Authority::Any || self.targets.contains(&close.from);
            if normal && is_allowed && told(close.code) && says(&close.reason) {
                rows.push(Row { name: "ws.close", close: Some(close.code), is_abrupt: false });
            }
        }
        if let Some(close) = &self.client_close {
            let (code, why) = close.as_ref().map_or((1005, ""), |(code, reason)| (*code, reason));
            let as_it_should =
                if matches!(code, 1000 | 1001 | 1005 | 3000..=4999) { normal } else { crashed };
            if as_it_should && told(code) && says(why) && (clean || ended.leave.is_none()) {
                rows.push(Row { name: "client closes", close: Some(code), is_abrupt: false });
            }
        }
        let is_cancelled = self.cancels.iter().any(|(_, words)| says(words));
        let is_overrun = self.overrun && options.overflow == Overflow::Close;
        let is_untold = ended.leave.is_none();
        let target_exits = is_untold && target.is_some_and(ExitReason::is_normal);
        let linked = ended.exit == ExitReason::Linked && self.link_crashed;
        let killed = ended.exit == ExitReason::Killed && self.killed;
        let drained = ended.exit == ExitReason::Shutdown && self.drained;
        // What was seen, the code that the target is told, whether there was a cause, and what the client is told.
        let table = [
            ("target exits", normal, None, target_exits, Some(1000)),
            ("target fails", crashed, None, is_untold && is_target_over, Some(1011)),
            ("idle", normal, Some(1001), self.is_idle(now, limits), Some(1001)),
            ("lifetime", normal, Some(1001), is_old, Some(1001)),
            ("cancel", normal, Some(1001), is_cancelled, Some(1001)),
            ("broken", crashed, Some(1002), self.broken.contains(&1002), Some(1002)),
            ("broken", crashed, Some(1007), self.broken.contains(&1007), Some(1007)),
            ("broken", crashed, Some(1009), self.broken.contains(&1009), Some(1009)),
            ("flood", crashed, Some(1008), self.idle_frames > limits.flood_frames_max, Some(1008)),
            ("terminate", killed, Some(1006), true, None),
            ("lost", crashed, Some(1006), self.lost, None),
            ("no pong", crashed, Some(1006), self.is_silent(now, limits), Some(1011)),
            ("stalled", crashed, Some(1006), self.is_stalled(now, limits), None),
            ("linked crash", linked, Some(1011), true, Some(1011)),
            ("drain", drained, Some(1012), true, Some(1012)),
            ("slow client", crashed, Some(1013), is_overrun, Some(1013)),
            ("target full", crashed, Some(1013), self.target_full, Some(1013)),
        ];
        for (name, is_seen, code, has_cause, close) in table {
            if is_seen && has_cause && code.is_none_or(told) {
                rows.push(Row { name, close, is_abrupt: ABRUPT.contains(&name) });
            }
        }
        rows
    }

    /// Whether these rows, or an end that was under way before, explain the close frame with this code.
    pub(crate) fn explain(&self, rows: &[Row], code: u16) -> bool {
        let closes = self.closes.iter().any(|close| close.code == code);
        let closing = closes || matches!(code, 1000 | 1001 | 1011 | 1012);
        rows.iter().any(|row| row.close == Some(code) || (row.is_abrupt && closing))
    }

    /// Who has had the connection closed, or cancelled it, where nothing else explains a close frame like this: what that
    /// process sent before goes out before the frame.
    pub(crate) fn closer(&self, options: &RelayOptions, code: u16, reason: &str) -> Option<Pid> {
        let limits = &options.limits;
        let is_timed = limits.idle_max != Timeout::Off || limits.lifetime_max != Timeout::Off;
        match (&self.closes[..], &self.cancels[..]) {
            ([close], []) if close.code == code && close.reason == reason => Some(close.from),
            ([], [(from, _)]) if code == 1001 && !is_timed => *from,
            _ => None,
        }
    }

    /// Whether something has happened that ends a connection for certain, sooner or later.
    pub(crate) fn must_end(&self, options: &RelayOptions, is_target_over: bool) -> bool {
        let close_counts =
            options.control == Authority::Any && self.closes.iter().any(|close| !close.is_early);
        is_target_over
            || close_counts
            || !self.cancels.is_empty()
            || self.killed
            || self.client_close.is_some()
            || !self.broken.is_empty()
            || self.lost
            || self.drained
            || (self.vanished && options.limits.ping_interval != Timeout::Off)
            || self.must_have_flooded(&options.limits)
    }

    /// The client writes a frame that costs it next to nothing.
    pub(crate) fn idle_frame(&mut self, now: Instant) {
        self.idle_frames += 1;
        self.idle_since.get_or_insert(now);
    }

    /// Whether one of the periods in which these frames were read must have had more of them than it may: whatever
    /// they begin with, there were no more periods than these.
    fn must_have_flooded(&self, limits: &Limits) -> bool {
        let Some(since) = self.idle_since else { return false };
        let whole = self.heard_at.since(since).as_nanos() / limits.flood_period.as_nanos().max(1);
        // One that had begun, one that has not ended, and one for what was read before anybody was joined.
        let periods = whole + 3;
        // What waits for room is decoded nobody knows when.
        !self.target_full && u128::from(self.idle_frames) > periods * u128::from(limits.flood_frames_max)
    }
}
