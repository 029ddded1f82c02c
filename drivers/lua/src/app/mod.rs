//! An application: a folder of YAML files and the sources that they name.
//!
//! Read [`model`] first: what there can be. [`load`] reads a folder into it and says everything that is wrong, with file
//! and line, in one go. Nothing here runs any code.
//!
//! ```text
//! files, scan ─► yaml ─► entry ─► index ─► reader (kinds, fields) ─► check
//!  which files    places  shape    names    one model type per kind   the whole
//! ```

mod check;
mod entry;
mod fields;
mod files;
mod finding;
mod fingerprint;
mod index;
mod kinds;
mod load;
pub mod model;
mod modules;
mod pattern;
mod reader;
mod scan;
mod suggest;
#[cfg(test)]
mod tests;
mod yaml;

pub use finding::{Finding, Place, Severity};
pub use load::{Loaded, load};
pub use model::Application;
pub use modules::AVAILABLE_MODULES;
pub(crate) use suggest::did_you_mean;
