use super::*;
use alloc::vec;
use alloc::vec::Vec;

const MIB: usize = 1024 * 1024;

fn deflated(deflater: &mut Deflater, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    deflater.compress(message, &mut out);
    out
}

fn inflated(inflater: &mut Inflater, payload: &[u8], max: usize) -> Result<Vec<u8>, ClientFault> {
    let mut out = Vec::new();
    inflater.inflate(payload, max, None, &mut out).map(|()| out)
}

/// Bytes that do not get smaller.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    core::iter::repeat_with(next).take(len).collect()
}

/// RFC 7692 §7.2.3: the document's own examples of "Hello".
#[test]
fn the_examples_of_the_rfc_are_read() {
    let mut inflater = Inflater::new();
    for payload in [
        // §7.2.3.1: one block; §7.2.3.3: a stored one; §7.2.3.4: the last of all, then an empty one; §7.2.3.5: two blocks.
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ] {
        inflater.reset();
        assert_eq!(inflated(&mut inflater, payload, 5), Ok(b"Hello".to_vec()), "{payload:x?}");
    }
    // §7.2.3.2: the same message again, as a reference to the first.
    inflater.reset();
    let (first, second) = (&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    assert_eq!(inflated(&mut inflater, first, 5), Ok(b"Hello".to_vec()));
    assert_eq!(inflated(&mut inflater, second, 5), Ok(b"Hello".to_vec()));
    // §7.2.3.6: "the empty message" is one byte.
    assert_eq!(inflated(&mut inflater, &[0x00], 5), Ok(Vec::new()));
    assert_eq!(inflated(&mut inflater, &[], 5), Ok(Vec::new()));
}

/// RFC 7692 §7.2.3.6: also where there is nothing to flush.
#[test]
fn empty_messages_are_one_byte_each() {
    let mut deflater = Deflater::new(15, 6);
    let mut inflater = Inflater::new();
    for message in [&b""[..], b"", b"words", b"", b"words"] {
        let payload = deflated(&mut deflater, message);
        assert_eq!(payload == [0x00], message.is_empty());
        assert_eq!(inflated(&mut inflater, &payload, 5), Ok(message.to_vec()));
    }
}

#[test]
fn messages_of_every_size_and_kind_go_there_and_back_through_every_window() {
    for window_bits in 8..=15 {
        let mut deflater = Deflater::new(window_bits, 6);
        let mut inflater = Inflater::new();
        for len in [1, 2, 255, 256, 257, 1000, 16 * 1024, 70_000, MIB] {
            for message in [vec![b'a'; len], noise(len), b"one of many words ".repeat(len / 18 + 1)] {
                let payload = deflated(&mut deflater, &message);
                assert!(payload.len() <= compressed_bytes_max(message.len()), "{} of {len}", payload.len());
                assert!(!payload.ends_with(&TAIL));
                assert_eq!(
                    inflated(&mut inflater, &payload, message.len()),
                    Ok(message),
                    "{window_bits} {len}"
                );
            }
        }
    }
}

/// What is outside is the nearest: no such number panics.
#[test]
fn a_window_or_level_out_of_range_is_the_nearest() {
    for (window_bits, level) in [(0, 0), (8, 10), (255, 255)] {
        let payload = deflated(&mut Deflater::new(window_bits, level), b"hello hello hello");
        assert_eq!(inflated(&mut Inflater::new(), &payload, 100), Ok(b"hello hello hello".to_vec()));
    }
}

/// A message that refers to earlier ones is smaller, and cannot be read without them.
#[test]
fn what_was_said_before_is_remembered_until_it_is_reset() {
    let message = noise(300);
    let mut deflater = Deflater::new(15, 6);
    let first = deflated(&mut deflater, &message);
    let second = deflated(&mut deflater, &message);
    assert!(second.len() < 20 && first.len() > 300, "{} after {}", second.len(), first.len());
    assert_eq!(inflated(&mut Inflater::new(), &second, 300), Err(ClientFault::Deflate));
    deflater.reset();
    assert_eq!(deflated(&mut deflater, &message), first);
}

/// A window of 256 bytes holds nothing that is 300 bytes old, although the compressor's own is larger.
#[test]
fn a_window_of_eight_bits_is_kept_to() {
    let (message, between) = (noise(40), [noise(256), vec![0; 44]].concat());
    for (window_bits, is_found) in [(8, false), (9, false), (10, true)] {
        let mut deflater = Deflater::new(window_bits, 9);
        let whole = [&message[..], &between, &message].concat();
        let with = deflated(&mut deflater, &whole).len();
        deflater.reset();
        let without = deflated(&mut deflater, &[&message[..], &between, &noise(500)[460..]].concat()).len();
        assert_eq!(with + 20 < without, is_found, "{window_bits}: {with} and {without}");
    }
}

/// 10 MiB out of some 10 KiB: it costs the bound and one step.
#[test]
fn a_bomb_is_refused_within_the_bound() {
    let bomb = deflated(&mut Deflater::new(15, 9), &vec![0; 10 * MIB]);
    assert!(bomb.len() < 12_000, "{}", bomb.len());
    let mut out = Vec::new();
    let result = Inflater::new().inflate(&bomb, MIB, None, &mut out);
    assert_eq!(result, Err(ClientFault::MessageTooBig));
    assert!(
        (MIB..=MIB + STEP_BYTES).contains(&out.len()) && out.capacity() <= MIB + STEP_BYTES,
        "{}",
        out.capacity()
    );
    let mut out = Vec::new();
    let result = Inflater::new().inflate(&bomb, 20 * MIB, NonZeroU32::new(100), &mut out);
    assert_eq!(result, Err(ClientFault::DeflateRatio));
    assert!(out.len() <= 100 * bomb.len() + STEP_BYTES);
    assert_eq!(inflated(&mut Inflater::new(), &bomb, 10 * MIB).map(|out| out.len()), Ok(10 * MIB));
}

/// Blocks without content cost their bytes and nothing else.
#[test]
fn a_million_empty_blocks_are_an_empty_message() {
    let blocks = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(1_000_000);
    assert_eq!(inflated(&mut Inflater::new(), &blocks[..blocks.len() - 4], 0), Ok(Vec::new()));
    // The last of all, a million times over.
    let finals = [0x03, 0x00].repeat(1_000_000);
    assert_eq!(inflated(&mut Inflater::new(), &finals, 0), Ok(Vec::new()));
}

#[test]
fn what_is_no_deflate_data_is_the_clients_fault() {
    for payload in [&[0xff][..], &[0x06, 0xff, 0x00], &[0x01, 0x05, 0x00, 0x00, 0x00]] {
        assert_eq!(inflated(&mut Inflater::new(), payload, MIB), Err(ClientFault::Deflate), "{payload:x?}");
    }
}

/// What the tail would complete, or would be taken for a part of, was cut off: within bytes that stand for themselves, within
/// a symbol, behind the last symbol of a block.
#[test]
fn a_message_that_was_cut_off_is_the_clients_fault() {
    for payload in [
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48][..],
        &[0x00, 0x08, 0x00, 0xf7, 0xff, 0x48],
        &[0xf2, 0x48],
        &[0xf2, 0x48, 0xcd, 0xc9],
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9],
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07],
    ] {
        // Also where what the tail would say is too much.
        for max in [5, MIB] {
            let result = inflated(&mut Inflater::new(), payload, max);
            assert_eq!(result, Err(ClientFault::Deflate), "{payload:x?} {max}");
        }
    }
}
