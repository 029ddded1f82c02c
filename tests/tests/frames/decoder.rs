//! Each rule of the decoder: a stream in, the exact outputs out.

use bytes::{Bytes, BytesMut};
use wsrelay_core::fault::ClientFault;
use wsrelay_core::wire::{CloseCode, CloseFrame, Data, Decoder, Incoming, Opcode, Role, encode};
use wsrelay_tests::fuzz::{Bounds, Outcome, decode};

#[test]
fn a_message_in_one_frame_is_handed_out_without_a_copy() {
    let mut buffer = BytesMut::from(&to_server(0x82, b"payload")[..]);
    let payload_at = buffer[6..].as_ptr();
    let incoming = decoder().decode(&mut buffer);
    let Ok(Some(Incoming::Message(Data::Binary(payload)))) = incoming else { panic!("{incoming:?}") };
    assert_eq!(payload, "payload");
    assert_eq!(payload.as_ptr(), payload_at);
    assert!(buffer.is_empty());
}

#[test]
fn frames_that_arrive_together_come_out_one_by_one() {
    expect(
        [to_server(0x81, b"a"), to_server(0x89, b"b"), to_server(0x8a, b""), to_server(0x82, b"")],
        [text("a"), ping(b"b"), Incoming::Pong(Bytes::new()), binary(b"")],
        None,
    );
}

#[test]
fn an_empty_payload_is_a_message_like_any_other() {
    expect([to_server(0x81, b""), to_server(0x82, b"")], [text(""), binary(b"")], None);
}

#[test]
fn an_empty_payload_does_not_keep_the_buffer_alive() {
    let mut buffer = BytesMut::from(&to_server(0x82, b"")[..]);
    let capacity = buffer.capacity();
    let message = decoder().decode(&mut buffer);
    assert_eq!(message, Ok(Some(binary(b""))));
    assert!(buffer.try_reclaim(capacity));
}

#[test]
fn fragments_are_put_together() {
    expect(
        [to_server(0x01, b"one "), to_server(0x00, b"two "), to_server(0x80, b"three")],
        [text("one two three")],
        None,
    );
}

#[test]
fn an_empty_fragment_is_reported_unless_it_ends_the_message() {
    expect(
        [to_server(0x02, b""), to_server(0x00, b""), to_server(0x80, b"")],
        [Incoming::EmptyFragment, Incoming::EmptyFragment, binary(b"")],
        None,
    );
    expect(
        [to_server(0x01, b""), to_server(0x00, b"x"), to_server(0x80, b"")],
        [Incoming::EmptyFragment, text("x")],
        None,
    );
}

#[test]
fn control_frames_may_stand_between_fragments() {
    expect(
        [to_server(0x01, b"a"), to_server(0x89, b"p"), to_server(0x00, b"b"), to_server(0x88, b"")],
        [ping(b"p"), Incoming::Close(None)],
        None,
    );
    expect(
        [to_server(0x01, b"a"), to_server(0x8a, b"p"), to_server(0x80, b"b")],
        [Incoming::Pong(Bytes::from_static(b"p")), text("ab")],
        None,
    );
}

#[test]
fn a_server_refuses_what_is_not_masked() {
    expect([Vec::from(*b"\x81\x01a")], [], Some(ClientFault::Unmasked));
}

#[test]
fn a_client_refuses_what_is_masked() {
    let bounds = Bounds { role: Role::Client, ..BOUNDS };
    let outcome = decode(bounds, [&b"\x81\x01a"[..], &to_server(0x81, b"a")]);
    assert_eq!(outcome, Outcome { incoming: [text("a")].into(), fault: Some(ClientFault::Masked) });
}

#[test]
fn a_continuation_needs_an_open_message() {
    expect([to_server(0x80, b"a")], [], Some(ClientFault::UnexpectedContinuation));
    let frames = [to_server(0x81, b"a"), to_server(0x00, b"b")];
    expect(frames, [text("a")], Some(ClientFault::UnexpectedContinuation));
}

#[test]
fn a_message_may_not_begin_inside_another() {
    for first in [0x01, 0x81, 0x02, 0x82] {
        let frames = [to_server(0x01, b"a"), to_server(first, b"b")];
        expect(frames, [], Some(ClientFault::MissingContinuation));
    }
}

#[test]
fn a_header_that_breaks_a_rule_of_its_own_is_refused_after_all_that_came_before() {
    expect([to_server(0x81, b"a"), [0xc1].into()], [text("a")], Some(ClientFault::ReservedBits));
}

#[test]
fn a_character_may_be_cut_by_a_fragment_and_a_ping_stand_inside_it() {
    expect(
        [to_server(0x01, b"\xe2\x82"), to_server(0x89, b"\xff"), to_server(0x80, b"\xac")],
        [ping(b"\xff"), text("€")],
        None,
    );
}

#[test]
fn text_must_be_complete_when_its_message_ends() {
    expect([to_server(0x81, b"\xe2\x82")], [], Some(ClientFault::Utf8));
    expect([to_server(0x01, b"\xe2"), to_server(0x80, b"\x82")], [], Some(ClientFault::Utf8));
}

#[test]
fn text_is_refused_with_its_first_impossible_byte() {
    let frame = to_server(0x81, b"ok\xf4\x90 and more to come");
    let header_bytes = 6;
    assert_eq!(decode(BOUNDS, [&frame[..header_bytes + 3]]), Outcome::default());
    let fault = Some(ClientFault::Utf8);
    assert_eq!(decode(BOUNDS, [&frame[..header_bytes + 4]]), Outcome { fault, ..Outcome::default() });
}

#[test]
fn binary_may_hold_anything() {
    expect([to_server(0x02, b"\xff"), to_server(0x80, b"\xc3")], [binary(b"\xff\xc3")], None);
}

#[test]
fn a_message_too_big_is_refused_with_its_header() {
    let max = BOUNDS.message_bytes_max;
    expect([to_server(0x82, &[b'a'].repeat(max))], [binary(&[b'a'].repeat(max))], None);
    let too_big = to_server(0x82, &[b'a'].repeat(max + 1));
    expect([too_big[..7].into()], [], None);
    expect([too_big[..8].into()], [], Some(ClientFault::MessageTooBig));
}

#[test]
fn a_message_too_big_in_sum_is_refused_with_the_header_that_makes_it_so() {
    let frames = [to_server(0x02, &[b'a'; 150]), to_server(0x00, &[b'a'; 50])];
    let [first, second] = frames.clone();
    expect([first.clone(), second.clone(), to_server(0x80, b"")], [binary(&[b'a'; 200])], None);
    expect([first, second, to_server(0x80, b"a")[..6].into()], [], Some(ClientFault::MessageTooBig));
}

#[test]
fn a_length_near_the_largest_is_too_big_and_does_not_wrap() {
    let header = [&[0x80, 0xff, 0x7f][..], &[0xff; 7], &[0; 4]].concat();
    expect([to_server(0x02, b"a"), header], [], Some(ClientFault::MessageTooBig));
}

#[test]
fn a_control_frame_is_no_part_of_a_message_and_not_under_its_bound() {
    let bounds = Bounds { message_bytes_max: 0, fragments_max: 0, ..BOUNDS };
    let frame = to_server(0x89, &[b'p'; 125]);
    assert_eq!(decode(bounds, [&frame[..50], &frame[50..]]).incoming, [ping(&[b'p'; 125])]);
    assert_eq!(decode(bounds, [&frame[..]]).incoming, [ping(&[b'p'; 125])]);
}

#[test]
fn a_message_in_too_many_frames_is_refused_and_the_next_one_counts_anew() {
    let message = [to_server(0x02, b"a"), to_server(0x00, b"b"), to_server(0x80, b"c")].concat();
    expect([message.clone(), message], [binary(b"abc"), binary(b"abc")], None);
    expect(
        [to_server(0x02, b"a"), to_server(0x00, b"b"), to_server(0x00, b"c"), to_server(0x80, b"d")],
        [],
        Some(ClientFault::TooManyFragments),
    );
}

#[test]
fn a_breach_of_the_protocol_goes_before_a_breach_of_a_limit() {
    let huge = [0x82, 0x7f, 0, 0, 1, 0, 0, 0, 0, 0];
    expect([huge.into()], [], Some(ClientFault::Unmasked));
    let masked = [0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4];
    expect([to_server(0x01, b"a"), masked.into()], [], Some(ClientFault::MissingContinuation));
}

#[test]
fn nothing_is_read_after_a_close_frame() {
    let close = CloseFrame { code: CloseCode::GOING_AWAY, reason: "off".into() };
    expect(
        [to_server(0x88, b"\x03\xe9off"), to_server(0x81, b"late"), [0xff].into()],
        [Incoming::Close(Some(close))],
        None,
    );
}

#[test]
fn a_malformed_close_frame_is_a_fault() {
    expect([to_server(0x88, b"\x03")], [], Some(ClientFault::ShortClose));
    expect([to_server(0x88, b"\x03\xed")], [], Some(ClientFault::CloseCode(1005)));
    expect([to_server(0x88, b"\x03\xe8\xff")], [], Some(ClientFault::CloseReason));
}

#[test]
fn what_has_arrived_is_taken_at_once_and_let_go_when_it_is_handed_out() {
    let mut decoder = decoder();
    let (first, second) = (to_server(0x01, b"ab"), to_server(0x80, b"cdef"));
    let mut buffer = BytesMut::from(&[&first[..], &second[..8]].concat()[..]);
    assert_eq!(decoder.decode(&mut buffer), Ok(None));
    assert_eq!((decoder.held_bytes(), decoder.is_mid_message(), buffer.len()), (4, true, 0));

    buffer.extend_from_slice(&second[8..]);
    assert_eq!(decoder.decode(&mut buffer), Ok(Some(text("abcdef"))));
    assert_eq!((decoder.held_bytes(), decoder.held_capacity(), decoder.is_mid_message()), (0, 0, false));
}

#[test]
fn an_announced_length_reserves_nothing() {
    let mut decoder = Decoder::new(Role::Client, usize::MAX, 1);
    let mut buffer = BytesMut::from(&b"\x82\x7f\x00\x00\x7f\x00\x00\x00\x00\x00abc"[..]);
    assert_eq!(decoder.decode(&mut buffer), Ok(None));
    assert_eq!((decoder.held_bytes(), decoder.held_capacity()), (3, 3));
}

#[test]
fn small_fragments_after_a_large_one_do_not_copy_it_each_time() {
    let mut decoder = Decoder::new(Role::Client, 1 << 20, 10_000);
    let mut buffer = BytesMut::new();
    encode(&mut buffer, Opcode::Binary, false, None, &[0; 1000]);
    let mut growths = 0;
    for _ in 0..5000 {
        let capacity = decoder.held_capacity();
        encode(&mut buffer, Opcode::Continuation, false, None, &[0]);
        assert_eq!(decoder.decode(&mut buffer), Ok(None));
        growths += usize::from(decoder.held_capacity() != capacity);
    }
    assert_eq!((decoder.held_bytes(), growths), (6000, 3));
}

#[test]
fn an_idle_decoder_is_small_and_allocates_nothing() {
    assert!(size_of::<Decoder>() <= 128, "{}", size_of::<Decoder>());
    assert_eq!((decoder().held_capacity(), decoder().held_bytes()), (0, 0));
}

const BOUNDS: Bounds =
    Bounds { role: Role::Server, message_bytes_max: 200, fragments_max: 3, compressed_bytes_max: None };

/// A server decodes these frames to these outputs, all at once as well as byte by byte.
#[track_caller]
fn expect<const N: usize>(
    frames: impl IntoIterator<Item = Vec<u8>>,
    incoming: [Incoming; N],
    fault: Option<ClientFault>,
) {
    let stream: Vec<u8> = frames.into_iter().flatten().collect();
    let expected = Outcome { incoming: incoming.into(), fault };
    assert_eq!(decode(BOUNDS, [&stream[..]]), expected);
    assert_eq!(decode(BOUNDS, stream.chunks(1)), expected);
}

fn decoder() -> Decoder {
    Decoder::new(BOUNDS.role, BOUNDS.message_bytes_max, BOUNDS.fragments_max)
}

/// A client's frame: `first` holds FIN and the opcode.
fn to_server(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x11, 0x22, 0x33, 0x44];
    let len = u8::try_from(payload.len()).expect("test payloads are short");
    let mut frame = if len < 126 { [first, 0x80 | len].to_vec() } else { [first, 0xfe, 0, len].to_vec() };
    frame.extend_from_slice(&key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn text(text: &'static str) -> Incoming {
    Incoming::Message(Data::Text(text.into()))
}

fn binary(payload: &[u8]) -> Incoming {
    Incoming::Message(Data::Binary(Bytes::copy_from_slice(payload)))
}

fn ping(payload: &[u8]) -> Incoming {
    Incoming::Ping(Bytes::copy_from_slice(payload))
}
