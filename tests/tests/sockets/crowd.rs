//! Many clients at once, and the demo.

use crate::support::{Client, Probe, Raw, World, run, until, within};
use async_tungstenite::tungstenite::Message as Frame;
use std::collections::BTreeSet;
use wsrelay::args::DemoOptions;
use wsrelay_core::relay::Counters;

const CLIENTS: usize = 200;

fn demo() -> World {
    World::with_server(|node| {
        wsrelay::demo::on_smol::server(node, &DemoOptions::default()).expect("sound limits")
    })
}

async fn connect_all(world: &World, path: &str) -> Vec<Client> {
    let opening: Vec<_> = (0..CLIENTS).map(|_| Client::open(world, path)).collect();
    join_all(opening).await
}

/// Runs all futures at once, on this thread.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let executor = smol::LocalExecutor::new();
    let tasks: Vec<_> = futures.into_iter().map(|future| executor.spawn(future)).collect();
    let all = async {
        let mut outputs = Vec::new();
        for task in tasks {
            outputs.push(task.await);
        }
        outputs
    };
    within("everybody", executor.run(all)).await
}

/// [R3] [R5] [P10] Two hundred clients of the demo's echo at once, each gets its own messages back, in order.
#[test]
fn two_hundred_clients_are_echoed_at_once() {
    run(async {
        let world = demo();
        let clients = connect_all(&world, "/ws/echo").await;
        let talks: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(index, mut client)| async move {
                for number in 0..50 {
                    client.send_text(&format!("{index}:{number}")).await;
                }
                for number in 0..50 {
                    assert_eq!(client.text().await, format!("{index}:{number}"));
                }
                client.close(Some((1000, ""))).await
            })
            .collect();
        assert!(join_all(talks).await.into_iter().all(|close| close == (1000, String::new())));
        until("everybody to go", || world.node.connections().is_empty()).await;
    });
}

/// [R4] [P10] Each of two hundred clients of the demo's broadcast says one thing: everybody hears all of it,
/// everybody in the same order.
#[test]
fn two_hundred_clients_hear_each_other() {
    run(async {
        let world = demo();
        let mut clients = connect_all(&world, "/ws/broadcast").await;
        for (index, client) in clients.iter_mut().enumerate() {
            client.send_text(&index.to_string()).await;
        }
        let hearing: Vec<_> = clients
            .iter_mut()
            .map(|client| async move {
                let mut heard = Vec::new();
                while heard.len() < CLIENTS {
                    heard.push(client.text().await);
                }
                heard
            })
            .collect();
        let heard = join_all(hearing).await;
        let all: BTreeSet<_> = heard[0].iter().cloned().collect();
        assert_eq!(all, (0..CLIENTS).map(|index| index.to_string()).collect());
        assert!(heard.iter().all(|one| *one == heard[0]), "not everybody heard the same");
    });
}

/// [H4] [R8] The demo's pages, its room's names, and its refusals.
#[test]
fn the_demo_serves_its_page_and_its_rooms() {
    run(async {
        let world = demo();
        let mut raw = Raw::connect(&world).await;
        let page = raw.ask("GET", "/", &[]).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("WebSocket"));
        assert_eq!(raw.ask("GET", "/healthz", &[]).await.body, "ok\n");
        assert_eq!(raw.ask("GET", "/elsewhere", &[]).await.status, 404);
        assert_eq!(Raw::connect(&world).await.ask("GET", "/ws/echo", &[]).await.status, 426);
        let mut alice = Client::open(&world, "/ws/chat?room=tea&user=Alice").await;
        assert!(alice.text().await.contains("welcome"));
        let mut second = Client::open(&world, "/ws/chat?room=tea&user=Alice").await;
        assert!(second.text().await.contains("Alice-2"));
        assert!(alice.text().await.contains("Alice-2"));
        second.send_text(r#"{"text":"hello"}"#).await;
        for client in [&mut alice, &mut second] {
            let said = client.text().await;
            assert!(said.contains("hello") && said.contains("Alice-2"), "{said}");
        }
        second.close(None).await;
        assert!(alice.text().await.contains("leave"));
    });
}

/// [R3] [P10] `connections` shows who is connected, to whom, and what has passed; afterwards nothing.
#[test]
fn the_node_shows_its_connections_and_their_counters() {
    run(async {
        let world = World::start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        assert_eq!(world.node.connections(), []);
        let mut idle = Raw::connect(&world).await;
        assert_eq!(idle.ask("GET", "/nothing", &[]).await.status, 404);
        assert_eq!(world.node.connections(), [], "a connection that does not relay is not shown");
        let mut client = Client::open(&world, "/ws").await;
        let join = target.join().await;
        client.send(Frame::binary(vec![0; 100])).await;
        target.client().await;
        target.send_ref(join.pid, "four", 1).unwrap();
        target.send_ref(join.pid, "five", 2).unwrap();
        target.ack().await;
        target.ack().await;
        client.text().await;
        client.text().await;
        let expected =
            Counters { messages_in: 1, bytes_in: 100, messages_out: 2, bytes_out: 8, ..Counters::default() };
        until("the counters", || world.node.connections()[0].counters == expected).await;
        let shown = world.node.connections();
        assert_eq!(shown.len(), 1);
        assert_eq!((shown[0].pid, shown[0].target), (join.pid, target.pid));
        assert_eq!(shown[0].peer.as_deref(), join.peer.as_deref());
        assert!(shown[0].opened_at <= world.node.clock().now());
        client.close(None).await;
        target.leave().await;
        until("the connection to go", || world.node.connections().is_empty()).await;
    });
}
