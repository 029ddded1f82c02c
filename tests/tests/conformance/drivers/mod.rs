//! The drivers that scenarios are played on. A new one is an implementation of
//! [`Driver`](crate::support::Driver) here, and one line in [`on_every_driver`](crate::on_every_driver).

mod smol;
mod thread;

pub(crate) use smol::Smol;
pub(crate) use thread::Thread;
