//! A connection under a virtual clock.

use crate::{ClientReader, Frame, Seen, Setup, control, other, text};
use bytes::{Buf as _, BytesMut};
use serde_json::Value;
use std::mem;
use wsrelay_core::connection::{Connection, Input, Note, Output, Outputs, Refused};
use wsrelay_core::message::{Message, Payload};
use wsrelay_core::process::{Pid, Signal};
use wsrelay_core::relay::Counters;
use wsrelay_core::time::{Duration, Instant, Wake};
use wsrelay_core::upgrade::Response;

/// A connection, with what it has done since somebody last looked.
///
/// The socket takes every write at once, unless it is [stuck](Script::stuck_socket). Nothing else happens by
/// itself: time passes in [`Script::after`], and a process is found in [`Script::attach_ok`].
#[derive(Debug)]
pub struct Script {
    connection: Connection,
    now: Instant,
    out: Outputs,
    reader: ClientReader,
    seen: Vec<Seen>,
    notes: Vec<Note>,
    /// Whether messages go by the short ways that a driver may take.
    short_ways: bool,
    stuck: bool,
    unwritten: usize,
    is_cut: bool,
    after_cut: Vec<Output>,
}

/// So many seconds.
#[must_use]
pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// So many milliseconds.
#[must_use]
pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A connection that has joined its target, with the defaults.
#[must_use]
pub fn joined() -> Script {
    Setup::default().join()
}

impl Script {
    #[expect(clippy::needless_pass_by_value, reason = "a setup is used once")]
    pub(crate) fn new(setup: Setup) -> Self {
        // Not the clock's origin, so that nothing works by accident at zero alone.
        let now = Instant::from_millis(1_000_000);
        let options = setup.options();
        let connection = Connection::new(now, crate::client(), setup.seed, setup.peer, setup.secure, options);
        Self {
            connection,
            now,
            out: Outputs::new(),
            reader: ClientReader::default(),
            seen: Vec::new(),
            notes: Vec::new(),
            short_ways: setup.short_ways,
            stuck: false,
            unwritten: 0,
            is_cut: false,
            after_cut: Vec::new(),
        }
    }

    /// The client sends bytes, which arrive in one piece.
    #[must_use]
    pub fn bytes(mut self, bytes: impl AsRef<[u8]>) -> Self {
        // A refusal comes before any handler has told us the method.
        self.reader.0.head |= bytes.as_ref().starts_with(b"HEAD ");
        self.input(Input::Received(BytesMut::from(bytes.as_ref())))
    }

    /// The client sends a frame.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "so that a test reads `.frame(ping(b\"abc\"))`")]
    pub fn frame(self, frame: Frame) -> Self {
        self.bytes(frame.encode())
    }

    /// The client sends frames, which arrive in one piece.
    #[must_use]
    pub fn frames(self, frames: impl IntoIterator<Item = Frame>) -> Self {
        let bytes: Vec<u8> = frames.into_iter().flat_map(|frame| frame.encode()).collect();
        self.bytes(bytes)
    }

    /// The client sends a text message.
    #[must_use]
    pub fn client(self, message: &str) -> Self {
        self.frame(text(message))
    }

    /// The client ends its stream, or the socket fails.
    #[must_use]
    pub fn eof(self) -> Self {
        self.input(Input::Eof)
    }

    /// The handler answers.
    #[must_use]
    pub fn respond(self, response: Response) -> Self {
        self.input(Input::Response(response))
    }

    /// The process that was looked for is this one, and is alive.
    #[must_use]
    pub fn attach_ok(self, pid: Pid) -> Self {
        self.input(Input::Attached(Ok(pid)))
    }

    /// The process that was looked for is not alive.
    #[must_use]
    pub fn attach_fails(self) -> Self {
        self.input(Input::Attached(Err(Refused::NoProcess)))
    }

    /// A process sends a signal.
    #[must_use]
    pub fn signal(self, signal: Signal) -> Self {
        self.input(Input::Signal(signal))
    }

    /// A process that is not the target sends a message.
    #[must_use]
    pub fn told(self, topic: &str, payload: Value) -> Self {
        self.signal(control(other(), topic, payload))
    }

    /// Anything at all happens.
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.handle(input);
        self
    }

    /// The socket takes nothing any more.
    #[must_use]
    pub const fn stuck_socket(mut self) -> Self {
        self.stuck = true;
        self
    }

    /// The socket takes so many bytes, and then nothing again.
    ///
    /// # Panics
    ///
    /// When so many bytes do not wait.
    #[must_use]
    pub fn takes(mut self, bytes: usize) -> Self {
        assert!(bytes <= self.unwritten, "only {} bytes wait", self.unwritten);
        self.unwritten -= bytes;
        self.handle(Input::Written(bytes));
        self
    }

    /// The socket takes everything again.
    #[must_use]
    pub fn unstick(mut self) -> Self {
        self.stuck = false;
        self.flush();
        self
    }

    /// Time passes. The connection is called at each of its wakes, as a driver would.
    ///
    /// # Panics
    ///
    /// When a wake brings about nothing: that would be a busy loop.
    #[must_use]
    pub fn after(mut self, span: Duration) -> Self {
        let until = self.now + span;
        while let Wake::At(at) = self.connection.wake()
            && at <= until
            && !self.is_cut
        {
            self.now = self.now.max(at);
            let (seen, held) = (self.seen.len(), self.connection.held_bytes());
            self.handle(Input::Tick);
            let is_progress = self.connection.wake() != Wake::At(at)
                || self.seen.len() > seen
                || self.connection.held_bytes() != held;
            assert!(is_progress, "a busy loop: nothing came of the wake at {at:?}");
        }
        self.now = until;
        self
    }

    /// Everything that is due already is done: the turns that are left over.
    #[must_use]
    pub fn turns(self) -> Self {
        self.after(Duration::ZERO)
    }

    /// What was done since somebody last looked is exactly this. Notes do not count.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[track_caller]
    pub fn expect(mut self, expected: impl IntoIterator<Item = Seen>) -> Self {
        let seen = mem::take(&mut self.seen);
        let expected: Vec<Seen> = expected.into_iter().collect();
        assert!(seen == expected, "\n  seen:     {seen:#?}\n  expected: {expected:#?}");
        self
    }

    /// The notes since somebody last looked are exactly these.
    ///
    /// # Panics
    ///
    /// When they are not.
    #[track_caller]
    pub fn expect_notes(mut self, expected: impl IntoIterator<Item = Note>) -> Self {
        assert_eq!(mem::take(&mut self.notes), expected.into_iter().collect::<Vec<_>>());
        self
    }

    /// Takes out the notes since somebody last looked.
    pub fn drain_notes(mut self, notes: &mut Vec<Note>) -> Self {
        notes.append(&mut self.notes);
        self
    }

    /// What was done so far is not looked at.
    #[must_use]
    pub fn forget(mut self) -> Self {
        self.seen.clear();
        self.notes.clear();
        self
    }

    /// Takes out what was done since somebody last looked.
    #[must_use]
    pub fn seen(&mut self) -> Vec<Seen> {
        mem::take(&mut self.seen)
    }

    /// Whether the handler was asked since somebody last looked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.seen.iter().any(|seen| matches!(seen, Seen::Requested(..)))
    }

    /// The connection.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What the session has counted.
    ///
    /// # Panics
    ///
    /// When there is no session.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.connection.session().expect("a session").counters()
    }

    /// The present time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// How long until the connection wants to be called.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.connection.wake().wait(self.now)
    }

    /// Bytes that the socket was given and has not taken.
    #[must_use]
    pub const fn unwritten(&self) -> usize {
        self.unwritten
    }

    /// Whether the socket is cut.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What the driver was asked to do with a socket that it had already been told to drop.
    #[must_use]
    pub fn after_cut(&self) -> &[Output] {
        &self.after_cut
    }

    fn handle(&mut self, input: Input) {
        if let Some(input) = self.take_short_way(input) {
            self.connection.handle(self.now, input, &mut self.out);
        }
        self.collect();
        self.flush();
    }

    /// Does as much by the short ways as they can do. What is left comes back.
    fn take_short_way(&mut self, input: Input) -> Option<Input> {
        if !self.short_ways {
            return Some(input);
        }
        if let Input::Received(mut bytes) = input {
            let taken = self.connection.receive(self.now, &mut bytes, &mut self.out);
            bytes.advance(taken);
            return (taken == 0 || !bytes.is_empty()).then_some(Input::Received(bytes));
        }
        if let Input::Signal(Signal::Message(Message { topic, payload: Payload::Data(data), .. })) = &input
            && self.connection.can_send(topic, data)
        {
            self.connection.send(self.now, data.clone(), &mut self.out);
            return None;
        }
        Some(input)
    }

    /// Reports as written what the socket takes, until nothing more comes of it.
    fn flush(&mut self) {
        while !self.stuck && self.unwritten > 0 && !self.is_cut {
            let bytes = mem::take(&mut self.unwritten);
            self.connection.handle(self.now, Input::Written(bytes), &mut self.out);
            self.collect();
        }
    }

    fn collect(&mut self) {
        for output in self.out.drain() {
            if self.is_cut && !matches!(output, Output::Signal { .. } | Output::Note(_)) {
                self.after_cut.push(output);
                continue;
            }
            let seen = match output {
                Output::Write(bytes) => {
                    assert!(!bytes.is_empty(), "a write of nothing");
                    self.unwritten += bytes.len();
                    self.reader.read(&bytes, &mut self.seen);
                    continue;
                }
                Output::Request(request) => {
                    self.reader.0.head = request.method == "HEAD";
                    let body = String::from_utf8_lossy(&request.body).into_owned();
                    Seen::Requested(request.method, request.target, body)
                }
                Output::Attach(to) => Seen::Attach(to),
                Output::Signal { to, signal: Signal::Message(message) } => {
                    assert_eq!(message.from, Some(crate::client()), "the connection signs its messages");
                    Seen::Told(to, message.topic.to_string(), message.payload.to_json())
                }
                Output::Signal { to, signal } => Seen::Signalled(to, signal),
                Output::StopReading => Seen::StopReading,
                Output::ResumeReading => Seen::ResumeReading,
                Output::Shutdown => Seen::Shutdown,
                Output::Cut => {
                    self.is_cut = true;
                    Seen::Cut
                }
                Output::Exit(reason) => Seen::Exited(reason),
                Output::Note(note) => {
                    self.notes.push(note);
                    continue;
                }
            };
            self.seen.push(seen);
        }
    }
}
