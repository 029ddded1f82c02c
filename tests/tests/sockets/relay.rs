//! Messages both ways, and what a process may ask of a connection.

use crate::support::{Client, Gated, Probe, Setup, World, run, until};
use async_tungstenite::tungstenite::Message;
use bytes::Bytes;
use serde_json::{Value, json};
use wsrelay_core::message::{Close, Payload, Topic};
use wsrelay_core::process::{Actor, Context, Event, ExitReason};
use wsrelay_core::relay::{Authority, Envelope, RelayConfig};
use wsrelay_core::wire::{CloseCode, CloseReason};

/// Returns what clients say, as an actor.
struct Mirror;

impl Actor for Mirror {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(message) = event
            && let Payload::Client(client) = message.payload
        {
            context.send(client.pid, Topic::SEND, client.data);
        }
    }
}

async fn assert_both_ways(world: &World) {
    let mut client = Client::open(world, "/ws").await;
    client.echo("grüße, 世界").await;
    client.send_text("").await;
    assert_eq!(client.message().await, Message::text(""));
    let bytes: Vec<u8> = (0..70_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    client.send(Message::binary(bytes.clone())).await;
    assert_eq!(client.message().await, Message::binary(bytes));
    assert_eq!(client.close(Some((1000, "done"))).await, (1000, String::new()));
}

/// [R3] [R5] Text comes back as text and bytes as bytes, empty, short and long, through a pure actor.
#[test]
fn an_actor_relays_text_and_bytes_both_ways() {
    run(async {
        let world = World::start();
        world.relay("/ws", world.node.spawn_actor(Mirror));
        assert_both_ways(&world).await;
    });
}

/// [R3] [R5] The same through an async function.
#[test]
fn an_async_process_relays_text_and_bytes_both_ways() {
    run(async {
        let world = World::start();
        world.relay("/ws", world.node.spawn(mirror));
        assert_both_ways(&world).await;
    });
}

async fn mirror(context: wsrelay_smol::Context) {
    loop {
        if let Payload::Client(client) = context.receive().await.payload {
            _ = context.send(client.pid, Topic::SEND, client.data);
        }
    }
}

/// [P3] [P5] `receive` takes messages and leaves events, `event` the other way round, `next` all in the
/// order in which they came.
#[test]
fn an_async_process_takes_messages_and_events_apart_or_together() {
    run(async {
        let world = World::start();
        let (sender, seen) = smol::channel::unbounded();
        let other = Probe::spawn(&world.node);
        let watched = other.pid;
        let pid = world.node.spawn(|context| async move {
            context.monitor(watched).expect("a PID");
            sender.send("ready".to_owned()).await.expect("the test");
            let Event::Exit { reason, .. } = context.event().await else { panic!("an exit was expected") };
            sender.send(reason.to_string()).await.expect("the test");
            sender.send(context.receive().await.topic.to_string()).await.expect("the test");
            for _ in 0..3 {
                let word = match context.next().await {
                    Event::Message(message) => message.topic.to_string(),
                    Event::Cancel { reason, .. } => reason.to_string(),
                    other @ (Event::Started | Event::Exit { .. } | Event::LinkDown { .. } | Event::Tick) => {
                        panic!("{other:?} was not expected")
                    }
                };
                sender.send(word).await.expect("the test");
            }
        });
        assert_eq!(seen.recv().await.unwrap(), "ready");
        world.node.send(pid, Topic::from("first"), Payload::Empty).unwrap();
        other.end(ExitReason::Normal);
        assert_eq!(seen.recv().await.unwrap(), "normal");
        assert_eq!(seen.recv().await.unwrap(), "first");
        world.node.send(pid, Topic::from("second"), Payload::Empty).unwrap();
        world.node.cancel(pid, "third").unwrap();
        world.node.send(pid, Topic::from("fourth"), Payload::Empty).unwrap();
        for word in ["second", "third", "fourth"] {
            assert_eq!(seen.recv().await.unwrap(), word);
        }
    });
}

/// [R1] [R3] [R4] Join first, then the messages on the handler's topic, then one leave; metadata and the
/// client's PID on all of them, the client's address on the join.
#[test]
fn a_target_sees_join_then_messages_then_leave() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        let mut config = RelayConfig::to(target.pid);
        config.message_topic = Topic::from("game.input");
        config.metadata = wsrelay_core::message::Metadata::from_json(json!({"user": 7})).expect("an object");
        world.answer("/ws", config.into());
        let mut client = Client::open(&world, "/ws").await;
        let join = target.join().await;
        assert_eq!(join.metadata.to_json(), json!({"user": 7}));
        assert!(join.peer.is_some_and(|peer| peer.starts_with("127.0.0.1:")));
        client.send_text("up").await;
        let message = target.message().await;
        assert_eq!((message.from, message.topic.as_str()), (Some(join.pid), "game.input"));
        let value = message.payload.to_json();
        let expected = json!({
            "client_pid": join.pid.to_string(), "type": "text", "data": "up", "metadata": {"user": 7},
        });
        assert_eq!(value, expected);
        client.close(Some((3000, "bye"))).await;
        let leave = target.leave().await;
        assert_eq!((leave.pid, leave.code, leave.clean), (join.pid, Some(3000), true));
        assert_eq!((&*leave.reason, leave.metadata.to_json()), ("bye", json!({"user": 7})));
        target.nothing_more().await;
    });
}

/// [R3] [T:heartbeat] The target gets the sign of life that the handler asked for, with what was counted.
#[test]
fn a_heartbeat_tells_the_target_how_many_messages_there_were() {
    run(async {
        let setup = Setup::limits(|limits| limits.heartbeat_min = std::time::Duration::from_millis(10));
        let world = setup.start();
        let target = Probe::spawn(&world.node);
        let every = std::time::Duration::from_millis(50);
        world.answer("/ws", RelayConfig::to(target.pid).heartbeat(every).into());
        let mut client = Client::open(&world, "/ws").await;
        target.join().await;
        client.send_text("one").await;
        loop {
            if let Payload::Heartbeat(beat) = target.message().await.payload
                && beat.message_count == 1
            {
                let value = Payload::Heartbeat(beat).to_json();
                assert!(value["uptime"].is_string() && value["uptime_ms"].is_u64(), "{value}");
                break;
            }
        }
    });
}

/// [T:heartbeat] [P10] Thousands of beats that fall due at every moment of their connections' work: the
/// thread that they share stands still at none of them.
#[test]
fn beats_that_fall_due_at_any_moment_do_not_stop_the_thread() {
    run(async {
        let every = std::time::Duration::from_micros(200);
        let world = Setup::limits(|limits| limits.heartbeat_min = every).threads(1).start();
        let target = Probe::spawn(&world.node);
        world.answer("/ws", RelayConfig::to(target.pid).heartbeat(every).into());
        let mut clients = Vec::new();
        for _ in 0..8 {
            clients.push(Client::open(&world, "/ws").await);
        }
        let mut beats = 0;
        while beats < 20_000 {
            beats += u32::from(target.message().await.topic == Topic::HEARTBEAT);
        }
    });
}

/// [R5] `ws.send` as JSON and as bare text or bytes; `ws.close` after what was queued; each `ref` answered.
#[test]
fn a_process_sends_and_closes_and_is_answered() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        let send = |topic: Topic, payload: Payload| target.context.send(pid, topic, payload).unwrap();
        send(Topic::SEND, json!({"type": "text", "data": "a", "ref": "r1"}).into());
        send(Topic::SEND, Bytes::from_static(&[0xff, 0]).into());
        send(Topic::SEND, json!({"type": "binary", "data": "Yg=="}).into());
        let reason = CloseReason::new("that is all");
        let code = CloseCode::new(4001).unwrap();
        send(Topic::CLOSE, Close { code, reason, reference: Some(2.into()) }.into());
        let (messages, close) = client.until_closed().await;
        let expected = [Message::text("a"), Message::binary(vec![0xff, 0]), Message::binary("b")];
        assert_eq!(messages, expected);
        assert_eq!(close, (4001, "that is all".to_owned()));
        let ack = Payload::Ack(Box::new(target.ack().await)).to_json();
        assert_eq!(ack, json!({"ref": "r1", "ok": true}));
        assert_eq!(target.ack().await.outcome, Ok(()));
        let leave = target.leave().await;
        assert_eq!((leave.code, &*leave.reason, leave.clean), (Some(4001), "that is all", true));
    });
}

/// [R6] What a connection cannot do is refused whole, counted, and answered; the client sees nothing of it.
#[test]
fn bad_commands_are_refused_and_the_connection_lives_on() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        let bad = [
            (Topic::SEND, json!({"type": "image", "data": "x", "ref": 1})),
            (Topic::CLOSE, json!({"code": 1005, "ref": 1})),
            (Topic::CLOSE, json!({"code": 2000, "ref": 1})),
            (Topic::CONTROL, json!({"heartbeat_interval": 30, "ref": 1})),
            (Topic::CONTROL, json!({"heartbeat_interval": "-1s", "message_topic": "x", "ref": 1})),
        ];
        for (topic, payload) in bad {
            let what = payload.to_string();
            target.context.send(pid, topic, payload).unwrap();
            assert!(target.ack().await.outcome.is_err(), "{what}");
        }
        for topic in [Topic::from("ws.unknown"), Topic::from("@system")] {
            target.context.send(pid, topic, "not for clients").unwrap();
        }
        target.send_text(pid, "still here").unwrap();
        assert_eq!(client.text().await, "still here");
        until("seven refusals", || world.node.connections()[0].counters.commands_refused == 7).await;
        client.send_text("topic unchanged").await;
        assert_eq!(target.message().await.topic, Topic::MESSAGE);
    });
}

/// [R8] A topic of the application's own reaches the client as JSON text, bytes as base64; with the
/// envelope off it does not, and is counted.
#[test]
fn other_topics_are_wrapped_for_the_client_or_dropped() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        target.context.send(pid, Topic::from("score"), json!({"points": [1, 2]})).unwrap();
        target.context.send(pid, Topic::from("blob"), Bytes::from_static(&[1, 2, 3])).unwrap();
        for expected in
            [json!({"topic": "score", "data": {"points": [1, 2]}}), json!({"topic": "blob", "data": "AQID"})]
        {
            let value: Value = serde_json::from_str(&client.text().await).unwrap();
            assert_eq!(value, expected);
        }

        let mut setup = Setup::default();
        setup.relay.envelope = Envelope::Off;
        let world = setup.start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        target.context.send(pid, Topic::from("score"), "dropped").unwrap();
        target.send_text(pid, "sent").unwrap();
        assert_eq!(client.text().await, "sent");
        until("one refusal", || world.node.connections()[0].counters.commands_refused == 1).await;
    });
}

/// [R9] With `control: target`, another process can send, but neither close nor control.
#[test]
fn only_the_target_controls_where_that_is_asked_for() {
    run(async {
        let mut setup = Setup::default();
        setup.relay.control = Authority::Target;
        let world = setup.start();
        let (target, other) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        other.context.send(pid, Topic::CLOSE, json!({"ref": 1})).unwrap();
        assert!(other.ack().await.outcome.is_err());
        let steal = json!({"target_pid": other.pid.to_string(), "ref": 2});
        other.context.send(pid, Topic::CONTROL, steal).unwrap();
        assert!(other.ack().await.outcome.is_err());
        other.send_text(pid, "hello").unwrap();
        assert_eq!(client.text().await, "hello");
        target.context.send(pid, Topic::CLOSE, Payload::Empty).unwrap();
        assert_eq!(client.closed().await.0, 1000);
    });
}

/// [R4] Messages that came in the same write as the request are neither lost nor before the join.
#[test]
fn what_a_client_sends_before_the_101_comes_after_the_join() {
    run(async {
        use crate::support::{KEY, Raw, frame};
        let world = World::start();
        let target = Gated::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut raw = Raw::connect(&world).await;
        let mut bytes = format!(
            "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        )
        .into_bytes();
        bytes.extend(frame(1, b"early"));
        raw.write(bytes).await;
        assert_eq!(target.take().await.topic, Topic::JOIN);
        assert_eq!(target.take_text().await, "early");
        assert_eq!(raw.reply().await.status, 101);
    });
}
