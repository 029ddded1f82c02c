//! Frames, written and read in the plainest way that RFC 6455 §5.2 allows.

use std::fmt;

/// One frame, as it is on the wire but for mask and length.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whether it ends its message.
    pub fin: bool,
    /// RSV1 to RSV3, as a number from 0 to 7.
    pub reserved: u8,
    /// The opcode.
    pub opcode: u8,
    /// Whether a client sends it masked, as it must.
    pub masked: bool,
    /// The payload, unmasked.
    pub payload: Vec<u8>,
}

/// The key with which every client masks.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

impl Frame {
    /// A final, masked frame.
    #[must_use]
    pub fn new(opcode: u8, payload: &[u8]) -> Self {
        Self { fin: true, reserved: 0, opcode, masked: true, payload: payload.to_vec() }
    }

    /// The frame's bytes as a client sends them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes);
        bytes
    }

    /// Appends the frame's bytes.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self.fin) << 7 | self.reserved << 4 | self.opcode);
        let mask = u8::from(self.masked) << 7;
        let len = self.payload.len();
        if let (Ok(short), true) = (u8::try_from(len), len <= 125) {
            bytes.push(mask | short);
        } else if let Ok(long) = u16::try_from(len) {
            bytes.push(mask | 126);
            bytes.extend(long.to_be_bytes());
        } else {
            bytes.push(mask | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
        if self.masked {
            bytes.extend(KEY);
            bytes.extend(self.payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
        } else {
            bytes.extend(&self.payload);
        }
    }

    /// The first frame of a server in `bytes`, and its length; `None` while it is not whole.
    ///
    /// # Errors
    ///
    /// In words, when a server may not send it: masked, reserved bits but RSV1 on a message, a length not written in the fewest bytes, or a
    /// control frame that is long or fragmented.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, String> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        if second & 0x80 != 0 {
            return Err("a frame of the server's is masked".into());
        }
        let reserved = first >> 4 & 7;
        if !(reserved == 0 || (reserved == 4 && matches!(first & 0x0f, 1 | 2))) {
            return Err("reserved bits are set that no extension defines".into());
        }
        if first & 0x08 != 0 && (first & 0x80 == 0 || *second > 125) {
            return Err("a control frame is fragmented, or longer than 125 bytes".into());
        }
        let (extended, shortest) = match second {
            126 => (2, 126),
            127 => (8, 0x1_0000),
            _ => (0, 0),
        };
        let Some((extended, rest)) = rest.split_at_checked(extended) else { return Ok(None) };
        let len = match extended {
            [] => u64::from(*second),
            bytes => bytes.iter().fold(0, |len, byte| len << 8 | u64::from(*byte)),
        };
        if len < shortest {
            return Err(format!("a length of {len} is not written in the fewest bytes"));
        }
        let len = usize::try_from(len).map_err(|_| format!("a frame of {len} bytes"))?;
        let Some(payload) = rest.get(..len) else { return Ok(None) };
        let fin = first & 0x80 != 0;
        let frame = Self { fin, reserved, opcode: first & 0x0f, masked: true, payload: payload.to_vec() };
        Ok(Some((frame, 2 + extended.len() + len)))
    }

    /// `text` or `binary`, for a data frame.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        if self.opcode == 2 { "binary" } else { "text" }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.opcode {
            0 => "continuation",
            1 => "text",
            2 => "binary",
            8 => "close",
            9 => "ping",
            10 => "pong",
            _ => "reserved",
        };
        let payload = match (self.opcode, &self.payload[..]) {
            (8, [high, low, reason @ ..]) => {
                format!("{} {:?}", u16::from_be_bytes([*high, *low]), String::from_utf8_lossy(reason))
            }
            (_, long) if long.len() > 80 => format!("{} bytes", long.len()),
            (_, payload) => format!("{:?}", String::from_utf8_lossy(payload)),
        };
        let compressed = if self.reserved & 4 == 0 { "" } else { "compressed " };
        write!(f, "{compressed}{name}({payload})")?;
        if self.fin { Ok(()) } else { f.write_str("…") }
    }
}

/// A text message in one frame.
#[must_use]
pub fn text(text: &str) -> Frame {
    Frame::new(1, text.as_bytes())
}

/// A binary message in one frame.
#[must_use]
pub fn binary(bytes: &[u8]) -> Frame {
    Frame::new(2, bytes)
}

/// A ping.
#[must_use]
pub fn ping(payload: &[u8]) -> Frame {
    Frame::new(9, payload)
}

/// A pong.
#[must_use]
pub fn pong(payload: &[u8]) -> Frame {
    Frame::new(10, payload)
}

/// A close frame with a code and a reason.
#[must_use]
pub fn close(code: u16, reason: &str) -> Frame {
    Frame::new(8, &[&code.to_be_bytes()[..], reason.as_bytes()].concat())
}

/// A close frame that says nothing.
#[must_use]
pub fn empty_close() -> Frame {
    Frame::new(8, b"")
}

/// The frame, made the first of several.
#[must_use]
pub fn first_of(frame: Frame) -> Frame {
    Frame { fin: false, ..frame }
}

/// A continuation; `fin` says whether the message ends with it.
#[must_use]
pub fn continuation(payload: &[u8], fin: bool) -> Frame {
    Frame { fin, ..Frame::new(0, payload) }
}

/// The frame, with the bit that says that its message is compressed.
#[must_use]
pub fn compressed(frame: Frame) -> Frame {
    Frame { reserved: 4, ..frame }
}

/// The frame, without the mask that a client owes.
#[must_use]
pub fn unmasked(frame: Frame) -> Frame {
    Frame { masked: false, ..frame }
}
