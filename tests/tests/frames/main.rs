//! Frames as streams. A file's own rules are tested in the file.

mod decoder;
mod properties;
mod room;
mod script;
