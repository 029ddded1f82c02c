//! The end of a node, in good order.

use crate::support::{Client, LONG, Probe, Raw, SHORT, World, run, until};
use wsrelay_core::process::ExitReason;
use wsrelay_core::upgrade::Response;

/// [T:drain] [C:Drained] Every connection is closed with 1012 within the window; their targets and
/// monitors learn of it, and the server's function returns.
#[test]
fn a_drain_closes_everybody_and_ends_the_server() {
    const CLIENTS: usize = 20;
    run(async {
        let mut world = World::start();
        let (target, watcher) = (Probe::spawn(&world.node), Probe::spawn(&world.node));
        world.relay("/ws", target.pid);
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(Client::open(&world, "/ws").await);
            watcher.watch(target.join().await.pid).await;
        }
        world.node.drain(SHORT);
        for mut client in clients {
            assert_eq!(client.closed().await, (1012, "server restarting".to_owned()));
        }
        for _ in 0..CLIENTS {
            let leave = target.leave().await;
            assert_eq!((leave.code, &*leave.reason, leave.clean), (Some(1012), "shutdown", true));
            assert_eq!(watcher.exit().await.1, ExitReason::Shutdown);
        }
        target.nothing_more().await;
        world.served().await.unwrap();
        assert_eq!(world.node.connections(), []);
        assert!(smol::net::TcpStream::connect(world.address).await.is_err(), "the port is still listened on");
    });
}

/// [T:drain] The closes are spread over the window: in a very long one nobody is closed at once, and the
/// relay goes on; what is left when the server is to stop is cut.
#[test]
fn a_drain_is_spread_over_its_window() {
    run(async {
        let mut world = World::start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut clients = [Client::open(&world, "/ws").await, Client::open(&world, "/ws").await];
        for _ in &clients {
            target.join().await;
        }
        world.node.drain(LONG * 24 * 365 * 10);
        // A second drain does not change the first.
        world.node.drain(SHORT);
        for client in &mut clients {
            client.send_text("still here").await;
            assert_eq!(target.client_text().await, "still here");
        }
        assert_eq!(world.node.cut_connections(), 2);
        for client in &mut clients {
            client.cut().await;
        }
        world.served().await.unwrap();
    });
}

/// [T:drain] Connections that idle between two requests are closed at once; one whose request is being
/// answered gets its answer, with `Connection: close`.
#[test]
fn a_drain_closes_idle_http_connections_and_answers_the_others() {
    run(async {
        let mut world = World::start();
        world.answer("/page", Response::text(200, "a page"));
        let (asked, arrived) = smol::channel::bounded(1);
        let (go, gone) = smol::channel::bounded::<()>(1);
        world.handle("/slow", move |_| {
            let (asked, gone) = (asked.clone(), gone.clone());
            async move {
                asked.send(()).await.expect("the test");
                _ = gone.recv().await;
                Response::text(200, "at last")
            }
        });
        let mut idle = Raw::connect(&world).await;
        let reply = idle.ask("GET", "/page", &[]).await;
        assert_eq!((reply.status, reply.header("Connection")), (200, Some("keep-alive")));
        let mut busy = Raw::connect(&world).await;
        busy.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
        arrived.recv().await.unwrap();
        world.node.drain(LONG);
        assert_eq!(idle.rest().await, b"");
        go.send(()).await.unwrap();
        let reply = busy.reply().await;
        assert_eq!((reply.body.as_str(), reply.header("Connection")), ("at last", Some("close")));
        drop((idle, busy));
        world.served().await.unwrap();
    });
}

/// [T:drain] A node with nobody on it drains at once.
#[test]
fn an_empty_node_drains_at_once() {
    run(async {
        let mut world = World::start();
        world.node.drain(LONG);
        world.served().await.unwrap();
    });
}

/// [T:drain] A client that ignores the close is cut, and the server's function returns all the same.
#[test]
fn a_client_that_ignores_the_drain_does_not_hold_it_up() {
    run(async {
        let mut world = crate::support::Setup::limits(|limits| limits.close_wait_max = SHORT).start();
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut raw = Raw::open(&world, "/ws").await;
        target.join().await;
        world.node.drain(SHORT);
        let (opcode, payload) = raw.frame().await;
        assert_eq!((opcode, &payload[..2]), (8, &1012_u16.to_be_bytes()[..]));
        world.served().await.unwrap();
        assert_eq!(raw.rest().await, b"");
        let leave = target.leave().await;
        assert_eq!((leave.code, leave.clean), (Some(1012), false));
        until("the connection to go", || world.node.connections().is_empty()).await;
    });
}
