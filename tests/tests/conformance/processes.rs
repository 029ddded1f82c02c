//! Connections and actors as processes: monitors, links, names, and how one ends another (P3 to P6).

use crate::support::{Act, NodeAct, Saw, Scenario, Setup, Who, message, told_by};
use serde_json::{Value, json};
use wsrelay_core::process::ExitReason;
use wsrelay_tests::*;

fn joined() -> Scenario {
    Scenario::joined(Setup::default())
}

fn crashed(why: &str) -> ExitReason {
    ExitReason::crashed(why)
}

/// The client is lost: an abnormal end.
fn lost(scenario: Scenario) -> Scenario {
    scenario.client_finishes().sees(Who::Client, Saw::End).sees_gone(
        Who::Target,
        (1006, "connection lost", false),
        crashed("connection lost"),
    )
}

/// [P3] One exit event, however often one asks.
fn a_monitor_of_a_connection_is_told_of_its_end() -> Scenario {
    joined()
        .relates(Who::Watcher, Act::Monitors(Who::Client))
        .relates(Who::Watcher, Act::Monitors(Who::Client))
        .relates(Who::Other, Act::Monitors(Who::Client))
        .bye()
        .sees_exit(Who::Watcher, Who::Client, ExitReason::Normal)
        .sees_exit(Who::Other, Who::Client, ExitReason::Normal)
}

/// [P3] And none after a demonitor.
fn a_monitor_that_is_taken_back_is_told_nothing() -> Scenario {
    let scenario = joined()
        .relates(Who::Watcher, Act::Monitors(Who::Client))
        .relates(Who::Watcher, Act::Demonitors(Who::Client))
        .relates(Who::Other, Act::Monitors(Who::Client));
    lost(scenario).sees_exit(Who::Other, Who::Client, crashed("connection lost"))
}

/// [P3] After the end: at once, `noproc`.
fn a_monitor_that_comes_too_late_is_told_at_once() -> Scenario {
    joined()
        .bye()
        .acts(Who::Watcher, Act::Monitors(Who::Client))
        .sees_exit(Who::Watcher, Who::Client, ExitReason::NoProcess)
        .acts(Who::Watcher, Act::Monitors(Who::Client))
        .sees_exit(Who::Watcher, Who::Client, ExitReason::NoProcess)
}

/// [P4] A connection's abnormal end ends whoever is linked to it.
fn the_crash_of_a_connection_ends_the_process_linked_to_it() -> Scenario {
    let scenario = joined().watches(Who::Watcher, Who::Other).relates(Who::Other, Act::Links(Who::Client));
    lost(scenario).sees_exit(Who::Watcher, Who::Other, ExitReason::Linked)
}

/// [P4] Unless it traps links.
fn a_process_that_traps_links_is_told_instead() -> Scenario {
    let scenario = joined().acts(Who::Other, Act::TrapsLinks).relates(Who::Other, Act::Links(Who::Client));
    lost(scenario)
        .sees(Who::Other, Saw::LinkDown(Who::Client, crashed("connection lost")))
        .sends_word(Who::Other, Who::Watcher)
        // To who is dead already, a link is down at once.
        .acts(Who::Other, Act::Links(Who::Client))
        .sees(Who::Other, Saw::LinkDown(Who::Client, ExitReason::NoProcess))
}

/// [P4] A normal end does not propagate, in neither direction.
fn a_normal_end_does_not_propagate() -> Scenario {
    joined()
        .watches(Who::Watcher, Who::Other)
        .relates(Who::Other, Act::Links(Who::Client))
        .acts(Who::Other, Act::Exits(ExitReason::Normal))
        .sees_exit(Who::Watcher, Who::Other, ExitReason::Normal)
        .relates(Who::Watcher, Act::Links(Who::Client))
        .client(text("hi"))
        .sees(Who::Target, message("hi"))
        .bye()
        .sends_word(Who::Watcher, Who::Target)
}

/// [P4] What was unlinked is no concern of the other's.
fn a_link_that_is_taken_back_does_not_propagate() -> Scenario {
    joined()
        .watches(Who::Watcher, Who::Other)
        .relates(Who::Other, Act::Links(Who::Client))
        .relates(Who::Other, Act::Unlinks(Who::Client))
        .acts(Who::Other, Act::Exits(crashed("alone")))
        .sees_exit(Who::Watcher, Who::Other, crashed("alone"))
        .client(text("hi"))
        .sees(Who::Target, message("hi"))
        .bye()
}

/// [P4] Among actors a crash goes along links as far as they go.
fn crashes_go_along_links_of_actors() -> Scenario {
    let linked = |who, to| Scenario::new(Setup::default()).acts(who, Act::Links(to)).sends_word(who, to);
    linked(Who::Other, Who::Target)
        .acts(Who::Watcher, Act::TrapsLinks)
        .acts(Who::Watcher, Act::Links(Who::Other))
        .sends_word(Who::Watcher, Who::Other)
        .acts(Who::Target, Act::Exits(crashed("first")))
        .sees(Who::Watcher, Saw::LinkDown(Who::Other, ExitReason::Linked))
}

/// [P5] A cancel asks, and says who and why.
fn a_cancelled_process_is_asked() -> Scenario {
    Scenario::new(Setup::default())
        .node(NodeAct::Cancels(Who::Other.into(), "enough"))
        .sees(Who::Other, Saw::Cancelled(None, "enough".into()))
        .acts(Who::Watcher, Act::Cancels(Who::Other.into(), "please"))
        .sees(Who::Other, Saw::Cancelled(Some(Who::Watcher), "please".into()))
        .sends_word(Who::Other, Who::Watcher)
}

/// [P5] A termination does not ask.
fn a_terminated_process_is_gone() -> Scenario {
    Scenario::new(Setup::default())
        .watches(Who::Watcher, Who::Other)
        .acts(Who::Target, Act::Terminates(Who::Other.into()))
        .sees_exit(Who::Watcher, Who::Other, ExitReason::Killed)
        .acts(Who::Watcher, Act::Monitors(Who::Other))
        .sees_exit(Who::Watcher, Who::Other, ExitReason::NoProcess)
}

/// [P5] A panic ends one process alone.
fn a_process_that_panics_ends_alone() -> Scenario {
    joined()
        .watches(Who::Watcher, Who::Other)
        .acts(Who::Other, Act::Panics)
        .sees_exit(Who::Watcher, Who::Other, crashed("panicked: as it was told"))
        .client(text("hi"))
        .sees(Who::Target, message("hi"))
        .bye()
}

/// [P6] A name works wherever a PID does, has one owner, and may be given up.
fn a_name_has_one_owner() -> Scenario {
    let word = |number: u32| -> Value { json!(number) };
    Scenario::new(Setup::default())
        .acts(Who::Target, Act::Registers("lobby"))
        .sends_word(Who::Target, Who::Watcher)
        // In vain: it is taken.
        .acts(Who::Other, Act::Registers("lobby"))
        .acts(Who::Other, Act::Unregisters("lobby"))
        .sends_word(Who::Other, Who::Watcher)
        .sends(Who::Watcher, "lobby", "word", word(1))
        .sees(Who::Target, told_by(Who::Watcher, "word", word(1)))
        .acts(Who::Target, Act::Unregisters("lobby"))
        .sends_word(Who::Target, Who::Watcher)
        // To nobody: a dead letter.
        .sends(Who::Watcher, "lobby", "word", word(2))
        .sends_word(Who::Watcher, Who::Other)
        .acts(Who::Other, Act::Registers("lobby"))
        .sends_word(Who::Other, Who::Watcher)
        .sends(Who::Watcher, "lobby", "word", word(3))
        .sees(Who::Other, told_by(Who::Watcher, "word", word(3)))
        .watches(Who::Watcher, Who::Other)
        .node(NodeAct::Terminates("lobby".into()))
        .sees_exit(Who::Watcher, Who::Other, ExitReason::Killed)
}

/// [P6] A connection may have a name too, until its end.
fn a_connection_may_have_a_name() -> Scenario {
    joined()
        .node(NodeAct::Registers("the client", Who::Client))
        .sends(Who::Other, "the client", "ws.send", "by name")
        .client_sees(text("by name"))
        .bye()
        .node(NodeAct::Registers("the client", Who::Other))
        .sends(Who::Watcher, "the client", "word", json!(1))
        .sees(Who::Other, told_by(Who::Watcher, "word", json!(1)))
}

/// [P2] [R4] Signals of one process to another keep their order, whatever they are.
fn signals_of_one_process_keep_their_order() -> Scenario {
    let send =
        |scenario: Scenario, data: &'static str| scenario.sends(Who::Other, Who::Client, "ws.send", data);
    let scenario = send(send(joined(), "1"), "2").acts(Who::Other, Act::Monitors(Who::Client));
    send(scenario, "3")
        .acts(Who::Other, Act::Cancels(Who::Client.into(), "enough"))
        .client_sees(text("1"))
        .client_sees(text("2"))
        .client_sees(text("3"))
        .client_agrees_to_close(1001, "going away")
        .sees_gone(Who::Target, (1001, "enough", true), ExitReason::Normal)
        .sees_exit(Who::Other, Who::Client, ExitReason::Normal)
}

crate::on_every_driver! {
    a_monitor_of_a_connection_is_told_of_its_end,
    a_monitor_that_is_taken_back_is_told_nothing,
    a_monitor_that_comes_too_late_is_told_at_once,
    the_crash_of_a_connection_ends_the_process_linked_to_it,
    a_process_that_traps_links_is_told_instead,
    a_normal_end_does_not_propagate,
    a_link_that_is_taken_back_does_not_propagate,
    crashes_go_along_links_of_actors,
    a_cancelled_process_is_asked,
    a_terminated_process_is_gone,
    a_process_that_panics_ends_alone,
    a_name_has_one_owner,
    a_connection_may_have_a_name,
    signals_of_one_process_keep_their_order,
}
