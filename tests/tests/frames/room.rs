//! Room that an owner lends to a long message.

use bytes::BytesMut;
use wsrelay_core::wire::{Data, Decoder, Incoming, Opcode, Role, encode};

const LONG: usize = 400_000;
/// Of a frame this long: two bytes, the length in eight, the masking key (RFC 6455 §5.2).
const HEADER: usize = 2 + 8 + 4;

#[test]
fn a_long_message_asks_for_room_once_a_quarter_of_it_is_here() {
    let (mut decoder, frame) = (decoder(), frame(Opcode::Binary, true, LONG));
    let mut arrived = 0;
    let mut wants = |until: usize| {
        assert_eq!(decoder.decode(&mut BytesMut::from(&frame[arrived..until])), Ok(None));
        arrived = until;
        decoder.wants_room()
    };
    assert_eq!([HEADER, HEADER + LONG / 4 - 1, HEADER + LONG / 4].map(&mut wants), [0, 0, LONG]);
}

#[test]
fn a_message_that_is_nearly_whole_asks_for_no_room() {
    let frame = frame(Opcode::Binary, true, LONG);
    let wants = [64 * 1024, 64 * 1024 - 1].map(|missing| {
        let mut decoder = decoder();
        assert_eq!(decoder.decode(&mut BytesMut::from(&frame[..frame.len() - missing])), Ok(None));
        decoder.wants_room()
    });
    assert_eq!(wants, [LONG, 0]);
}

/// With what it held before, here of an earlier frame as well, and without anything of the room's former content.
#[test]
fn a_message_goes_on_in_the_room_that_it_is_lent() {
    let mut decoder = decoder();
    let mut frames = frame(Opcode::Binary, false, 7);
    let second = frames.len();
    frames.extend_from_slice(&frame(Opcode::Continuation, true, LONG));
    let until = second + HEADER + LONG / 2;
    assert_eq!(decoder.decode(&mut BytesMut::from(&frames[..until])), Ok(None));
    assert_eq!(decoder.wants_room(), 7 + LONG);

    let room = BytesMut::from(&vec![0xff; 7 + LONG][..]);
    let place = room.as_ptr();
    decoder.lend(room);
    assert_eq!((decoder.held_bytes(), decoder.wants_room()), (7 + LONG / 2, 0));

    let Ok(Some(Incoming::Message(Data::Binary(data)))) =
        decoder.decode(&mut BytesMut::from(&frames[until..]))
    else {
        panic!("no message");
    };
    assert_eq!(data.as_ptr(), place);
    assert_eq!(data, [content(7), content(LONG)].concat());
    assert_eq!(decoder.held_capacity(), 0);
}

#[test]
fn room_for_no_message_is_given_up() {
    let mut decoder = decoder();
    decoder.lend(BytesMut::with_capacity(LONG));
    assert_eq!((decoder.wants_room(), decoder.held_capacity()), (0, 0));
}

fn decoder() -> Decoder {
    Decoder::new(Role::Server, 1 << 20, 10)
}

/// A client's frame.
fn frame(opcode: Opcode, fin: bool, len: usize) -> BytesMut {
    let mut frame = BytesMut::new();
    encode(&mut frame, opcode, fin, Some([1, 2, 3, 4]), &content(len));
    frame
}

fn content(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}
