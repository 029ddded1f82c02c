//! The end of a server in good order.

use crate::support::{Client, Echo, Heard, LONG, SHORT, Setup, World, channel};
use std::thread;
use std::time::Duration;
use wsrelay_core::upgrade::Response;
use wsrelay_thread::{Responder, Server};

/// Waits for the server's end on another thread, which tells of it.
fn serve(world: &mut World) -> Heard<()> {
    let listening = world.take_listening();
    let (done, served) = channel();
    thread::spawn(move || {
        listening.serve();
        done.send(())
    });
    served
}

/// [T:drain] Where nobody is connected, the server ends at once, whether the drain has begun before or after it
/// was waited for.
#[test]
fn an_empty_node_drains_at_once() {
    for drains_first in [true, false] {
        let mut world = World::start();
        if drains_first {
            world.node.drain(LONG);
        }
        let served = serve(&mut world);
        world.node.drain(LONG);
        served.next("the server's end");
    }
}

/// [T:drain] [C:Drained] Clients on all workers are closed with 1012 within the window, and the server ends when
/// the last one is gone, not before.
#[test]
fn a_server_ends_when_its_last_client_is_gone() {
    let mut world = Setup::workers(4).limits(|limits| limits.close_wait_max = LONG).start();
    world.node.spawn_actor_named("echo", Echo).unwrap();
    let mut clients: Vec<_> = (0..20).map(|_| world.open("echo")).collect();
    for client in &mut clients {
        client.echo("here");
    }
    let served = serve(&mut world);
    world.node.drain(SHORT);
    // Its close waits for this one's answer.
    let mut last = clients.pop().expect("a client");
    for mut client in clients {
        assert_eq!(client.closed(), 1012);
    }
    assert!(served.is_silent(), "one client is left");
    assert_eq!(last.closed(), 1012);
    drop(last);
    served.next("the server's end");
    assert_eq!(world.node.connections(), []);
}

/// [T:drain] A client that goes by itself is waited for like any other, in a window that is far from its end.
#[test]
fn a_server_that_drains_ends_with_the_client_that_leaves() {
    let mut world = World::start();
    world.node.spawn_actor_named("echo", Echo).unwrap();
    let mut clients = [world.open("echo"), world.open("echo")];
    let served = serve(&mut world);
    // So long that no client's moment comes.
    world.node.drain(Duration::from_secs(3600 * 24 * 365 * 10));
    for client in &mut clients {
        client.echo("still here");
    }
    let [one, other] = clients;
    one.close();
    assert!(served.is_silent(), "one client is left");
    other.close();
    served.next("the server's end");
}

/// [T:drain] [H9] While the node drains, new upgrades are answered 503, and other requests their answer, with which
/// the connection ends.
#[test]
fn a_server_that_drains_still_answers() {
    let mut world = Setup::workers(1).answering(|_| |_| Response::text(200, "a page"));
    let mut idle = Client::connect(world.address);
    idle.ask("page");
    assert_eq!(idle.reply(), (200, "a page".to_owned()));
    // Asks nothing until the drain has begun.
    let mut new = Client::connect(world.address);
    let mut other = Client::connect(world.address);
    let served = serve(&mut world);
    world.node.drain(LONG);
    assert_eq!(idle.rest(), b"");
    new.ask("page");
    assert_eq!(new.reply(), (200, "a page".to_owned()));
    assert_eq!(new.rest(), b"");
    assert_eq!(other.upgrade("ws"), 503);
    assert_eq!(other.rest(), b"");
    drop((idle, new, other));
    served.next("the server's end");
}

/// [T:drain] A request that a thread is about to answer is waited for.
#[test]
fn a_server_that_drains_waits_for_late_answers() {
    let (seen, asked) = channel();
    let mut world = Setup::workers(2).serving(|node, options| {
        let handler = move |_, responder| _ = seen.send(responder);
        Server::answering_later(node, options, handler).expect("sound limits")
    });
    let mut client = Client::connect(world.address);
    client.ask("page");
    let responder: Responder = asked.next("the request");
    let served = serve(&mut world);
    world.node.drain(LONG);
    assert!(served.is_silent(), "an answer is due");
    responder.respond(Response::text(200, "at last"));
    assert_eq!(client.reply(), (200, "at last".to_owned()));
    assert_eq!(client.rest(), b"");
    drop(client);
    served.next("the server's end");
}

/// [T:drain] A client that ignores the close is cut, and the server ends all the same.
#[test]
fn a_client_that_ignores_the_drain_does_not_hold_it_up() {
    let mut world = Setup::workers(2).limits(|limits| limits.close_wait_max = SHORT).start();
    world.node.spawn_actor_named("echo", Echo).unwrap();
    let mut client = world.open("echo");
    client.echo("here");
    let served = serve(&mut world);
    world.node.drain(SHORT);
    served.next("the server's end");
    let (opcode, payload) = client.frame();
    assert_eq!((opcode, &payload[..2]), (8, &1012_u16.to_be_bytes()[..]));
    assert_eq!(client.rest(), b"");
}
