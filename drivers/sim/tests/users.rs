//! Worlds as users make them: whatever they do that they may do, no invariant is broken; and what they may not is found.

use serde_json::json;
use std::time::Duration;
use wsrelay_sim::core::message::{ClientMessage, Control, Message, Payload, Ref, Send, Topic};
use wsrelay_sim::core::process::{Actor, Context, Event, ExitReason, Pid};
use wsrelay_sim::core::relay::{Envelope, RelayConfig};
use wsrelay_sim::core::time::Timeout;
use wsrelay_sim::core::upgrade::Response;
use wsrelay_sim::core::wire::Data;
use wsrelay_sim::wire::{binary, text};
use wsrelay_sim::{Client, Heard, Invariant, Options, Violation, World, search};

/// An actor that is a function of what its clients say.
struct OnMessage<F>(F);

impl<F: FnMut(&ClientMessage, &mut Context<'_>)> Actor for OnMessage<F> {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
            (self.0)(&client, context);
        }
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The network of the seed, and the defaults of everything else.
fn options(seed: u64) -> Options {
    let Options { network, workers, roams, .. } = Options::from_seed(seed);
    Options { network, workers, roams, ..Options::calm(seed) }
}

fn relay_to(world: &mut World, pid: Pid) -> Client {
    world.serve(move |_| RelayConfig::to(pid).into());
    let client = world.connect("/");
    world.run_for(secs(3));
    client
}

/// Runs a world of each seed to its end; none may fail.
#[track_caller]
fn holds(options: impl Fn(u64) -> Options, play: impl Fn(&mut World)) {
    let failure = search(0..40, |seed| {
        let mut world = World::new(options(seed));
        play(&mut world);
        world.finish()?;
        Ok::<_, Violation>(world.hash())
    });
    assert_eq!(failure, None);
}

#[test]
fn commands_may_be_json_and_ask_for_answers() {
    holds(options, |world| {
        let pid = world.spawn(OnMessage(|client: &ClientMessage, context: &mut Context<'_>| {
            let commands = [
                (Topic::SEND, json!({"type": "text", "data": "one", "ref": 1})),
                (Topic::SEND, json!({"type": "binary", "data": "AP8=", "ref": "two"})),
                (Topic::SEND, json!({"type": "neither", "data": "x", "ref": 3})),
                (Topic::CONTROL, json!({"metadata": {"a": 1}, "heartbeat_interval": "2s", "ref": 4})),
                (Topic::from_static("news"), json!({"n": 5})),
                (Topic::from_static("ws.unknown"), json!({"ref": 6})),
                (Topic::CLOSE, json!({"code": 4001, "reason": "enough", "ref": 7})),
            ];
            for (topic, command) in commands {
                context.send(client.pid, topic, command);
            }
        }));
        let client = relay_to(world, pid);
        world.send(client, &text("go"));
        world.run_for(secs(3));
        let heard = world.heard(client);
        assert!(heard[1] == text("one") && heard[2] == binary(b"\x00\xff"), "{heard:?}");
        assert_eq!(world.texts(client)[1], "{\"data\":{\"n\":5},\"topic\":\"news\"}");
    });
}

#[test]
fn a_close_may_say_nothing_and_a_topic_may_go_nowhere() {
    let with_envelope_off = |seed| {
        let mut options = options(seed);
        options.relay.envelope = Envelope::Off;
        options
    };
    holds(with_envelope_off, |world| {
        let pid = world.spawn(OnMessage(|client: &ClientMessage, context: &mut Context<'_>| {
            context.send(client.pid, Topic::from_static("news"), "for nobody");
            context.send(client.pid, Topic::CLOSE, Payload::Empty);
        }));
        let client = relay_to(world, pid);
        world.send(client, &text("go"));
    });
}

#[test]
fn several_processes_may_say_the_same() {
    holds(options, |world| {
        let all: Vec<Pid> = (0..3)
            .map(|_| {
                world.spawn(OnMessage(|client: &ClientMessage, context: &mut Context<'_>| {
                    for word in ["x", "y", "x"] {
                        context.send(client.pid, Topic::SEND, word);
                    }
                }))
            })
            .collect();
        let client = relay_to(world, all[0]);
        for pid in all {
            let target = Some(pid.into());
            let pid = world.pid(client);
            // It may be there already.
            _ = world.tell(pid, Topic::CONTROL, Control { target, ..Control::default() });
            world.send(client, &text("go"));
            world.run_for(Duration::from_millis(1));
        }
    });
}

#[test]
fn what_comes_from_outside_is_seen() {
    holds(options, |world| {
        let pid = world.spawn(OnMessage(|_: &ClientMessage, _: &mut Context<'_>| {}));
        let (told, cancelled, killed) = (relay_to(world, pid), relay_to(world, pid), relay_to(world, pid));
        let send = Send { data: Data::Text("hello".into()), reference: Some(Box::new(Ref::from(1))) };
        let pids = [told, cancelled, killed].map(|client| world.pid(client));
        world.tell(pids[0], Topic::SEND, send).unwrap();
        world.cancel(pids[1], "enough").unwrap();
        world.terminate(pids[2]).unwrap();
        world.run_for(secs(3));
        assert_eq!(world.texts(told), ["hello"]);
        assert_eq!(world.heard(killed).last(), Some(&Heard::End));
    });
}

#[test]
fn requests_may_be_of_any_kind() {
    holds(options, |world| {
        let pid = world.spawn(OnMessage(|_: &ClientMessage, _: &mut Context<'_>| {}));
        world.serve(move |request| match request.path() {
            "/ws" => RelayConfig::to(pid).into(),
            _ => Response::text(200, "a page about X-WS-Relay"),
        });
        let client = world.open();
        world.request(client, b"HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n");
        world.run_for(secs(3));
        world.request(client, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
        world.run_for(secs(3));
        let upgrade = wsrelay_sim::wire::upgrade("/ws", "Cookie: a=b\r\n");
        let other_key = upgrade.replace(wsrelay_sim::wire::KEY, "AQIDBAUGBwgJCgsMDQ4PEA==");
        world.request(client, other_key.as_bytes());
        world.run_for(secs(3));
        let statuses: Vec<_> =
            world.heard(client).iter().map(|heard| format!("{heard:?}")[..3].to_owned()).collect();
        assert_eq!(statuses, ["200", "200", "101"]);
    });
}

#[test]
fn clients_may_do_anything_after_their_end() {
    let without_pings = |seed| {
        let mut options = options(seed);
        options.relay.limits.ping_interval = Timeout::Off;
        options
    };
    holds(without_pings, |world| {
        let pid = world.spawn(OnMessage(|client: &ClientMessage, context: &mut Context<'_>| {
            context.send(client.pid, Topic::SEND, client.data.clone());
        }));
        let all = [0; 4].map(|_| relay_to(world, pid));
        world.vanish(all[0]);
        world.reset(all[1]);
        world.finish_stream(all[2]);
        world.be_rude(all[3]);
        for client in all {
            world.send(client, &text("still here"));
            world.close(client, 1000, "");
            world.let_loose(client, 5, secs(9));
        }
    });
}

/// Watches somebody that there never was, and fails as it is told.
struct Troubled {
    panics: bool,
}

impl Actor for Troubled {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        match event {
            Event::Started => {
                let serial = 1.try_into().expect("not zero");
                context.monitor(Pid::new(context.pid().node(), serial));
            }
            Event::Message(_) if self.panics => std::panic::resume_unwind(Box::new("a mistake")),
            Event::Message(_) => context.exit(ExitReason::crashed("panicked? no")),
            Event::Exit { .. } | Event::LinkDown { .. } | Event::Cancel { .. } | Event::Tick => {}
        }
    }
}

#[test]
fn a_crash_is_none_of_the_worlds_business_and_a_panic_is() {
    let play = |panics: bool, is_allowed: bool| {
        let mut world = World::new(Options::calm(1));
        let pid = world.spawn(Troubled { panics });
        if is_allowed {
            world.may_panic(pid);
        }
        let client = relay_to(&mut world, pid);
        world.send(client, &text("go"));
        world.finish().map(|_| ()).map_err(|violation| violation.invariant)
    };
    assert_eq!(play(false, false), Ok(()));
    assert_eq!(play(true, true), Ok(()));
    assert_eq!(play(true, false), Err(Invariant::Panics));
}
