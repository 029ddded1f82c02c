//! Joins, messages and leaves.

use super::world::*;
use async_tungstenite::accept_hdr_async;
use async_tungstenite::tungstenite::http::HeaderValue;
use serde_json::json;
use wsrelay_smol::ConnectOptions;
use wsrelay_smol::core::limits::Limits;
use wsrelay_smol::core::message::{ClientMessage, Close, Control, Payload, Topic};
use wsrelay_smol::core::process::ExitReason;
use wsrelay_smol::core::time::Timeout;
use wsrelay_smol::core::wire::Data;

#[test]
fn an_echo_comes_back_between_a_join_and_a_leave() {
    run(async |world| {
        let url = world.echo_server();
        let target = world.probe();
        let pid = target.connect(&url, options()).await;
        let join = target.join().await;
        assert_eq!(join.pid, pid);
        assert!(join.peer.is_some_and(|peer| url.contains(&*peer)));

        target.send(pid, "hello").await;
        assert_eq!(target.client().await, (pid, Data::Text("hello".into())));

        target.close(pid, Close::default()).await;
        let leave = target.leave().await;
        assert_eq!((leave.pid, leave.code, &*leave.reason, leave.clean), (pid, Some(1000), "", true));
        assert_eq!(target.exit().await, (pid, ExitReason::Normal));
    });
}

#[test]
fn text_stays_text_and_binary_stays_binary() {
    run(async |world| {
        let url = world.echo_server();
        let target = world.probe();
        let pid = target.connect(&url, options()).await;
        target.join().await;
        let messages = [
            Data::Text("grüezi".into()),
            Data::Binary(vec![0xff, 0, 0xfe].into()),
            Data::Text("".into()),
            Data::Binary(vec![7; 200_000].into()),
        ];
        for data in &messages {
            world.node.send(pid, Topic::SEND, data.clone()).unwrap();
        }
        for data in messages {
            assert_eq!(target.client().await, (pid, data));
        }
    });
}

#[test]
fn what_is_sent_while_it_dials_goes_out_after_the_join() {
    run(async |world| {
        let url = world.echo_server();
        let target = world.probe();
        let pid = target
            .call(move |context| {
                let pid = context.node().connect(&url, context.pid(), options()).unwrap();
                context.send(pid, Topic::SEND, "early").unwrap();
                pid
            })
            .await;
        target.join().await;
        assert_eq!(target.client().await, (pid, Data::Text("early".into())));
    });
}

#[test]
fn messages_come_on_the_chosen_topic_with_the_metadata() {
    run(async |world| {
        let url = world.echo_server();
        let target = world.probe();
        let metadata = metadata(json!({"feed": 7}));
        let options =
            ConnectOptions { message_topic: Topic::from("feed"), metadata: metadata.clone(), ..options() };
        let pid = target.connect(&url, options).await;
        assert_eq!(target.join().await.metadata, metadata);
        target.send(pid, "hello").await;
        let message = target.message().await;
        assert_eq!(message.topic, Topic::from("feed"));
        let data = Data::Text("hello".into());
        let expected = ClientMessage { pid, data, metadata: metadata.clone() };
        assert_eq!(message.payload, Payload::Client(expected));
        target.close(pid, Close::default()).await;
        assert_eq!(target.leave().await.metadata, metadata);
    });
}

#[test]
fn headers_and_subprotocols_are_offered_and_the_chosen_one_is_told() {
    run(async |world| {
        let (listener, url) = listen();
        let target = world.probe();
        let options = ConnectOptions {
            headers: vec![("X-Key".to_owned(), "secret".to_owned())],
            protocols: vec!["v2".to_owned(), "v1".to_owned()],
            ..options()
        };
        target.connect(&format!("{url}?q=1"), options).await;
        let (stream, _) = listener.accept().await.unwrap();
        #[expect(clippy::result_large_err, reason = "the callback's type is tungstenite's")]
        let server = accept_hdr_async(stream, |request: &ServerRequest, mut response: ServerResponse| {
            assert_eq!(request.uri(), "/?q=1");
            assert_eq!(request.headers()["X-Key"], "secret");
            assert_eq!(request.headers()["Sec-WebSocket-Protocol"], "v2, v1");
            response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("v1"));
            Ok(response)
        });
        let _server = server.await.unwrap();
        assert_eq!(target.join().await.subprotocol.as_deref(), Some("v1"));
    });
}

#[test]
fn a_heartbeat_counts_the_servers_messages() {
    run(async |world| {
        let url = world.echo_server();
        let target = world.probe();
        let pid = target.connect(&url, options()).await;
        target.join().await;
        target.send(pid, "one").await;
        target.client().await;
        let every = Limits::default().heartbeat_min;
        let control = Control { heartbeat: Some(Timeout::After(every)), ..Control::default() };
        world.node.send(pid, Topic::CONTROL, control).unwrap();
        let message = target.message().await;
        assert_eq!(message.topic, Topic::HEARTBEAT);
        let Payload::Heartbeat(heartbeat) = message.payload else { panic!("{message:?}") };
        assert_eq!((heartbeat.pid, heartbeat.message_count), (pid, 1));
    });
}
