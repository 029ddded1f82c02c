//! Sans-IO WebSocket relay.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod connection;
pub mod fault;
pub mod limits;
pub mod message;
pub mod process;
pub mod relay;
pub mod time;
pub mod upgrade;
pub mod wire;
