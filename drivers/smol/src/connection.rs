//! One client's connection as a task.

use crate::alarm::Alarm;
use crate::server::Service;
use crate::socket::Socket;
use smol::Async;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wsrelay_core::fault::HttpFault;
use wsrelay_core::time::Instant;
use wsrelay_core::upgrade::{Response, refusal};
use wsrelay_host::{Anywhere, Desk, Port, ReadBuffer, Scratch, panic_text};

thread_local! {
    /// What the thread lends to the connection it is busy with.
    static LENT: RefCell<(Scratch, ReadBuffer)> = RefCell::default();
}

/// Rounds of one poll, before other tasks get their turn.
const ROUNDS_MAX: usize = 16;

/// Serves one client until its socket is cut.
pub(crate) async fn serve(stream: Async<TcpStream>, port: Port, service: Arc<Service>) {
    let node = wsrelay_host::Node::clone(&service.node);
    let alarm = Alarm::new(node.clock());
    let mut task = Task {
        socket: Socket::new(stream),
        port,
        alarm,
        service,
        answer: None,
        eof: false,
        shut: false,
        broken: false,
    };
    let ended = poll_fn(|cx| {
        // Taken and not borrowed: what a panic leaves unfinished is dropped with it, and a task that polls
        // another within itself finds an empty one.
        let (scratch, mut buffer) = LENT.take();
        let mut desk = Desk::new(scratch, Anywhere::new(&node, cx.waker()));
        match catch_unwind(AssertUnwindSafe(|| {
            let progress = task.poll(cx, &mut buffer, &mut desk);
            LENT.set((desk.into_scratch(), buffer));
            progress
        })) {
            Ok(progress) => progress.map(|()| true),
            Err(panic) => {
                let why = panic_text(&*panic);
                tracing::error!(why, "connection panicked");
                Poll::Ready(false)
            }
        }
    })
    .await;
    if !ended {
        // A mistake of ours costs this connection and not the thread that serves the others.
        _ = catch_unwind(AssertUnwindSafe(move || drop(task)));
    }
}

struct Task {
    socket: Socket,
    port: Port,
    alarm: Alarm,
    service: Arc<Service>,
    /// The handler at work.
    answer: Option<Pin<Box<dyn Future<Output = Response> + Send>>>,
    eof: bool,
    shut: bool,
    /// Nothing can be written any more.
    broken: bool,
}

impl Task {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuffer,
        desk: &mut Desk<Anywhere<'_>>,
    ) -> Poll<()> {
        for _ in 0..ROUNDS_MAX {
            // Each round at its own time; and what has arrived is heard before anybody is called silent.
            let now = self.service.node.clock().now();
            let was_paused = self.port.work().paused;
            let mut went_on = self.read(cx, now, buffer, desk);
            self.port.tick(now, desk);
            let Self { port, socket, .. } = self;
            went_on |= if socket.is_writable() {
                port.poll_and_write(now, desk, |bytes| socket.write_now(bytes))
            } else {
                port.poll(now, desk)
            };
            went_on |= self.ask(cx, now, desk);
            went_on |= self.write(cx, now, buffer, desk);
            // A socket that is to be read again has to be asked, or nobody wakes us for it.
            went_on |= was_paused && !self.port.work().paused;
            self.port.publish();
            if self.port.work().cut {
                return Poll::Ready(());
            }
            if !went_on && self.alarm.poll(cx, now, self.port.wake()).is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One read. Whether it brought anything.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        buffer: &mut ReadBuffer,
        desk: &mut Desk<Anywhere<'_>>,
    ) -> bool {
        if self.eof || self.port.work().paused {
            return false;
        }
        match self.socket.poll_read(cx, buffer) {
            Poll::Ready(Ok(arrival)) if !arrival.is_end => self.port.arrived(now, buffer, desk),
            // A socket that failed is a client that is gone.
            Poll::Ready(Ok(_) | Err(_)) => {
                self.eof = true;
                self.port.eof(now, desk);
            }
            Poll::Pending => return false,
        }
        true
    }

    /// Lets the handler work. Whether it began or has answered.
    fn ask(&mut self, cx: &mut Context<'_>, now: Instant, desk: &mut Desk<Anywhere<'_>>) -> bool {
        let began = match self.port.work().request.take() {
            Some(request) => {
                let handler = &self.service.handler;
                let answer = catch_unwind(AssertUnwindSafe(|| handler(*request)));
                match answer {
                    Ok(answer) => self.answer = Some(answer),
                    Err(panic) => self.answer_panic(now, &panic_text(&*panic), desk),
                }
                true
            }
            None => false,
        };
        let Some(answer) = &mut self.answer else { return began };
        match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return began,
            Ok(Poll::Ready(response)) => {
                self.port.response(now, response, desk);
            }
            Err(panic) => self.answer_panic(now, &panic_text(&*panic), desk),
        }
        self.answer = None;
        true
    }

    fn answer_panic(&mut self, now: Instant, why: &str, desk: &mut Desk<Anywhere<'_>>) {
        tracing::error!(why, "handler panicked");
        self.port.response(now, refusal(&HttpFault::Handler), desk);
    }

    /// One write. Whether the socket took anything.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        buffer: &mut ReadBuffer,
        desk: &mut Desk<Anywhere<'_>>,
    ) -> bool {
        let work = self.port.work();
        if self.broken {
            work.writes.clear();
            return false;
        }
        if work.writes.is_empty() {
            if work.shutdown && !self.shut {
                self.shut = true;
                self.socket.shutdown();
            }
            return false;
        }
        match self.socket.poll_write(cx, &mut work.writes, buffer) {
            Poll::Ready(Ok(written)) => self.port.written(now, written, desk),
            Poll::Ready(Err(_)) => {
                // The client is gone; what it sent before, its close frame perhaps, may still be read.
                self.broken = true;
                work.writes.clear();
            }
            Poll::Pending => return false,
        }
        true
    }
}
