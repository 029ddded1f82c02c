//! Handlers that leave the answer to others.

use crate::support::{Client, Echo, Heard, SHORT, Setup, World, channel, forward, until};
use std::thread;
use wsrelay_core::message::Payload;
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::upgrade::{Request, Response};
use wsrelay_thread::{Responder, Server};

/// One worker, whose handler does this.
fn world(handler: impl Fn(Request, Responder) + Send + Sync + 'static) -> World {
    let serving = |node: &_, options| Server::answering_later(node, options, handler).expect("sound limits");
    Setup::workers(1).serving(serving)
}

/// One worker, whose handler hands everything to the test.
fn handed_over() -> (World, Heard<(Request, Responder)>) {
    let (seen, heard) = channel();
    let world = world(move |request, responder| _ = seen.send((request, responder)));
    (world, heard)
}

/// An answer comes from another thread, and meanwhile others are served by the same worker.
#[test]
fn an_answer_may_come_from_another_thread() {
    let (world, asked) = handed_over();
    let (mut one, mut other) = (Client::connect(world.address), Client::connect(world.address));
    one.ask("one");
    let (_, one_responder) = asked.next("the first request");
    other.ask("other");
    let (request, other_responder) = asked.next("the second request");
    assert_eq!(request.path(), "/other");
    thread::spawn(|| other_responder.respond(Response::text(200, "second first")));
    assert_eq!(other.reply(), (200, "second first".to_owned()));
    thread::spawn(|| one_responder.respond(Response::text(200, "first second")));
    assert_eq!(one.reply(), (200, "first second".to_owned()));
}

/// [H1] [R4] The answer may be a relay, to a process that the other thread has started.
#[test]
fn a_relay_may_be_answered_later() {
    let (world, asked) = handed_over();
    let node = world.node.clone();
    thread::spawn(move || {
        let (_, responder) = asked.next("the request");
        responder.respond(RelayConfig::to(node.spawn_actor(Echo)));
    });
    let mut client = world.open("ws");
    client.echo("here");
    client.close();
}

/// Requests on one connection are answered in their turn.
#[test]
fn requests_in_a_row_are_answered_one_after_the_other() {
    let (world, asked) = handed_over();
    let mut client = Client::connect(world.address);
    for number in 0..10 {
        client.ask(&number.to_string());
    }
    for number in 0..10 {
        let (request, responder) = asked.next("a request");
        assert_eq!(request.path(), format!("/{number}"));
        assert!(asked.is_silent(), "the next one was to wait");
        responder.respond(Response::text(200, number.to_string()));
        assert_eq!(client.reply(), (200, number.to_string()));
    }
}

/// Whoever was to answer and did not has failed: 500, at once.
#[test]
fn a_responder_that_is_dropped_answers_500() {
    let (world, asked) = handed_over();
    let mut client = Client::connect(world.address);
    for _ in 0..3 {
        client.ask("page");
        drop(asked.next("the request"));
        assert_eq!(client.reply().0, 500);
    }
    let dropped = self::world(|_, _| ());
    let mut client = Client::connect(dropped.address);
    client.ask("page");
    assert_eq!(client.reply().0, 500);
}

/// An answer for a client that has gone meanwhile goes nowhere, whoever has come since.
#[test]
fn an_answer_for_a_client_that_is_gone_harms_nobody() {
    let (world, asked) = handed_over();
    let (target, heard) = forward();
    let target = world.node.spawn_actor(target);
    let mut late = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(world.address);
        client.ask("gone");
        late.push(asked.next("the request").1);
    }
    assert_eq!(world.node.cut_connections(), 3);
    until("them to be gone", || world.node.is_idle(std::task::Waker::noop()));
    // It has the place of one who is gone.
    let mut client = Client::connect(world.address);
    client.ask("here");
    let (request, responder) = asked.next("the request");
    assert_eq!(request.path(), "/here");
    let mut late = late.into_iter();
    late.next().expect("the first").respond(Response::text(200, "for somebody else"));
    late.next().expect("the second").respond(RelayConfig::to(target));
    drop(late);
    responder.respond(Response::text(200, "for this one"));
    assert_eq!(client.reply(), (200, "for this one".to_owned()));
    drop(world);
    heard.end("what the target is told");
}

/// [H13] Where the answer comes too late, the client has 503, and the target that it names is told.
#[test]
fn an_answer_that_comes_too_late_tells_its_target() {
    let (seen, asked) = channel();
    let handler = move |request, responder| _ = seen.send((request, responder));
    let world = Setup::workers(1)
        .limits(|limits| limits.handler_wait_max = SHORT)
        .serving(|node, options| Server::answering_later(node, options, handler).expect("sound limits"));
    let (target, heard) = forward();
    let target = world.node.spawn_actor(target);
    let mut client = Client::connect(world.address);
    assert_eq!(client.upgrade("ws"), 503);
    let (_, responder): (Request, Responder) = asked.next("the request");
    responder.respond(RelayConfig::to(target));
    assert!(matches!(heard.next("the abort").payload, Payload::Abort(_)));
}

/// A handler that panics has failed as well: 500, and the worker lives.
#[test]
fn a_later_handler_that_panics_answers_500() {
    let world = world(|request, responder| {
        assert_ne!(request.path(), "/panic", "on purpose");
        responder.respond(Response::text(200, "well"));
    });
    for _ in 0..3 {
        let mut client = Client::connect(world.address);
        client.ask("panic");
        assert_eq!(client.reply().0, 500);
        let mut client = Client::connect(world.address);
        client.ask("page");
        assert_eq!(client.reply(), (200, "well".to_owned()));
    }
}

/// One request, one answer: the 500 of a handler that panicked is not the answer to what its client asks next.
#[test]
fn a_later_handler_that_panics_answers_once() {
    let (seen, asked) = channel();
    let world = world(move |request: Request, responder| {
        assert_ne!(request.path(), "/panic", "on purpose");
        _ = seen.send(responder);
    });
    let mut client = Client::connect(world.address);
    // Both are there before the first is answered.
    client.ask("panic");
    client.ask("page");
    assert_eq!(client.reply().0, 500);
    let responder: Responder = asked.next("the second request");
    // A worker that serves another client in between has done all that it had to do before.
    let mut other = Client::connect(world.address);
    other.ask("panic");
    assert_eq!(other.reply().0, 500);
    responder.respond(Response::text(200, "the page"));
    assert_eq!(client.reply(), (200, "the page".to_owned()));
}

/// The same for one that had answered before it panicked: its answer is for its own request or for none.
#[test]
fn a_handler_that_answers_and_panics_answers_once() {
    let (seen, asked) = channel();
    let world = world(move |request: Request, responder| {
        if request.path() == "/panic" {
            responder.respond(Response::text(200, "early"));
            panic!("on purpose");
        }
        _ = seen.send(responder);
    });
    let mut client = Client::connect(world.address);
    client.ask("panic");
    client.ask("page");
    let (status, _) = client.reply();
    assert!([200, 500].contains(&status), "{status}");
    let responder: Responder = asked.next("the second request");
    let mut other = Client::connect(world.address);
    other.ask("panic");
    other.reply();
    responder.respond(Response::text(200, "the page"));
    assert_eq!(client.reply(), (200, "the page".to_owned()));
}

/// [P2] Many requests at a time, each answered by a thread of its own, on four workers.
#[test]
fn many_answers_from_many_threads_find_their_clients() {
    let handler = |request: Request, responder: Responder| {
        thread::spawn(move || responder.respond(Response::text(200, request.path())));
    };
    let world = Setup::workers(4)
        .serving(|node, options| Server::answering_later(node, options, handler).expect("sound limits"));
    let mut clients: Vec<_> = (0..100).map(|_| Client::connect(world.address)).collect();
    for round in 0..5 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.ask(&format!("{number}-{round}"));
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.reply(), (200, format!("/{number}-{round}")));
        }
    }
}

/// An answer that comes when the runtime has ended goes nowhere.
#[test]
fn an_answer_after_the_end_of_the_runtime_harms_nobody() {
    let (mut world, asked) = handed_over();
    let mut client = Client::connect(world.address);
    client.ask("page");
    let (_, responder) = asked.next("the request");
    world.drop_runtime();
    responder.respond(Response::text(200, "late"));
    assert_eq!(client.rest(), b"");
}
