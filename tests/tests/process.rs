//! Processes (P), as far as they need no host: lifecycles and actors.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use wsrelay_core::message::{Destination, Message, Payload, Topic};
use wsrelay_core::process::{
    Actor, ActorInput, ActorProcess, Context, Effect, Effects, Event, ExitReason, Lifecycle, NodeId, Pid,
    Reaction, Signal,
};
use wsrelay_core::time::{Instant, Wake};
use wsrelay_tests::*;

type Sent = Vec<(Pid, Signal)>;

/// A process that links, monitors and so on by the words it is sent.
#[derive(Debug, Default)]
struct Puppet {
    events: Vec<Event>,
}

impl Actor for Puppet {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(message) = &event {
            match message.topic.as_str() {
                "monitor" => context.monitor(other()),
                "demonitor" => context.demonitor(other()),
                "link" => context.link(other()),
                "unlink" => context.unlink(other()),
                "trap" => context.trap_links(true),
                "cancel" => context.cancel(other(), "please"),
                "terminate" => context.terminate("by name"),
                "send" => context.send("by name", Topic::from("hello"), "you"),
                "register" => context.register("me"),
                "unregister" => context.unregister("me"),
                "sleep" => context.wake_at(context.now() + secs(1)),
                "exit" => context.exit(ExitReason::Normal),
                "fail" => context.exit(ExitReason::crashed("on purpose")),
                _ => {}
            }
        }
        self.events.push(event);
    }
}

/// A started puppet, and what has been done to and by it.
struct Stage {
    process: ActorProcess<Puppet>,
    now: Instant,
    effects: Effects,
}

fn stage() -> Stage {
    let mut stage = Stage {
        process: ActorProcess::new(target(), Puppet::default()),
        now: Instant::ZERO,
        effects: Effects::new(),
    };
    stage.input(ActorInput::Start);
    stage
}

fn word(topic: &str) -> Signal {
    Signal::Message(Message { from: None, topic: Topic::from(topic), payload: Payload::Empty })
}

impl Stage {
    fn input(&mut self, input: ActorInput) {
        self.process.handle(self.now, input, &mut self.effects);
    }

    /// Tells the puppet what to do.
    fn tell(mut self, topic: &str) -> Self {
        self.input(ActorInput::Signal(word(topic)));
        self
    }

    fn signal(mut self, signal: Signal) -> Self {
        self.input(ActorInput::Signal(signal));
        self
    }

    /// What the puppet has caused since somebody last looked.
    fn effects(mut self, expected: impl IntoIterator<Item = Effect>) -> Self {
        assert_eq!(self.effects.drain().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
        self
    }

    /// What the puppet has seen, but for the words that it was told and its start.
    fn events(&self) -> Vec<&Event> {
        let is_news = |event: &&Event| !matches!(event, Event::Message(_) | Event::Started);
        self.process.actor().events.iter().filter(is_news).collect()
    }
}

fn effect(to: Pid, signal: Signal) -> Effect {
    Effect::Signal { to: Destination::Pid(to), signal }
}

fn crashed() -> ExitReason {
    ExitReason::crashed("on purpose")
}

/// [P1] Opaque text outside, and only one for each.
#[test]
fn a_pid_is_named_by_one_text() {
    let mut texts = BTreeSet::new();
    for node in [0, 1, u64::MAX] {
        for serial in [1, 2, 0xfffff, 0x10_0000, u64::MAX] {
            let pid = Pid::new(NodeId(node), NonZeroU64::new(serial).unwrap());
            assert_eq!(pid.to_string().parse(), Ok(pid));
            assert_eq!(pid.node(), NodeId(node));
            texts.insert(pid.to_string());
        }
    }
    assert_eq!(texts.len(), 15);
}

/// [P1] A node that starts again is another node, so its serials may begin anew.
#[test]
fn the_same_serial_on_another_start_is_another_process() {
    let serial = NonZeroU64::MIN;
    assert_ne!(Pid::new(NodeId(1), serial), Pid::new(NodeId(2), serial));
    assert!(size_of::<Pid>() <= 16);
}

/// [P2] The first event is the start; messages follow in their order.
#[test]
fn an_actor_sees_its_start_and_then_its_messages_in_order() {
    let stage = stage().tell("a").tell("b");
    let topics: Vec<_> = stage
        .process
        .actor()
        .events
        .iter()
        .map(|event| if let Event::Message(message) = event { message.topic.as_str() } else { "started" })
        .collect();
    assert_eq!(topics, ["started", "a", "b"]);
}

/// [P2] [P6] A message goes to a PID or to a name, signed.
#[test]
fn an_actor_sends_to_names_as_to_pids() {
    let message = Message { from: Some(target()), topic: Topic::from("hello"), payload: "you".into() };
    stage()
        .tell("send")
        .effects([Effect::Signal { to: "by name".into(), signal: Signal::Message(message) }])
        .tell("register")
        .tell("unregister")
        .effects([Effect::Register("me".into()), Effect::Unregister("me".into())]);
}

/// [P3] One exit event, with who and why.
#[test]
fn a_monitor_brings_one_exit_event() {
    let down = Signal::Down { from: other(), reason: crashed() };
    let stage = stage()
        .tell("monitor")
        .tell("monitor")
        .effects([effect(other(), Signal::Monitor { watcher: target() })])
        .signal(down.clone())
        .signal(down);
    assert_eq!(stage.events(), [&Event::Exit { from: other(), reason: crashed() }]);
}

/// [P3] None after the monitor was taken back, also if it is on its way.
#[test]
fn after_unmonitor_no_exit_event_comes() {
    let stage = stage()
        .tell("monitor")
        .tell("demonitor")
        .tell("demonitor")
        .effects([
            effect(other(), Signal::Monitor { watcher: target() }),
            effect(other(), Signal::Demonitor { watcher: target() }),
        ])
        .signal(Signal::Down { from: other(), reason: crashed() });
    assert_eq!(stage.events(), [] as [&Event; 0]);
}

/// [P3] Monitored processes that are not alive are answered for at once.
#[test]
fn a_monitor_of_the_dead_is_answered_noproc() {
    let stage = stage().tell("exit").effects([]).signal(Signal::Monitor { watcher: watcher() });
    stage.effects([effect(watcher(), Signal::Down { from: target(), reason: ExitReason::NoProcess })]);
}

/// [P3] Every watcher is told, once, and in an order that depends on nothing else.
#[test]
fn every_watcher_is_told_of_the_end_once() {
    stage()
        .signal(Signal::Monitor { watcher: linked() })
        .signal(Signal::Monitor { watcher: watcher() })
        .signal(Signal::Monitor { watcher: watcher() })
        .signal(Signal::Monitor { watcher: other() })
        .signal(Signal::Demonitor { watcher: other() })
        .tell("fail")
        .effects([
            effect(watcher(), Signal::Down { from: target(), reason: crashed() }),
            effect(linked(), Signal::Down { from: target(), reason: crashed() }),
        ])
        .signal(Signal::Kill)
        .effects([]);
}

/// [P4] A link is symmetric: either end's crash ends the other.
#[test]
fn the_crash_of_a_linked_process_ends_this_one() {
    let exit = Signal::Exit { from: other(), reason: crashed() };
    let asked =
        stage().tell("link").effects([effect(other(), Signal::Link { peer: target() })]).signal(exit.clone());
    assert_eq!(asked.process.ended(), Some(&ExitReason::Linked));
    let was_asked = stage().signal(Signal::Link { peer: other() }).signal(exit);
    assert_eq!(was_asked.process.ended(), Some(&ExitReason::Linked));
    was_asked.effects([]);
}

/// [P4] And goes on to those that are linked to this one.
#[test]
fn a_crash_goes_from_link_to_link() {
    stage()
        .signal(Signal::Link { peer: other() })
        .signal(Signal::Link { peer: linked() })
        .signal(Signal::Exit { from: other(), reason: ExitReason::Killed })
        .effects([effect(linked(), Signal::Exit { from: target(), reason: ExitReason::Linked })]);
}

/// [P4] A process that traps links gets an event instead, and lives on.
#[test]
fn a_process_that_traps_links_gets_an_event() {
    let stage = stage().tell("trap").tell("link").signal(Signal::Exit { from: other(), reason: crashed() });
    assert_eq!(stage.events(), [&Event::LinkDown { from: other(), reason: crashed() }]);
    assert_eq!(stage.process.ended(), None);
}

/// [P4] A normal end does not propagate: the peer only forgets the link.
#[test]
fn a_normal_end_does_not_propagate() {
    let stage = stage().tell("link").forget().tell("exit");
    let stage = stage.effects([effect(other(), Signal::Unlink { peer: target() })]);
    drop(stage);
    let stage = self::stage()
        .tell("link")
        .signal(Signal::Unlink { peer: other() })
        .signal(Signal::Exit { from: other(), reason: crashed() });
    assert_eq!((stage.process.ended(), stage.events().len()), (None, 0));
}

/// [P4] A crash that crosses an unlink is no concern any more.
#[test]
fn after_unlink_a_crash_is_no_concern() {
    let stage = stage()
        .tell("link")
        .tell("unlink")
        .effects([
            effect(other(), Signal::Link { peer: target() }),
            effect(other(), Signal::Unlink { peer: target() }),
        ])
        .signal(Signal::Exit { from: other(), reason: crashed() });
    assert_eq!(stage.process.ended(), None);
}

/// [P4] A link to a process that is not alive is answered as its crash.
#[test]
fn a_link_to_the_dead_is_answered_with_noproc() {
    stage()
        .tell("exit")
        .signal(Signal::Link { peer: linked() })
        .effects([effect(linked(), Signal::Exit { from: target(), reason: ExitReason::NoProcess })]);
}

/// [P5] `cancel` asks: the process sees it, and decides.
#[test]
fn cancel_asks() {
    let stage = stage().signal(Signal::Cancel { from: Some(other()), reason: "please".into() });
    assert_eq!(stage.events(), [&Event::Cancel { from: Some(other()), reason: "please".into() }]);
    assert_eq!(stage.process.ended(), None);
    stage
        .tell("cancel")
        .effects([effect(other(), Signal::Cancel { from: Some(target()), reason: "please".into() })]);
}

/// [P5] `terminate` does not ask, not even one that traps links.
#[test]
fn terminate_does_not_ask() {
    let stage = stage().tell("trap").signal(Signal::Link { peer: linked() }).signal(Signal::Kill);
    assert_eq!((stage.events().len(), stage.process.ended()), (0, Some(&ExitReason::Killed)));
    stage.effects([effect(linked(), Signal::Exit { from: target(), reason: ExitReason::Killed })]);
    self::stage().tell("terminate").effects([Effect::Signal { to: "by name".into(), signal: Signal::Kill }]);
}

/// [P5] A panic ends its process, which tells those concerned.
#[test]
fn a_panic_ends_its_process_alone() {
    let mut stage = stage().signal(Signal::Monitor { watcher: watcher() });
    stage.input(ActorInput::Crash("index out of bounds".into()));
    let reason = ExitReason::crashed("index out of bounds");
    assert_eq!(stage.process.ended(), Some(&reason));
    stage.effects([effect(watcher(), Signal::Down { from: target(), reason })]);
}

/// [P5] After its end a process sees nothing and wants nothing.
#[test]
fn an_ended_process_sees_nothing_any_more() {
    let mut stage = stage().tell("sleep").tell("exit");
    let seen = stage.process.actor().events.len();
    assert_eq!(stage.process.wake(), Wake::Never);
    stage.now = stage.now + secs(10);
    stage.input(ActorInput::Tick);
    let stage = stage.tell("monitor").signal(Signal::Cancel { from: None, reason: "x".into() });
    assert_eq!(stage.process.actor().events.len(), seen);
    stage.effects([]);
}

/// [P2] An alarm rings once, and not before its time.
#[test]
fn an_alarm_rings_once() {
    let mut stage = stage().tell("sleep");
    assert_eq!(stage.process.wake(), Wake::At(stage.now + secs(1)));
    stage.input(ActorInput::Tick);
    assert_eq!(stage.events().len(), 0);
    stage.now = stage.now + secs(1);
    stage.input(ActorInput::Tick);
    stage.input(ActorInput::Tick);
    assert_eq!(stage.events(), [&Event::Tick]);
    assert_eq!(stage.process.wake(), Wake::Never);
}

/// [P3] [P4] An end takes back what the process had asked of others.
#[test]
fn an_end_takes_monitors_back() {
    let mut out = Sent::new();
    let mut lifecycle = Lifecycle::new(target());
    lifecycle.monitor(other(), &mut out);
    lifecycle.monitor(linked(), &mut out);
    assert_eq!(
        lifecycle.handle(Signal::Down { from: linked(), reason: ExitReason::Normal }, &mut out),
        Reaction::Event(Event::Exit { from: linked(), reason: ExitReason::Normal })
    );
    out.clear();
    lifecycle.end(ExitReason::Normal, &mut out);
    lifecycle.end(ExitReason::Killed, &mut out);
    assert_eq!(out, [(other(), Signal::Demonitor { watcher: target() })]);
    assert_eq!(lifecycle.ended(), Some(&ExitReason::Normal));
    out.clear();
    lifecycle.monitor(other(), &mut out);
    lifecycle.link(other(), &mut out);
    assert_eq!(out, []);
}

impl Stage {
    fn forget(mut self) -> Self {
        self.effects.clear();
        self
    }
}
