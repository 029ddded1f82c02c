//! Where actors live, and that messages between them keep their order (P2).

use crate::support::{Probe, Setup, World, act, channel, number_of, topic};
use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::thread;
use wsrelay_core::message::{Destination, Topic};
use wsrelay_core::process::{Actor, Event, Pid};
use wsrelay_core::relay::RelayConfig;

fn here() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// An actor that tells where it is each time that it is run.
fn tells_where(seen: Sender<String>) -> impl Actor + Send + 'static {
    act(move |_, _| _ = seen.send(here()))
}

/// Actors that are started from outside take turns on the workers, and stay where they are.
#[test]
fn actors_from_outside_take_turns_on_the_workers() {
    let world = Setup::workers(3).start();
    let mut places: HashMap<String, u32> = HashMap::new();
    for _ in 0..9 {
        let (seen, heard) = channel();
        let pid = world.node.spawn_actor(tells_where(seen));
        let place = heard.next("its start");
        for _ in 0..3 {
            world.node.send(pid, topic(), "still there?").unwrap();
            assert_eq!(heard.next("its answer"), place);
        }
        *places.entry(place).or_default() += 1;
    }
    let each = |number: u32| (format!("wsrelay-{number}"), 3);
    assert_eq!(places, HashMap::from([each(0), each(1), each(2)]));
}

/// An actor that is started by an actor lives with it.
#[test]
fn actors_of_an_actor_live_with_it() {
    let world = Setup::workers(3).start();
    for _ in 0..3 {
        let (seen, heard) = channel();
        let node = world.node.clone();
        world.node.spawn_actor(act(move |event, _| {
            if event == Event::Started {
                _ = seen.send(here());
                for _ in 0..5 {
                    node.spawn_actor(tells_where(seen.clone()));
                }
            }
        }));
        let parent = heard.next("the first one's start");
        for _ in 0..5 {
            assert_eq!(heard.next("another one's start"), parent);
        }
    }
}

/// An actor that a handler starts for its client lives where the handler has run, and with it the client.
#[test]
fn actors_of_a_handler_live_with_its_client() {
    let (seen, heard) = channel();
    let world = Setup::workers(3).answering(|node| {
        let node = node.clone();
        move |_| {
            _ = seen.send(here());
            RelayConfig::to(node.spawn_actor(tells_where(seen.clone()))).into()
        }
    });
    for _ in 0..20 {
        let mut client = crate::support::Client::open(world.address, "ws");
        client.send_text("where?");
        let handler = heard.next("the handler");
        // Its start, the join, the message.
        for _ in 0..3 {
            assert_eq!(heard.next("the actor"), handler);
        }
        client.close();
        assert_eq!(heard.next("the leave"), handler);
    }
}

const SENDERS: u32 = 4;
const NUMBERS: u32 = 10_000;

/// Sends numbers to `target`, so many at a time, on topics that change.
fn counter(target: Pid) -> impl Actor + Send + 'static {
    let mut next = 0;
    act(move |event, context| {
        if matches!(event, Event::Started | Event::Message(_)) {
            let until = NUMBERS.min(next + 1 + next % 199);
            for number in next..until {
                let topic = if number % 7 == 0 { Topic::from("seven") } else { topic() };
                context.send(target, topic, number.to_string());
            }
            next = until;
            if next < NUMBERS {
                context.send(context.pid(), topic(), "go on");
            }
        }
    })
}

/// [P2] Four actors on two workers send ten thousand numbers each to a fifth: those of each arrive in order, and
/// all of them.
#[test]
fn messages_within_and_between_workers_keep_their_order() {
    let world = Setup::workers(2).limits(|limits| limits.mailbox_messages_max = 100_000).start();
    let (seen, heard) = channel();
    let (mut expected, mut total) = (HashMap::<Pid, u32>::new(), 0);
    let target = world.node.spawn_actor(act(move |event, _| {
        let Event::Message(message) = event else { return };
        let next = message.from.map(|from| expected.entry(from).or_default());
        if next.as_deref().copied() != number_of(&message) {
            _ = seen.send(Err(format!("{message:?} instead of {next:?}")));
        }
        if let Some(next) = next {
            *next += 1;
            total += 1;
        }
        if total == SENDERS * NUMBERS {
            _ = seen.send(Ok(()));
        }
    }));
    for _ in 0..SENDERS {
        world.node.spawn_actor(counter(target));
    }
    assert_eq!(heard.next("the last number"), Ok(()));
    assert_eq!(world.node.dead_letters(), 0);
}

/// [P2] The same for a sender with a thread of its own, whose signals of other kinds keep their place too.
#[test]
fn signals_of_a_blocking_process_keep_their_order() {
    let world = Setup::workers(2).limits(|limits| limits.mailbox_messages_max = 100_000).start();
    let (seen, heard) = channel();
    let mut next = 0;
    let target = world.node.spawn_actor(act(move |event, _| {
        if let Event::Cancel { reason, .. } = &event {
            _ = seen.send((next, reason.parse().ok()));
        }
        if let Event::Message(message) = event {
            assert_eq!(number_of(&message), Some(next));
            next += 1;
        }
    }));
    let sender = Probe::spawn(&world.node);
    for number in 0..NUMBERS {
        sender.send(target, topic(), number.to_string()).unwrap();
        if number % 1000 == 0 {
            world.node.cancel(target, &(number + 1).to_string()).unwrap();
        }
    }
    for number in (0..NUMBERS).step_by(1000) {
        assert_eq!(heard.next("a cancel"), (number + 1, Some(number + 1)));
    }
}

/// [P2] [P6] A token goes round a ring of five actors on two workers ten thousand times.
#[test]
fn a_ring_of_actors_passes_a_token_round() {
    const HOPS: u32 = 10_000;
    let world = World::start();
    let (seen, heard) = channel();
    // From the last to the first, which the last knows by its name.
    let mut next = Destination::from("first");
    for _ in 0..5 {
        let (to, seen) = (next, seen.clone());
        let member = act(move |event, context: &mut wsrelay_core::process::Context<'_>| {
            if let Event::Message(message) = event
                && let Some(hops) = number_of(&message)
            {
                if hops < HOPS {
                    context.send(to.clone(), topic(), (hops + 1).to_string());
                } else {
                    _ = seen.send(hops);
                }
            }
        });
        next = world.node.spawn_actor(member).into();
    }
    let Destination::Pid(first) = next else { panic!("a process") };
    world.node.register("first", first).unwrap();
    world.node.send(first, topic(), "0").unwrap();
    assert_eq!(heard.next("the token"), HOPS);
    assert_eq!(world.node.dead_letters(), 0);
}

/// [P2] A message that is sent to an actor before it has started is its first, behind its start.
#[test]
fn messages_to_a_new_actor_wait_for_its_start() {
    let world = World::start();
    for _ in 0..100 {
        let (seen, heard) = channel();
        let node = world.node.clone();
        // Started by one on a worker, so that it cannot begin before it was written to.
        world.node.spawn_actor(act(move |event, context| {
            if event == Event::Started {
                let seen = seen.clone();
                let new = node.spawn_actor(act(move |event, _| {
                    let number = if let Event::Message(message) = &event { number_of(message) } else { None };
                    _ = seen.send(number);
                }));
                for number in 0..10 {
                    context.send(new, topic(), number.to_string());
                }
            }
        }));
        assert_eq!(heard.next("the start"), None);
        for number in 0..10 {
            assert_eq!(heard.next("a message"), Some(number));
        }
    }
}

/// [P8] What an actor has handled takes no room in its mailbox any more: one that sends itself one message each time
/// always finds room for it.
#[test]
fn an_actor_that_sends_to_itself_finds_room() {
    const TIMES: u32 = 10_000;
    let world = Setup::workers(1).limits(|limits| limits.mailbox_messages_max = 4).start();
    let (seen, heard) = channel();
    let mut times = 0;
    world.node.spawn_actor(act(move |event, context: &mut wsrelay_core::process::Context<'_>| {
        if matches!(event, Event::Started | Event::Message(_)) {
            times += 1;
            if times == TIMES {
                _ = seen.send(times);
            }
            context.send(context.pid(), topic(), "again");
        }
    }));
    assert_eq!(heard.next("the last time"), TIMES);
    assert_eq!(world.node.dead_letters(), 0);
}
