//! Streams of frames for the properties: well-formed, and then, in half of them, broken in a place or two.
//!
//! Random bytes alone would hardly ever get past the first header.

use quickcheck::{Arbitrary, Gen};
use wsrelay_core::wire::Role;
use wsrelay_tests::below;
use wsrelay_tests::fuzz::Bounds;

/// A stream, the decoder it is for, and how it is cut into pieces.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) bounds: Bounds,
    frames: Vec<RawFrame>,
    /// How many bytes at the end of the stream never arrive.
    lost: usize,
    /// The lengths of the pieces, used in turn. Empty: all in one.
    cuts: Vec<u8>,
}

/// A frame that need not keep any rule.
#[derive(Clone, Debug)]
struct RawFrame {
    /// FIN, the reserved bits and the opcode.
    first: u8,
    form: Form,
    announced: u64,
    mask: Option<[u8; 4]>,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Minimal,
    Bits16,
    Bits64,
}

impl Script {
    /// All the bytes that arrive.
    pub(crate) fn stream(&self) -> Vec<u8> {
        let mut stream = Vec::new();
        for frame in &self.frames {
            frame.write(&mut stream);
        }
        stream.truncate(stream.len().saturating_sub(self.lost));
        stream
    }

    /// A stream in the pieces that it arrives in.
    pub(crate) fn pieces<'a>(&self, stream: &'a [u8]) -> Vec<&'a [u8]> {
        let (mut pieces, mut rest) = (Vec::new(), stream);
        for cut in self.cuts.iter().cycle() {
            if rest.is_empty() {
                return pieces;
            }
            let (piece, after) = rest.split_at(usize::from(*cut).clamp(1, rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        pieces
    }
}

impl Arbitrary for Script {
    fn arbitrary(g: &mut Gen) -> Self {
        let role = pick(g, &[Role::Server, Role::Client]);
        let compressed_bytes_max = pick(g, &[None, None, Some(200_000), Some(60)]);
        let mut frames = well_formed(g, role == Role::Server, compressed_bytes_max.is_some());
        let mut lost = 0;
        if bool::arbitrary(g) {
            for _ in 0..=below(g, 2) {
                break_one(g, &mut frames);
            }
            lost = pick(g, &[0, 0, 0, 1, 2, 7, 30]);
        }
        let cuts = match below(g, 4) {
            0 => Vec::new(),
            1 => [1].into(),
            _ => Vec::arbitrary(g),
        };
        let message_bytes_max = pick(g, &[0, 10, 130, 400, 200_000, 200_000, 200_000]);
        let fragments_max = pick(g, &[1, 2, 4, 1000, 1000]);
        Self {
            bounds: Bounds { role, message_bytes_max, fragments_max, compressed_bytes_max },
            frames,
            lost,
            cuts,
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let (by_cuts, by_lost, by_frames) = (self.clone(), self.clone(), self.clone());
        let cuts = self.cuts.shrink().map(move |cuts| Self { cuts, ..by_cuts.clone() });
        let lost = self.lost.shrink().map(move |lost| Self { lost, ..by_lost.clone() });
        let frames = self.frames.shrink().map(move |frames| Self { frames, ..by_frames.clone() });
        Box::new(frames.chain(lost).chain(cuts))
    }
}

impl Arbitrary for RawFrame {
    /// A frame on its own: what a script inserts where it does not belong.
    fn arbitrary(g: &mut Gen) -> Self {
        let first = pick(g, &[0x00, 0x80, 0x01, 0x81, 0x02, 0x82, 0x88, 0x89, 0x8a]);
        let payload: Vec<u8> = (0..below(g, 4)).map(|_| pick(g, &EDGES)).collect();
        let masked = bool::arbitrary(g);
        Self::new(g, first, masked, payload)
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let frame = self.clone();
        let truthful = self.announced == self.payload.len() as u64;
        Box::new(self.payload.shrink().map(move |payload| {
            let announced = if truthful { payload.len() as u64 } else { frame.announced };
            Self { announced, payload, ..frame.clone() }
        }))
    }
}

/// Bytes at the edges of the classes of UTF-8.
const EDGES: [u8; 12] = [0x00, 0x7f, 0x80, 0x90, 0xa0, 0xbf, 0xc3, 0xe2, 0xed, 0xf0, 0xf4, 0xff];

impl RawFrame {
    fn new(g: &mut Gen, first: u8, masked: bool, payload: Vec<u8>) -> Self {
        let mask = masked.then(|| [(); 4].map(|()| u8::arbitrary(g)));
        Self { first, form: Form::Minimal, announced: payload.len() as u64, mask, payload }
    }

    fn write(&self, stream: &mut Vec<u8>) {
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        let len = self.announced.to_be_bytes();
        stream.push(self.first);
        if self.form == Form::Minimal && self.announced < 126 {
            stream.push(masked | len[7]);
        } else if self.form == Form::Bits16 || self.form == Form::Minimal && self.announced < 65536 {
            stream.push(masked | 126);
            stream.extend_from_slice(&len[6..]);
        } else {
            stream.push(masked | 127);
            stream.extend_from_slice(&len);
        }
        stream.extend_from_slice(self.mask.as_ref().map_or(&[], |key| &key[..]));
        let key = self.mask.unwrap_or_default();
        stream.extend(self.payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }
}

/// Frames that keep every rule.
fn well_formed(g: &mut Gen, masked: bool, compresses: bool) -> Vec<RawFrame> {
    let mut frames = Vec::new();
    // What the open message still has to bring.
    let mut open: Option<Vec<u8>> = None;
    for _ in 0..below(g, 12) {
        if below(g, 3) == 0 {
            let first = if below(g, 6) == 0 { 0x88 } else { pick(g, &[0x89, 0x8a]) };
            let payload =
                if first == 0x88 { close_payload(g) } else { [b'a'].repeat(pick(g, &[0, 1, 4, 125])) };
            frames.push(RawFrame::new(g, first, masked, payload));
            continue;
        }
        let (opcode, mut payload) = match open.take() {
            Some(rest) => (0, rest),
            // RSV1: any bytes, also in a text.
            None if compresses && bool::arbitrary(g) => (pick(g, &[0x41, 0x42]), binary(g)),
            None if bool::arbitrary(g) => (1, text(g)),
            None => (2, binary(g)),
        };
        if below(g, 3) == 0 {
            frames.push(RawFrame::new(g, 0x80 | opcode, masked, payload));
        } else {
            // The cut may fall inside a character.
            open = Some(payload.split_off(below(g, payload.len() + 1)));
            frames.push(RawFrame::new(g, opcode, masked, payload));
        }
    }
    frames
}

/// Breaks a rule, most likely.
fn break_one(g: &mut Gen, frames: &mut Vec<RawFrame>) {
    if below(g, 4) == 0 {
        // A frame too many, or one too few.
        let at = below(g, frames.len() + 1);
        if at == frames.len() || bool::arbitrary(g) {
            frames.insert(at, RawFrame::arbitrary(g));
        } else {
            frames.remove(at);
        }
        return;
    }
    let at = below(g, frames.len().max(1));
    let Some(frame) = frames.get_mut(at) else { return };
    match below(g, 6) {
        0 => frame.first ^= 1 << below(g, 8),
        1 => frame.form = pick(g, &[Form::Bits16, Form::Bits64]),
        2 => frame.announced = pick(g, &[0, 126, 65535, 65536, 1 << 32, 1 << 63, u64::MAX / 2]),
        3 => frame.mask = if frame.mask.is_some() { None } else { Some([1, 2, 3, 4]) },
        4 => {
            // The length stays true, so that the payload is what is wrong.
            frame.payload.insert(below(g, frame.payload.len() + 1), pick(g, &EDGES));
            frame.announced = frame.payload.len() as u64;
        }
        _ => {
            let code = pick(g, &[0, 999, 1000, 1004, 1005, 1006, 1014, 1015, 2999, 3000, 4999, 5000_u16]);
            frame.first = 0x88;
            frame.payload = [&code.to_be_bytes()[..], &[pick(g, &EDGES)]].concat();
            frame.payload.truncate(pick(g, &[1, 2, 3]));
            frame.announced = frame.payload.len() as u64;
        }
    }
}

fn text(g: &mut Gen) -> Vec<u8> {
    (0..below(g, 40)).flat_map(|_| pick(g, &["a", "ß", "€", "𝄞", "\u{d7ff}", "\u{10ffff}"]).bytes()).collect()
}

/// Mostly short, and at times around the lengths at which the header changes its form.
fn binary(g: &mut Gen) -> Vec<u8> {
    let large = below(g, 30) == 0;
    let len =
        if large { pick(g, &[65535, 65536]) } else { pick(g, &[0, 0, 1, 5, 16, 16, 125, 126, 127, 300]) };
    let start = u8::arbitrary(g);
    (0..len).map(|index: u32| start.wrapping_add(index.to_le_bytes()[0])).collect()
}

fn close_payload(g: &mut Gen) -> Vec<u8> {
    pick(g, &[&[][..], &[0x03, 0xe8], &[0x03, 0xf1, b'b', b'y', b'e'], &[0x0f, 0xa0, 0xe2, 0x82, 0xac]])
        .into()
}

fn pick<T: Clone>(g: &mut Gen, choices: &[T]) -> T {
    g.choose(choices).expect("there is a choice").clone()
}
