//! How a function with a thread of its own ends, and who ends it (P3–P7).

use crate::support::{Heard, LONG, Probe, World, act, channel, topic, until};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use wsrelay_core::message::Payload;
use wsrelay_core::process::{Event, ExitReason, Pid};
use wsrelay_thread::{Context, IntoExit, NameFault, SendFault};

/// Whether each way of waiting answers `None`, and the process knows that it has ended.
fn is_over(context: &Context) -> bool {
    context.is_ended()
        && context.receive().is_none()
        && context.event().is_none()
        && context.next().is_none()
        && context.next_within(LONG).is_none()
        && context.inbox().next().is_none()
        && context.events().next().is_none()
}

/// A function that ends like this ends its process for this reason, and its name is free.
fn ends_for<R: IntoExit>(end: impl FnOnce() -> R + Send + 'static, reason: &ExitReason) {
    let world = World::start();
    let watcher = Probe::spawn(&world.node);
    let body = move |context: Context| {
        _ = context.receive();
        end()
    };
    let pid = world.node.spawn_thread_named("it", body).expect("a thread").unwrap();
    watcher.monitor(pid).unwrap();
    assert_eq!(world.node.lookup("it"), Some(pid));
    let taken = world.node.spawn_thread_named("it", |_| ()).expect("a thread");
    assert_eq!(taken, Err(NameFault::Taken(pid)));
    // Behind the monitor, so that it has come.
    world.node.send(pid, topic(), "go").unwrap();
    assert_eq!(watcher.exit(), (pid, reason.clone()));
    assert_eq!((world.node.lookup("it"), world.node.is_alive(pid)), (None, false));
    assert_eq!(world.node.send(pid, topic(), "late"), Err(SendFault::NoProcess));
    world.node.spawn_thread_named("it", |_| ()).expect("a thread").unwrap();
}

/// [P3] [P6] The function returns.
#[test]
fn a_function_that_returns_is_a_normal_end() {
    ends_for(|| (), &ExitReason::Normal);
    ends_for(|| Ok::<_, String>(()), &ExitReason::Normal);
    ends_for(|| ExitReason::Shutdown, &ExitReason::Shutdown);
}

/// [P3] [P6] The function returns an error.
#[test]
fn a_function_that_returns_an_error_is_a_crash_in_its_words() {
    ends_for(|| Err::<(), _>("no way"), &ExitReason::crashed("no way"));
}

/// [P3] [P5] [P6] The function panics.
#[test]
fn a_function_that_panics_is_a_crash_of_this_process_alone() {
    let end = || {
        assert_eq!(1, 2, "on purpose");
        ExitReason::Normal
    };
    let words = "panicked: assertion `left == right` failed: on purpose\n  left: 1\n right: 2";
    ends_for(end, &ExitReason::crashed(words));
}

/// [P7] What a function has not read when it returns is counted, wherever it lay.
#[test]
fn what_an_ended_process_has_not_read_is_counted() {
    let world = World::start();
    let target = Probe::spawn(&world.node);
    let watcher = Probe::spawn(&world.node);
    watcher.monitor(target.pid()).unwrap();
    for _ in 0..4 {
        world.node.send(target.pid(), topic(), Payload::Empty).unwrap();
    }
    target.message();
    let pid = target.pid();
    drop(target);
    assert_eq!(watcher.exit(), (pid, ExitReason::Normal));
    until("three dead letters", || world.node.dead_letters() == 3);
}

/// A process whose code is busy until the test lets go, and then tells whether it finds that it is over.
struct Busy {
    pid: Pid,
    context: Context,
    free: Sender<()>,
    found: Heard<bool>,
}

impl Busy {
    fn spawn(world: &World) -> Self {
        let (hand_over, handed) = channel();
        let (found_it, found) = channel();
        let (free, freed) = mpsc::channel();
        let body = move |context: Context| {
            _ = hand_over.send(context.clone());
            _ = freed.recv();
            _ = found_it.send(is_over(&context));
        };
        let pid = world.node.spawn_thread_named("busy", body).expect("a thread").unwrap();
        Self { pid, context: handed.next("a thread that begins"), free, found }
    }

    /// It is over for all others, though its code knows nothing of it; once it looks, it does.
    fn must_be_gone(self, world: &World, watcher: &Probe, reason: &ExitReason) {
        assert_eq!(watcher.exit(), (self.pid, reason.clone()));
        assert_eq!((world.node.lookup("busy"), world.node.is_alive(self.pid)), (None, false));
        assert_eq!(world.node.terminate(self.pid), Err(SendFault::NoProcess));
        assert!(self.found.is_silent(), "the code was to be busy meanwhile");
        drop(self.free);
        assert!(self.found.next("the end of the code"));
        self.found.end("the code");
    }
}

/// [P5] [P6] To terminate a process does not wait for its code, and what it had not read is gone.
#[test]
fn a_busy_process_is_terminated_at_once() {
    let world = World::start();
    let (busy, watcher) = (Busy::spawn(&world), Probe::spawn(&world.node));
    watcher.monitor(busy.pid).unwrap();
    world.node.send(busy.pid, topic(), "unread").unwrap();
    world.node.cancel(busy.pid, "unread").unwrap();
    world.node.terminate(busy.pid).unwrap();
    busy.must_be_gone(&world, &watcher, &ExitReason::Killed);
    until("the dead letter", || world.node.dead_letters() == 1);
}

/// [P4] The crash of a linked process ends one that does not trap links, though its code is busy.
#[test]
fn a_busy_process_is_ended_by_a_linked_crash_at_once() {
    let world = World::start();
    let (busy, watcher) = (Busy::spawn(&world), Probe::spawn(&world.node));
    watcher.monitor(busy.pid).unwrap();
    // The link is the other side's here, and the crash is an actor's.
    let peer = busy.pid;
    let crash = act(move |event, context| match event {
        Event::Started => context.link(peer),
        Event::Message(_) => panic!("on purpose"),
        Event::Exit { .. } | Event::LinkDown { .. } | Event::Cancel { .. } | Event::Tick => {}
    });
    let crash = world.node.spawn_actor(crash);
    world.node.send(crash, topic(), "now").unwrap();
    busy.must_be_gone(&world, &watcher, &ExitReason::Linked);
}

/// [P4] The same for a link of its own.
#[test]
fn a_link_ends_a_busy_process_from_either_side() {
    let world = World::start();
    let (busy, watcher, peer) = (Busy::spawn(&world), Probe::spawn(&world.node), Probe::spawn(&world.node));
    watcher.monitor(busy.pid).unwrap();
    busy.context.link(peer.pid()).unwrap();
    world.node.terminate(peer.pid()).unwrap();
    busy.must_be_gone(&world, &watcher, &ExitReason::Linked);
}

/// [P4] One that traps links is told instead, one that has unlinked is not even told, and a normal end
/// is nobody's concern.
#[test]
fn a_process_that_traps_links_is_told() {
    let world = World::start();
    let probe = Probe::spawn(&world.node);
    let (unlinked, normal, crash) =
        (Probe::spawn(&world.node), Probe::spawn(&world.node), Probe::spawn(&world.node));
    let (normal_pid, crash_pid) = (normal.pid(), crash.pid());
    for peer in [unlinked.pid(), normal_pid] {
        probe.link(peer).unwrap();
    }
    probe.unlink(unlinked.pid()).unwrap();
    for end in [unlinked.pid(), normal_pid] {
        probe.monitor(end).unwrap();
    }
    world.node.terminate(unlinked.pid()).unwrap();
    assert_eq!(probe.exit(), (unlinked.pid(), ExitReason::Killed));
    world.node.send(normal_pid, topic(), "behind the link and the monitor").unwrap();
    normal.message();
    drop(normal);
    assert_eq!(probe.exit(), (normal_pid, ExitReason::Normal));
    probe.trap_links(true);
    probe.link(crash_pid).unwrap();
    world.node.terminate(crash_pid).unwrap();
    let down = Event::LinkDown { from: crash_pid, reason: ExitReason::Killed };
    assert_eq!(probe.next_event(), down);
    probe.link(crash_pid).unwrap();
    let down = Event::LinkDown { from: crash_pid, reason: ExitReason::NoProcess };
    assert_eq!(probe.next_event(), down);
}

/// [P5] A process that waits when it is terminated stops waiting.
#[test]
fn a_waiting_process_is_terminated() {
    let world = World::start();
    let waits: [fn(&Context) -> bool; 4] = [
        |context| context.receive().is_none(),
        |context| context.event().is_none(),
        |context| context.next().is_none(),
        |context| context.next_within(LONG).is_none(),
    ];
    for wait in waits {
        let (seen, heard) = channel();
        let (begins, begun) = channel();
        let body = move |context: Context| {
            _ = begins.send(());
            _ = seen.send(wait(&context) && context.is_ended());
        };
        let pid = world.node.spawn_thread(body).expect("a thread");
        begun.next("its beginning");
        world.node.terminate(pid).unwrap();
        assert!(heard.next("the end of its waiting"));
    }
}

/// [P5] What the code of a process still does when that has ended concerns nobody: no message of a dead process
/// comes behind the news of its end, and no name and no monitor is its any more.
#[test]
fn nobody_hears_of_what_the_code_of_an_ended_process_still_does() {
    let world = World::start();
    let (busy, watcher) = (Busy::spawn(&world), Probe::spawn(&world.node));
    watcher.monitor(busy.pid).unwrap();
    world.node.terminate(busy.pid).unwrap();
    assert_eq!(watcher.exit(), (busy.pid, ExitReason::Killed));
    assert_eq!(busy.context.register("ghost"), Err(NameFault::NoProcess));
    _ = busy.context.monitor(watcher.pid());
    _ = busy.context.link(watcher.pid());
    _ = busy.context.send(watcher.pid(), topic(), "boo");
    world.node.cancel(watcher.pid(), "that was all").unwrap();
    let last = Event::Cancel { from: None, reason: Arc::from("that was all") };
    assert_eq!(watcher.next_event(), last);
}
