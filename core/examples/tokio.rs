//! The core driven by hand on tokio: a task a client, and one echo actor, a task of its own, that all
//! clients share. What passes between the tasks are signals.
//!
//! ```text
//! cargo run -p wsrelay-core --example tokio          then connect to ws://127.0.0.1:8082/
//! ```
//!
//! The echo answers whoever writes to it, and its mailbox has no bound, so that there is no `Input::TargetFull`.
//! Processes that look for each other, end, or fill up need what `wsrelay-host` does.

use bytes::BytesMut;
use std::io;
use std::num::NonZeroU64;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, tcp::ReadHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use wsrelay_core::connection::{Connection, ConnectionOptions, Input, Output, Outputs, Refused};
use wsrelay_core::message::{Message, Payload, Topic};
use wsrelay_core::process::{Actor, ActorInput, ActorProcess, Context, Effect, Effects, Event};
use wsrelay_core::process::{NodeId, Pid, Signal};
use wsrelay_core::{relay::RelayConfig, time::Instant};

struct Echo;

impl Actor for Echo {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
            context.send(client.pid, Topic::SEND, client.data);
        }
    }
}

/// A signal for the echo, and the mailbox of the client that it comes from.
type Letter = (Signal, UnboundedSender<Signal>);

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    serve(TcpListener::bind("127.0.0.1:8082").await?).await
}

/// Serves the clients of `listener`, for ever.
///
/// # Errors
///
/// When no more clients can be accepted.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let start = std::time::Instant::now();
    let now = move || Instant::ZERO + start.elapsed();
    let pid = |serial| Pid::new(NodeId(std::process::id().into()), serial);
    let (letters, mailbox) = unbounded_channel();
    let echo = pid(NonZeroU64::MIN);
    tokio::spawn(run_echo(echo, mailbox, now));
    let options = Arc::new(ConnectionOptions::default());
    for serial in (2..).filter_map(NonZeroU64::new) {
        let (stream, peer) = listener.accept().await?;
        let options = Arc::clone(&options);
        let connection = Connection::new(now(), pid(serial), serial.get(), Some(peer), false, options);
        tokio::spawn(run_client(connection, stream, echo, letters.clone(), now));
    }
    Ok(())
}

async fn run_echo(pid: Pid, mut mailbox: UnboundedReceiver<Letter>, now: impl Fn() -> Instant) {
    let (mut echo, mut effects) = (ActorProcess::new(pid, Echo), Effects::new());
    echo.handle(now(), ActorInput::Start, &mut effects);
    while let Some((signal, client)) = mailbox.recv().await {
        echo.handle(now(), ActorInput::Signal(signal), &mut effects);
        for effect in effects.drain() {
            if let Effect::Signal { signal, .. } = effect {
                _ = client.send(signal);
            }
        }
    }
}

async fn run_client(
    mut connection: Connection,
    mut stream: TcpStream,
    echo: Pid,
    letters: UnboundedSender<Letter>,
    now: impl Fn() -> Instant,
) {
    let (sender, mut mailbox) = unbounded_channel();
    let tell_echo = |signal| letters.send((signal, sender.clone()));
    let (mut reader, mut writer) = stream.split();
    let (mut out, mut writes) = (Outputs::new(), BytesMut::new());
    let (mut reading, mut shutdown, mut cut) = (true, false, false);
    while !cut {
        let patience = connection.wake().wait(now());
        // The only place that waits.
        let input = tokio::select! {
            input = read(&mut reader), if reading => input,
            written = writer.write_buf(&mut writes), if !writes.is_empty() => {
                written.map_or_else(|_| { writes.clear(); Input::Eof }, Input::Written)
            }
            Some(signal) = mailbox.recv() => Input::Signal(signal),
            () = tokio::time::sleep(patience.unwrap_or_default()), if patience.is_some() => Input::Tick,
        };
        // The time is read after the wait, never before.
        let now = now();
        connection.handle(now, input, &mut out);
        // What the core wants; each answer may make it want more.
        while !out.is_empty() {
            let mut more = Outputs::new();
            for output in out.drain() {
                match output {
                    Output::Request(_) => {
                        connection.handle(now, Input::Response(RelayConfig::to(echo).into()), &mut more);
                    }
                    Output::Attach(_) => {
                        let found = tell_echo(Signal::Monitor { watcher: connection.pid() });
                        let found = found.map(|()| echo).map_err(|_| Refused::NoProcess);
                        connection.handle(now, Input::Attached(found), &mut more);
                    }
                    Output::Signal { signal, .. } => _ = tell_echo(signal),
                    Output::Write(bytes) => writes.extend_from_slice(&bytes),
                    Output::StopReading => reading = false,
                    Output::ResumeReading => reading = true,
                    Output::Shutdown => shutdown = true,
                    Output::Cut => cut = true,
                    Output::Exit(_) | Output::Note(_) => {}
                }
            }
            out = more;
        }
        if shutdown && writes.is_empty() {
            shutdown = false;
            _ = writer.shutdown().await;
        }
    }
}

async fn read(reader: &mut ReadHalf<'_>) -> Input {
    // While nothing arrives, no client holds a buffer.
    _ = reader.readable().await;
    let mut bytes = BytesMut::with_capacity(16 * 1024);
    match reader.read_buf(&mut bytes).await {
        Ok(1..) => Input::Received(bytes),
        Ok(_) | Err(_) => Input::Eof,
    }
}
