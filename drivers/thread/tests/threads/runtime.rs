//! The end of the workers, and what comes after it.

use crate::support::{Heard, Probe, World, act, channel, topic};
use std::net::SocketAddr;
use std::sync::mpsc::{self, Sender};
use wsrelay_core::process::{Actor, Event};
use wsrelay_thread::{Context, Node, SendFault};

/// Tells the test when it is dropped.
struct Dropped(Sender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        _ = self.0.send("dropped");
    }
}

/// [P5] Where the workers have ended, every process has: one that waits stops waiting, one that is busy finds out
/// when it looks, and an actor's state is dropped.
#[test]
fn the_end_of_the_runtime_ends_every_process() {
    let mut world = World::start();
    let (seen, heard) = channel();
    let told = seen.clone();
    let waits = move |context: Context| {
        _ = told.send(if context.receive().is_none() { "waited" } else { "received" });
    };
    let (free, freed) = mpsc::channel::<()>();
    let (found, over) = channel();
    let busy = move |context: Context| {
        _ = freed.recv();
        _ = found.send(context.is_ended() && context.next().is_none());
    };
    let dropped = Dropped(seen);
    let actor = act(move |_, _| _ = &dropped);
    let pids = [
        world.node.spawn_thread_named("waits", waits).expect("a thread").unwrap(),
        world.node.spawn_thread_named("busy", busy).expect("a thread").unwrap(),
        world.node.spawn_actor_named("actor", actor).unwrap(),
    ];
    world.drop_runtime();
    for pid in pids {
        assert!(!world.node.is_alive(pid));
        assert_eq!(world.node.send(pid, topic(), "late"), Err(SendFault::NoProcess));
    }
    for name in ["waits", "busy", "actor"] {
        assert_eq!(world.node.lookup(name), None);
    }
    let mut ends = [heard.next("the first end"), heard.next("the second end")];
    ends.sort_unstable();
    assert_eq!(ends, ["dropped", "waited"]);
    heard.end("both");
    drop(free);
    assert!(over.next("the code's end"));
}

/// [P5] The runtime's end does not wait for the code of a process.
#[test]
fn the_end_of_the_runtime_waits_for_nobody() {
    let mut world = World::start();
    let probe = Probe::spawn(&world.node);
    world.node.spawn_actor_named("echo", crate::support::Echo).unwrap();
    let mut client = world.open("echo");
    client.echo("well");
    world.drop_runtime();
    assert_eq!(probe.next(), None);
    // Where the target's worker was first, the client's has still closed the connection.
    let rest = client.rest();
    assert!(rest.is_empty() || rest[0] == 0x88, "{rest:?}");
}

/// [P5] Where the runtime has ended, what is started has ended too, and leaves nothing behind.
#[test]
fn what_is_started_after_the_runtime_has_ended_at_once() {
    let mut world = World::start();
    world.drop_runtime();
    let node = &world.node;
    let (seen, heard) = channel();
    let (one, other) = (Dropped(seen.clone()), Dropped(seen.clone()));
    let actors = [
        node.spawn_actor(act(move |_, _| _ = &one)),
        node.spawn_actor_named("actor", act(move |_, _| _ = &other)).unwrap(),
    ];
    for _ in actors {
        assert_eq!(heard.next("the end of an actor"), "dropped");
    }
    let told = seen.clone();
    let threads = [
        node.spawn_thread(move |_| _ = told.send("run")).expect("no thread at all"),
        node.spawn_thread_named("thread", move |_| _ = seen.send("run")).expect("no thread at all").unwrap(),
    ];
    heard.end("everything");
    assert!(actors.into_iter().chain(threads).all(|pid| !node.is_alive(pid)));
    assert_eq!((node.lookup("actor"), node.lookup("thread")), (None, None));
    let bound = world.server.bind(SocketAddr::from(([127, 0, 0, 1], 0)));
    assert_eq!(bound.expect_err("nobody could serve").to_string(), "the runtime has ended");
}

/// Starts a process with a thread of its own when it is dropped.
struct LastWish {
    node: Node,
    seen: Option<Sender<bool>>,
}

impl Actor for LastWish {
    fn handle(&mut self, _: Event, _: &mut wsrelay_core::process::Context<'_>) {}
}

impl Drop for LastWish {
    fn drop(&mut self) {
        let Some(seen) = self.seen.take() else { return };
        let body = move |context: Context| _ = seen.send(context.receive().is_none());
        self.node.spawn_thread(body).expect("a thread");
    }
}

/// [P5] A process that is started while the workers end does not outlive them: its code learns of the end.
#[test]
fn what_is_started_while_the_runtime_ends_ends_with_it() {
    let mut world = World::start();
    let (seen, heard): (_, Heard<bool>) = channel();
    for _ in 0..2 {
        world.node.spawn_actor(LastWish { node: world.node.clone(), seen: Some(seen.clone()) });
    }
    drop(seen);
    world.drop_runtime();
    for _ in 0..2 {
        assert!(heard.next("the end of a process without a worker"));
    }
}
