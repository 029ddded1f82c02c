use super::*;
use alloc::format;
use alloc::string::String;
use alloc::vec;

const MIB: usize = 1024 * 1024;

fn text(word: &str) -> String {
    word.repeat(40)
}

fn compressed(engine: &mut Engine, message: &[u8], window_bits: u8) -> Option<Bytes> {
    engine.compress(message, window_bits, &Deflate::default(), MIB)
}

/// The same message to many clients is compressed once, wherever its bytes lie; with another window it is another one.
#[test]
fn a_message_is_compressed_once_for_all_that_agreed_on_the_same() {
    let mut engine = Engine::default();
    let first = compressed(&mut engine, text("word").as_bytes(), 15).expect("it gets smaller");
    for _ in 0..10 {
        let again = compressed(&mut engine, text("word").as_bytes(), 15).expect("as before");
        assert_eq!(again.as_ptr(), first.as_ptr(), "not compressed anew");
    }
    let other = compressed(&mut engine, text("word").as_bytes(), 9).expect("it gets smaller");
    assert_ne!(other.as_ptr(), first.as_ptr());
    assert_eq!(engine.parts().ways.len(), 2);
}

/// What goes out depends on the message alone, whatever went before and whatever is remembered.
#[test]
fn a_message_that_stands_for_itself_is_always_the_same() {
    let (mut engine, options) = (Engine::default(), Deflate::default());
    let first = engine.compress(text("word").as_bytes(), 15, &options, 0);
    for number in 0..100 {
        engine.compress(text(&format!("{number} ")).as_bytes(), 15, &options, 0);
    }
    assert!(first.is_some());
    assert_eq!(engine.compress(text("word").as_bytes(), 15, &options, 0), first);
}

#[test]
fn what_does_not_get_smaller_is_not_compressed() {
    let mut engine = Engine::default();
    for _ in 0..2 {
        assert_eq!(compressed(&mut engine, b"\x01\x80\xfe\x07", 15), None);
    }
}

/// Levels are the operator's, so that only windows make ways; past the bound, one gives room for another.
#[test]
fn what_is_kept_is_bounded() {
    let mut engine = Engine::default();
    for level in 1..=9 {
        let options = Deflate { level, ..Deflate::default() };
        for window_bits in [8, 9, 15] {
            assert!(engine.compress(&vec![level; MIB], window_bits, &options, 0).is_some());
            let parts = engine.parts();
            assert!(parts.ways.len() <= WAYS_MAX);
            assert!(parts.work.is_empty() && parts.work.capacity() <= WORK_BYTES_KEPT);
        }
    }
}
