//! What every server does about accepting clients, and about the end of a drain.

use std::io;
use std::time::Duration;
use wsrelay_core::limits::Limits;

/// How long to wait after a client could not be accepted.
#[derive(Debug)]
pub struct AcceptPause(Duration);

/// First and longest pause after the system had no descriptor or memory for another client.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

impl Default for AcceptPause {
    fn default() -> Self {
        Self(PAUSE.0)
    }
}

impl AcceptPause {
    /// A client was accepted: the next pause may be shorter.
    pub fn accepted(&mut self) {
        self.0 = (self.0 / 2).max(PAUSE.0);
    }

    /// A client could not be accepted. `None` when only that client is concerned, who was gone before; else
    /// the time after which to try again, which grows each time.
    pub fn failed(&mut self, error: &io::Error) -> Option<Duration> {
        if is_about_one_client(error) {
            return None;
        }
        let pause = self.0;
        tracing::error!(%error, ?pause, "cannot accept clients; trying again after a pause");
        self.0 = (pause * 2).min(PAUSE.1);
        Some(pause)
    }
}

fn is_about_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// Time beyond the drain window and the close handshake, after which connections are cut, and again until
/// nobody waits for them any more.
pub const DRAIN_GRACE: Duration = Duration::from_secs(2);

/// How long a drain with this window takes at most, before what still lingers is cut.
#[must_use]
pub fn drain_patience(window: Duration, limits: &Limits) -> Duration {
    window + limits.close_wait_max * 2 + DRAIN_GRACE
}
