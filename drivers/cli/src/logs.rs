//! Logs to standard error.

use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` wins over `filter`; a filter that does not parse counts as `info`, and is
/// complained about.
pub fn start(filter: &str) {
    let chosen = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_else(|_| filter.to_owned());
    let (filter, fault) = match EnvFilter::try_new(&chosen) {
        Ok(filter) => (filter, None),
        Err(fault) => (EnvFilter::new("info"), Some(fault)),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
    if let Some(fault) = fault {
        tracing::warn!(%fault, filter = chosen, "log filter not understood, logging at info");
    }
}
