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
#[cfg(not(feature = "deflate"))]
mod plain;
mod session;
mod writer;

#[cfg(feature = "deflate")]
pub(crate) use crate::deflate::{Codec, Engine};
pub use command::{Command, Refusal, acknowledge_dropped};
pub use config::RelayConfig;
pub use counters::Counters;
pub use duration::{DurationFault, format_duration, parse_duration};
pub use end::{ABNORMAL, End, LeaveTerms, Manner, NO_STATUS};
pub use options::{Authority, Compression, Envelope, Overflow, RelayOptions};
#[cfg(not(feature = "deflate"))]
pub(crate) use plain::{Codec, Engine};
pub use session::{Session, Start};
pub(crate) use writer::Writer;
