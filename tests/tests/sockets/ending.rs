//! Table C: how a connection ends, row by row, for the client, the target and the monitors.

use crate::support::{Client, LONG, Probe, Raw, SHORT, Setup, World, frame, run, until};
use wsrelay_core::message::{Close, Leave, Topic};
use wsrelay_core::process::{ExitReason, Pid};
use wsrelay_core::time::Timeout;
use wsrelay_core::wire::{CloseCode, CloseReason};

/// A connection with a watcher beside its target.
struct Stage {
    world: World,
    target: Probe,
    watcher: Probe,
    pid: Pid,
    client: Client,
}

async fn stage(setup: Setup) -> Stage {
    let world = setup.start();
    let (target, watcher) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
    world.relay("/ws", target.pid);
    let client = Client::open(&world, "/ws").await;
    let pid = target.join().await.pid;
    watcher.watch(pid).await;
    Stage { world, target, watcher, pid, client }
}

impl Stage {
    /// One leave for the target, one exit event for the watcher, and then nothing is left of it.
    async fn gone(&self) -> (Leave, ExitReason) {
        let leave = self.target.leave().await;
        assert_eq!(leave.pid, self.pid);
        let (from, reason) = self.watcher.exit().await;
        assert_eq!(from, self.pid);
        self.watcher.nothing_more().await;
        self.target.nothing_more().await;
        until("the connection to go", || self.world.node.connections().is_empty()).await;
        assert!(!self.world.node.is_alive(self.pid));
        (leave, reason)
    }
}

/// [C:Commanded] `ws.close` gives its own code and reason to everybody, and the end is a normal one.
#[test]
fn a_commanded_close_carries_its_own_code() {
    run(async {
        let mut stage = stage(Setup::default()).await;
        let (code, reason) = (CloseCode::new(1008).unwrap(), CloseReason::new("house rules"));
        stage.target.context.send(stage.pid, Topic::CLOSE, Close { code, reason, reference: None }).unwrap();
        assert_eq!(stage.client.closed().await, (1008, "house rules".to_owned()));
        let (leave, reason) = stage.gone().await;
        assert_eq!((leave.code, &*leave.reason, leave.clean), (Some(1008), "house rules", true));
        assert_eq!(reason, ExitReason::Normal);
    });
}

/// [C:ClientClosed] The client's close is echoed, an empty one with an empty one; the leave carries its
/// code and reason, and only some codes are a normal end.
#[test]
fn a_client_that_closes_is_echoed() {
    run(async {
        let cases = [
            (Some((1000, "done")), (1000, true)),
            (Some((1001, "next page")), (1001, true)),
            (Some((4321, "own")), (4321, true)),
            (Some((1002, "odd")), (1002, false)),
            (None, (1005, true)),
        ];
        for (close, (code, is_normal)) in cases {
            let mut stage = stage(Setup::default()).await;
            assert_eq!(stage.client.close(close).await, (code, String::new()));
            let (leave, reason) = stage.gone().await;
            let words = close.map_or("", |(_, words)| words);
            assert_eq!((leave.code, &*leave.reason, leave.clean), (Some(code), words, true));
            assert_eq!(reason.is_normal(), is_normal, "{close:?}: {reason:?}");
        }
    });
}

/// [C:Lost] A TCP connection that ends without a close: 1006, not clean, abnormal.
#[test]
fn a_lost_connection_is_1006() {
    run(async {
        let Stage { world, target, watcher, pid, client } = stage(Setup::default()).await;
        drop(client);
        let leave = target.leave().await;
        assert_eq!((leave.pid, leave.code, leave.clean), (pid, Some(1006), false));
        assert!(matches!(watcher.exit().await.1, ExitReason::Crashed(_)));
        until("the connection to go", || world.node.connections().is_empty()).await;
    });
}

/// [C:Fault] What breaks the protocol, the text or the limits is closed with the code for it, before what
/// came behind it is looked at.
#[test]
fn a_fault_of_the_client_has_its_code() {
    run(async {
        let world = Setup::limits(|limits| limits.message_bytes_max = 100).start();
        let (target, watcher) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        world.relay("/ws", target.pid);
        let cases = [
            (1002, frame(3, b"")),
            (1002, vec![0x81, 0x02, b'h', b'i']),
            (1002, frame(8, &1005_u16.to_be_bytes())),
            (1007, frame(1, b"\xff")),
            (1009, frame(2, &[0; 101])),
        ];
        for (code, bytes) in cases {
            let mut raw = Raw::open(&world, "/ws").await;
            let pid = target.join().await.pid;
            watcher.watch(pid).await;
            raw.write([frame(1, b"before"), bytes, frame(1, b"after")].concat()).await;
            assert_eq!(target.client_text().await, "before");
            let (opcode, payload) = raw.frame().await;
            assert_eq!((opcode, &payload[..2]), (8, &u16::to_be_bytes(code)[..]));
            let leave = target.leave().await;
            assert_eq!((leave.code, leave.clean), (Some(code), false));
            assert!(matches!(watcher.exit().await.1, ExitReason::Crashed(_)));
            raw.finish();
            assert_eq!(raw.rest().await, b"");
            target.nothing_more().await;
        }
    });
}

/// [C:Idle] [C:Expired] [T:idle] [T:lifetime] Too long without a message, or too old: 1001.
#[test]
fn an_idle_or_old_connection_is_1001() {
    run(async {
        let idle = Setup::limits(|limits| limits.idle_max = Timeout::After(SHORT));
        let old = Setup::limits(|limits| limits.lifetime_max = Timeout::After(SHORT));
        for setup in [idle, old] {
            let mut stage = stage(setup).await;
            assert_eq!(stage.client.closed().await.0, 1001);
            let (leave, reason) = stage.gone().await;
            assert_eq!((leave.code, leave.clean, reason), (Some(1001), true, ExitReason::Normal));
        }
    });
}

/// [C:LinkedCrash] [P4] A process linked to the connection crashes: 1011 without its words. A normal end
/// changes nothing.
#[test]
fn the_crash_of_a_linked_process_is_1011() {
    run(async {
        let mut stage = stage(Setup::default()).await;
        let (calm, fragile) = (Probe::spawn(&stage.world.node), Probe::spawn(&stage.world.node));
        for process in [&calm, &fragile] {
            process.context.link(stage.pid).unwrap();
        }
        stage.watcher.context.monitor(calm.pid).unwrap();
        calm.end(ExitReason::Normal);
        assert_eq!(stage.watcher.exit().await, (calm.pid, ExitReason::Normal));
        stage.client.send_text("still here").await;
        assert_eq!(stage.target.client_text().await, "still here");
        fragile.end(ExitReason::crashed("secret"));
        assert_eq!(stage.client.closed().await, (1011, "internal error".to_owned()));
        let (leave, reason) = stage.gone().await;
        assert_eq!((leave.code, reason), (Some(1011), ExitReason::Linked));
    });
}

/// [C:LinkedCrash] [P4] The other way round: a connection that ends abnormally takes its links along,
/// unless they trap that.
#[test]
fn a_lost_connection_takes_its_links_along() {
    run(async {
        let Stage { world, target, watcher, pid, client } = stage(Setup::default()).await;
        let (bound, trapping) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        trapping.context.trap_links(true);
        for process in [&bound, &trapping] {
            process.context.link(pid).unwrap();
        }
        let third = Probe::spawn(&world.node);
        third.context.monitor(bound.pid).unwrap();
        drop(client);
        target.leave().await;
        assert_eq!(third.exit().await, (bound.pid, ExitReason::Linked));
        let event = trapping.event().await;
        assert!(
            matches!(&event, wsrelay_core::process::Event::LinkDown { from, .. } if *from == pid),
            "{event:?}"
        );
        watcher.exit().await;
    });
}

/// [C:Cancelled] [P5] A connection that is cancelled closes with 1001; the words go to the target, not to
/// the client.
#[test]
fn a_cancelled_connection_is_1001() {
    run(async {
        let mut stage = stage(Setup::default()).await;
        stage.world.node.cancel(stage.pid, "moderator said so").unwrap();
        assert_eq!(stage.client.closed().await, (1001, "going away".to_owned()));
        let (leave, reason) = stage.gone().await;
        assert_eq!((leave.code, &*leave.reason), (Some(1001), "moderator said so"));
        assert_eq!(reason, ExitReason::Normal);
    });
}

/// [C:Killed] [P5] A connection that is terminated is cut without a close frame.
#[test]
fn a_terminated_connection_is_cut() {
    run(async {
        let mut stage = stage(Setup::default()).await;
        stage.world.node.terminate(stage.pid).unwrap();
        stage.client.cut().await;
        let (leave, reason) = stage.gone().await;
        assert_eq!((leave.code, leave.clean, reason), (Some(1006), false, ExitReason::Killed));
    });
}

/// [T:close] [C:Commanded] A client that never answers a close frame is cut after the close deadline, and
/// its leave is not clean.
#[test]
fn a_client_that_does_not_answer_a_close_is_cut() {
    run(async {
        let world = Setup::limits(|limits| limits.close_wait_max = SHORT).start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut raw = Raw::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        target.context.send(pid, Topic::CLOSE, Close::default()).unwrap();
        let (opcode, payload) = raw.frame().await;
        assert_eq!((opcode, payload), (8, 1000_u16.to_be_bytes().to_vec()));
        let leave = target.leave().await;
        assert_eq!((leave.code, leave.clean), (Some(1000), false));
        assert_eq!(raw.rest().await, b"");
    });
}

/// [R4] [R5] What a client sends before it answers a close still reaches the target, before the leave.
#[test]
fn messages_that_cross_a_close_come_before_the_leave() {
    run(async {
        let world = Setup::limits(|limits| limits.close_wait_max = LONG).start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut raw = Raw::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        target.context.send(pid, Topic::CLOSE, Close::default()).unwrap();
        assert_eq!(raw.frame().await.0, 8);
        raw.write([frame(1, b"one"), frame(1, b"two"), frame(8, &1000_u16.to_be_bytes())].concat()).await;
        assert_eq!(target.client_text().await, "one");
        assert_eq!(target.client_text().await, "two");
        assert!(target.leave().await.clean);
        target.nothing_more().await;
    });
}

/// [P5] [C:Killed] Dropping the runtime closes every socket, relaying or not.
#[test]
fn sockets_close_with_the_runtime() {
    run(async {
        let mut stage = stage(Setup::default()).await;
        let mut idle = Raw::connect(&stage.world).await;
        stage.world.answer("/page", wsrelay_core::upgrade::Response::text(200, "a page"));
        assert_eq!(idle.ask("GET", "/page", &[]).await.status, 200);
        stage.world.drop_runtime();
        stage.client.cut().await;
        assert_eq!(idle.rest().await, b"");
        assert_eq!(stage.world.node.connections(), []);
        assert!(!stage.world.node.is_alive(stage.target.pid));
    });
}
