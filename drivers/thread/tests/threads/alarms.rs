//! The alarms of actors.

use crate::support::{Echo, LONG, SHORT, Setup, World, act, channel, topic};
use std::time::Duration;
use wsrelay_core::process::{Context, Event};
use wsrelay_core::time::Instant;

/// An alarm goes off when its time has come and not before, as often as it is set.
#[test]
fn an_alarm_goes_off_each_time_it_is_set() {
    const TIMES: u32 = 50;
    let world = World::start();
    let (seen, heard) = channel();
    let mut due = None;
    world.node.spawn_actor(act(move |event, context| {
        if event == Event::Tick {
            _ = seen.send(due.is_some_and(|due| due <= context.now()));
        }
        let next = context.now() + Duration::from_millis(1);
        due = Some(next);
        context.wake_at(next);
    }));
    for _ in 0..TIMES {
        assert!(heard.next("an alarm"), "an alarm went off too early");
    }
}

/// A later call moves the alarm, forward or back: it goes off once, when the last one said.
#[test]
fn an_alarm_that_is_moved_goes_off_once() {
    let world = World::start();
    let (seen, heard) = channel();
    let moves: [fn(Instant) -> (Instant, Instant); 2] =
        [|now| (now + LONG, now + SHORT), |now| (now + Duration::from_millis(1), now + SHORT)];
    for moved in moves {
        let seen = seen.clone();
        let mut due = None;
        let pid = world.node.spawn_actor(act(move |event, context: &mut Context<'_>| match event {
            Event::Started => context.wake_at(moved(context.now()).0),
            Event::Message(_) => {
                let at = moved(context.now()).1;
                due = Some(at);
                context.wake_at(at);
            }
            Event::Tick => {
                // The first alarm may have gone off before the message came.
                if due.is_some() {
                    _ = seen.send(due.is_some_and(|due| due <= context.now()));
                }
            }
            Event::Exit { .. } | Event::LinkDown { .. } | Event::Cancel { .. } => {}
        }));
        world.node.send(pid, topic(), "move").unwrap();
        assert!(heard.next("the alarm"), "the alarm went off too early");
    }
    drop(world);
    drop(seen);
    heard.end("the alarms");
}

/// Messages that come before the alarm neither move nor lose it.
#[test]
fn an_alarm_goes_off_between_messages() {
    let world = World::start();
    let (seen, heard) = channel();
    let pid = world.node.spawn_actor(act(move |event, context: &mut Context<'_>| {
        if event == Event::Started {
            context.wake_at(context.now() + SHORT);
        }
        if event == Event::Tick {
            _ = seen.send(());
        }
    }));
    while heard.is_silent() {
        _ = world.node.send(pid, topic(), "busy");
    }
}

/// [P10] An alarm that is always due does not keep others from their work.
#[test]
fn an_alarm_that_is_always_due_leaves_others_their_turn() {
    let world = Setup::workers(1).start();
    world.node.spawn_actor_named("echo", Echo).unwrap();
    for _ in 0..3 {
        world.node.spawn_actor(act(|_, context: &mut Context<'_>| context.wake_at(Instant::ZERO)));
    }
    let mut client = world.open("echo");
    for number in 0..50 {
        client.echo(&number.to_string());
    }
}
