//! What the commands that serve have in common.

use async_signal::{Signal, Signals};
use std::io;
use std::thread;
use std::time::Duration;

/// How long a drain takes at most when Ctrl-C is pressed: people at a terminal do not wait for half a minute.
pub(crate) const INTERRUPT_WINDOW: Duration = Duration::from_secs(2);

/// Listens for signals. To be called before the first client: that needs descriptors, which a crowd could take.
pub(crate) fn signals(wanted: impl IntoIterator<Item = Signal>) -> Result<Signals, String> {
    Signals::new(wanted).map_err(|error| format!("cannot listen for signals: {error}"))
}

/// As many as were asked for, or one a core.
pub(crate) fn threads(wanted: Option<usize>) -> usize {
    wanted.unwrap_or_else(|| thread::available_parallelism().map_or(1, Into::into))
}

pub(crate) fn no_threads(error: &io::Error) -> String {
    format!("cannot start threads: {error}")
}
