//! A whole echo on a node: everything a driver does, but the sockets.

use super::core::{Payload, UPGRADE, frame};
use crate::servers::actors::Echo;
use bytes::BytesMut;
use std::hint::black_box;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::time::Instant;
use wsrelay_host::{ActorRunner, Desk, Home, Local, Node, NodeOptions, Port, ReadBuffer, Scratch};

const NOW: Instant = Instant::from_millis(1);

/// A client's messages, so many in one read, go to an actor and back to the client, all on one thread.
pub fn host_echo(len: usize, count: usize) -> impl FnMut() {
    let node = Node::with_homes(NodeOptions::default(), 1);
    let home = Home::new(0, || ());
    let mut desk = Desk::new(Scratch::new(), Local::new(node.clone(), Arc::clone(&home)));
    let mut runner = ActorRunner::new_at(&node, &home, Echo);
    desk.carrier.install(runner.mailbox(), 0);
    let mut port = joined(&node, &home, &mut desk, &runner);
    _ = runner.poll(NOW, &mut desk.carrier);
    let frames = frame(Payload::Ascii, len).repeat(count);
    // Reads need a socket; what the system does for one is in neither count.
    let (mut client, socket) = UnixStream::pair().expect("a pair of sockets");
    let mut buffer = ReadBuffer::new();
    move || {
        client.write_all(&frames).expect("an open socket");
        buffer.read(&socket).expect("what was just written");
        port.arrived(NOW, &mut buffer, &mut desk);
        while desk.carrier.next_process().is_some() {
            _ = black_box(runner.poll(NOW, &mut desk.carrier));
        }
        let mut written = 0;
        while desk.carrier.next_port().is_some() {
            port.poll_and_write(NOW, &mut desk, |bytes| {
                written = black_box(bytes).len();
                Ok(written)
            });
        }
        assert!(written > len);
    }
}

/// A connection whose client has joined.
fn joined(node: &Node, home: &Arc<Home>, desk: &mut Desk<Local>, runner: &ActorRunner<Echo>) -> Port {
    let mut port = Port::open(node, Some(home), None, false, &Arc::new(ConnectionOptions::default()));
    desk.carrier.install(port.mailbox(), 1);
    port.received(NOW, BytesMut::from(UPGRADE), desk);
    let request = port.work().request.take();
    assert!(request.is_some_and(|request| request.is_upgrade()));
    port.response(NOW, RelayConfig::to(runner.pid()).into(), desk);
    write(&mut port, desk);
    port
}

/// What the socket would take: all of it, at once.
fn write(port: &mut Port, desk: &mut Desk<Local>) -> usize {
    let written = port.work().writes.drain(..).map(|bytes| black_box(bytes).len()).sum();
    port.written(NOW, written, desk);
    written
}
