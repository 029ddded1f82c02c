//! What a function with a thread of its own gets to see (P2, P5).

use crate::support::{Probe, SHORT, World, channel, text_of, topic};
use std::sync::Arc;
use std::sync::mpsc;
use wsrelay_core::message::Payload;
use wsrelay_core::process::Event;
use wsrelay_thread::{Context, SendFault};

/// [P2] The inbox gives the messages of a sender in their order, until the process ends.
#[test]
fn an_inbox_gives_all_messages_in_order_until_the_process_ends() {
    let world = World::start();
    let (seen, heard) = channel();
    let body = move |context: Context| {
        for message in context.inbox() {
            _ = seen.send(text_of(&message).map(str::to_owned));
        }
    };
    let pid = world.node.spawn_thread(body).expect("a thread");
    for number in 0..1000 {
        world.node.send(pid, topic(), number.to_string()).unwrap();
    }
    for number in 0..1000 {
        assert_eq!(heard.next("a message"), Some(number.to_string()));
    }
    world.node.terminate(pid).unwrap();
    heard.end("the inbox");
}

/// The words of a message or a cancel.
fn words(event: &Event) -> String {
    if let Event::Cancel { reason, .. } = event {
        return format!("cancel {reason}");
    }
    let Event::Message(message) = event else { panic!("{event:?} was not expected") };
    text_of(message).expect("text").to_owned()
}

/// Sends a process two messages and two cancels, in turns, and returns what it gets by `take`.
fn taken(take: impl FnOnce(Context) -> Vec<Event> + Send + 'static) -> Vec<String> {
    let world = World::start();
    let (seen, heard) = channel();
    let (go, gone) = mpsc::channel::<()>();
    let body = move |context| {
        // Everything was sent before the first look.
        _ = gone.recv();
        _ = seen.send(take(context));
    };
    let pid = world.node.spawn_thread(body).expect("a thread");
    world.node.send(pid, topic(), "one").unwrap();
    world.node.cancel(pid, "two").unwrap();
    world.node.send(pid, topic(), "three").unwrap();
    world.node.cancel(pid, "four").unwrap();
    drop(go);
    heard.next("four events").iter().map(words).collect()
}

const IN_ORDER: [&str; 4] = ["one", "cancel two", "three", "cancel four"];

/// [P2] Messages and events together come in the order of their arrival.
#[test]
fn next_gives_messages_and_events_in_the_order_of_their_arrival() {
    assert_eq!(taken(|context| (0..4).filter_map(|_| context.next()).collect()), IN_ORDER);
}

/// [P2] The same as an iterator.
#[test]
fn events_gives_messages_and_events_in_the_order_of_their_arrival() {
    assert_eq!(taken(|context| context.events().take(4).collect()), IN_ORDER);
}

/// [P2] Who waits for a message gets the next one, whatever events lie before it, and the other way round.
#[test]
fn receive_and_event_pass_over_each_others_kind() {
    let take = |context: Context| {
        let events = [context.event(), context.event()];
        let messages = [context.receive(), context.receive()].map(|message| message.map(Event::Message));
        events.into_iter().chain(messages).flatten().collect()
    };
    assert_eq!(taken(take), ["cancel two", "cancel four", "one", "three"]);
}

/// [P5] A cancel asks and no more: the process lives on, and sees it when it looks.
#[test]
fn a_cancel_is_an_event_for_a_busy_process() {
    let world = World::start();
    let (asker, asked) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
    asker.monitor(asked.pid()).unwrap();
    world.node.cancel(asked.pid(), "if you please").unwrap();
    let cancel = Event::Cancel { from: None, reason: Arc::from("if you please") };
    assert_eq!(asked.next_event(), cancel);
    assert!(world.node.is_alive(asked.pid()) && !asked.is_ended());
}

/// [P5] Waiting for a span ends when it is over, and then the process still lives; or with what comes first.
#[test]
fn next_within_waits_for_its_span_at_most() {
    let world = World::start();
    let probe = Probe::spawn(&world.node);
    assert_eq!(probe.next_within(SHORT), None);
    assert!(!probe.is_ended());
    world.node.send(probe.pid(), topic(), "here").unwrap();
    assert_eq!(text_of(&probe.message()), Some("here"));
    assert_eq!(probe.next_within(SHORT), None);
}

/// [P2] [P6] Blocking processes reach each other by PID and by name, and know each other as senders.
#[test]
fn blocking_processes_answer_each_other() {
    let world = World::start();
    let body = |context: Context| {
        for message in context.inbox() {
            if let Some(from) = message.from {
                _ = context.send(from, message.topic, message.payload);
            }
        }
    };
    let server = world.node.spawn_thread_named("server", body).expect("a thread").unwrap();
    let client = Probe::spawn(&world.node);
    for number in 0..100 {
        client.send("server", topic(), number.to_string()).unwrap();
        let answer = client.message();
        assert_eq!((answer.from, text_of(&answer)), (Some(server), Some(&*number.to_string())));
    }
}

/// [P6] A process registers names for itself and gives them up.
#[test]
fn a_blocking_process_registers_and_unregisters_names() {
    let world = World::start();
    let (one, other) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
    one.register("it").unwrap();
    assert_eq!(world.node.lookup("it"), Some(one.pid()));
    other.register("it").unwrap_err();
    assert!(!other.unregister("it") && one.unregister("it"));
    other.register("it").unwrap();
    assert_eq!(world.node.lookup("it"), Some(other.pid()));
}

/// [P3] A monitor that is taken back tells nothing; one of a process that is not alive tells so at once.
#[test]
fn a_blocking_process_takes_a_monitor_back() {
    let world = World::start();
    let (watcher, one, other) =
        (Probe::spawn(&world.node), Probe::spawn(&world.node), Probe::spawn(&world.node));
    watcher.monitor(one.pid()).unwrap();
    watcher.monitor(other.pid()).unwrap();
    watcher.demonitor(one.pid()).unwrap();
    let gone = one.pid();
    // Whoever hears of its end can rely on it: until then, a monitor may still reach it in its last moments.
    other.monitor(gone).unwrap();
    world.node.terminate(gone).unwrap();
    assert_eq!(other.exit().0, gone);
    world.node.terminate(other.pid()).unwrap();
    assert_eq!(watcher.exit().0, other.pid());
    watcher.monitor(gone).unwrap();
    assert_eq!(watcher.exit(), (gone, wsrelay_core::process::ExitReason::NoProcess));
    assert_eq!(watcher.monitor("nobody"), Err(SendFault::NoProcess));
}

/// [P8] A sender is told of a full mailbox, and can send again once something was received.
#[test]
fn a_full_blocking_process_tells_its_senders() {
    let world = crate::support::Setup::workers(2).limits(|limits| limits.mailbox_messages_max = 4).start();
    let (target, sender) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
    for _ in 0..4 {
        sender.send(target.pid(), topic(), Payload::Empty).unwrap();
    }
    assert_eq!(sender.send(target.pid(), topic(), Payload::Empty), Err(SendFault::Full));
    assert_eq!(world.node.send(target.pid(), topic(), "outside"), Err(SendFault::Full));
    // Events have room all the same.
    world.node.cancel(target.pid(), "room").unwrap();
    target.message();
    sender.send(target.pid(), topic(), Payload::Empty).unwrap();
    assert_eq!(sender.send(target.pid(), topic(), Payload::Empty), Err(SendFault::Full));
    assert_eq!(world.node.dead_letters(), 0);
}
