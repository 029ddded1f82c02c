use super::*;
use alloc::vec;
use core::cell::Cell;

/// Messages in whose memory nothing is forgotten, and how often one was compressed.
#[derive(Default)]
struct Counted {
    recent: Recent,
    compressed: Cell<usize>,
}

impl Counted {
    /// To its first eight bytes.
    fn payload(&mut self, message: &[u8], bytes_max: usize) {
        let expected = (message.len() > 8).then(|| Bytes::copy_from_slice(&message[..8]));
        let compress = || {
            self.compressed.set(self.compressed.get() + 1);
            expected.clone()
        };
        assert_eq!(self.recent.payload(message, bytes_max, compress), expected);
        assert!(self.recent.bytes <= bytes_max);
        assert_eq!(self.recent.keys.len(), self.recent.entries.len());
    }

    /// Each of a hundred clients is sent all of these messages.
    fn broadcast(&mut self, number: u16, len: usize, bytes_max: usize) -> usize {
        let before = self.compressed.get();
        for _ in 0..100 {
            for number in 0..number {
                let mut message = vec![0; len];
                message[..2].copy_from_slice(&number.to_be_bytes());
                self.payload(&message, bytes_max);
            }
        }
        self.compressed.get() - before
    }
}

const MIB: usize = 1024 * 1024;

/// A whole outbox, whose limits are 1024 messages and 1 MiB: of short messages, and of two long ones.
#[test]
fn what_one_client_is_sent_in_a_turn_is_found_again_for_the_next() {
    for (number, len) in [(1, 200), (1024, 2), (1024, 300), (1024, 1024), (2, MIB / 2), (1, MIB)] {
        assert_eq!(
            Counted::default().broadcast(number, len, 3 * MIB),
            usize::from(number),
            "{number} of {len}"
        );
    }
}

/// Were the oldest to go, none would ever be found.
#[test]
fn where_not_all_has_room_most_is_found() {
    let fitting = u16::try_from(MIB / (1000 + 8 + ENTRY_BYTES)).expect("a few hundred");
    let compressed = Counted::default().broadcast(fitting + fitting / 10, 1000, MIB);
    assert!(compressed < 30 * usize::from(fitting), "{compressed} of {} times {fitting}", 110);
}

/// They are told apart all the same.
#[test]
fn of_messages_that_share_a_key_the_latest_is_remembered() {
    let mut recent = Recent::default();
    let entry = |byte| Entry { message: vec![byte; 100].into(), compressed: None };
    recent.insert(key(&[1; 100]), entry(2), MIB);
    recent.insert(key(&[1; 100]), entry(3), MIB);
    assert_eq!((recent.bytes, recent.keys.len()), (100 + ENTRY_BYTES, 1));
    let compressed = Some(Bytes::from_static(b"1"));
    assert_eq!(recent.payload(&[1; 100], MIB, || compressed.clone()), compressed);
    assert_eq!(recent.payload(&[1; 100], MIB, || None), compressed);
}

/// It is no reason to forget all others.
#[test]
fn a_message_that_has_no_room_is_not_remembered() {
    let mut counted = Counted::default();
    assert_eq!(counted.broadcast(10, 1000, MIB), 10);
    assert_eq!(counted.broadcast(1, MIB, MIB), 100);
    assert_eq!(counted.broadcast(10, 1000, MIB), 0);
}
