//! Where clients come in.

use crate::support::{Client, Echo, Setup, World, act, until};
use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::limits::Limits;
use wsrelay_core::message::{Message, Payload, Topic};
use wsrelay_core::process::{Context, Event};
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::upgrade::Response;
use wsrelay_thread::Server;

fn world() -> World {
    let world = World::start();
    world.node.spawn_actor_named("echo", Echo).unwrap();
    world
}

/// An address that a plain listener has is taken, and free when that is gone.
#[test]
fn an_address_with_a_plain_listener_is_in_use() {
    let world = world();
    let plain = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = plain.local_addr().expect("its address");
    assert_eq!(world.server.bind(address).err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
    drop(plain);
    let listening = world.server.bind(address).expect("a free port");
    assert_eq!(listening.address(), address);
    Client::open(address, "echo").echo("here");
}

/// An address that a server of this kind has is taken for any other, of the same runtime or not, although its own
/// listeners share it.
#[test]
fn an_address_with_another_server_is_in_use() {
    let (world, other) = (world(), world());
    for server in [&world.server, &other.server] {
        let bound = server.bind(world.address);
        assert_eq!(bound.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
    }
    let plain = TcpListener::bind(world.address);
    assert_eq!(plain.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
    // Nobody's clients were taken away by the attempts.
    for _ in 0..20 {
        world.open("echo").echo("here");
    }
}

/// All workers take clients from a listener that they are given.
#[test]
fn a_listener_is_shared_by_the_workers() {
    let (seen, heard) = crate::support::channel();
    let world = Setup::workers(2).answering(|node| {
        let echo = node.spawn_actor(Echo);
        move |_| {
            _ = seen.send(thread::current().name().map(str::to_owned));
            RelayConfig::to(echo).into()
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let listening = world.server.listen(listener).expect("a listener");
    assert_eq!(listening.address(), address);
    let mut workers = HashSet::new();
    // Who is awake first has the client; sooner or later each of them is.
    until("both workers to have had clients", || {
        let mut client = Client::open(address, "ws");
        client.echo("here");
        client.close();
        workers.insert(heard.next("the handler"));
        workers.len() == 2
    });
}

fn is_refused(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err()
}

/// A server that is dropped lets nobody in any more, and those who are in stay; its address is free.
#[test]
fn a_server_that_is_dropped_keeps_its_clients() {
    let mut world = world();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let shared = world.server.listen(listener).expect("a listener");
    let bound = world.take_listening();
    for listening in [shared, bound] {
        let address = listening.address();
        let mut clients: Vec<_> = (0..10).map(|_| Client::open(address, "echo")).collect();
        let mut asks = Client::connect(address);
        asks.ask("page");
        assert_eq!(asks.reply().0, 426);
        drop(listening);
        until("the door to close", || is_refused(address));
        for client in &mut clients {
            client.echo("still here");
        }
        let again = world.server.bind(address).expect("a free port");
        Client::open(again.address(), "echo").echo("again");
        for client in clients {
            client.close();
        }
    }
}

/// Several servers on one runtime know their clients apart, and each is dropped for itself.
#[test]
fn servers_of_one_runtime_do_not_mix() {
    let world = world();
    let pages: Vec<_> = (0..4)
        .map(|number| {
            let page = move |_| Response::text(200, format!("page {number}"));
            let server = Server::new(&world.node, ConnectionOptions::default(), page).expect("sound limits");
            server.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port")
        })
        .collect();
    let mut pages: Vec<_> = pages.into_iter().map(Some).collect();
    for last in 0..4 {
        for (number, page) in pages.iter().enumerate() {
            let Some(page) = page else { continue };
            let mut client = Client::connect(page.address());
            client.ask("");
            assert_eq!(client.reply(), (200, format!("page {number}")));
        }
        let address = pages[last].take().map(|page| page.address()).expect("one that listens");
        until("the door to close", || is_refused(address));
    }
}

/// A handler that panics costs its client a 500 and its worker nothing; the connection can ask again.
#[test]
fn a_handler_that_panics_answers_500() {
    let world = Setup::workers(1).answering(|_| {
        |request: wsrelay_core::upgrade::Request| {
            assert_ne!(request.path(), "/panic", "on purpose");
            Response::text(200, "well")
        }
    });
    let mut client = Client::connect(world.address);
    for _ in 0..3 {
        client.ask("panic");
        client.ask("page");
        assert_eq!(client.reply().0, 500);
        assert_eq!(client.reply(), (200, "well".to_owned()));
    }
}

/// Limits that cannot work together are refused before anybody is let in.
#[test]
fn a_server_with_limits_that_cannot_work_is_none() {
    let world = world();
    let limits = Limits { turn_messages_max: 0, ..Limits::default() };
    let relay = wsrelay_core::relay::RelayOptions { limits, ..Default::default() };
    let options = ConnectionOptions { relay: relay.into(), ..ConnectionOptions::default() };
    let refused = Server::new(&world.node, options.clone(), |_| Response::new(200));
    assert_eq!(refused.expect_err("no turn at all").name, "turn_messages_max");
    let refused = Server::answering_later(&world.node, options, |_, _| ());
    assert_eq!(refused.expect_err("no turn at all").name, "turn_messages_max");
}

/// [P2] [P10] Two hundred clients on four workers, half of them with an actor that all share and half with one of
/// their own: each gets its own answers.
#[test]
fn many_clients_on_many_workers_get_their_own_answers() {
    const CLIENTS: usize = 200;
    const ROUNDS: usize = 20;
    let world = Setup::workers(4).answering(|node| {
        let (node, shared) = (node.clone(), node.spawn_actor(Echo));
        move |request: wsrelay_core::upgrade::Request| {
            let target = if request.path() == "/shared" { shared } else { node.spawn_actor(Echo) };
            RelayConfig::to(target).into()
        }
    });
    let path = |number: usize| if number.is_multiple_of(2) { "shared" } else { "own" };
    let mut clients: Vec<_> = (0..CLIENTS).map(|number| world.open(path(number))).collect();
    for round in 0..ROUNDS {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send_text(&format!("{number} in {round}"));
            client.send_text("and more");
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.text(), format!("{number} in {round}"));
            assert_eq!(client.text(), "and more");
        }
    }
    assert_eq!(world.node.connections().len(), CLIENTS);
    for client in clients {
        client.close();
    }
    until("the last one to go", || world.node.connections().is_empty());
}

/// [R4] [P2] An actor on one worker speaks to clients on all of them: a word of each reaches everybody, those of
/// one client in their order.
#[test]
fn a_room_reaches_its_clients_on_all_workers() {
    const CLIENTS: usize = 20;
    let world = Setup::workers(4).start();
    let mut members = Vec::new();
    let room = act(move |event, context: &mut Context<'_>| {
        let Event::Message(Message { payload, .. }) = event else { return };
        if let Payload::Join(join) = &payload {
            members.push(join.pid);
        }
        if let Payload::Client(client) = payload {
            for member in &members {
                context.send(*member, Topic::SEND, client.data.clone());
            }
        }
    });
    world.node.spawn_actor_named("room", room).unwrap();
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| world.open("room")).collect();
    // Who gets an answer has joined.
    for client in &mut clients {
        client.send_text("here");
        assert_eq!(client.text(), "here");
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.send_text(&format!("a{number}"));
        client.send_text(&format!("b{number}"));
    }
    for client in &mut clients {
        let mut heard = Vec::new();
        while heard.len() < 2 * CLIENTS {
            let text = client.text();
            if text != "here" {
                heard.push(text);
            }
        }
        for number in 0..CLIENTS {
            let at = |word: String| heard.iter().position(|text| *text == word).expect("every word");
            assert!(at(format!("a{number}")) < at(format!("b{number}")));
        }
    }
}
