//! From a request to the function that answers it: routes, middleware, files.
//!
//! Read [`Site`] first: what one server of an application serves. It is built from the entries, with everything that is
//! wrong with them said at once, and answers requests:
//!
//! ```text
//!            ┌────────┐ none: 404, 405                                              ┌──────────┐
//!  Request ─►│ routes │──────────────► middleware[0] ► … ► post_middleware[0] ► … ─►│ function │
//!            └────────┘                 each may answer, or change what comes back  │ or file  │
//!  Response ◄──────────────────────────────────────────────────────────────────────└──────────┘
//! ```
//!
//! There is no socket here and no clock: time comes in. Static files are read, and nothing else of the world outside.

mod compress;
mod cors;
mod files;
mod layer;
mod media;
mod metrics;
mod options;
mod path;
mod pattern;
mod ratelimit;
mod real_ip;
mod relay;
mod settings;
mod site;
mod table;
#[cfg(test)]
mod testing;

pub use layer::Clock;
pub use settings::MessageForm;
pub use site::{Call, RouteLine, Site};
