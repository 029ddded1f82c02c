//! The relay: from the handler's header to the end of the connection.
//!
//! Read [`RelayConfig`] first (what a handler says), then [`Session`] (what becomes of it, with its states), then [`End`] (how it ends). [`Command`] is what processes
//! may ask of a connection.

mod command;
mod config;
mod counters;
mod duration;
mod end;
mod options;
mod outbox;
mod session;
mod writer;

pub use command::{Command, Refusal, acknowledge_dropped};
pub use config::RelayConfig;
pub use counters::Counters;
pub use duration::{DurationFault, format_duration, parse_duration};
pub use end::{ABNORMAL, End, LeaveTerms, Manner, NO_STATUS};
pub use options::{Authority, Envelope, Overflow, RelayOptions};
pub use session::{Session, Start};
pub(crate) use writer::Writer;
