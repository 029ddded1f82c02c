//! Random worlds: hundreds of clients and processes that do all that they can, good and bad.
//!
//! A [`Plan`] is such a world as data. It is [drawn](Plan::from_seed) from a seed, [run](Plan::run), and, where an
//! invariant did not hold, [shrunk](Plan::shrink) and written out as Rust ([`Plan::to_rust`]).

mod act;
mod broken;
mod deed;
mod draw;
mod plan;
mod puppet;
mod run;
mod shrink;

pub use act::{Act, Habit, Whom};
pub use broken::{Broken, Head};
pub use deed::{Deed, Door};
pub use plan::{Outcome, Plan, Step};
