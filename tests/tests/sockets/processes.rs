//! Names, monitors, links and dead letters, with real connections among the processes (P1–P7).

use crate::support::{Client, Probe, Setup, World, run, until, within};
use smol::channel;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use wsrelay_core::message::{Destination, Payload, Topic};
use wsrelay_core::process::{Event, ExitReason};
use wsrelay_smol::{NameFault, SendFault};

/// [P6] A name is a relay target and a destination to send to, also for the HTTP handler; a new owner
/// takes over new clients only.
#[test]
fn a_name_works_wherever_a_pid_does() {
    run(async {
        let world = World::start();
        let (first, second) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        first.context.register("chat").unwrap();
        world.relay("/ws", "chat");
        let mut client = Client::open(&world, "/ws").await;
        let pid = first.join().await.pid;
        second.context.send("chat", Topic::from("hi"), "there").unwrap();
        let message = first.message().await;
        assert_eq!((message.from, message.topic.as_str()), (Some(second.pid), "hi"));
        assert_eq!(second.context.monitor("chat"), Ok(first.pid));
        assert!(first.context.unregister("chat") && !first.context.unregister("chat"));
        second.context.register("chat").unwrap();
        client.send_text("to whom I was connected").await;
        first.client().await;
        // A connection can have a name, too.
        world.node.register("alice", pid).unwrap();
        second.send_text("alice", "psst").unwrap();
        assert_eq!(client.text().await, "psst");
        let _other = Client::open(&world, "/ws").await;
        second.join().await;
        world.node.cancel("alice", "bye").unwrap();
        assert_eq!(client.closed().await.0, 1001);
        until("the name to be free", || world.node.lookup("alice").is_none()).await;
    });
}

/// [P6] A name has one owner, and is free again at its end; what is no name is refused.
#[test]
fn a_name_has_one_owner_until_it_ends() {
    run(async {
        let world = World::start();
        let (owner, other) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        owner.context.register("only").unwrap();
        owner.context.register("only").unwrap();
        assert_eq!(other.context.register("only"), Err(NameFault::Taken(owner.pid)));
        let refused = world.node.spawn_named("only", |_| async {});
        assert_eq!(refused, Err(NameFault::Taken(owner.pid)));
        for malformed in ["", "{5f0c3a9e11d2b7c4|0x00004}"] {
            assert_eq!(other.context.register(malformed), Err(NameFault::Malformed));
        }
        owner.end(ExitReason::crashed("over"));
        until("the name to be free", || world.node.lookup("only").is_none()).await;
        assert_eq!(world.node.register("late", owner.pid), Err(NameFault::NoProcess));
        other.context.register("only").unwrap();
        let gone = other.context.send("nobody", Topic::from("x"), Payload::Empty);
        assert_eq!(gone, Err(SendFault::NoProcess));
    });
}

/// [P6] [P3] Who waits for the end of a name's owner can take the name at once: a supervisor that starts
/// the next one is not told that the name is taken by the dead.
#[test]
fn a_name_is_free_when_the_exit_event_comes() {
    run(async {
        let world = World::start();
        let watcher = Probe::spawn(&world.node);
        for round in 0..500 {
            let pid = world.node.spawn_named("service", |context| async move {
                context.receive().await;
            });
            let pid = pid.unwrap_or_else(|fault| panic!("round {round}: {fault}"));
            watcher.context.monitor(pid).unwrap();
            world.node.send(pid, Topic::from("end"), Payload::Empty).unwrap();
            assert_eq!(watcher.exit().await, (pid, ExitReason::Normal));
        }
    });
}

/// [P6] Of many threads that register one name at the same moment one wins, and all learn who.
#[test]
fn a_race_for_a_name_has_one_winner() {
    run(async {
        const THREADS: usize = 8;
        let world = World::start();
        for round in 0..50 {
            let name = format!("name-{round}");
            let (started, gate) = (AtomicUsize::new(0), Barrier::new(THREADS));
            let owners: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> = (0..THREADS)
                    .map(|_| {
                        scope.spawn(|| {
                            gate.wait();
                            let spawned = world.node.spawn_named(&name, |context| async move {
                                context.receive().await;
                            });
                            match spawned {
                                Ok(pid) => {
                                    started.fetch_add(1, Ordering::Relaxed);
                                    pid
                                }
                                Err(NameFault::Taken(pid)) => pid,
                                Err(fault @ (NameFault::NoProcess | NameFault::Malformed)) => {
                                    panic!("{fault}")
                                }
                            }
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
            });
            assert_eq!(started.into_inner(), 1);
            assert!(owners.iter().all(|pid| Some(*pid) == world.node.lookup(&name)), "{owners:?}");
        }
    });
}

/// [P7] Sending to a process known dead is an error; what it had not read is counted and shown to the hook.
#[test]
fn letters_to_the_dead_are_errors_or_counted() {
    run(async {
        let world = Setup::default().threads(1).start();
        let (sender, letters) = channel::unbounded();
        assert!(world.node.on_dead_letter(move |letter| sender.try_send(letter.clone()).expect("the test")));
        assert!(!world.node.on_dead_letter(|_| ()), "a second hook was taken");
        let probe = Probe::spawn(&world.node);
        let pid = world.node.spawn(|context| async move {
            context.event().await;
        });
        probe.context.monitor(pid).unwrap();
        for topic in ["one", "two"] {
            probe.context.send(pid, Topic::from(topic), Payload::Empty).unwrap();
        }
        world.node.cancel(pid, "end").unwrap();
        assert_eq!(probe.exit().await, (pid, ExitReason::Normal));
        for topic in ["one", "two"] {
            let letter = within("a dead letter", letters.recv()).await.unwrap();
            assert_eq!((letter.to, letter.why), (Destination::Pid(pid), SendFault::NoProcess));
            assert_eq!((letter.message.from, letter.message.topic.as_str()), (Some(probe.pid), topic));
        }
        assert_eq!(world.node.dead_letters(), 2);
        until("the process to go", || !world.node.is_alive(pid)).await;
        let late = probe.context.send(pid, Topic::from("late"), Payload::Empty);
        assert_eq!(late, Err(SendFault::NoProcess));
        let late = world.node.send(pid, Topic::from("late"), Payload::Empty);
        assert_eq!(late, Err(SendFault::NoProcess));
        assert_eq!(world.node.cancel(pid, "late"), Err(SendFault::NoProcess));
        assert_eq!(world.node.terminate(pid), Err(SendFault::NoProcess));
        assert_eq!(world.node.dead_letters(), 2, "who was told an error has no dead letter");
    });
}

/// [P7] A message for a connection that has ended is an error for its sender.
#[test]
fn sending_to_a_connection_that_has_ended_is_an_error() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        client.close(None).await;
        target.leave().await;
        until("the connection to go", || !world.node.is_alive(pid)).await;
        assert_eq!(target.send_text(pid, "too late"), Err(SendFault::NoProcess));
    });
}

/// [P3] A monitor on a connection fires once, after the leave, with the reason; two watchers each get
/// theirs, one that stopped watching gets nothing, and one that comes too late reads `noproc`.
#[test]
fn a_monitor_on_a_connection_fires_once_after_the_leave() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        let watchers = [Probe::spawn(&world.node), Probe::spawn(&world.node), Probe::spawn(&world.node)];
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        // Watching twice is watching once.
        target.watch(pid).await;
        for watcher in [&target, &watchers[0], &watchers[1], &watchers[2]] {
            watcher.watch(pid).await;
        }
        watchers[2].context.demonitor(pid).unwrap();
        client.close(Some((1000, ""))).await;
        assert_eq!(target.leave().await.pid, pid);
        for watcher in [&target, &watchers[0], &watchers[1]] {
            assert_eq!(watcher.exit().await, (pid, ExitReason::Normal));
            watcher.nothing_more().await;
        }
        watchers[2].nothing_more().await;
        until("the connection to go", || !world.node.is_alive(pid)).await;
        watchers[2].context.monitor(pid).unwrap();
        assert_eq!(watchers[2].exit().await, (pid, ExitReason::NoProcess));
        watchers[2].nothing_more().await;
    });
}

/// [P3] [P5] A monitor that reaches a process behind its termination, before the process has looked, is
/// answered all the same.
#[test]
fn a_monitor_right_behind_a_kill_is_answered() {
    run(async {
        let world = Setup::default().threads(1).start();
        let (sender, receiver) = channel::bounded(1);
        // Both signals are in the victim's mailbox before it runs: there is one thread, and it is here.
        world.node.spawn(|context| async move {
            let victim = context.node().spawn(|context| async move {
                context.receive().await;
            });
            context.node().terminate(victim).expect("a live process");
            context.monitor(victim).expect("a PID");
            sender.send((victim, context.event().await)).await.expect("the test");
        });
        let (victim, event) = within("the exit event", receiver.recv()).await.unwrap();
        assert_eq!(event, Event::Exit { from: victim, reason: ExitReason::Killed });
    });
}

/// [P4] A crash ends the processes linked to it, unless they trap links; a normal end does neither.
#[test]
fn links_carry_crashes_to_those_who_do_not_trap_them() {
    run(async {
        let world = World::start();
        for (reason, is_crash) in [(ExitReason::Normal, false), (ExitReason::crashed("over"), true)] {
            let [watcher, center, bound, trapping] = std::array::from_fn(|_| Probe::spawn(&world.node));
            trapping.context.trap_links(true);
            // From either side it is the same link.
            center.context.link(bound.pid).unwrap();
            trapping.context.link(center.pid).unwrap();
            trapping.nothing_more().await;
            watcher.context.monitor(bound.pid).unwrap();
            center.end(reason.clone());
            if is_crash {
                assert_eq!(watcher.exit().await, (bound.pid, ExitReason::Linked));
                let event = trapping.event().await;
                assert_eq!(event, Event::LinkDown { from: center.pid, reason });
            } else {
                until("the center to go", || !world.node.is_alive(center.pid)).await;
                bound.nothing_more().await;
            }
            trapping.nothing_more().await;
        }
    });
}

/// [P4] A link that was taken away carries nothing; a link to a process that is not alive is its crash.
#[test]
fn links_can_be_taken_away_and_break_on_the_dead() {
    run(async {
        let world = World::start();
        let [first, second, third] = std::array::from_fn(|_| Probe::spawn(&world.node));
        first.context.link(second.pid).unwrap();
        second.nothing_more().await;
        second.context.unlink(first.pid).unwrap();
        first.context.monitor(second.pid).unwrap();
        first.nothing_more().await;
        second.end(ExitReason::crashed("over"));
        assert_eq!(first.exit().await.0, second.pid);
        first.nothing_more().await;
        until("the second to go", || !world.node.is_alive(second.pid)).await;
        third.context.trap_links(true);
        third.context.link(second.pid).unwrap();
        let event = third.event().await;
        assert_eq!(event, Event::LinkDown { from: second.pid, reason: ExitReason::NoProcess });
        third.context.monitor(first.pid).unwrap();
        first.context.link(second.pid).unwrap();
        assert_eq!(third.exit().await, (first.pid, ExitReason::Linked));
    });
}

/// [P5] `cancel` asks, and the process decides; `terminate` does not ask, not even one that traps links.
#[test]
fn cancel_asks_and_terminate_does_not() {
    run(async {
        let world = World::start();
        let (process, watcher) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        process.context.trap_links(true);
        watcher.context.monitor(process.pid).unwrap();
        world.node.cancel(process.pid, "please").unwrap();
        let event = process.event().await;
        assert_eq!(event, Event::Cancel { from: None, reason: "please".into() });
        process.nothing_more().await;
        world.node.terminate(process.pid).unwrap();
        assert_eq!(watcher.exit().await, (process.pid, ExitReason::Killed));
    });
}

/// [P1] The relay header takes a PID as text; one of another node, or of an earlier start, is not alive.
#[test]
fn a_pid_of_another_node_is_not_alive_here() {
    run(async {
        let (here, there) = (World::start(), World::start());
        let (local, foreign) = (Probe::spawn(&here.node), Probe::spawn(&there.node));
        assert_ne!(local.pid.node(), foreign.pid.node());
        assert_eq!(local.send_text(foreign.pid, "hello"), Err(SendFault::NoProcess));
        local.context.monitor(foreign.pid).unwrap();
        assert_eq!(local.exit().await, (foreign.pid, ExitReason::NoProcess));
        foreign.nothing_more().await;
    });
}
