//! The core driven by hand, on `std::net` and nothing else: one thread a client, and behind each client an
//! echo actor that runs on the same thread.
//!
//! ```text
//! cargo run -p wsrelay-core --example std_net        then connect to ws://127.0.0.1:8081/
//! ```
//!
//! What a driver does is all here: read, hand over, perform, sleep until the wake. `wsrelay-host` and
//! `wsrelay-smol` do the same for many processes that reach each other.

use bytes::BytesMut;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::thread;
use std::time;
use wsrelay_core::connection::{Connection, ConnectionOptions, Input, Output, Outputs};
use wsrelay_core::message::{Destination, Message, Payload, Topic};
use wsrelay_core::process::{
    Actor, ActorInput, ActorProcess, Context, Effect, Effects, Event, NodeId, Pid, Signal,
};
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::time::{Duration, Instant};

struct Echo;

impl Actor for Echo {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
            context.send(client.pid, Topic::SEND, client.data);
        }
    }
}

/// One client, its echo, and the socket between.
struct Client {
    stream: TcpStream,
    connection: Connection,
    echo: ActorProcess<Echo>,
    reading: bool,
    cut: bool,
}

fn main() -> io::Result<()> {
    serve(&TcpListener::bind("127.0.0.1:8081")?)
}

/// Serves the clients of `listener`, for ever.
///
/// # Errors
///
/// When no more clients can be accepted.
pub fn serve(listener: &TcpListener) -> io::Result<()> {
    let start = time::Instant::now();
    let now = move || Instant::ZERO + start.elapsed();
    let node = NodeId(u64::from(std::process::id()));
    let mut serials = (1..).filter_map(NonZeroU64::new).map(|serial| Pid::new(node, serial));
    let options = Arc::new(ConnectionOptions::default());
    for stream in listener.incoming() {
        let (stream, Some(pid), Some(echo)) = (stream?, serials.next(), serials.next()) else { break };
        let peer = stream.peer_addr().ok();
        let connection = Connection::new(now(), pid, pid.serial().get(), peer, false, Arc::clone(&options));
        let echo = ActorProcess::new(echo, Echo);
        let mut client = Client { stream, connection, echo, reading: true, cut: false };
        thread::spawn(move || client.serve(now));
    }
    Ok(())
}

impl Client {
    fn serve(&mut self, now: impl Fn() -> Instant) {
        let mut out = Outputs::new();
        self.echo.handle(now(), ActorInput::Start, &mut Effects::new());
        while !self.cut {
            let input = self.wait(now());
            // The time is read after the wait, never before.
            self.connection.handle(now(), input, &mut out);
            self.perform(now(), &mut out);
        }
    }

    /// The only place that waits: for bytes, or for the connection's wake.
    fn wait(&mut self, now: Instant) -> Input {
        let patience = self.connection.wake().wait(now).unwrap_or(Duration::from_secs(60));
        // A timeout of zero would mean none at all.
        _ = self.stream.set_read_timeout(Some(patience.max(Duration::from_millis(1))));
        if !self.reading {
            // Nothing but time can happen here: the echo has answered before `perform` returned.
            thread::sleep(patience);
            return Input::Tick;
        }
        let mut bytes = BytesMut::zeroed(64 * 1024);
        match self.stream.read(&mut bytes) {
            Ok(len @ 1..) => Input::Received(bytes.split_to(len)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Input::Tick,
            Ok(_) | Err(_) => Input::Eof,
        }
    }

    /// Does what the core wants; each answer may make it want more.
    fn perform(&mut self, now: Instant, out: &mut Outputs) {
        while !out.is_empty() {
            let mut more = Outputs::new();
            for output in out.drain() {
                match output {
                    Output::Request(_) => {
                        let response = RelayConfig::to(self.echo_pid()).into();
                        self.connection.handle(now, Input::Response(response), &mut more);
                    }
                    Output::Attach(_) => {
                        let watcher = self.connection.pid();
                        self.tell_echo(now, Signal::Monitor { watcher }, &mut more);
                        self.connection.handle(now, Input::Attached(Ok(self.echo_pid())), &mut more);
                    }
                    Output::Signal { signal, .. } => self.tell_echo(now, signal, &mut more),
                    Output::Write(bytes) => {
                        let input = match self.stream.write_all(&bytes) {
                            Ok(()) => Input::Written(bytes.len()),
                            Err(_) => Input::Eof,
                        };
                        self.connection.handle(now, input, &mut more);
                    }
                    Output::StopReading => self.reading = false,
                    Output::ResumeReading => self.reading = true,
                    Output::Shutdown => _ = self.stream.shutdown(Shutdown::Write),
                    Output::Cut => self.cut = true,
                    Output::Exit(_) | Output::Note(_) => {}
                }
            }
            *out = more;
        }
    }

    /// All signals of this little world go to the echo; what it answers goes to the connection.
    fn tell_echo(&mut self, now: Instant, signal: Signal, out: &mut Outputs) {
        let mut effects = Effects::new();
        self.echo.handle(now, ActorInput::Signal(signal), &mut effects);
        for effect in effects.drain() {
            if let Effect::Signal { to: Destination::Pid(_), signal } = effect {
                self.connection.handle(now, Input::Signal(signal), out);
            }
        }
    }

    fn echo_pid(&self) -> Pid {
        self.echo.pid()
    }
}
