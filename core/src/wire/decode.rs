//! Messages out of frames.
//!
//! ```text
//!             header read,                          payload
//!             payload not all here                  taken
//!   Header ───────────────────────► Payload ─────────────────────► Header
//!     │  ▲                             │
//!     │  └── whole frame in buffer     │
//!     └───────────────┬────────────────┘
//!                     ▼ a close frame, or a fault
//!                   Ended
//! ```

use super::close::CloseFrame;
use super::data::{Data, Kind};
use super::frame::{FrameHeader, Opcode};
use super::mask::mask_and_look;
use super::text::Text;
use super::utf8::{NotUtf8, Utf8, is_utf8};
use crate::fault::ClientFault;
use alloc::boxed::Box;
use bytes::{Buf, Bytes, BytesMut};
use core::mem;
use payload::{append, split_to};

mod payload;
mod short;

/// All that can arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A whole message, of one frame or many.
    Message(Data),
    /// The same, as it was compressed: only where [`Decoder::with_compression`] allows it.
    Compressed(Kind, Bytes),
    /// A ping; its payload is owed back in a pong (RFC 6455 §5.5.2).
    Ping(Bytes),
    /// A pong, asked for or not (RFC 6455 §5.5.3).
    Pong(Bytes),
    /// The last frame of the connection, with what it says. The decoder has ended.
    Close(Option<CloseFrame>),
    /// A frame that carried no byte of its message and did not complete it. It costs its sender
    /// next to nothing, so the receiver may want to count it.
    EmptyFragment,
}

/// Which end of the connection the decoder's owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A server, whose peer masks every frame.
    Server,
    /// A client, whose peer masks none.
    Client,
}

/// Turns the bytes that arrive into [`Incoming`].
///
/// Call [`Decoder::decode`] until it answers `None`. The buffer then holds less than
/// [`FrameHeader::MAX_BYTES`]: of the frame that is still arriving, every payload byte has been
/// taken, unmasked, checked and counted.
///
/// A frame that lies whole in the buffer and is a message of its own becomes a slice of the buffer.
/// The pieces of any other are copied together. What the decoder holds follows the bytes that
/// arrived and never the length that was announced: at most twice the former.
///
/// Unless something has arrived in part, it holds no memory but itself.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    message_bytes_max: usize,
    /// The same for messages that are compressed, where they may be.
    compressed_bytes_max: Option<usize>,
    fragments_max: u32,
    state: State,
    /// The kind of the message that is open, if one is.
    message: Option<Kind>,
    /// Whether it is compressed.
    is_compressed: bool,
    /// Frames of the open message so far.
    fragments: u32,
    utf8: Utf8,
    /// What has arrived in part, where something has.
    partial: Option<Box<Partial>>,
}

/// Payloads that have arrived in part.
#[derive(Debug, Default)]
struct Partial {
    /// Of the open message; its text is checked up to here.
    assembly: BytesMut,
    /// Of a control frame, which may stand between two frames of the open message.
    control: BytesMut,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The next byte begins a header, or the buffer holds the beginning of one.
    Header,
    /// The next byte is payload.
    Payload(Frame),
    /// Nothing is read any more.
    Ended,
}

/// A frame whose payload is arriving.
#[derive(Clone, Copy, Debug)]
struct Frame {
    fin: bool,
    opcode: Opcode,
    mask: Option<[u8; 4]>,
    len: usize,
    /// How much of `len` has arrived.
    taken: usize,
}

/// How far the decoder got.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// All bytes are taken, and more are needed.
    Dry,
    /// The payload of a frame that stands for itself begins the buffer, unmasked and checked.
    Whole { opcode: Opcode, len: usize },
    /// A payload has been assembled and checked.
    Assembled(Opcode),
    /// The same for a message that is compressed.
    AssembledCompressed(Kind),
    /// As in [`Incoming`].
    EmptyFragment,
}

impl Decoder {
    /// A decoder for a connection that has just been opened.
    ///
    /// `message_bytes_max` bounds the payload of a message after defragmentation, `fragments_max`
    /// the frames of one message; one that is not fragmented counts as one frame.
    #[must_use]
    pub fn new(role: Role, message_bytes_max: usize, fragments_max: u32) -> Self {
        Self {
            role,
            message_bytes_max,
            compressed_bytes_max: None,
            fragments_max,
            state: State::Header,
            message: None,
            is_compressed: false,
            fragments: 0,
            utf8: Utf8::new(),
            partial: None,
        }
    }

    /// Lets messages be compressed, of at most this many bytes each (RFC 7692 §6): RSV1 is no fault on the first frame of a
    /// message. What they become is for the caller to bound.
    #[must_use]
    pub const fn with_compression(mut self, compressed_bytes_max: usize) -> Self {
        self.compressed_bytes_max = Some(compressed_bytes_max);
        self
    }

    /// The next thing that arrived, consumed from the front of `buffer`; `None` when more bytes
    /// are needed. The same comes out however the stream was cut into buffers.
    ///
    /// After a close frame or a fault the answer is `Ok(None)` for ever, and the buffer is left
    /// alone; what it then holds is to be discarded.
    ///
    /// # Errors
    ///
    /// The peer's [`ClientFault`], with the first byte that proves it, or with the header of the
    /// frame that is too much. Where one frame breaks the protocol and a limit, the protocol goes first.
    #[inline]
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Incoming>, ClientFault> {
        // Each answer is built where it is returned from: at these rates, moving one about in
        // memory costs more than decoding it.
        match self.advance(buffer) {
            Ok(Step::Dry) => Ok(None),
            Ok(Step::Whole { opcode: Opcode::Text, len }) => {
                let text = match Text::short(&buffer[..len]) {
                    Some(text) => {
                        buffer.advance(len);
                        text
                    }
                    None => Text::from_validated(split_to(buffer, len)),
                };
                Ok(Some(Incoming::Message(Data::Text(text))))
            }
            Ok(Step::Whole { opcode: Opcode::Binary, len }) => {
                Ok(Some(Incoming::Message(Data::Binary(split_to(buffer, len)))))
            }
            Ok(Step::Whole { opcode, len }) => self.hand_out(opcode, split_to(buffer, len)),
            Ok(Step::Assembled(opcode)) => {
                let payload = self.take_partial(opcode).freeze();
                self.hand_out(opcode, payload)
            }
            Ok(Step::AssembledCompressed(kind)) => {
                let payload = self.take_partial(kind.into()).freeze();
                Ok(Some(Incoming::Compressed(kind, payload)))
            }
            Ok(Step::EmptyFragment) => Ok(Some(Incoming::EmptyFragment)),
            Err(fault) => self.fail(fault),
        }
    }

    /// Payload bytes held, of a message and of a control frame that have not arrived whole.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.assembly.len() + partial.control.len())
    }

    /// Memory allocated for them, in bytes.
    #[must_use]
    pub fn held_capacity(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.assembly.capacity() + partial.control.capacity())
    }

    /// Whether a message has begun and not ended. A control frame is no message.
    #[must_use]
    pub const fn is_mid_message(&self) -> bool {
        self.message.is_some()
    }

    /// Payload bytes of the open message that have arrived.
    #[inline]
    fn assembled(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.assembly.len())
    }

    /// Takes out what has been put together of a message or of a control frame.
    fn take_partial(&mut self, opcode: Opcode) -> BytesMut {
        let Some(partial) = &mut self.partial else { return BytesMut::new() };
        let payload =
            mem::take(if opcode.is_control() { &mut partial.control } else { &mut partial.assembly });
        if partial.assembly.is_empty() && partial.control.is_empty() {
            self.partial = None;
        }
        payload
    }

    /// Reads on to the end of the next frame that amounts to something.
    #[inline]
    fn advance(&mut self, buffer: &mut BytesMut) -> Result<Step, ClientFault> {
        loop {
            match self.state {
                State::Header => {
                    let is_extended = self.compressed_bytes_max.is_some();
                    let Some((header, header_bytes)) = FrameHeader::parse_with(buffer, is_extended)? else {
                        return Ok(Step::Dry);
                    };
                    let len = self.admit(&header)?;
                    buffer.advance(header_bytes);
                    // What is compressed is put together in any case: it is about to be copied anyhow.
                    let stands_alone = header.fin && !header.rsv1 && header.opcode != Opcode::Continuation;
                    if stands_alone && buffer.len() >= len {
                        return whole(&header, &mut buffer[..len]);
                    }
                    self.open(&header, len);
                }
                State::Payload(mut frame) => {
                    self.take(&mut frame, buffer)?;
                    if frame.taken < frame.len {
                        self.state = State::Payload(frame);
                        return Ok(Step::Dry);
                    }
                    self.state = State::Header;
                    if let Some(step) = self.finish(&frame)? {
                        return Ok(step);
                    }
                }
                State::Ended => return Ok(Step::Dry),
            }
        }
    }

    /// Checks what a header alone does not decide, and returns the payload's length.
    #[inline]
    fn admit(&self, header: &FrameHeader) -> Result<usize, ClientFault> {
        match (self.role, header.mask) {
            (Role::Server, Some(_)) | (Role::Client, None) => {}
            // RFC 6455 §5.1: "The server MUST close the connection upon receiving a frame that is
            // not masked."
            (Role::Server, None) => return Err(ClientFault::Unmasked),
            // §5.1: "A client MUST close a connection if it detects a masked frame."
            (Role::Client, Some(_)) => return Err(ClientFault::Masked),
        }
        let room = match (header.opcode, self.message) {
            // §5.4: "Control frames (see Section 5.5) MAY be injected in the middle of a fragmented
            // message." Their length is bounded by their header.
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => usize::MAX,
            (Opcode::Text | Opcode::Binary, None) => self.bytes_max(header.rsv1),
            (Opcode::Continuation, Some(_)) => self.bytes_max(self.is_compressed) - self.assembled(),
            // §5.4: "A fragmented message consists of a single frame with the FIN bit clear and an
            // opcode other than 0, followed by zero or more frames with the FIN bit clear and the
            // opcode set to 0, and terminated by a single frame with the FIN bit set and an opcode
            // of 0."
            (Opcode::Continuation, None) => return Err(ClientFault::UnexpectedContinuation),
            // §5.4: "The fragments of one message MUST NOT be interleaved between the fragments of
            // another message".
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(ClientFault::MissingContinuation),
        };
        // §10.4: implementations that have "limitations regarding the frame size or total message
        // size after reassembly from multiple frames MUST protect themselves against exceeding
        // those limits."
        let len = match usize::try_from(header.len) {
            Ok(len) if len <= room => len,
            Ok(_) | Err(_) => return Err(ClientFault::MessageTooBig),
        };
        if !header.opcode.is_control() && self.fragments >= self.fragments_max {
            return Err(ClientFault::TooManyFragments);
        }
        Ok(len)
    }

    /// Most bytes that a message may have in its frames.
    #[inline]
    const fn bytes_max(&self, is_compressed: bool) -> usize {
        match self.compressed_bytes_max {
            Some(compressed_bytes_max) if is_compressed => compressed_bytes_max,
            Some(_) | None => self.message_bytes_max,
        }
    }

    /// Begins a frame that is not whole, or not a whole message.
    fn open(&mut self, header: &FrameHeader, len: usize) {
        let FrameHeader { fin, rsv1, opcode, mask, len: _ } = *header;
        let kind = match opcode {
            Opcode::Text => Some(Kind::Text),
            Opcode::Binary => Some(Kind::Binary),
            Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong => None,
        };
        if kind.is_some() {
            self.message = kind;
            self.is_compressed = rsv1;
        }
        self.fragments += u32::from(!opcode.is_control());
        self.state = State::Payload(Frame { fin, opcode, mask, len, taken: 0 });
    }

    /// Takes what the buffer holds of a frame's payload.
    fn take(&mut self, frame: &mut Frame, buffer: &mut BytesMut) -> Result<(), ClientFault> {
        let count = buffer.len().min(frame.len - frame.taken);
        let piece = &mut buffer[..count];
        let mut is_ascii = false;
        if let Some(key) = frame.mask {
            is_ascii = mask_and_look(key, frame.taken, piece);
        }
        if frame.opcode.is_control() {
            append(&mut self.partial.get_or_insert_default().control, piece, frame.len);
        } else {
            // RFC 6455 §5.6: "Note that a particular text frame might include a partial UTF-8
            // sequence; however, the whole message MUST contain valid UTF-8."
            // Of a compressed one, what it becomes.
            let is_text = self.message == Some(Kind::Text) && !self.is_compressed;
            if is_text && !(is_ascii && self.utf8.is_complete()) {
                self.utf8.push(piece).map_err(not_utf8)?;
            }
            // Where the message ends is known with its last frame; before, only where it must.
            let message_end = self.bytes_max(self.is_compressed);
            let assembly = &mut self.partial.get_or_insert_default().assembly;
            let frame_end = assembly.len() + (frame.len - frame.taken);
            append(assembly, piece, if frame.fin { frame_end } else { message_end });
        }
        frame.taken += count;
        buffer.advance(count);
        Ok(())
    }

    /// Says what a frame amounts to, now that its payload is complete.
    fn finish(&mut self, frame: &Frame) -> Result<Option<Step>, ClientFault> {
        if frame.opcode.is_control() {
            return Ok(Some(Step::Assembled(frame.opcode)));
        }
        if !frame.fin {
            return Ok((frame.len == 0).then_some(Step::EmptyFragment));
        }
        self.utf8.finish().map_err(not_utf8)?;
        self.fragments = 0;
        let kind = self.message.take().expect("a data frame is admitted only into a message");
        Ok(Some(if self.is_compressed {
            Step::AssembledCompressed(kind)
        } else {
            Step::Assembled(kind.into())
        }))
    }

    /// The meaning of a complete payload, whose text has been checked.
    fn hand_out(&mut self, opcode: Opcode, payload: Bytes) -> Result<Option<Incoming>, ClientFault> {
        Ok(Some(match opcode {
            Opcode::Text => Incoming::Message(Data::Text(Text::from_validated(payload))),
            Opcode::Binary => Incoming::Message(Data::Binary(payload)),
            Opcode::Ping => Incoming::Ping(payload),
            Opcode::Pong => Incoming::Pong(payload),
            Opcode::Close => match CloseFrame::parse(&payload) {
                Ok(close) => {
                    self.end();
                    Incoming::Close(close)
                }
                Err(fault) => return self.fail(fault),
            },
            Opcode::Continuation => unreachable!("a continuation takes the opcode of its message"),
        }))
    }

    #[cold]
    fn fail(&mut self, fault: ClientFault) -> Result<Option<Incoming>, ClientFault> {
        self.end();
        Err(fault)
    }

    /// Reads no more, and lets go of what was held; of a control frame, nothing is by now.
    ///
    /// RFC 6455 §1.4: "after receiving a control frame indicating the connection should be closed,
    /// a peer discards any further data received." §7.1.7: "An endpoint MUST NOT continue to
    /// attempt to process data (including a responding Close frame) from the remote endpoint after
    /// being instructed to _Fail the WebSocket Connection_."
    fn end(&mut self) {
        self.state = State::Ended;
        self.message = None;
        self.partial = None;
    }
}

/// Unmasks and checks the payload of a frame that lies whole in the buffer and is no part of a
/// longer message.
#[inline]
fn whole(header: &FrameHeader, payload: &mut [u8]) -> Result<Step, ClientFault> {
    let is_ascii = header.mask.is_some_and(|key| mask_and_look(key, 0, payload));
    if header.opcode == Opcode::Text && !is_ascii && !is_utf8(payload) {
        return Err(ClientFault::Utf8);
    }
    Ok(Step::Whole { opcode: header.opcode, len: payload.len() })
}

/// RFC 6455 §8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte
/// stream is not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."
const fn not_utf8(_: NotUtf8) -> ClientFault {
    ClientFault::Utf8
}
