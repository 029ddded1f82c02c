//! What is measured, and where it is read.

pub(crate) mod cpu;
pub(crate) mod histogram;
pub(crate) mod machine;
