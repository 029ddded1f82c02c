//! One direction of a virtual TCP connection.

use bytes::Bytes;
use std::collections::VecDeque;
use wsrelay_core::time::Instant;

/// Bytes on their way, and those that have arrived and are not read.
///
/// As in TCP, they arrive in order, and a reader that does not read leaves the writer without room in the end.
#[derive(Debug)]
pub(crate) struct Pipe {
    /// With the moment at which each piece arrives.
    under_way: VecDeque<(Instant, Bytes)>,
    arrived: VecDeque<Bytes>,
    /// Bytes of both.
    held: usize,
    /// Most of them.
    held_max: usize,
    /// The last moment at which something arrives.
    last: Instant,
    /// When the end of the stream arrives, once it is on its way.
    end: Option<Instant>,
    /// Whether the end has arrived.
    ended: bool,
}

impl Pipe {
    pub(crate) const fn new(held_max: usize) -> Self {
        Self {
            under_way: VecDeque::new(),
            arrived: VecDeque::new(),
            held: 0,
            held_max,
            last: Instant::ZERO,
            end: None,
            ended: false,
        }
    }

    /// How many bytes more can be put in.
    pub(crate) const fn room(&self) -> usize {
        self.held_max.saturating_sub(self.held)
    }

    /// Puts a piece in that arrives then, or when what was put in before it has arrived. When that is.
    pub(crate) fn put(&mut self, at: Instant, bytes: Bytes) -> Instant {
        self.last = self.last.max(at);
        self.held += bytes.len();
        self.under_way.push_back((self.last, bytes));
        self.last
    }

    /// Ends the stream behind all that was put in. When the end arrives.
    pub(crate) fn finish(&mut self, at: Instant) -> Instant {
        self.last = self.last.max(at);
        *self.end.get_or_insert(self.last)
    }

    /// Loses all that has not been read, and ends the stream at once.
    pub(crate) fn break_off(&mut self, now: Instant) {
        self.under_way.clear();
        self.arrived.clear();
        self.held = 0;
        self.end = Some(now);
        self.ended = true;
    }

    /// What is due by now has arrived. Whether it was anything, the end included.
    pub(crate) fn arrive(&mut self, now: Instant) -> bool {
        let mut any = false;
        while self.under_way.front().is_some_and(|(at, _)| *at <= now) {
            self.arrived.extend(self.under_way.pop_front().map(|(_, bytes)| bytes));
            any = true;
        }
        if self.under_way.is_empty() && !self.ended && self.end.is_some_and(|at| at <= now) {
            self.ended = true;
            any = true;
        }
        any
    }

    /// Reads at most so many bytes of one piece.
    pub(crate) fn read(&mut self, bytes_max: usize) -> Option<Bytes> {
        let first = self.arrived.front_mut()?;
        let bytes = first.split_to(first.len().min(bytes_max));
        if first.is_empty() {
            self.arrived.pop_front();
        }
        self.held -= bytes.len();
        Some(bytes)
    }

    /// Whether nothing is under way and nothing waits to be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Whether there is something to read.
    pub(crate) fn is_readable(&self) -> bool {
        !self.arrived.is_empty()
    }

    /// Whether everything was read and the stream has ended.
    pub(crate) fn is_at_end(&self) -> bool {
        self.ended && self.arrived.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn pieces_arrive_in_order_however_fast_each_of_them_is() {
        let mut pipe = Pipe::new(10);
        assert_eq!(pipe.put(ms(5), Bytes::from("ab")), ms(5));
        assert_eq!(pipe.put(ms(2), Bytes::from("c")), ms(5));
        assert_eq!(pipe.finish(ms(1)), ms(5));
        assert_eq!((pipe.arrive(ms(4)), pipe.read(10)), (false, None));
        assert!(pipe.arrive(ms(5)));
        assert_eq!([pipe.read(1), pipe.read(9), pipe.read(9)].map(|read| read.unwrap()), ["a", "b", "c"]);
        assert!(pipe.is_at_end());
    }

    #[test]
    fn there_is_room_again_once_something_was_read() {
        let mut pipe = Pipe::new(3);
        pipe.put(ms(0), Bytes::from("abc"));
        pipe.arrive(ms(0));
        assert_eq!(pipe.room(), 0);
        pipe.read(2);
        assert_eq!(pipe.room(), 2);
    }

    #[test]
    fn what_is_broken_off_loses_what_was_not_read() {
        let mut pipe = Pipe::new(9);
        pipe.put(ms(0), Bytes::from("abc"));
        pipe.arrive(ms(0));
        pipe.put(ms(9), Bytes::from("d"));
        pipe.break_off(ms(1));
        assert!(pipe.is_at_end() && pipe.read(9).is_none() && pipe.room() == 9);
    }
}
