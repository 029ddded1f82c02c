//! How a connection ends: table C, as far as it needs no time and no pressure. Those rows are in `time` and
//! `pressure`, `ws.close` is in `commands`.

use crate::support::{Act, NodeAct, Saw, Scenario, Setup, Who, message};
use std::time::Duration;
use wsrelay_core::fault::ClientFault;
use wsrelay_core::process::ExitReason;
use wsrelay_tests::*;

fn joined() -> Scenario {
    Scenario::joined(Setup::default())
}

fn crashed(why: &str) -> ExitReason {
    ExitReason::crashed(why)
}

/// A connection that [`Who::Watcher`] monitors.
fn watched() -> Scenario {
    joined().relates(Who::Watcher, Act::Monitors(Who::Client))
}

/// [C:TargetExited] 1000, and no leave: nobody is there.
fn a_target_that_exits_normally_closes_with_1000() -> Scenario {
    watched().acts(Who::Target, Act::Exits(ExitReason::Normal)).client_agrees_to_close(1000, "").sees_exit(
        Who::Watcher,
        Who::Client,
        ExitReason::Normal,
    )
}

/// [C:TargetFailed] 1011, never the error's text.
fn a_target_that_crashes_closes_with_1011() -> Scenario {
    target_fails(watched().acts(Who::Target, Act::Exits(crashed("secret"))))
}

/// [C:TargetFailed] [P5] A panic is a crash.
fn a_target_that_panics_closes_with_1011() -> Scenario {
    target_fails(watched().acts(Who::Target, Act::Panics))
}

/// [C:TargetFailed] [P5] And so is being terminated.
fn a_target_that_is_terminated_closes_with_1011() -> Scenario {
    target_fails(watched().node(NodeAct::Terminates(Who::Target.into())))
}

fn target_fails(scenario: Scenario) -> Scenario {
    scenario.client_agrees_to_close(1011, "internal error").sees_exit(
        Who::Watcher,
        Who::Client,
        crashed("target failed"),
    )
}

/// [C:TargetExited] What the target had sent before its end goes out before the close.
fn the_last_words_of_a_target_go_out_before_the_close() -> Scenario {
    watched()
        .sends(Who::Target, Who::Client, "ws.send", "last words")
        .acts(Who::Target, Act::Exits(ExitReason::Normal))
        .client_sees(text("last words"))
        .client_agrees_to_close(1000, "")
        .sees_exit(Who::Watcher, Who::Client, ExitReason::Normal)
}

/// [C:ClientClosed] The code is echoed, the reason is not; the leave has both; the code decides what was normal.
fn a_client_that_closes_is_echoed() -> Scenario {
    [(1000, true), (1001, true), (3000, true), (4999, true), (1002, false), (1008, false), (1011, false)]
        .into_iter()
        .fold(Scenario::new(Setup::default()), |scenario, (code, is_normal)| {
            let failed = crashed(&format!("client closed with {code}"));
            scenario.joins().client(close(code, "why")).client_is_closed(code, "").sees_gone(
                Who::Target,
                (code, "why", true),
                if is_normal { ExitReason::Normal } else { failed },
            )
        })
}

/// [C:ClientClosed] No code is 1005 to the target, and an empty frame to the client.
fn a_client_that_closes_without_a_code_gets_an_empty_close() -> Scenario {
    joined().client(empty_close()).client_sees(empty_close()).sees(Who::Client, Saw::End).sees_gone(
        Who::Target,
        (1005, "", true),
        ExitReason::Normal,
    )
}

/// [C:ClientClosed] [R4] What comes after the client's close is discarded.
fn what_a_client_sends_after_its_close_is_discarded() -> Scenario {
    joined()
        .client_frames([text("before"), close(1000, "bye"), text("after"), unmasked(text("worse"))])
        .sees(Who::Target, message("before"))
        .client_is_closed(1000, "")
        .sees_gone(Who::Target, (1000, "bye", true), ExitReason::Normal)
}

/// [C:Lost] 1006, not clean, abnormal.
fn a_stream_that_ends_without_a_close_is_lost() -> Scenario {
    joined()
        .client(text("hi"))
        .client_finishes()
        .sees(Who::Client, Saw::End)
        .sees(Who::Target, message("hi"))
        .sees_gone(Who::Target, (1006, "connection lost", false), crashed("connection lost"))
}

/// [C:Lost] What there was of a message that never became whole is nothing.
fn half_a_message_is_not_relayed() -> Scenario {
    joined()
        .client_frames([text("whole"), first_of(text("half"))])
        .client_finishes()
        .sees(Who::Client, Saw::End)
        .sees(Who::Target, message("whole"))
        .sees_gone(Who::Target, (1006, "connection lost", false), crashed("connection lost"))
}

/// [C:Lost] [C:Commanded] A client that was asked to close and just goes has not agreed.
fn a_client_that_goes_instead_of_agreeing_to_close_is_not_clean() -> Scenario {
    joined()
        .sends(Who::Target, Who::Client, "ws.close", serde_json::json!({"code": 4000}))
        .client_sees(close(4000, ""))
        .client_finishes()
        .sees(Who::Client, Saw::End)
        .sees_gone(Who::Target, (4000, "", false), ExitReason::Normal)
}

/// Closed at once for a fault of the client's own, which it is told, and the target too.
fn faults(setup: &Setup, frames: impl IntoIterator<Item = (Vec<u8>, ClientFault)>) -> Scenario {
    frames.into_iter().fold(Scenario::new(setup.clone()), |scenario, (bytes, fault)| {
        let (code, said) = (fault.close_code().get(), fault.to_string());
        let why = crashed(&format!("client: {said} ({})", fault.source()));
        scenario.joins().writes(bytes).client_is_closed(code, &said).sees_gone(
            Who::Target,
            (code, &said, false),
            why,
        )
    })
}

/// [C:Fault] 1002
fn a_protocol_error_closes_with_1002() -> Scenario {
    let reserved = Frame { reserved: 4, ..text("x") };
    let frames = [
        (unmasked(text("x")).encode(), ClientFault::Unmasked),
        (reserved.encode(), ClientFault::ReservedBits),
        (Frame::new(3, b"").encode(), ClientFault::ReservedOpcode(3)),
        (Frame::new(11, b"").encode(), ClientFault::ReservedOpcode(11)),
        (first_of(ping(b"")).encode(), ClientFault::FragmentedControl),
        (ping(&[b'x'; 126]).encode(), ClientFault::LongControl),
        (continuation(b"", true).encode(), ClientFault::UnexpectedContinuation),
        ([first_of(text("a")).encode(), text("b").encode()].concat(), ClientFault::MissingContinuation),
        (Frame::new(8, b"x").encode(), ClientFault::ShortClose),
        (close(1005, "").encode(), ClientFault::CloseCode(1005)),
        (close(2999, "").encode(), ClientFault::CloseCode(2999)),
        // A length of one, written in two bytes.
        (vec![0x81, 0xfe, 0, 1, 0, 0, 0, 0, b'x'], ClientFault::LengthNotMinimal),
        (vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], ClientFault::LengthOverflow),
    ];
    faults(&Setup::default(), frames)
}

/// [C:Fault] 1007
fn text_that_is_not_utf8_closes_with_1007() -> Scenario {
    let frames = [
        (Frame::new(1, b"a\xff").encode(), ClientFault::Utf8),
        // Known before the message is whole.
        (first_of(Frame::new(1, b"\xed\xa0")).encode(), ClientFault::Utf8),
        (Frame::new(8, b"\x03\xe8\xff").encode(), ClientFault::CloseReason),
    ];
    faults(&Setup::default(), frames)
}

/// [C:Fault] 1009, as soon as the header says so.
fn a_message_that_is_too_big_closes_with_1009() -> Scenario {
    let setup = Setup::default().limits(|limits| {
        limits.message_bytes_max = 10;
        limits.fragments_max = 3;
    });
    let (start, more) = (first_of(text("12345")).encode(), continuation(b"", false).encode());
    let frames = [
        (text("12345678901").encode(), ClientFault::MessageTooBig),
        (text("12345678901").encode()[..7].to_vec(), ClientFault::MessageTooBig),
        ([start.clone(), continuation(b"678901", true).encode()].concat(), ClientFault::MessageTooBig),
        ([start, more.repeat(3)].concat(), ClientFault::TooManyFragments),
    ];
    faults(&setup, frames)
}

/// [C:Fault] 1008
fn a_flood_of_frames_that_say_nothing_closes_with_1008() -> Scenario {
    let setup = Setup::default().limits(|limits| limits.flood_frames_max = 3);
    faults(&setup, [(pong(b"").encode().repeat(4), ClientFault::Flood)])
}

/// [C:Fault] [R4] What was whole before the fault is relayed and may be answered; nothing after it is.
fn a_message_before_a_fault_is_relayed_and_answered() -> Scenario {
    let setup = Setup::default().limits(|limits| limits.reply_wait_max = Duration::from_millis(300));
    Scenario::joined(setup)
        .acts(Who::Target, Act::Echoes)
        .sends_word(Who::Target, Who::Watcher)
        .client_frames([text("sound"), unmasked(text("unsound")), text("late")])
        .sees(Who::Target, message("sound"))
        .client_sees(text("sound"))
        .passes(300)
        .client_is_closed(1002, "frame not masked")
        .sees_gone(
            Who::Target,
            (1002, "frame not masked", false),
            crashed("client: frame not masked (RFC 6455 §5.1)"),
        )
}

/// [C:LinkedCrash] [P4] 1011, and the reason is nobody's business.
fn the_crash_of_a_linked_process_closes_with_1011() -> Scenario {
    joined()
        .acts(Who::Other, Act::Links(Who::Client))
        .acts(Who::Other, Act::Exits(crashed("secret")))
        .client_is_closed(1011, "internal error")
        .sees_gone(Who::Target, (1011, "linked process failed", false), ExitReason::Linked)
}

/// [C:Cancelled] [P5] 1001, whoever cancels; the target reads why.
fn a_cancelled_connection_closes_with_1001() -> Scenario {
    let cancels: [fn(Scenario) -> Scenario; 2] = [
        |scenario| scenario.node(NodeAct::Cancels(Who::Client.into(), "enough")),
        |scenario| scenario.acts(Who::Other, Act::Cancels(Who::Client.into(), "enough")),
    ];
    cancels.into_iter().fold(Scenario::new(Setup::default()), |scenario, cancel| {
        cancel(scenario.joins()).client_agrees_to_close(1001, "going away").sees_gone(
            Who::Target,
            (1001, "enough", true),
            ExitReason::Normal,
        )
    })
}

/// [C:Killed] [P5] The socket is cut, whoever terminates.
fn a_terminated_connection_is_cut() -> Scenario {
    let terminations: [fn(Scenario) -> Scenario; 2] = [
        |scenario| scenario.node(NodeAct::Terminates(Who::Client.into())),
        |scenario| scenario.acts(Who::Other, Act::Terminates(Who::Client.into())),
    ];
    terminations.into_iter().fold(Scenario::new(Setup::default()), |scenario, terminate| {
        terminate(scenario.joins()).sees(Who::Client, Saw::End).sees_gone(
            Who::Target,
            (1006, "terminated", false),
            ExitReason::Killed,
        )
    })
}

/// [C:Killed] Also while it waits for the client's close.
fn a_connection_may_be_terminated_while_it_closes() -> Scenario {
    joined()
        .sends(Who::Target, Who::Client, "ws.close", serde_json::json!({"code": 4000}))
        .client_sees(close(4000, ""))
        .node(NodeAct::Terminates(Who::Client.into()))
        .sees(Who::Client, Saw::End)
        .sees_gone(Who::Target, (1006, "terminated", false), ExitReason::Killed)
}

/// [C:Drained] 1012 at some moment within the window; a normal end.
fn a_draining_node_closes_with_1012() -> Scenario {
    joined()
        .client(text("hi"))
        .sees(Who::Target, message("hi"))
        .node(NodeAct::Drains(Duration::from_millis(50)))
        .passes(50)
        .client_agrees_to_close(1012, "server restarting")
        .sees_gone(Who::Target, (1012, "shutdown", true), ExitReason::Shutdown)
}

crate::on_every_driver! {
    a_target_that_exits_normally_closes_with_1000,
    a_target_that_crashes_closes_with_1011,
    a_target_that_panics_closes_with_1011,
    a_target_that_is_terminated_closes_with_1011,
    the_last_words_of_a_target_go_out_before_the_close,
    a_client_that_closes_is_echoed,
    a_client_that_closes_without_a_code_gets_an_empty_close,
    what_a_client_sends_after_its_close_is_discarded,
    a_stream_that_ends_without_a_close_is_lost,
    half_a_message_is_not_relayed,
    a_client_that_goes_instead_of_agreeing_to_close_is_not_clean,
    a_protocol_error_closes_with_1002,
    text_that_is_not_utf8_closes_with_1007,
    a_message_that_is_too_big_closes_with_1009,
    a_flood_of_frames_that_say_nothing_closes_with_1008,
    a_message_before_a_fault_is_relayed_and_answered,
    the_crash_of_a_linked_process_closes_with_1011,
    a_cancelled_connection_closes_with_1001,
    a_terminated_connection_is_cut,
    a_connection_may_be_terminated_while_it_closes,
    a_draining_node_closes_with_1012,
}
