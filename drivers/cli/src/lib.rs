//! What the `wsrelay` command is made of; the tests start the demo from here.

pub mod app;
pub mod args;
pub mod demo;
pub mod logs;
mod serving;
