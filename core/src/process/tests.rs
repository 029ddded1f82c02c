//! Several lifecycles and the signals between them, in every order that keeps that of each pair (P2).

use super::{Event, ExitReason, Lifecycle, NodeId, Pid, Reaction, Signal};
use crate::testing::check;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::num::NonZeroU64;
use quickcheck::{Arbitrary, Gen};

const PROCESSES: usize = 4;

/// One thing that a process does, or one signal that arrives.
#[derive(Clone, Copy, Debug)]
enum Step {
    Monitor(usize, usize),
    Demonitor(usize, usize),
    Link(usize, usize),
    Unlink(usize, usize),
    Trap(usize, bool),
    Exit(usize),
    Crash(usize),
    Kill(usize),
    /// The next signal from the first to the second arrives, if there is one.
    Deliver(usize, usize),
}

impl Arbitrary for Step {
    fn arbitrary(g: &mut Gen) -> Self {
        let a = usize::arbitrary(g) % PROCESSES;
        let b = (a + 1 + usize::arbitrary(g) % (PROCESSES - 1)) % PROCESSES;
        match u8::arbitrary(g) % 20 {
            0..=2 => Self::Monitor(a, b),
            3 => Self::Demonitor(a, b),
            4..=6 => Self::Link(a, b),
            7 => Self::Unlink(a, b),
            8 => Self::Trap(a, bool::arbitrary(g)),
            9 => Self::Exit(a),
            10 => Self::Crash(a),
            11 => Self::Kill(a),
            _ => Self::Deliver(a, b),
        }
    }
}

/// Processes, and the signals under way between each two of them.
struct World {
    lives: Vec<Lifecycle>,
    traps: [bool; PROCESSES],
    wires: BTreeMap<(usize, usize), VecDeque<Signal>>,
    /// Exit events that each process has got of each other one.
    exits: BTreeMap<(usize, usize), usize>,
    /// Monitors that are set and not answered, as the process that set them believes.
    monitors: BTreeMap<(usize, usize), bool>,
}

fn pid(index: usize) -> Pid {
    Pid::new(NodeId(1), NonZeroU64::MIN.saturating_add(index as u64))
}

fn index(pid: Pid) -> usize {
    usize::try_from(pid.serial().get() - 1).expect("a small number")
}

impl World {
    fn new() -> Self {
        Self {
            lives: (0..PROCESSES).map(|index| Lifecycle::new(pid(index))).collect(),
            traps: [false; PROCESSES],
            wires: BTreeMap::new(),
            exits: BTreeMap::new(),
            monitors: BTreeMap::new(),
        }
    }

    /// Lets one process do something, and puts what it sends on the wires.
    fn act<T>(&mut self, actor: usize, act: impl FnOnce(&mut Lifecycle, &mut Vec<(Pid, Signal)>) -> T) -> T {
        let mut sent = Vec::new();
        let result = act(&mut self.lives[actor], &mut sent);
        for (to, signal) in sent {
            self.wires.entry((actor, index(to))).or_default().push_back(signal);
        }
        result
    }

    fn is_alive(&self, process: usize) -> bool {
        self.lives[process].ended().is_none()
    }

    fn end(&mut self, process: usize, reason: ExitReason) {
        self.act(process, |life, out| life.end(reason, out));
        self.monitors.retain(|(watcher, _), _| *watcher != process);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Monitor(a, b) => {
                self.act(a, |life, out| life.monitor(pid(b), out));
                if self.is_alive(a) {
                    self.monitors.insert((a, b), true);
                }
            }
            Step::Demonitor(a, b) => {
                self.act(a, |life, out| life.demonitor(pid(b), out));
                self.monitors.remove(&(a, b));
            }
            Step::Link(a, b) => self.act(a, |life, out| life.link(pid(b), out)),
            Step::Unlink(a, b) => self.act(a, |life, out| life.unlink(pid(b), out)),
            Step::Trap(a, trap) => {
                self.lives[a].trap_links(trap);
                self.traps[a] = trap;
            }
            Step::Exit(a) => self.end(a, ExitReason::Normal),
            Step::Crash(a) => self.end(a, ExitReason::crashed("x")),
            Step::Kill(a) => self.receive(a, Signal::Kill),
            Step::Deliver(a, b) => {
                if let Some(signal) = self.wires.get_mut(&(a, b)).and_then(VecDeque::pop_front) {
                    self.receive(b, signal);
                }
            }
        }
    }

    fn receive(&mut self, process: usize, signal: Signal) {
        let was_alive = self.is_alive(process);
        match self.act(process, |life, out| life.handle(signal, out)) {
            Reaction::Quiet => {}
            Reaction::End(reason) => {
                assert!(was_alive, "nobody ends twice");
                assert!(
                    reason == ExitReason::Killed || !self.traps[process],
                    "a process that traps links ends by a kill alone"
                );
                self.end(process, reason);
            }
            Reaction::Event(Event::Exit { from, .. }) => {
                let known = self.monitors.remove(&(process, index(from)));
                assert!(known.is_some(), "P3: an exit event without a monitor");
                *self.exits.entry((process, index(from))).or_default() += 1;
            }
            Reaction::Event(Event::LinkDown { .. }) => {
                assert!(self.traps[process], "P4: an event for one that does not trap");
            }
            Reaction::Event(_) => unreachable!("no messages are sent"),
        }
    }

    /// Delivers until nothing is under way.
    fn settle(&mut self) {
        while let Some(pair) = self.wires.iter().find(|(_, wire)| !wire.is_empty()).map(|(pair, _)| *pair) {
            self.step(Step::Deliver(pair.0, pair.1));
        }
    }
}

fn run(steps: Vec<Step>) -> World {
    let mut world = World::new();
    for step in steps {
        world.step(step);
    }
    world
}

/// [P3] A monitor is answered once, and only if it was not taken back; of a process that ended, always.
#[test]
fn every_monitor_is_answered_once_its_process_has_ended() {
    fn property(steps: Vec<Step>) -> bool {
        let mut world = run(steps);
        world.settle();
        world.monitors.keys().all(|(watcher, watched)| world.is_alive(*watcher) && world.is_alive(*watched))
    }
    check(3_000, property as fn(Vec<Step>) -> bool);
}

/// [P3] [P4] When all have ended and all is delivered, nothing is left over.
#[test]
fn the_end_of_everybody_leaves_nothing_over() {
    fn property(steps: Vec<Step>) -> bool {
        let mut world = run(steps);
        for process in 0..PROCESSES {
            world.step(Step::Crash(process));
        }
        world.settle();
        world.monitors.is_empty()
    }
    check(1_000, property as fn(Vec<Step>) -> bool);
}

/// What each process says to each other one when all that are alive are killed at the same moment.
struct LastWords(World);

impl LastWords {
    fn of(steps: Vec<Step>) -> Self {
        let mut world = run(steps);
        world.settle();
        for process in 0..PROCESSES {
            world.end(process, ExitReason::Killed);
        }
        Self(world)
    }

    fn is_said(&self, from: usize, to: usize, signal: &Signal) -> bool {
        self.0.wires.get(&(from, to)).is_some_and(|wire| wire.contains(signal))
    }

    fn is_linked(&self, from: usize, to: usize) -> bool {
        self.is_said(from, to, &Signal::Exit { from: pid(from), reason: ExitReason::Killed })
    }

    fn tells(&self, from: usize, to: usize) -> bool {
        self.is_said(from, to, &Signal::Down { from: pid(from), reason: ExitReason::Killed })
    }

    fn watches(&self, from: usize, to: usize) -> bool {
        self.is_said(from, to, &Signal::Demonitor { watcher: pid(from) })
    }

    fn all_pairs(holds: impl Fn(usize, usize) -> bool) -> bool {
        (0..PROCESSES).all(|a| (0..PROCESSES).filter(|b| *b != a).all(|b| holds(a, b)))
    }
}

/// [P3] When nothing is under way, exactly those are told that watch, and none that has ended.
#[test]
fn monitors_agree_on_both_ends_when_nothing_is_under_way() {
    fn property(steps: Vec<Step>) -> bool {
        let words = LastWords::of(steps);
        LastWords::all_pairs(|a, b| words.tells(a, b) == words.watches(b, a))
    }
    check(3_000, property as fn(Vec<Step>) -> bool);
}

/// [P4] When nothing is under way, a link has two ends.
#[test]
fn links_agree_on_both_ends_when_nothing_is_under_way() {
    fn property(steps: Vec<Step>) -> bool {
        let words = LastWords::of(steps);
        LastWords::all_pairs(|a, b| words.is_linked(a, b) == words.is_linked(b, a))
    }
    check(3_000, property as fn(Vec<Step>) -> bool);
}

/// [P4] Both ends link at the same moment, and one takes it back before it hears of the other: no half of a link
/// is left.
#[test]
fn an_unlink_that_crosses_a_link_leaves_no_half_link() {
    let words = LastWords::of([Step::Link(0, 1), Step::Link(1, 0), Step::Unlink(0, 1)].into());
    assert_eq!(words.is_linked(0, 1), words.is_linked(1, 0));
}

/// [P4] A process is linked to itself anyway.
#[test]
fn a_link_to_itself_is_nothing() {
    let mut world = World::new();
    world.act(0, |life, out| life.link(pid(0), out));
    assert!(world.wires.is_empty());
}

/// [P4] A normal end, asked for or not, is no crash of those that are linked.
#[test]
fn normal_and_shutdown_are_the_two_normal_ends() {
    for reason in [ExitReason::Normal, ExitReason::Shutdown] {
        assert!(reason.is_normal(), "{reason}");
    }
    for reason in [
        ExitReason::Killed,
        ExitReason::NoProcess,
        ExitReason::NodeLost,
        ExitReason::Linked,
        ExitReason::crashed(""),
    ] {
        assert!(!reason.is_normal(), "{reason}");
    }
}

/// [P4] However often a link is made and taken away before the peer has answered, the last word counts.
#[test]
fn a_link_that_is_made_again_before_its_unlink_is_answered_holds() {
    let pid = |serial| Pid::new(NodeId(1), NonZeroU64::new(serial).unwrap());
    let (mut left, mut right) = (Lifecycle::new(pid(1)), Lifecycle::new(pid(2)));
    let (mut to_right, mut to_left) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        left.link(pid(2), &mut to_right);
        left.unlink(pid(2), &mut to_right);
    }
    left.link(pid(2), &mut to_right);
    while !(to_right.is_empty() && to_left.is_empty()) {
        for (_, signal) in core::mem::take(&mut to_right) {
            assert_eq!(right.handle(signal, &mut to_left), Reaction::Quiet);
        }
        for (_, signal) in core::mem::take(&mut to_left) {
            assert_eq!(left.handle(signal, &mut to_right), Reaction::Quiet);
        }
    }
    let reason = ExitReason::crashed("gone");
    right.end(reason.clone(), &mut to_left);
    assert_eq!(to_left, [(pid(1), Signal::Exit { from: pid(2), reason })]);
}
