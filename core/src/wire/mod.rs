//! RFC 6455 frames, for both ends of a connection; usable without the rest of this crate.
//!
//! Read [`Incoming`] first: it is all that can arrive. Then [`Decoder`], which turns bytes into
//! it, and [`FrameHeader`], which holds every rule that one header alone decides. What goes out is
//! written by [`encode()`], or, for a payload that should not be copied, by
//! [`FrameHeader::encode`] followed by the caller's own bytes.
//!
//! | file | what it knows | RFC 6455 |
//! |---|---|---|
//! | `decode.rs` | messages out of frames, limits on what is held | §5.1, §5.4, §5.6, §10.4 |
//! | `frame.rs` | one header, both ways | §5.2, §5.5 |
//! | `mask.rs` | XOR with the masking key | §5.3 |
//! | `utf8.rs`, `text.rs`, `data.rs` | payloads, and the proof that text is text | §5.6, §8.1 |
//! | `close.rs` | close codes, reasons and payloads | §5.5.1, §7.4 |
//! | `encode.rs` | whole frames into a buffer | §5 |
//!
//! No clock and no randomness: a client's masking keys are arguments.
//!
//! ```
//! use bytes::BytesMut;
//! use wsrelay_core::fault::ClientFault;
//! use wsrelay_core::wire::{Data, Decoder, Incoming, Opcode, Role, encode};
//!
//! // A client's frames arrive, the second one only in part.
//! let mut buffer = BytesMut::new();
//! encode(&mut buffer, Opcode::Text, true, Some([7, 1, 9, 3]), "grüezi".as_bytes());
//! encode(&mut buffer, Opcode::Ping, true, Some([2, 2, 0, 4]), b"still there?");
//! let rest = buffer.split_off(buffer.len() - 5);
//!
//! let mut decoder = Decoder::new(Role::Server, 1024, 16);
//! assert_eq!(decoder.decode(&mut buffer)?, Some(Incoming::Message(Data::Text("grüezi".into()))));
//! assert_eq!(decoder.decode(&mut buffer)?, None);
//!
//! buffer.extend_from_slice(&rest);
//! let Some(Incoming::Ping(payload)) = decoder.decode(&mut buffer)? else { unreachable!() };
//!
//! // A server's frames carry no mask.
//! let mut out = BytesMut::new();
//! encode(&mut out, Opcode::Pong, true, None, &payload);
//! assert_eq!(out[..2], [0x8a, 12]);
//! # Ok::<(), ClientFault>(())
//! ```

mod close;
mod data;
mod decode;
mod encode;
mod frame;
mod mask;
mod text;
mod utf8;

pub use close::{CloseCode, CloseFrame, CloseReason, close_payload};
pub use data::{Data, Kind};
pub use decode::{Decoder, Incoming, Role};
pub use encode::{encode, encode_close, encode_message};
pub use frame::{FrameHeader, HeaderBytes, Opcode};
pub use mask::mask;
pub use text::Text;
pub use utf8::{NotUtf8, Utf8};
