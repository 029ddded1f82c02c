//! Luau: states, the scripts in them, and what scripts are given.
//!
//! Many processes share a state. Each has globals of its own over read-only ones; `prelude` is the part of the runtime that is
//! written in Luau, `natives` what it calls, `modules` the libraries without state.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "Lua's values are another library's: what is not expected is refused"
)]

mod budget;
mod dialect;
mod memory;
pub mod modules;
mod natives;
mod program;
mod script;
mod state;
mod strings;
mod value;

pub use program::{Program, Programs};
pub use script::{Outcome, Script};
pub use state::Vm;
pub use value::{CopyFault, Values};
