//! `ws.control`, and commands that are refused.

use super::world::*;
use async_tungstenite::tungstenite::Message as Frame;
use serde_json::json;
use smol::stream::StreamExt as _;
use wsrelay_smol::ConnectOptions;
use wsrelay_smol::core::fault::CommandFault;
use wsrelay_smol::core::message::{Ack, Close, Control, Metadata, MetadataChange, Payload, Ref, Send, Topic};
use wsrelay_smol::core::process::ExitReason;
use wsrelay_smol::core::wire::Data;

#[test]
fn a_transfer_leaves_the_old_target_and_joins_the_new_one_without_loss() {
    run(async |world| {
        let (old, pid, mut server) = world.connected(options()).await;
        let new = world.probe();
        let sender = world.executor.spawn(async move {
            for number in 0..2000 {
                server.send(Frame::text(number.to_string())).await.unwrap();
                // Others get their turn, so that the transfer comes in the middle.
                smol::future::yield_now().await;
            }
            server
        });
        let mut numbers = vec![old.number(pid).await];
        let control = Control {
            target: Some(new.pid.into()),
            message_topic: Some(Topic::from("numbers")),
            metadata: MetadataChange::Set(metadata(json!({"moved": true}))),
            reference: Some(Ref::from(3)),
            ..Control::default()
        };
        old.call(move |context| context.send(pid, Topic::CONTROL, control)).await.unwrap();
        let leave = loop {
            let message = old.message().await;
            if let Payload::Leave(leave) = message.payload {
                break leave;
            }
            let Payload::Client(client) = message.payload else { panic!("{message:?}") };
            numbers.push(number(&client));
        };
        assert!(numbers.len() < 2000);
        assert_eq!((&*leave.reason, leave.code, leave.clean), ("transfer", None, true));
        assert_eq!(leave.metadata, Metadata::default());
        assert_eq!(old.ack().await, Ack { reference: Ref::from(3), outcome: Ok(()) });

        assert_eq!(new.join().await.metadata, metadata(json!({"moved": true})));
        while numbers.len() < 2000 {
            let message = new.message().await;
            assert_eq!(message.topic, Topic::from("numbers"));
            let Payload::Client(client) = message.payload else { panic!("{message:?}") };
            assert_eq!(client.metadata, metadata(json!({"moved": true})));
            numbers.push(number(&client));
        }
        assert!(numbers.is_sorted() && numbers.windows(2).all(|pair| pair[0] < pair[1]));

        // The old one is no longer watched, the new one is.
        let mut server = sender.await;
        old.end(ExitReason::crashed("oops")).await;
        world.node.send(pid, Topic::SEND, "still here").unwrap();
        assert_eq!(server.next().await.unwrap().unwrap(), Frame::text("still here"));
        new.end(ExitReason::Normal).await;
        assert_eq!(closed_with(&mut server).await, 1000);
    });
}

#[test]
fn a_control_to_the_same_target_updates_without_leave_or_join() {
    run(async |world| {
        let first = ConnectOptions { metadata: metadata(json!({"a": 1})), ..options() };
        let (target, pid, mut server) = world.connected(first).await;
        let updates = [
            (json!({"target_pid": target.pid.to_string(), "ref": 1}), "ws.message", json!({"a": 1})),
            (json!({"message_topic": "news", "ref": 2}), "news", json!({"a": 1})),
            (json!({"metadata": {"b": 2}, "ref": 3}), "news", json!({"b": 2})),
            (json!({"metadata": null, "ref": 4}), "news", json!({})),
        ];
        for (control, topic, expected) in updates {
            let reference = control["ref"].as_u64().unwrap();
            target.call(move |context| context.send(pid, Topic::CONTROL, control)).await.unwrap();
            assert_eq!(target.ack().await, Ack { reference: Ref::from(reference), outcome: Ok(()) });
            server.send(Frame::text("x")).await.unwrap();
            let message = target.message().await;
            assert_eq!(message.topic, Topic::from(topic));
            let Payload::Client(client) = message.payload else { panic!("{message:?}") };
            assert_eq!(client.metadata, metadata(expected));
        }
    });
}

#[test]
fn bad_commands_are_refused_whole_and_the_connection_lives_on() {
    run(async |world| {
        let (target, pid, mut server) = world.connected(options()).await;
        let gone = world.probe();
        gone.end(ExitReason::Normal).await;
        let commands = [
            (Topic::SEND, json!({"type": "picture", "data": "x", "ref": 0})),
            (Topic::CLOSE, json!({"code": 1006, "ref": 1})),
            (Topic::CLOSE, json!({"code": 1000, "reason": 5, "ref": 2})),
            (Topic::CONTROL, json!({"heartbeat_interval": "never", "ref": 3})),
            (Topic::CONTROL, json!({"metadata": 5, "message_topic": "changed", "ref": 4})),
            (
                Topic::CONTROL,
                json!({"target_pid": gone.pid.to_string(), "message_topic": "changed", "ref": 5}),
            ),
            (Topic::CONTROL, json!({"target_pid": "nobody", "ref": 6})),
        ];
        for (index, (topic, command)) in commands.into_iter().enumerate() {
            target.call(move |context| context.send(pid, topic, command)).await.unwrap();
            let ack = target.ack().await;
            assert_eq!(ack.reference, Ref::from(index as u64));
            assert!(ack.outcome.is_err(), "{index}");
        }
        // There is no envelope, and no ref to answer.
        world.node.send(pid, Topic::from("news"), "x").unwrap();
        world.node.send(pid, Topic::from("ws.other"), "x").unwrap();

        let send = Send { data: Data::Text("fine".into()), reference: Some(Box::new(Ref::from(9))) };
        target.call(move |context| context.send(pid, Topic::SEND, send)).await.unwrap();
        assert_eq!(target.ack().await, Ack { reference: Ref::from(9), outcome: Ok(()) });
        assert_eq!(server.next().await.unwrap().unwrap(), Frame::text("fine"));
        server.send(Frame::text("still here")).await.unwrap();
        let message = target.message().await;
        assert_eq!(message.topic, Topic::MESSAGE);
    });
}

#[test]
fn a_command_to_a_connection_that_closes_is_refused() {
    run(async |world| {
        let (target, pid, _server) = world.connected(options()).await;
        target.close(pid, Close::default()).await;
        let send = Send { data: Data::Text("late".into()), reference: Some(Box::new(Ref::from(1))) };
        target.call(move |context| context.send(pid, Topic::SEND, send)).await.unwrap();
        let outcome = Err(CommandFault::Closing);
        assert_eq!(target.ack().await, Ack { reference: Ref::from(1), outcome });
    });
}
