//! Single pieces of a message's way, each prepared once and then done as often as one likes.
//!
//! The times come from `cargo bench -p wsrelay-bench`, the instructions from the program's `instructions`.
#![expect(clippy::missing_panics_doc, reason = "only a piece that no longer does its work panics")]

mod core;
mod host;

pub use core::{Payload, actor_echo, decode, encode, mask, session_in, session_out, upgrade, utf8};
pub use host::host_echo;

/// What is done once for one message.
pub type Step = Box<dyn FnMut()>;

/// A piece whose instructions are counted.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// How many messages that is.
    pub messages: u32,
    /// Gets it ready.
    pub prepare: fn() -> Step,
}

/// The pieces whose instructions are counted, each with a text of 16 bytes.
pub const ALL: &[Piece] = &[
    Piece {
        name: "decode",
        about: "bytes to a message",
        messages: 1,
        prepare: || Box::new(decode(Payload::Ascii, 16)),
    },
    Piece {
        name: "session-in",
        about: "a client's bytes to a signal for its target",
        messages: 1,
        prepare: || Box::new(session_in(16)),
    },
    Piece {
        name: "actor-echo",
        about: "a signal to a signal",
        messages: 1,
        prepare: || Box::new(actor_echo(16)),
    },
    Piece {
        name: "session-out",
        about: "a signal to bytes for the client",
        messages: 1,
        prepare: || Box::new(session_out(16)),
    },
    Piece {
        name: "host-echo",
        about: "bytes to bytes, through two mailboxes and an actor; all but the sockets",
        messages: 1,
        prepare: || Box::new(host_echo(16, 1)),
    },
    Piece {
        name: "host-echo-32",
        about: "the same, 32 messages in one read",
        messages: 32,
        prepare: || Box::new(host_echo(16, 32)),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_can_be_done_many_times() {
        for piece in ALL {
            let mut step = (piece.prepare)();
            for _ in 0..5_000 {
                step();
            }
        }
        for payload in [Payload::Ascii, Payload::Mixed, Payload::Binary] {
            for len in [16, 125, 1024, 65_536] {
                decode(payload, len)();
                encode(payload, len)();
            }
            utf8(payload, 100)();
        }
        mask(100)();
        upgrade()();
    }
}
