//! Lua processes: the hub that knows them, the workers that run them, services that are kept alive.

mod asking;
mod bus;
mod context;
mod door;
mod ending;
mod function;
mod hub;
mod service;
mod start;
mod worker;

pub use context::Context;
pub use door::{Completion, Door};
pub(crate) use ending::{ERROR_CHARS_MAX, exit_error};
pub use function::Call;
pub use hub::{Hub, HubOptions, Relation, SpawnFault};
pub(crate) use service::within;
pub use service::{Supervisor, supervise};
pub(crate) use start::Reply;
