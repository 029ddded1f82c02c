//! Compression of messages (RFC 7692). The client's side is of another library than the relay's.

use serde_json::json;
use std::num::NonZeroU32;
use wsrelay_core::connection::{Input, Note};
use wsrelay_core::deflate::{Context, Deflate};
use wsrelay_core::fault::ClientFault;
use wsrelay_core::process::ExitReason;
use wsrelay_core::relay::{End, Overflow};
use wsrelay_tests::*;

const SHARED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
const TAKEOVER: &str = "permessage-deflate";

fn setup(context: Context) -> Setup {
    let deflate = Deflate { min_bytes: 1, context, ..Deflate::default() };
    Setup::default().deflate(deflate).offer("permessage-deflate")
}

/// A client of each kind of server, and what it remembers.
fn both() -> [(Setup, Deflating); 2] {
    [(Context::Shared, SHARED), (Context::Takeover, TAKEOVER)]
        .map(|(context, agreement)| (setup(context), Deflating::agreed(agreement).expect("an agreement")))
}

fn deflated(deflating: &mut Deflating, mut frame: Frame) -> Frame {
    frame.payload = deflating.compress(&frame.payload);
    compressed(frame)
}

/// Something that gets smaller.
fn words() -> String {
    "one of many words, ".repeat(20)
}

/// The client breaks a rule: nothing of it is relayed, and it is closed with this.
fn breaks(script: Script, fault: ClientFault) {
    let (code, reason) = (fault.close_code().get(), fault.to_string());
    let why = ExitReason::crashed(&format!("client: {fault} ({})", fault.source()));
    let end = [send(close(code, &reason)), Seen::Shutdown];
    script.expect(and(gone(code, &reason, false, why), end));
}

/// [H11] What was agreed on is said with the 101; without an offer that is understood, or turned off, nothing is.
#[test]
fn an_offer_is_accepted_where_compression_is_on() {
    let says = |setup: Setup, extensions: &str| {
        let reply = if extensions.is_empty() {
            switched()
        } else {
            switched().header("sec-websocket-extensions", extensions)
        };
        setup.attaching().attach_ok(target()).expect([Seen::Replied(reply), join(), Seen::ResumeReading]);
    };
    says(setup(Context::Shared), SHARED);
    says(setup(Context::Takeover), TAKEOVER);
    let offers =
        "permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=8";
    says(setup(Context::Takeover).offer(offers), "permessage-deflate; server_max_window_bits=8");
    says(setup(Context::Shared).offer("permessage-deflate; foo"), "");
    says(Setup::default().offer("permessage-deflate"), "");
    says(Setup::default().deflate(Deflate::default()), "");
}

/// [RFC 7692 §6.2] In every form in which frames can carry it; what is not compressed goes beside.
#[test]
fn compressed_messages_reach_the_target() {
    for (setup, mut client) in both() {
        let payload = client.compress(words().as_bytes());
        let (head, tail) = payload.split_at(10);
        setup
            .join()
            .frames([
                first_of(compressed(Frame::new(1, head))),
                ping(b"between"),
                continuation(b"", false),
                continuation(tail, true),
            ])
            .expect([send(pong(b"between")), message(text(&words()))])
            .frame(deflated(&mut client, text("")))
            .expect([message(text(""))])
            .client("plain")
            .expect([message(text("plain"))])
            .frame(deflated(&mut client, text(&words())))
            .expect([message(text(&words()))])
            .frame(deflated(&mut client, binary(b"\xff\x00")))
            .expect([to(
                target(),
                "ws.message",
                json!({"client_pid": wsrelay_tests::client().to_string(), "type": "binary", "data": "/wA=", "metadata": {"user": 7}}),
            )]);
    }
}

/// [RFC 7692 §6.1] Also by the short ways of a driver; a message that would not get smaller goes as it is, where it may.
#[test]
fn messages_for_the_client_are_compressed() {
    for (setup, _) in both() {
        for setup in [setup.clone(), setup.short_ways()] {
            setup
                .join()
                .signal(send_command(other(), &words(), None))
                .signal(send_command(other(), &words(), Some(4)))
                .expect([send(compressed(text(&words()))), send(compressed(text(&words()))), ack(other(), 4)])
                .after(secs(25))
                .expect([send(ping(b""))]);
        }
    }
    setup(Context::Shared).join().signal(send_command(other(), "x", None)).expect([send(text("x"))]);
}

/// Shorter ones than the operator wants compressed go as they are, empty ones always.
#[test]
fn short_messages_are_not_compressed() {
    for context in [Context::Shared, Context::Takeover] {
        let deflate = Deflate { context, min_bytes: 20, ..Deflate::default() };
        let send_text = |text: &str| send_command(other(), text, None);
        let (short, long) = ("a".repeat(19), "a".repeat(20));
        Setup::default()
            .deflate(deflate)
            .offer("permessage-deflate")
            .join()
            .signal(send_text(&short))
            .signal(send_text(&long))
            .signal(send_text(""))
            .expect([send(text(&short)), send(compressed(text(&long))), send(text(""))]);
        setup(context).join().signal(send_text("")).expect([send(text(""))]);
    }
}

/// What is dropped was never compressed: those behind it do not refer to it.
#[test]
fn messages_that_were_dropped_are_no_context() {
    let sent = |word: &str| send_command(other(), &word.repeat(40), None);
    setup(Context::Takeover)
        .limits(|limits| {
            limits.outbox_messages_max = 1;
            limits.write_ahead_bytes = 1;
        })
        .overflow(Overflow::DropOld)
        .join()
        .stuck_socket()
        .signal(sent("first"))
        .signal(sent("second"))
        .signal(sent("third"))
        .unstick()
        .expect([send(compressed(text(&"first".repeat(40)))), send(compressed(text(&"third".repeat(40))))]);
}

/// [RFC 7692 §6] The bit is for the first frame of a message alone, and only where it was agreed on.
#[test]
fn the_bit_elsewhere_breaks_the_protocol() {
    let fault = ClientFault::ReservedBits;
    let with = |reserved, frame: Frame| Frame { reserved, ..frame };
    for (setup, _) in both() {
        for frame in [
            compressed(ping(b"")),
            compressed(pong(b"")),
            compressed(close(1000, "")),
            compressed(continuation(b"", true)),
            with(2, text("x")),
            with(1, text("x")),
            with(6, text("x")),
        ] {
            breaks(watched(setup.clone()).frame(frame), fault);
        }
        let inside = [first_of(compressed(Frame::new(1, b""))), compressed(continuation(b"", true))];
        breaks(watched(setup.clone()).frames(inside), fault);
        breaks(watched(setup.offer("")).frame(compressed(text("x"))), fault);
    }
    breaks(watched(Setup::default().offer("permessage-deflate")).frame(compressed(text("x"))), fault);
}

/// [RFC 7692 §7.2.2] Neither data that is none, nor a text that is none, reaches the target.
#[test]
fn what_cannot_be_read_is_refused() {
    for (setup, mut client) in both() {
        breaks(watched(setup.clone()).frame(compressed(Frame::new(2, b"\xff\xff"))), ClientFault::Deflate);
        let no_text = deflated(&mut client, Frame::new(1, b"caf\xe9"));
        breaks(watched(setup).frame(no_text), ClientFault::Utf8);
    }
}

/// [T] A message of the largest size is relayed however it came, and none that is larger by a byte.
#[test]
fn the_largest_message_is_the_same_however_it_came() {
    for (setup, mut client) in both() {
        let setup = setup.limits(|limits| limits.message_bytes_max = 400);
        let sound = watched(setup.clone()).frame(deflated(&mut client, text(&"a".repeat(400))));
        sound.expect([message(text(&"a".repeat(400)))]);
        let (_, mut client) = both().into_iter().next().expect("two");
        let large = deflated(&mut client, text(&"a".repeat(401)));
        breaks(watched(setup.clone()).frame(large), ClientFault::MessageTooBig);
        // What does not get smaller gets a little larger: up to there it may come.
        let stored = |len: usize| compressed(Frame::new(2, &vec![0; len]));
        breaks(watched(setup.clone()).frame(stored(515)), ClientFault::MessageTooBig);
        breaks(watched(setup).frame(stored(514)), ClientFault::Deflate);
    }
}

/// [RFC 7692 §8] A bomb is refused, at the limit or at the ratio.
#[test]
fn a_message_that_grows_too_much_is_refused() {
    let bomb = |client: &mut Deflating| deflated(client, binary(&vec![0; 10 * 1024 * 1024]));
    for (setup, mut client) in both() {
        let frame = bomb(&mut client);
        assert!(frame.payload.len() < 12_000);
        breaks(watched(setup).frame(frame), ClientFault::MessageTooBig);
    }
    let deflate = Deflate { ratio_max: NonZeroU32::new(100), ..Deflate::default() };
    let setup = Setup::default().deflate(deflate).offer("permessage-deflate");
    let mut client = Deflating::agreed(SHARED).expect("an agreement");
    let frame = deflated(&mut client, binary(&vec![0; 1024 * 1024]));
    breaks(watched(setup.clone()).frame(frame), ClientFault::DeflateRatio);
    let frame = deflated(&mut client, text(&"a".repeat(1000)));
    watched(setup).frame(frame).expect([message(text(&"a".repeat(1000)))]);
}

/// [P8] What arrives together may become a thousand times as large: a turn ends after a hundred and some KiB, and the target's
/// mailbox is asked before the next.
#[test]
fn a_turn_ends_when_its_messages_have_become_large() {
    // Counted, and not compared: a failure should fit a screen.
    let relayed = |script: &mut Script| {
        let is_message = |seen: &Seen| matches!(seen, Seen::Told(_, topic, _) if topic == "ws.message");
        script.seen().iter().filter(|seen| is_message(seen)).count()
    };
    for (setup, mut client) in both() {
        let frames: Vec<_> = (0..5).map(|_| deflated(&mut client, text(&"a".repeat(100_000)))).collect();
        let mut script = watched(setup).frames(frames);
        assert_eq!(relayed(&mut script), 2);
        let mut script = script.input(Input::TargetFull(target())).turns();
        assert_eq!(relayed(&mut script), 0);
        let mut script = script.input(Input::TargetRoom(target()));
        assert_eq!(relayed(&mut script), 2);
        assert_eq!(relayed(&mut script.turns()), 1);
    }
}

/// Five megabytes of blocks without content are more than a compressed message may be.
#[test]
fn a_million_empty_blocks_are_refused() {
    let blocks = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(1_000_000);
    for (setup, _) in both() {
        let frame = compressed(Frame::new(1, &blocks));
        breaks(watched(setup.clone()).frame(frame), ClientFault::MessageTooBig);
        // In fragments, when there are too many of them.
        let halves = blocks.chunks(500_000).map(|half| Frame { fin: false, ..Frame::new(0, half) });
        let mut frames: Vec<_> = halves.collect();
        frames[0] = compressed(Frame { opcode: 1, ..frames[0].clone() });
        breaks(watched(setup).frames(frames), ClientFault::MessageTooBig);
    }
}

/// Where the client forgets, each of its messages stands for itself; where the server does, each of its own.
#[test]
fn either_end_remembers_or_not() {
    for (offer, client_remembers) in [
        ("permessage-deflate; client_no_context_takeover", false),
        ("permessage-deflate; server_no_context_takeover", true),
    ] {
        let mut client = Deflating::agreed(TAKEOVER).expect("an agreement");
        let (first, second) = (deflated(&mut client, text(&words())), deflated(&mut client, text(&words())));
        let script = watched(setup(Context::Takeover).offer(offer));
        let script = script.frame(first).expect([message(text(&words()))]);
        if client_remembers {
            let words = words();
            script
                .frame(second)
                .expect([message(text(&words))])
                .signal(send_command(other(), &words, None))
                .signal(send_command(other(), &words, None))
                .expect([send(compressed(text(&words))), send(compressed(text(&words)))]);
        } else {
            // Not in answer to anything that is still to be answered.
            breaks(script.after(secs(1)).frame(second), ClientFault::Deflate);
        }
    }
}

/// What is said of an end is the same for compressed messages.
#[test]
fn the_log_names_the_fault() {
    let script = watched(setup(Context::Shared)).frame(compressed(Frame::new(2, b"\xff\xff")));
    script.expect_notes([Note::Closed(End::Fault(ClientFault::Deflate))]);
}
