//! One client's connection on a worker.

use crate::server::{Handler, Responder, Service};
use crate::shared::Shared;
use crate::timers::Alarm;
use mio::net::TcpStream;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wsrelay_core::fault::HttpFault;
use wsrelay_core::relay::Session;
use wsrelay_core::time::Instant;
use wsrelay_core::upgrade::refusal;
use wsrelay_host::{Desk, Local, Mailbox, Port, ReadBuffer, panic_text, write, write_now};

/// One client: its socket and its port.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    port: Port,
    service: Arc<Service>,
    pub(crate) alarm: Alarm,
    /// Something may have arrived. The poller tells of a change only once.
    readable: bool,
    /// The socket may take something.
    writable: bool,
    /// The end of the stream has arrived, though perhaps behind bytes that are not read yet.
    ending: bool,
    eof: bool,
    shut: bool,
    /// Nothing can be written any more.
    broken: bool,
    /// Whether it waits in the worker's list of those that want another turn.
    pub(crate) is_in_turns: bool,
    /// Whether something was written to it in this round.
    pub(crate) has_written: bool,
    /// Whether it wants another turn soon.
    pub(crate) wants_turn: bool,
    /// Whether the worker looks after it at the end of the round.
    pub(crate) is_touched: bool,
    /// Whether it waits in the worker's list of those to read from, or to write to.
    pub(crate) is_in_reads: bool,
    pub(crate) is_in_writes: bool,
}

impl Client {
    /// A client that was just accepted, as a process of this thread.
    pub(crate) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        service: &Arc<Service>,
        desk: &Desk<Local>,
    ) -> Self {
        let options = &service.options;
        let port = Port::open(&service.node, Some(desk.carrier.home()), Some(peer), false, options);
        Self {
            stream,
            port,
            service: Arc::clone(service),
            alarm: Alarm::default(),
            readable: false,
            writable: true,
            ending: false,
            eof: false,
            shut: false,
            broken: false,
            is_in_turns: false,
            has_written: false,
            wants_turn: false,
            is_touched: false,
            is_in_reads: false,
            is_in_writes: false,
        }
    }

    pub(crate) const fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    pub(crate) const fn port(&mut self) -> &mut Port {
        &mut self.port
    }

    pub(crate) const fn mailbox(&self) -> &Arc<Mailbox> {
        self.port.mailbox()
    }

    /// What the poller has told.
    pub(crate) fn note(&mut self, event: &mio::event::Event) {
        self.writable |= event.is_writable();
        self.ending |= event.is_read_closed() || event.is_error();
        // The end is found by reading.
        self.readable |= event.is_readable() || self.ending;
    }

    /// Whether there may be something to read, and it is wanted.
    pub(crate) const fn wants_read(&mut self) -> bool {
        self.readable && !self.eof && !self.port.work().paused
    }

    /// Whether there is something to write or to end, and the socket may take it.
    pub(crate) fn wants_write(&mut self) -> bool {
        let work = self.port.work();
        if work.writes.is_empty() { work.shutdown && !self.shut } else { self.writable || self.broken }
    }

    pub(crate) const fn is_cut(&mut self) -> bool {
        self.port.work().cut
    }

    /// One read.
    pub(crate) fn read(&mut self, now: Instant, buffer: &mut ReadBuffer, desk: &mut Desk<Local>) {
        match buffer.read(&self.stream) {
            Ok(arrival) if !arrival.is_end => {
                // Behind the last bytes stands the end of the stream, which the poller does not tell again.
                self.readable = !arrival.drained || self.ending;
                self.port.arrived(now, buffer, desk);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
            // A socket that failed is a client that is gone.
            Ok(_) | Err(_) => {
                self.eof = true;
                self.port.eof(now, desk);
            }
        }
    }

    /// Handles what other processes sent, and what is due, and writes what comes of it. Whether to call again soon.
    pub(crate) fn turn(&mut self, now: Instant, buffer: &mut ReadBuffer, desk: &mut Desk<Local>) -> bool {
        self.port.tick(now, desk);
        let Self { port, stream, writable, .. } = self;
        let more = if *writable && !self.has_written {
            let has_written = &mut self.has_written;
            port.poll_and_write(now, desk, |bytes| {
                *has_written = true;
                let (result, is_full) = write_now(&*stream, bytes);
                *writable = !is_full;
                result
            })
        } else {
            port.poll(now, desk)
        };
        if !self.has_written && self.wants_write() {
            self.has_written = true;
            self.write(now, buffer, desk);
        }
        // What comes into the mailbox from now on has us called again anyway.
        more && self.awaits_room()
    }

    /// Has the handler answer, if there is a request.
    pub(crate) fn ask(&mut self, now: Instant, worker: &Arc<Shared>, key: u32, desk: &mut Desk<Local>) {
        while let Some(request) = self.port.work().request.take() {
            let service = Arc::clone(&self.service);
            let answer = catch_unwind(AssertUnwindSafe(|| match &service.handler {
                Handler::AtOnce(handler) => Some(handler(*request)),
                Handler::Later(handler) => {
                    handler(*request, Responder::new(worker, key, self.mailbox().pid()));
                    None
                }
            }));
            let answer = answer.unwrap_or_else(|panic| {
                let why = panic_text(&*panic);
                tracing::error!(why, "handler panicked");
                // Who has the responder answers, the panic itself if nobody else has.
                let is_at_once = matches!(service.handler, Handler::AtOnce(_));
                is_at_once.then(|| refusal(&HttpFault::Handler))
            });
            if let Some(response) = answer {
                self.port.response(now, response, desk);
            }
        }
    }

    /// P8: whether this client waits for room in its target's mailbox, and has to look for it before it is
    /// left alone.
    pub(crate) fn awaits_room(&self) -> bool {
        self.port.connection().session().and_then(Session::awaits_room).is_some()
    }

    /// One write.
    pub(crate) fn write(&mut self, now: Instant, buffer: &mut ReadBuffer, desk: &mut Desk<Local>) {
        let work = self.port.work();
        if self.broken {
            work.writes.clear();
            return;
        }
        if work.writes.is_empty() {
            if work.shutdown && !self.shut {
                self.shut = true;
                // A socket that has failed already needs no end.
                _ = self.stream.shutdown(Shutdown::Write);
            }
            return;
        }
        match write(&self.stream, &mut work.writes, buffer) {
            Ok(written) => {
                // The poller tells of room again only where there was too little.
                self.writable = !written.is_short;
                self.port.written(now, written.bytes, desk);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
            Err(_) => {
                // The client is gone; what it sent before, its close frame perhaps, may still be read.
                self.broken = true;
                work.writes.clear();
            }
        }
    }
}
