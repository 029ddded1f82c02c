//! Actors that panic, in their work and in their destructors (P5).

use crate::support::{Client, Echo, Probe, Setup, World, act, channel, topic};
use std::sync::mpsc::Sender;
use wsrelay_core::process::{Actor, Context, Event, ExitReason, Pid};
use wsrelay_thread::{Node, SendFault};

/// One worker, so that whoever is harmed is a neighbour.
fn world_with_a_neighbour() -> (World, Client) {
    let world = Setup::workers(1).start();
    world.node.spawn_actor_named("echo", Echo).unwrap();
    let mut client = world.open("echo");
    client.echo("before");
    (world, client)
}

/// [P3] [P5] [P6] An actor that panics ends alone: its monitors are told in its words, its name is free, and
/// its neighbours go on.
#[test]
fn an_actor_that_panics_ends_alone() {
    let (world, mut client) = world_with_a_neighbour();
    let watcher = Probe::spawn(&world.node);
    let crash = act(|event, _| {
        if let Event::Message(_) = event {
            panic!("on purpose")
        }
    });
    let crash = world.node.spawn_actor_named("crash", crash).unwrap();
    watcher.monitor(crash).unwrap();
    for _ in 0..3 {
        world.node.send(crash, topic(), "now").unwrap_or_default();
    }
    assert_eq!(watcher.exit(), (crash, ExitReason::crashed("panicked: on purpose")));
    assert_eq!((world.node.lookup("crash"), world.node.is_alive(crash)), (None, false));
    assert_eq!(world.node.send(crash, topic(), "late"), Err(SendFault::NoProcess));
    client.echo("after");
}

/// [P5] An actor that panics when it starts, or at its alarm, ends the same way.
#[test]
fn an_actor_may_panic_whatever_happens_to_it() {
    let (world, mut client) = world_with_a_neighbour();
    let (seen, heard) = channel();
    for at in [Event::Started, Event::Tick] {
        let (node, seen) = (world.node.clone(), seen.clone());
        world.node.spawn_actor(act(move |event, context| {
            if let Event::Started = event {
                let at = at.clone();
                let crash = node.spawn_actor(act(move |event, context: &mut Context<'_>| {
                    assert_ne!(event, at, "on purpose");
                    context.wake_at(context.now());
                }));
                context.monitor(crash);
            }
            if let Event::Exit { reason, .. } = event {
                _ = seen.send(reason);
            }
        }));
        // It may be over before the monitor comes.
        let reason = heard.next("the crash");
        assert!(matches!(&reason, ExitReason::Crashed(_) | ExitReason::NoProcess), "{reason}");
    }
    client.echo("after");
}

/// [P5] [C:TargetCrashed] A client's target panics: the client is closed, and its neighbour is not.
#[test]
fn the_client_of_an_actor_that_panics_is_closed() {
    let (world, mut neighbour) = world_with_a_neighbour();
    let crash = act(|event, _| {
        if let Event::Message(message) = event {
            assert!(message.topic.as_str() != "ws.message", "on purpose");
        }
    });
    world.node.spawn_actor_named("crash", crash).unwrap();
    let mut client = world.open("crash");
    client.send_text("now");
    assert_eq!(client.closed(), 1011);
    neighbour.echo("after");
}

/// An actor whose destructor panics.
struct Brittle(Sender<()>);

impl Actor for Brittle {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        match event {
            Event::Message(_) => context.exit(ExitReason::Normal),
            Event::Cancel { .. } => panic!("on purpose"),
            Event::Started | Event::Exit { .. } | Event::LinkDown { .. } | Event::Tick => {}
        }
    }
}

impl Drop for Brittle {
    fn drop(&mut self) {
        _ = self.0.send(());
        panic!("a destructor, on purpose");
    }
}

/// What brings an actor to its end.
type End = fn(&Node, Pid) -> Result<(), SendFault>;

/// [P5] However an actor ends whose destructor panics, its monitors are told why it ended, and nobody else is
/// harmed.
#[test]
fn a_destructor_that_panics_harms_nobody() {
    let (mut world, mut client) = world_with_a_neighbour();
    let watcher = Probe::spawn(&world.node);
    let (seen, heard) = channel();
    let ends: [(_, End); 3] = [
        (ExitReason::Normal, |node, pid| node.send(pid, topic(), "end")),
        (ExitReason::Killed, |node, pid| node.terminate(pid)),
        (ExitReason::crashed("panicked: on purpose"), |node, pid| node.cancel(pid, "panic")),
    ];
    for (reason, end) in ends {
        let pid = world.node.spawn_actor_named("brittle", Brittle(seen.clone())).unwrap();
        watcher.monitor(pid).unwrap();
        end(&world.node, pid).unwrap();
        assert_eq!(watcher.exit(), (pid, reason));
        heard.next("the destructor");
        client.echo("meanwhile");
    }
    // The last ones are dropped with their worker, which drops all of them.
    for _ in 0..3 {
        world.node.spawn_actor(Brittle(seen.clone()));
    }
    drop(seen);
    world.drop_runtime();
    for _ in 0..3 {
        heard.next("the destructor");
    }
    heard.end("the destructors");
}
