use super::*;
use alloc::string::String;
use alloc::vec;

const AGREEMENT: Agreement = Agreement {
    server_no_context_takeover: true,
    client_no_context_takeover: true,
    server_max_window_bits: None,
    client_max_window_bits: None,
};

fn text(word: &str) -> Data {
    Data::Text(String::from(word).repeat(40).into())
}

fn recent(engine: &mut Engine) -> usize {
    engine.parts().recent.len()
}

/// The same message to many clients is compressed once, wherever its bytes lie; with another window it is another one.
#[test]
fn a_message_is_compressed_once_for_all_that_agreed_on_the_same() {
    let (mut engine, options) = (Engine::default(), Deflate::default());
    let first = engine.compress(&text("word"), &AGREEMENT, &options).expect("it gets smaller");
    for _ in 0..10 {
        let again = engine.compress(&text("word"), &AGREEMENT, &options).expect("as before");
        assert_eq!(again.as_ptr(), first.as_ptr(), "not compressed anew");
    }
    let narrow = Agreement { server_max_window_bits: Some(9), ..AGREEMENT };
    let other = engine.compress(&text("word"), &narrow, &options).expect("it gets smaller");
    assert_ne!(other.as_ptr(), first.as_ptr());
    assert_eq!((recent(&mut engine), engine.parts().deflaters.len()), (2, 2));
}

/// What goes out depends on the message alone, whatever went before.
#[test]
fn a_message_that_stands_for_itself_is_always_the_same() {
    let (mut engine, options) = (Engine::default(), Deflate::default());
    let first = engine.compress(&text("word"), &AGREEMENT, &options);
    for number in 0..2 * RECENT_MAX {
        engine.compress(&text(&alloc::format!("{number} ")), &AGREEMENT, &options);
    }
    assert_eq!(engine.compress(&text("word"), &AGREEMENT, &options), first);
    assert_eq!(recent(&mut engine), RECENT_MAX);
}

/// What does not get smaller goes as it is, and that is remembered, too.
#[test]
fn what_does_not_get_smaller_is_not_compressed() {
    let (mut engine, options) = (Engine::default(), Deflate::default());
    let data = Data::Binary(Bytes::from_static(b"\x01\x80\xfe\x07"));
    for _ in 0..2 {
        assert_eq!(engine.compress(&data, &AGREEMENT, &options), None);
    }
    assert_eq!(recent(&mut engine), 1);
}

#[test]
fn what_is_remembered_is_bounded_in_bytes() {
    let (mut engine, options) = (Engine::default(), Deflate::default());
    for number in 0..8 {
        let data = Data::Binary(vec![number; RECENT_BYTES_MAX / 3].into());
        engine.compress(&data, &AGREEMENT, &options);
        assert!(engine.parts().recent_bytes <= RECENT_BYTES_MAX);
    }
    assert_eq!(recent(&mut engine), 2);
    engine.compress(&Data::Binary(vec![0; 2 * RECENT_BYTES_MAX].into()), &AGREEMENT, &options);
    assert_eq!((recent(&mut engine), engine.parts().recent_bytes), (0, 0));
    assert!(engine.work().capacity() <= WORK_BYTES_KEPT);
}
