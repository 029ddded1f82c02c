//! Applications as wsrelay's specification writes them: YAML entries, Lua handlers, Lua processes.
//!
//! [`check`] reads the application in a folder and says everything that is wrong with it; [`Instance::start`] runs it on a
//! [`wsrelay_smol::Node`], beside whatever else lives there: native processes, connections and Lua processes send to,
//! monitor and link each other without knowing which is which.
//!
//! ```no_run
//! use std::path::Path;
//! use std::time::Duration;
//! use wsrelay_lua::runtime::HubOptions;
//! use wsrelay_lua::{Instance, check};
//! use wsrelay_smol::{NodeOptions, Runtime};
//!
//! let checked = check(Path::new("examples/chat"));
//! for finding in &checked.findings {
//!     println!("{finding}");
//! }
//! let runtime = Runtime::start(2)?;
//! let node = runtime.node(NodeOptions::default());
//! let instance = runtime.block_on(Instance::start(checked, &node, HubOptions::default()))?;
//! // ... until it is time to go
//! runtime.block_on(instance.stop(Duration::from_secs(30)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The parts can be used alone: [`app`] reads folders, [`http`] routes requests, [`runtime`] runs processes. What scripts see is in
//! `docs/lua.md`.

pub mod app;
pub mod http;
mod instance;
mod printable;
pub mod runtime;
pub mod vm;

pub use instance::{Checked, Instance, StartFault, check};
