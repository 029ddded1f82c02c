//! The two ends of a socket that is none.

use crate::support::saw::Saw;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use wsrelay_core::connection::Input;
use wsrelay_tests::ClientReader;

/// A socket under the virtual clock: what the client sent and the connection has not read, and what the client
/// makes of what was written.
pub(crate) struct Socket {
    /// What the client has sent, piece by piece.
    pub(crate) arriving: VecDeque<BytesMut>,
    /// Whether the client has ended its side behind that.
    pub(crate) ending: bool,
    /// Whether the connection reads.
    pub(crate) reading: bool,
    /// Whether the client does not read.
    pub(crate) stuck: bool,
    pub(crate) cut: bool,
    shut: bool,
    reader: ClientReader,
    writing: VecDeque<Bytes>,
    seen: VecDeque<Saw>,
    ended: bool,
}

impl Default for Socket {
    fn default() -> Self {
        Self {
            arriving: VecDeque::new(),
            ending: false,
            reading: true,
            stuck: false,
            cut: false,
            shut: false,
            reader: ClientReader::default(),
            writing: VecDeque::new(),
            seen: VecDeque::new(),
            ended: false,
        }
    }
}

impl Socket {
    /// What the connection reads next.
    pub(crate) fn arrive(&mut self) -> Option<Input> {
        if !self.reading || self.cut {
            return None;
        }
        match self.arriving.pop_front() {
            Some(bytes) => Some(Input::Received(bytes)),
            None => std::mem::take(&mut self.ending).then_some(Input::Eof),
        }
    }

    pub(crate) fn write(&mut self, bytes: &Bytes) {
        self.writing.push_back(bytes.clone());
    }

    /// Takes what was written, and says how much that was.
    pub(crate) fn take_written(&mut self) -> Option<usize> {
        if self.stuck || self.cut || self.writing.is_empty() {
            self.end();
            return None;
        }
        let mut seen = Vec::new();
        let mut taken = 0;
        for bytes in self.writing.drain(..) {
            taken += bytes.len();
            self.reader.read(&bytes, &mut seen);
        }
        self.seen.extend(seen.into_iter().map(Saw::by_client));
        Some(taken)
    }

    pub(crate) const fn shutdown(&mut self) {
        self.shut = true;
    }

    /// Drops it. Of what is being written, a part was taken.
    pub(crate) const fn cut(&mut self) {
        self.cut = true;
    }

    /// The end of the stream, once everything before it is taken.
    fn end(&mut self) {
        let is_written = self.writing.is_empty();
        if (self.shut && is_written || self.cut) && !self.ended {
            self.ended = true;
            self.seen.push_back(Saw::end(is_written && self.reader.is_whole()));
        }
    }

    /// The next thing that the client sees.
    pub(crate) fn next(&mut self) -> Option<Saw> {
        self.seen.pop_front()
    }
}
