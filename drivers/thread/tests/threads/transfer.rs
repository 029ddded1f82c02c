//! Handing a client back and forth between workers (R7).

use crate::support::{Heard, Probe, Setup, act, channel, frame, number_of, until};
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::mpsc::{self, Sender};
use std::thread;
use wsrelay_core::message::{Ack, Control, Payload, Ref, Topic};
use wsrelay_core::process::{Actor, Event, Pid};

const NUMBERS: u32 = 10_000;
const MOVES: u32 = 100;

/// What a target saw, in its own order.
#[derive(Debug)]
enum Seen {
    Join,
    Number(u32),
    Leave { reason: String },
}

/// A target that tells the test all it sees, by its own number.
fn target(own: usize, seen: Sender<(usize, Seen)>, first: Sender<Pid>) -> impl Actor + Send + 'static {
    act(move |event, _| {
        let Event::Message(message) = event else { return };
        let what = match (&message.payload, number_of(&message)) {
            (Payload::Join(join), _) => {
                _ = first.send(join.pid);
                Seen::Join
            }
            (Payload::Leave(leave), _) => Seen::Leave { reason: leave.reason.to_string() },
            (_, Some(number)) => Seen::Number(number),
            (_, None) => panic!("{message:?} was not expected"),
        };
        _ = seen.send((own, what));
    })
}

/// The stays of a target: the numbers between each join and its leave.
fn stays(seen: Vec<Seen>) -> (Vec<Vec<u32>>, Vec<String>) {
    let (mut stays, mut reasons): (Vec<Vec<u32>>, Vec<String>) = (Vec::new(), Vec::new());
    for what in seen {
        let is_in = stays.len() > reasons.len();
        match what {
            Seen::Join => {
                assert!(!is_in, "a join inside a stay");
                stays.push(Vec::new());
            }
            Seen::Number(number) => {
                assert!(is_in, "{number} outside of a stay");
                stays.last_mut().expect("a stay").push(number);
            }
            Seen::Leave { reason } => {
                assert!(is_in, "a leave outside of a stay");
                reasons.push(reason);
            }
        }
    }
    (stays, reasons)
}

/// Plays it all with so many workers, and returns what each of the two targets saw.
fn play(workers: usize) -> HashMap<usize, Vec<Seen>> {
    let setup = Setup::workers(workers).limits(|limits| {
        limits.mailbox_messages_max = 64;
        limits.turn_messages_max = 16;
    });
    let world = setup.start();
    let (seen, heard) = channel();
    let (joins, joined): (_, Heard<Pid>) = channel();
    // From outside they take turns: each has a worker of its own.
    let targets = ["one", "other"].map(|name| (usize::from(name == "other"), name));
    let targets = targets.map(|(own, name)| {
        world.node.spawn_actor_named(name, target(own, seen.clone(), joins.clone())).unwrap()
    });
    drop(seen);
    let mover = Probe::spawn(&world.node);
    let client = world.open("one");
    let pid = joined.next("the first join");
    // The client is one chunk ahead at most, so that moves meet messages on their way.
    let (chunks, chunk) = mpsc::sync_channel(1);
    let mut stream = client.stream();
    let writer = thread::spawn(move || {
        for number in 0..NUMBERS {
            if number % (NUMBERS / MOVES) == 0 {
                chunks.send(()).expect("the mover");
            }
            stream.write_all(&frame(1, number.to_string().as_bytes())).expect("an open socket");
        }
    });
    for number in 1..=MOVES {
        chunk.recv().expect("the next chunk");
        let reference = Ref::from(u64::from(number));
        let to = targets[usize::from(number % 2 == 1)];
        let control =
            Control { target: Some(to.into()), reference: Some(reference.clone()), ..Control::default() };
        mover.send(pid, Topic::CONTROL, control).unwrap();
        let answer = mover.message().payload;
        assert_eq!(answer, Payload::Ack(Box::new(Ack { reference, outcome: Ok(()) })));
    }
    writer.join().expect("the client's messages");
    let moves = || world.node.connections()[0].counters.transfers;
    until("the moves to be counted", || moves() == u64::from(MOVES));
    client.close();
    let mut all: HashMap<usize, Vec<Seen>> = HashMap::new();
    let mut leaves = 0;
    while leaves <= MOVES {
        let (own, what) = heard.next("what a target sees");
        leaves += u32::from(matches!(what, Seen::Leave { .. }));
        all.entry(own).or_default().push(what);
    }
    drop(world);
    heard.end("what the targets see");
    all
}

/// [R4] [R7] [P8] Ten thousand messages of a client that is handed on a hundred times: none is lost, doubled or
/// out of order, and each target gets them between a join and its leave only.
fn loses_doubles_and_disorders_nothing(workers: usize) {
    let mut all = play(workers);
    let (one, one_left) = stays(all.remove(&0).unwrap_or_default());
    let (other, other_left) = stays(all.remove(&1).unwrap_or_default());
    // It begins and ends with the first one.
    assert_eq!((one.len(), other.len()), (51, 50));
    assert!(one_left[..50].iter().chain(&other_left).all(|reason| reason == "transfer"));
    assert_eq!(one_left[50..], [""]);
    let mut others = other.into_iter();
    let numbers: Vec<u32> =
        one.into_iter().flat_map(|stay| [stay, others.next().unwrap_or_default()]).flatten().collect();
    assert_eq!(numbers, (0..NUMBERS).collect::<Vec<_>>());
}

/// [R4] [R7] [P8] Between two workers.
#[test]
fn a_client_between_two_workers_loses_doubles_and_disorders_nothing() {
    loses_doubles_and_disorders_nothing(2);
}

/// [R4] [R7] [P8] The same where everybody lives on one.
#[test]
fn a_client_on_one_worker_loses_doubles_and_disorders_nothing() {
    loses_doubles_and_disorders_nothing(1);
}

/// [R4] [R7] [P8] The same where most workers look on.
#[test]
fn a_client_among_four_workers_loses_doubles_and_disorders_nothing() {
    loses_doubles_and_disorders_nothing(4);
}
