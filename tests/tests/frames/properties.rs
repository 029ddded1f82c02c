//! What holds for every stream.

#![expect(clippy::needless_pass_by_value, reason = "quickcheck hands its cases over by value")]

use super::script::Script;
use bytes::{Bytes, BytesMut};
use quickcheck::{Arbitrary, Gen};
use std::collections::BTreeSet;
use wsrelay_core::fault::ClientFault;
use wsrelay_core::wire::{
    CloseFrame, Data, Decoder, Incoming, Opcode, Role, encode, encode_close, encode_message,
};
use wsrelay_tests::check;
use wsrelay_tests::fuzz::{Bounds, Outcome, decode, naive};

#[test]
fn every_stream_yields_what_the_naive_decoder_says_however_it_is_cut() {
    fn decoder_agrees_with_naive(script: Script) -> bool {
        let stream = script.stream();
        let expected = naive::decode(script.bounds, &stream);
        decode(script.bounds, script.pieces(&stream)) == expected
            && decode(script.bounds, [&stream[..]]) == expected
    }
    check(3000, decoder_agrees_with_naive as fn(Script) -> bool);
}

#[test]
fn every_beginning_of_a_stream_yields_what_the_naive_decoder_says() {
    fn every_prefix_agrees_with_naive(script: Script) -> bool {
        let mut stream = script.stream();
        stream.truncate(200);
        (0..=stream.len()).all(|end| {
            let prefix = &stream[..end];
            decode(script.bounds, script.pieces(prefix)) == naive::decode(script.bounds, prefix)
        })
    }
    check(300, every_prefix_agrees_with_naive as fn(Script) -> bool);
}

/// The properties above prove nothing about what their streams never reach.
#[test]
fn the_streams_reach_every_output_and_every_fault() {
    let mut g = Gen::from_size_and_seed(64, 0);
    let mut reached = BTreeSet::new();
    for _ in 0..5000 {
        let script = Script::arbitrary(&mut g);
        let Outcome { incoming, fault } = naive::decode(script.bounds, &script.stream());
        reached.extend(incoming.iter().map(name_of));
        reached.extend(fault.iter().map(|fault| match fault {
            ClientFault::ReservedOpcode(_) => "ReservedOpcode".to_string(),
            ClientFault::CloseCode(_) => "CloseCode".to_string(),
            // Named one by one, so that a new fault has to be thought about here.
            ClientFault::ReservedBits
            | ClientFault::FragmentedControl
            | ClientFault::LongControl
            | ClientFault::Unmasked
            | ClientFault::Masked
            | ClientFault::LengthNotMinimal
            | ClientFault::LengthOverflow
            | ClientFault::UnexpectedContinuation
            | ClientFault::MissingContinuation
            | ClientFault::ShortClose
            | ClientFault::CloseReason
            | ClientFault::Utf8
            | ClientFault::MessageTooBig
            | ClientFault::TooManyFragments => format!("{fault:?}"),
            ClientFault::Flood | ClientFault::Deflate | ClientFault::DeflateRatio => {
                unreachable!("the decoder neither counts floods nor decompresses")
            }
        }));
    }
    // Sixteen faults; text, binary, compressed, ping, pong, close with and without a code, empty fragment.
    assert_eq!(reached.len(), 16 + 8, "{reached:?}");
}

#[test]
fn what_one_end_encodes_the_other_decodes() {
    fn decode_inverts_encode(client: bool, keys: Vec<u32>, parts: Vec<Part>, cuts: Vec<u8>) -> bool {
        let (mut out, mut expected) = (BytesMut::new(), Vec::new());
        let mut keys = keys.into_iter().map(u32::to_be_bytes).chain([[0; 4], [1, 2, 3, 4]]).cycle();
        for part in parts {
            part.encode(&mut out, || client.then(|| keys.next().unwrap_or_default()));
            expected.push(part.0);
            if matches!(expected.last(), Some(Incoming::Close(_))) {
                break;
            }
        }
        let role = if client { Role::Server } else { Role::Client };
        let bounds =
            Bounds { role, message_bytes_max: 1 << 20, fragments_max: 2, compressed_bytes_max: None };
        let pieces = out.chunks(cuts.first().map_or(1 << 20, |cut| usize::from(*cut).max(1)));
        decode(bounds, pieces) == Outcome { incoming: expected, fault: None }
    }
    check(500, decode_inverts_encode as fn(bool, Vec<u32>, Vec<Part>, Vec<u8>) -> bool);
}

#[test]
fn memory_at_most_doubles_and_ends_where_a_message_does() {
    fn capacity_follows(pieces: Vec<u16>) -> bool {
        let len: usize = pieces.iter().map(|piece| usize::from(*piece)).sum::<usize>() + 1;
        let mut buffer = BytesMut::new();
        let mut stream = BytesMut::new();
        encode(&mut stream, Opcode::Binary, true, None, &Bytes::from([7].repeat(len)));
        let mut decoder = Decoder::new(Role::Client, len, 1);
        for piece in pieces {
            buffer.extend_from_slice(&stream.split_to(usize::from(piece)));
            assert_eq!(decoder.decode(&mut buffer), Ok(None));
            assert!(decoder.held_capacity() <= len.min(2 * decoder.held_bytes()));
        }
        buffer.extend_from_slice(&stream);
        matches!(decoder.decode(&mut buffer), Ok(Some(Incoming::Message(data))) if data.len() == len)
            && decoder.held_capacity() == 0
    }
    check(200, capacity_follows as fn(Vec<u16>) -> bool);
}

/// Something to send, and whether it goes in one frame or in two.
#[derive(Clone, Debug)]
struct Part(Incoming, bool);

impl Part {
    fn encode(&self, out: &mut BytesMut, mut key: impl FnMut() -> Option<[u8; 4]>) {
        match &self.0 {
            Incoming::Message(data) if self.1 => {
                let (head, tail) = data.as_bytes().split_at(data.len() / 2 + 1);
                encode(out, data.kind().into(), false, key(), head);
                encode(out, Opcode::Continuation, true, key(), tail);
            }
            Incoming::Message(data) => encode_message(out, key(), data),
            Incoming::Ping(payload) => encode(out, Opcode::Ping, true, key(), payload),
            Incoming::Pong(payload) => encode(out, Opcode::Pong, true, key(), payload),
            Incoming::Close(close) => encode_close(out, key(), close.as_ref()),
            Incoming::Compressed(..) | Incoming::EmptyFragment => unreachable!("nobody sends one on purpose"),
        }
    }
}

impl Arbitrary for Part {
    fn arbitrary(g: &mut Gen) -> Self {
        let short = |g: &mut Gen| -> Bytes { Vec::arbitrary(g).into_iter().take(125).collect() };
        let incoming = match u8::arbitrary(g) % 16 {
            0..5 => Incoming::Message(Data::Text(String::arbitrary(g).into())),
            5..9 => Incoming::Message(Data::Binary(Vec::arbitrary(g).into())),
            9 => Incoming::Message(Data::Binary([9; 70_000].to_vec().into())),
            10..12 => Incoming::Ping(short(g)),
            12..14 => Incoming::Pong(short(g)),
            14 => Incoming::Close(None),
            _ => {
                let code = *g.choose(&[1000, 1014, 4999]).expect("there is a choice");
                let payload = [&u16::to_be_bytes(code)[..], "warum? 𝄞".as_bytes()].concat();
                Incoming::Close(CloseFrame::parse(&payload).expect("the payload is well-formed"))
            }
        };
        let splittable = matches!(&incoming, Incoming::Message(data) if !data.is_empty());
        Self(incoming, splittable && bool::arbitrary(g))
    }
}

fn name_of(incoming: &Incoming) -> String {
    match incoming {
        Incoming::Message(data) => data.kind().as_str(),
        Incoming::Ping(_) => "ping",
        Incoming::Pong(_) => "pong",
        Incoming::Close(Some(_)) => "close with a code",
        Incoming::Close(None) => "close without a code",
        Incoming::Compressed(..) => "compressed",
        Incoming::EmptyFragment => "empty fragment",
    }
    .into()
}
