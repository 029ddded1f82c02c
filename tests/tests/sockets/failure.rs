//! What fails, and whom it takes along.

use crate::support::{Client, Probe, Raw, Setup, World, run};
use smol::channel;
use wsrelay_core::message::{Message, Payload, Ref, Send, Topic};
use wsrelay_core::process::{Actor, Context, Event, ExitReason, Signal};
use wsrelay_core::upgrade::Response;
use wsrelay_core::wire::{Data, Text};

/// [P5] [H7] A handler that panics, at once or while it waits, costs its request a 500 without a word of
/// the panic; the next request is fine.
#[test]
fn a_panicking_handler_is_a_500_and_the_next_request_is_fine() {
    run(async {
        let world = Setup::default().threads(1).start();
        let target = Probe::spawn(&world.node);
        world.handle("/later", |_| async {
            smol::future::yield_now().await;
            panic!("secret")
        });
        world.handle("/at-once", |_| -> smol::future::Ready<Response> { panic!("secret") });
        world.relay("/ws", target.pid);
        for path in ["/later", "/at-once"] {
            let reply = Raw::connect(&world).await.ask("GET", path, &[]).await;
            assert_eq!((reply.status, reply.body.as_str()), (500, "internal server error"));
            reply.assert_reveals_nothing();
            let reply = Raw::connect(&world).await.upgrade(path, &[]).await;
            assert_eq!(reply.status, 500);
            let mut client = Client::open(&world, "/ws").await;
            target.join().await;
            client.send_text("fine").await;
            assert_eq!(target.client_text().await, "fine");
            drop(client);
            target.leave().await;
        }
    });
}

/// Panics at a word.
struct Fragile;

impl Actor for Fragile {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
            assert_ne!(client.data.as_bytes(), b"panic", "secret");
            context.send(client.pid, Topic::SEND, client.data);
        }
    }
}

async fn fragile(context: wsrelay_smol::Context) {
    loop {
        if let Payload::Client(client) = context.receive().await.payload {
            assert_ne!(client.data.as_bytes(), b"panic", "secret");
            _ = context.send(client.pid, Topic::SEND, client.data);
        }
    }
}

/// [P5] [C:TargetFailed] A process that panics is the only one to crash: all its clients read 1011 without
/// its words, everybody else's go on, on the same thread.
#[test]
fn a_panicking_process_takes_only_its_own_clients_along() {
    run(async {
        let world = Setup::default().threads(1).start();
        let watcher = Probe::spawn(&world.node);
        world.relay("/other", world.node.spawn(fragile));
        let mut other = Client::open(&world, "/other").await;
        for pid in [world.node.spawn_actor(Fragile), world.node.spawn(fragile)] {
            world.relay("/ws", pid);
            watcher.context.monitor(pid).unwrap();
            let mut first = Client::open(&world, "/ws").await;
            let mut second = Client::open(&world, "/ws").await;
            second.echo("well").await;
            first.send_text("panic").await;
            for client in [&mut first, &mut second] {
                assert_eq!(client.closed().await, (1011, "internal error".to_owned()));
            }
            let (from, reason) = watcher.exit().await;
            assert_eq!(from, pid);
            assert!(reason.to_string().contains("secret"), "{reason:?}");
            other.echo("untouched").await;
        }
    });
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        // A second panic would end the program.
        assert!(std::thread::panicking(), "dropped");
    }
}

/// [P5] A process that panics while it is cleared away, because it was terminated, harms nobody: the
/// threads that run the others live on.
#[test]
fn a_process_that_panics_in_its_destructor_harms_nobody() {
    run(async {
        let world = Setup::default().threads(1).start();
        let watcher = Probe::spawn(&world.node);
        let (sender, running) = channel::bounded(1);
        let victim = world.node.spawn(|context| async move {
            let _grenade = Grenade;
            sender.send(()).await.expect("the test");
            context.receive().await;
        });
        running.recv().await.unwrap();
        watcher.context.monitor(victim).unwrap();
        world.node.terminate(victim).unwrap();
        assert_eq!(watcher.exit().await, (victim, ExitReason::Killed));
        world.relay("/ws", world.node.spawn(fragile));
        Client::open(&world, "/ws").await.echo("well").await;
    });
}

/// [P5] The same for a pure actor.
#[test]
fn an_actor_that_panics_in_its_destructor_harms_nobody() {
    struct Armed(Grenade);
    impl Actor for Armed {
        fn handle(&mut self, _: Event, _: &mut Context<'_>) {}
    }
    run(async {
        let world = Setup::default().threads(1).start();
        let watcher = Probe::spawn(&world.node);
        let victim = world.node.spawn_actor(Armed(Grenade));
        watcher.context.monitor(victim).unwrap();
        world.node.terminate(victim).unwrap();
        assert_eq!(watcher.exit().await, (victim, ExitReason::Killed));
        world.relay("/ws", world.node.spawn(fragile));
        Client::open(&world, "/ws").await.echo("well").await;
    });
}

/// [P7] [P5] A dead letter hook that panics costs nobody anything: neither the sender's thread nor the
/// clients on it.
#[test]
fn a_panicking_dead_letter_hook_harms_nobody() {
    run(async {
        let world = Setup::default().threads(1).start();
        assert!(world.node.on_dead_letter(|_| panic!("hook")));
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut client = Client::open(&world, "/ws").await;
        let pid = target.join().await.pid;
        // A reference in the name of a process that is not there any more when it is answered.
        let gone = Probe::spawn(&world.node);
        target.context.monitor(gone.pid).unwrap();
        gone.end(ExitReason::Normal);
        target.exit().await;
        let data = Data::Text(Text::from("hello"));
        let payload = Payload::Send(Send { data, reference: Some(Box::new(Ref::from(1))) });
        let late = Message { from: Some(gone.pid), topic: Topic::SEND, payload };
        world.node.signal(&pid.into(), Signal::Message(late)).unwrap();
        assert_eq!(client.text().await, "hello");
        client.send_text("well").await;
        assert_eq!(target.client_text().await, "well");
    });
}

/// [C:TargetExited] [C:TargetFailed] The target's normal end closes with 1000; a crash, an error or a
/// termination with 1011. Nobody is told of a leave, and the connection's monitors learn of its end.
#[test]
fn the_end_of_the_target_decides_the_close_code() {
    run(async {
        let world = World::start();
        let watcher = Probe::spawn(&world.node);
        let ends = [
            (Some(ExitReason::Normal), 1000, ""),
            (Some(ExitReason::Shutdown), 1000, ""),
            (Some(ExitReason::crashed("secret")), 1011, "internal error"),
            (None, 1011, "internal error"),
        ];
        for (end, code, words) in ends {
            let target = Probe::spawn(&world.node);
            world.relay("/ws", target.pid);
            let mut client = Client::open(&world, "/ws").await;
            let pid = target.join().await.pid;
            watcher.watch(pid).await;
            let what = format!("{end:?}");
            match end {
                Some(reason) => target.end(reason),
                None => world.node.terminate(target.pid).unwrap(),
            }
            assert_eq!(client.closed().await, (code, words.to_owned()), "{what}");
            let (from, reason) = watcher.exit().await;
            assert_eq!((from, reason.is_normal()), (pid, code == 1000), "{what}: {reason:?}");
        }
    });
}

/// [C:TargetExited] [R5] What the target had sent before its end reaches the client before the close.
#[test]
fn the_last_words_of_a_target_arrive_before_the_close() {
    run(async {
        let world = World::start();
        let pid = world.node.spawn(|context| async move {
            let Payload::Join(join) = context.receive().await.payload else { return };
            for number in 0..100 {
                context.send(join.pid, Topic::SEND, format!("{number}")).expect("a live client");
            }
        });
        world.relay("/ws", pid);
        let mut client = Client::open(&world, "/ws").await;
        let (messages, close) = client.until_closed().await;
        let numbers: Vec<_> = messages.iter().map(|message| message.to_text().unwrap().to_owned()).collect();
        assert_eq!(numbers, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!(close, (1000, String::new()));
    });
}

/// [P5] [P3] A process whose function cannot even begin leaves nothing behind: who asked for it gets the
/// panic, and the node counts no process that will never end.
#[test]
fn a_process_that_cannot_begin_is_not_left_behind() {
    run(async {
        let world = World::start();
        let (sender, receiver) = channel::bounded(1);
        let node = world.node.clone();
        let spawning = std::thread::spawn(move || {
            node.spawn(|context| -> smol::future::Ready<()> {
                sender.try_send(context.pid()).expect("the test");
                panic!("cannot begin")
            })
        });
        let pid = receiver.recv().await.unwrap();
        _ = spawning.join();
        let watcher = Probe::spawn(&world.node);
        watcher.context.monitor(pid).unwrap();
        assert_eq!(watcher.exit().await.0, pid);
        assert!(!world.node.is_alive(pid));
    });
}
