//! RFC 6455 frames.
mod close;
pub use close::CloseCode;
