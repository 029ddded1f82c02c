//! A node without sockets: PIDs, names, dead letters, and the order of things at a process's end.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::thread;
use wsrelay_core::limits::Limits;
use wsrelay_core::message::{Destination, Message, Payload, Topic};
use wsrelay_core::process::{Actor, Context, Event, ExitReason, Pid, Signal};
use wsrelay_host::{
    ActorRunner, Anywhere, Deliveries, Mailbox, NameFault, Next, Node, NodeOptions, ProcessCell, Room,
    SendFault, Undelivered,
};

fn node() -> Node {
    Node::new(NodeOptions::default())
}

fn node_with_room_for(messages: usize) -> Node {
    let limits = Limits { mailbox_messages_max: messages, ..Limits::default() };
    Node::new(NodeOptions { limits, ..NodeOptions::default() })
}

/// Puts a signal into a process's mailbox, which never drops a message for another.
#[expect(clippy::panic_in_result_fn, reason = "the result is what the tests look at")]
fn push(mailbox: &Mailbox, signal: Signal) -> Result<Room, Undelivered> {
    let mut evicted = Vec::new();
    let result = mailbox.push(signal, &mut evicted);
    assert_eq!(evicted, []);
    result
}

fn message(topic: &'static str) -> Signal {
    Signal::Message(Message { from: None, topic: Topic::from_static(topic), payload: Payload::Empty })
}

fn poll_event(cell: &ProcessCell) -> Poll<Event> {
    assert_eq!(cell.pump(Waker::noop()), None);
    cell.poll_event(Waker::noop())
}

/// [P1] No PID comes twice, however often its place is given to another process, on many threads at once;
/// those of two nodes never meet.
#[test]
fn a_pid_is_never_given_out_twice() {
    let nodes = [node(), node()];
    let mut pids: Vec<Pid> = Vec::new();
    for node in &nodes {
        pids.extend(thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let churn = |_| {
                            let pid = node.open().pid();
                            node.close(pid, &ExitReason::Normal);
                            pid
                        };
                        (0..2000).map(churn).collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("a thread")).collect::<Vec<_>>()
        }));
    }
    let different: HashSet<_> = pids.iter().copied().collect();
    assert_eq!(different.len(), 2 * 4 * 2000);
    assert!(pids.iter().all(|pid| nodes.iter().all(|node| !node.is_alive(*pid))));
}

/// [P1] [P7] The PID of a process that has ended does not reach whoever has its place now.
#[test]
fn an_old_pid_does_not_reach_a_new_process() {
    let node = node();
    let old = node.open();
    node.close(old.pid(), &ExitReason::Normal);
    // The place is free again after one round through all shards.
    let new: Vec<_> = (0..200).map(|_| node.open()).collect();
    assert_eq!(node.send(old.pid(), Topic::from("x"), Payload::Empty), Err(SendFault::NoProcess));
    assert_eq!(node.register("old", old.pid()), Err(NameFault::NoProcess));
    assert!(new.iter().all(|mailbox| mailbox.is_empty()));
    node.close(old.pid(), &ExitReason::Normal);
    assert!(new.iter().all(|mailbox| node.is_alive(mailbox.pid())));
}

/// [P6] One owner a name, several names an owner; given up one by one, freed together at the end.
#[test]
fn names_belong_to_one_process_until_it_ends() {
    let node = node();
    let (one, two) = (node.open(), node.open());
    for name in ["a", "b", "c"] {
        assert_eq!(node.register(name, one.pid()), Ok(()));
        assert_eq!(node.register(name, one.pid()), Ok(()));
        assert_eq!(node.register(name, two.pid()), Err(NameFault::Taken(one.pid())));
    }
    assert!(!node.unregister("a", two.pid()));
    assert!(node.unregister("a", one.pid()));
    assert_eq!((node.lookup("a"), node.lookup("b")), (None, Some(one.pid())));
    node.close(one.pid(), &ExitReason::Normal);
    assert_eq!((node.lookup("b"), node.lookup("c")), (None, None));
    assert_eq!(node.register("b", two.pid()), Ok(()));
    for malformed in ["", "{", "{5f0c3a9e11d2b7c4|0x00004}"] {
        assert_eq!(node.register(malformed, two.pid()), Err(NameFault::Malformed));
    }
}

/// [P6] Registering and ending at the same time leave no name to the dead.
#[test]
fn a_name_is_not_left_to_a_process_that_ends_meanwhile() {
    let node = node();
    for _ in 0..2000 {
        let pid = node.open().pid();
        thread::scope(|scope| {
            scope.spawn(|| node.close(pid, &ExitReason::Normal));
            _ = node.register("contested", pid);
        });
        assert_eq!(node.lookup("contested"), None);
    }
}

/// [P7] Who is told an error has no dead letter; what was taken and never read is one, with its address.
#[test]
fn a_dead_letter_is_what_nobody_was_told_of() {
    let node = node_with_room_for(2);
    let letters = Arc::new(Mutex::new(Vec::new()));
    let shelf = Arc::clone(&letters);
    assert!(node.on_dead_letter(move |letter| shelf.lock().unwrap().push(letter.clone())));
    let mailbox = node.open();
    let pid = mailbox.pid();
    let send = |topic: &'static str| node.send(pid, Topic::from_static(topic), Payload::Empty);
    assert_eq!([send("one"), send("two"), send("three")], [Ok(()), Ok(()), Err(SendFault::Full)]);
    assert_eq!(node.dead_letters(), 0);
    // From a process that cannot be told.
    node.post(&Destination::Pid(pid), message("four"));
    node.post(&Destination::from("nobody"), message("five"));
    node.close(pid, &ExitReason::Normal);
    node.post(&Destination::Pid(pid), message("six"));
    assert_eq!(send("seven"), Err(SendFault::NoProcess));
    let letters = letters.lock().unwrap();
    let seen: Vec<_> = letters.iter().map(|letter| (letter.message.topic.as_str(), letter.why)).collect();
    let expected = [
        ("four", SendFault::Full),
        ("five", SendFault::NoProcess),
        ("one", SendFault::NoProcess),
        ("two", SendFault::NoProcess),
        ("six", SendFault::NoProcess),
    ];
    assert_eq!(seen, expected);
    assert_eq!(node.dead_letters(), 5);
}

/// A process that traps links and has, unseen by it, monitored and linked another one that then ended.
fn watcher_of_one_that_ended_with(reason: ExitReason, node: &Node) -> (Arc<ProcessCell>, Pid) {
    let (watcher, target) = (ProcessCell::new(node), ProcessCell::new(node));
    watcher.trap_links(true);
    let to = Destination::Pid(target.pid());
    watcher.monitor(&to).expect("a PID");
    watcher.link(&to).expect("a PID");
    target.end(reason);
    (watcher, target.pid())
}

/// [P3] [P4] Monitors and links that a process had not looked at when it ended are answered with why it did.
#[test]
fn monitors_and_links_that_a_process_had_not_seen_learn_its_end() {
    let node = node();
    let reason = ExitReason::crashed("over");
    let (watcher, from) = watcher_of_one_that_ended_with(reason.clone(), &node);
    assert_eq!(poll_event(&watcher), Poll::Ready(Event::Exit { from, reason: reason.clone() }));
    assert_eq!(poll_event(&watcher), Poll::Ready(Event::LinkDown { from, reason }));
    assert_eq!(poll_event(&watcher), Poll::Pending);
}

/// [P4] A normal end is no crash of one whose link it had not seen.
#[test]
fn a_normal_end_forgets_links_that_were_not_seen() {
    let node = node();
    let (watcher, from) = watcher_of_one_that_ended_with(ExitReason::Normal, &node);
    assert_eq!(poll_event(&watcher), Poll::Ready(Event::Exit { from, reason: ExitReason::Normal }));
    assert_eq!(poll_event(&watcher), Poll::Pending);
}

/// [P3] [P4] Those that come later find no process.
#[test]
fn monitors_and_links_of_the_dead_are_answered() {
    let node = node();
    let (watcher, from) = watcher_of_one_that_ended_with(ExitReason::Normal, &node);
    assert!(poll_event(&watcher).is_ready());
    watcher.monitor(&Destination::Pid(from)).unwrap();
    watcher.link(&Destination::Pid(from)).unwrap();
    let reason = ExitReason::NoProcess;
    assert_eq!(poll_event(&watcher), Poll::Ready(Event::Exit { from, reason: reason.clone() }));
    assert_eq!(poll_event(&watcher), Poll::Ready(Event::LinkDown { from, reason }));
    assert_eq!(poll_event(&watcher), Poll::Pending);
}

/// [P3] [P5] A kill does not swallow what came behind it: the monitor is answered, the message counted.
#[test]
fn what_lies_behind_a_kill_is_answered_too() {
    let node = node();
    let (watcher, victim) = (ProcessCell::new(&node), ProcessCell::new(&node));
    node.terminate(victim.pid()).unwrap();
    watcher.monitor(&Destination::Pid(victim.pid())).unwrap();
    node.send(victim.pid(), Topic::from("x"), Payload::Empty).unwrap();
    assert_eq!(victim.pump(Waker::noop()), Some(ExitReason::Killed));
    victim.end(ExitReason::Killed);
    let exit = Event::Exit { from: victim.pid(), reason: ExitReason::Killed };
    assert_eq!(poll_event(&watcher), Poll::Ready(exit));
    assert_eq!(node.dead_letters(), 1);
}

/// [P2] Code that looks without waiting sees what has come since the last pump, such as its own messages.
#[test]
fn who_looks_sees_what_has_just_come() {
    let node = node();
    let (cell, other) = (ProcessCell::new(&node), ProcessCell::new(&node));
    assert_eq!(cell.pump(Waker::noop()), None);
    let to = Destination::Pid(cell.pid());
    cell.send(&to, Topic::from("x"), Payload::Empty).unwrap();
    cell.monitor(&Destination::Pid(other.pid())).unwrap();
    other.end(ExitReason::Normal);
    let is_x = |message: &Message| message.topic == Topic::from("x");
    assert_eq!(cell.take_message(is_x).and_then(|message| message.from), Some(cell.pid()));
    assert_eq!(cell.take_message(is_x), None);
    let exit = Event::Exit { from: other.pid(), reason: ExitReason::Normal };
    assert_eq!(cell.take_event(), Some(exit));
    assert_eq!(cell.take_event(), None);
}

/// [P5] A kill that is met by looking is told by the pump, until the process has ended; what lies behind it is answered.
#[test]
fn a_kill_that_is_met_by_looking_is_not_lost() {
    let node = node();
    let (watcher, victim) = (ProcessCell::new(&node), ProcessCell::new(&node));
    node.terminate(victim.pid()).unwrap();
    assert_eq!(victim.take_event(), None);
    watcher.monitor(&Destination::Pid(victim.pid())).unwrap();
    assert_eq!(victim.take_message(|_| true), None);
    assert_eq!(victim.pump(Waker::noop()), Some(ExitReason::Killed));
    assert_eq!(victim.pump(Waker::noop()), Some(ExitReason::Killed));
    victim.end(ExitReason::Killed);
    assert_eq!(victim.pump(Waker::noop()), None);
    let exit = Event::Exit { from: victim.pid(), reason: ExitReason::Killed };
    assert_eq!(poll_event(&watcher), Poll::Ready(exit));
}

/// What a watcher would see if it looked at the very moment it is woken.
struct Look {
    node: Node,
    pid: Pid,
    seen: Mutex<Option<(Option<Pid>, bool)>>,
}

impl Wake for Look {
    fn wake(self: Arc<Self>) {
        let seen = (self.node.lookup("service"), self.node.is_alive(self.pid));
        *self.seen.lock().expect("no panic before") = Some(seen);
    }
}

/// Has a process watched by another, ends it, and returns what the watcher saw when it was told.
fn look_at_the_end(node: &Node, pid: Pid, end: impl FnOnce()) -> (Option<Pid>, bool) {
    let watcher = ProcessCell::new(node);
    watcher.monitor(&Destination::Pid(pid)).expect("a PID");
    node.register("service", pid).expect("a free name");
    let look = Arc::new(Look { node: node.clone(), pid, seen: Mutex::default() });
    assert_eq!(watcher.pump(&Waker::from(Arc::clone(&look))), None);
    end();
    let seen = look.seen.lock().expect("no panic before").take();
    seen.expect("the watcher was told")
}

/// [P6] [P3] When the exit event of a function's process comes, its names are free and its PID is dead.
#[test]
fn a_function_is_gone_when_its_exit_event_comes() {
    let node = node();
    let cell = ProcessCell::new(&node);
    let seen = look_at_the_end(&node, cell.pid(), || {
        assert_eq!(cell.pump(Waker::noop()), None);
        cell.end(ExitReason::Normal);
    });
    assert_eq!(seen, (None, false));
}

/// Ends at its first message.
struct Brief;

impl Actor for Brief {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(_) = event {
            context.exit(ExitReason::Normal);
        }
    }
}

/// [P6] [P3] The same for an actor.
#[test]
fn an_actor_is_gone_when_its_exit_event_comes() {
    let node = node();
    let mut runner = ActorRunner::new(&node, Brief);
    let pid = runner.pid();
    let seen = look_at_the_end(&node, pid, || {
        node.send(pid, Topic::from("end"), Payload::Empty).unwrap();
        let next = runner.poll(node.clock().now(), &mut Anywhere::new(&node, Waker::noop()));
        assert_eq!(next, Next::Ended);
    });
    assert_eq!(seen, (None, false));
}

/// [P5] [P3] An actor that its driver gives up was killed, for whoever watched it.
#[test]
fn an_actor_that_is_given_up_was_killed() {
    let node = node();
    let watcher = ProcessCell::new(&node);
    let mut runner = ActorRunner::new(&node, Brief);
    let from = runner.pid();
    watcher.monitor(&Destination::Pid(from)).unwrap();
    assert!(matches!(
        runner.poll(node.clock().now(), &mut Anywhere::new(&node, Waker::noop())),
        Next::Wait(_)
    ));
    drop(runner);
    assert_eq!(poll_event(&watcher), Poll::Ready(Event::Exit { from, reason: ExitReason::Killed }));
    assert!(!node.is_alive(from));
}

/// [P8] A mailbox refuses what is past its bound, but neither joins nor leaves nor signals; it has room
/// again once half of it was consumed.
#[test]
fn a_mailbox_is_bounded_and_always_takes_signals() {
    let node = node_with_room_for(4);
    let mailbox = node.open();
    for expected in [Room::Left, Room::Left, Room::Left, Room::None] {
        assert_eq!(push(&mailbox, message("x")), Ok(expected));
    }
    assert_eq!(push(&mailbox, message("x")), Err(Undelivered::Full(message("x"))));
    for always in ["ws.join", "ws.leave", "ws.abort", "ws.ack", "ws.close", "ws.control"] {
        assert!(push(&mailbox, message(always)).is_ok(), "{always}");
    }
    for signal in [Signal::Kill, Signal::Monitor { watcher: mailbox.pid() }] {
        assert!(push(&mailbox, signal).is_ok());
    }
    assert_eq!((mailbox.len(), mailbox.has_room()), (4, false));
    assert!(mailbox.wait_for_room(mailbox.pid(), Waker::noop()));

    let mut deliveries = Deliveries::new();
    assert!(mailbox.drain(&mut deliveries, Waker::noop()));
    let charges: Vec<_> = deliveries.map(|(_, charge)| charge).collect();
    assert_eq!(charges.len(), 4 + 6 + 2);
    // Taken out is not consumed.
    assert_eq!(push(&mailbox, message("x")), Err(Undelivered::Full(message("x"))));
    let mut charges = charges.into_iter();
    mailbox.release(charges.next().expect("four messages"));
    assert!(!mailbox.has_room());
    mailbox.release(charges.next().expect("four messages"));
    assert!(mailbox.has_room() && !mailbox.wait_for_room(mailbox.pid(), Waker::noop()));
    assert_eq!(push(&mailbox, message("x")), Ok(Room::Left));
}

/// [P8] A client's message that was decoded already is taken past the bound, and says that it is.
#[test]
fn a_relayed_message_is_taken_past_the_bound() {
    let node = node_with_room_for(1);
    let mailbox = node.open();
    assert_eq!(mailbox.push_relayed(message("one")), Ok(Room::None));
    assert_eq!(mailbox.push_relayed(message("two")), Ok(Room::None));
    assert_eq!(mailbox.len(), 2);
    node.close(mailbox.pid(), &ExitReason::Normal);
    assert_eq!(mailbox.push_relayed(message("three")), Err(Undelivered::Closed(message("three"))));
    assert_eq!(node.dead_letters(), 2);
}

/// [P8] The bound in bytes counts payloads; a message larger than it is taken by an empty mailbox, or not
/// at all.
#[test]
fn a_mailbox_is_bounded_in_bytes() {
    let limits = Limits { mailbox_bytes_max: 10, ..Limits::default() };
    let node = Node::new(NodeOptions { limits, ..NodeOptions::default() });
    let mailbox = node.open();
    let bytes = |count: usize| {
        let payload = Payload::from("x".repeat(count));
        Signal::Message(Message { from: None, topic: Topic::from_static("x"), payload })
    };
    assert_eq!(push(&mailbox, bytes(6)), Ok(Room::Left));
    assert!(matches!(push(&mailbox, bytes(5)), Err(Undelivered::Full(_))));
    assert_eq!(push(&mailbox, bytes(4)), Ok(Room::None));
    let mut deliveries = Deliveries::new();
    mailbox.drain(&mut deliveries, Waker::noop());
    for (_, charge) in deliveries {
        mailbox.release(charge);
    }
    assert_eq!(push(&mailbox, bytes(1000)), Ok(Room::None));
    assert!(matches!(push(&mailbox, bytes(0)), Err(Undelivered::Full(_))));
}

/// [P8] The end of a process wakes who waits for room in its mailbox: there is nothing to wait for.
#[test]
fn the_end_of_a_process_wakes_who_waits_for_room() {
    let node = node_with_room_for(1);
    let mailbox = node.open();
    assert_eq!(push(&mailbox, message("x")), Ok(Room::None));
    let look = Arc::new(Look { node: node.clone(), pid: mailbox.pid(), seen: Mutex::default() });
    assert!(mailbox.wait_for_room(mailbox.pid(), &Waker::from(Arc::clone(&look))));
    node.close(mailbox.pid(), &ExitReason::Normal);
    assert!(look.seen.lock().unwrap().is_some());
    assert!(!mailbox.wait_for_room(mailbox.pid(), Waker::noop()));
}
