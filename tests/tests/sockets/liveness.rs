//! Pings, pongs and half-open peers.

use crate::support::{Client, Probe, Raw, SHORT, Setup, World, frame, run};
use wsrelay_core::process::ExitReason;
use wsrelay_core::time::Timeout;

const PING: u8 = 9;
const PONG: u8 = 10;
const CLOSE: u8 = 8;

/// Pings soon, and waits for `patience` times as long.
fn pinging(patience: u32) -> World {
    Setup::limits(|limits| {
        limits.ping_interval = Timeout::After(SHORT / 2);
        limits.pong_wait_max = SHORT * patience;
    })
    .start()
}

/// [T:ping] [C:Unresponsive] A peer that reads and never answers is closed with 1011 as well as it goes;
/// its target reads 1006.
#[test]
fn a_peer_that_answers_no_ping_is_closed() {
    run(async {
        let world = pinging(1);
        let (target, watcher) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        world.relay("/ws", target.pid);
        let mut raw = Raw::open(&world, "/ws").await;
        watcher.watch(target.join().await.pid).await;
        assert_eq!(raw.frame().await, (PING, vec![]));
        let (opcode, payload) = raw.frame().await;
        assert_eq!((opcode, &payload[..2]), (CLOSE, &1011_u16.to_be_bytes()[..]));
        let leave = target.leave().await;
        assert_eq!((leave.code, leave.clean), (Some(1006), false));
        assert!(matches!(watcher.exit().await.1, ExitReason::Crashed(_)));
    });
}

/// [T:ping] Any byte is life: a peer that never sends a pong, but something else after each ping, even a
/// part of a frame, is kept.
#[test]
fn a_peer_that_sends_anything_is_alive() {
    run(async {
        // The wait is long against the scheduling of a loaded machine, and would pass ten times over.
        let world = pinging(10);
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut raw = Raw::open(&world, "/ws").await;
        target.join().await;
        for byte in frame(1, b"alive") {
            assert_eq!(raw.frame().await, (PING, vec![]));
            raw.write([byte]).await;
        }
        assert_eq!(target.client_text().await, "alive");
        target.nothing_more().await;
    });
}

/// [T:ping] A client that answers pings stays, through many of them, and is otherwise left alone.
#[test]
fn a_client_that_answers_pings_stays() {
    run(async {
        let world = pinging(50);
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        target.join().await;
        for _ in 0..5 {
            assert!(client.message().await.is_ping());
        }
        client.send_text("still here").await;
        assert_eq!(target.client_text().await, "still here");
    });
}

/// [T:pong] A client's ping is answered with its payload, on a connection where nothing else happens, and
/// between the fragments of a message.
#[test]
fn a_ping_is_answered_at_once() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut raw = Raw::open(&world, "/ws").await;
        target.join().await;
        raw.write(frame(PING, b"idle")).await;
        assert_eq!(raw.frame().await, (PONG, b"idle".to_vec()));
        let mut first = frame(1, b"two ");
        first[0] &= 0x7f;
        raw.write([first, frame(PING, b"between")].concat()).await;
        assert_eq!(raw.frame().await, (PONG, b"between".to_vec()));
        raw.write(frame(0, b"parts")).await;
        assert_eq!(target.client_text().await, "two parts");
    });
}

/// [T:flood] More pings in a period than the bound: 1008. Unasked pongs count the same.
#[test]
fn a_flood_of_control_frames_is_1008() {
    run(async {
        let world = Setup::limits(|limits| limits.flood_frames_max = 10).start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        for opcode in [PING, PONG] {
            let mut raw = Raw::open(&world, "/ws").await;
            target.join().await;
            raw.write(frame(opcode, b"").repeat(11)).await;
            let payload = loop {
                let (opcode, payload) = raw.frame().await;
                if opcode == CLOSE {
                    break payload;
                }
            };
            assert_eq!(payload[..2], 1008_u16.to_be_bytes());
            assert_eq!(target.leave().await.code, Some(1008));
        }
    });
}

/// [T:handshake] [T:keep-alive] A request that never ends is 408; a connection that never asks, or asks no
/// more, is closed without a word.
#[test]
fn a_request_that_does_not_come_in_time_ends_the_connection() {
    run(async {
        let world = Setup::limits(|limits| {
            limits.handshake_wait_max = SHORT;
            limits.keep_alive_wait_max = SHORT;
            limits.close_wait_max = SHORT;
        })
        .start();
        world.answer("/page", wsrelay_core::upgrade::Response::text(200, "a page"));
        let mut raw = Raw::connect(&world).await;
        raw.write("GET / HTTP/1.1\r\nHo").await;
        assert_eq!(raw.reply().await.status, 408);
        assert_eq!(raw.rest().await, b"");
        assert_eq!(Raw::connect(&world).await.rest().await, b"");
        let mut raw = Raw::connect(&world).await;
        assert_eq!(raw.ask("GET", "/page", &[]).await.status, 200);
        assert_eq!(raw.rest().await, b"");
    });
}
