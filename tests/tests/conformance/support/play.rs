//! Plays a scenario, on whatever it is to be played.

use super::core_alone::CoreAlone;
use super::names::Names;
use super::probe::Order;
use super::saw::{Saw, Transcript};
use super::scenario::{NodeAct, Scenario, Step, Who};
use super::setup::Setup;
use super::sockets::{Driver, Sockets};
use std::time::Duration;

/// What a scenario is played on: a world with one client, a handler and a few processes.
pub(crate) trait World {
    /// A new world, in which nothing has happened yet.
    fn start(setup: &Setup) -> Self;
    fn names(&self) -> &Names;
    /// A client connects.
    fn connect(&mut self);
    /// The client sends these bytes.
    fn write(&mut self, bytes: &[u8]);
    /// The client ends its side of the stream.
    fn finish(&mut self);
    /// The client does not read before the next call of [`World::next`] for it.
    fn stop_reading(&mut self);
    /// A process is told to do something.
    fn order(&mut self, who: Who, order: Order);
    fn node(&mut self, act: &NodeAct);
    /// Time passes, if it is virtual.
    fn pass(&mut self, span: Duration);
    /// The next thing that somebody sees; `None` when nothing more can come.
    fn next(&mut self, who: Who) -> Option<Saw>;
    /// What somebody has seen beside that by the end of the scenario.
    fn rest(&mut self, who: Who) -> Vec<Saw>;
}

/// Plays the scenario on the core alone, under a virtual clock: everybody sees what the scenario says, in that
/// order, and nothing else.
pub(crate) fn on_the_core(scenario: &Scenario) {
    assert_eq!(play::<CoreAlone>(scenario), expected(scenario));
}

/// Plays the scenario over sockets: everybody sees what they see with the core alone.
pub(crate) fn on_a_driver<D: Driver>(scenario: &Scenario) {
    assert_eq!(play::<Sockets<D>>(scenario), play::<CoreAlone>(scenario));
}

fn expected(scenario: &Scenario) -> Transcript {
    let mut expected = Transcript::new();
    for step in &scenario.steps {
        if let Step::Sees(who, saw) = step {
            expected.entry(*who).or_default().push(saw.clone());
        }
    }
    expected
}

fn play<W: World>(scenario: &Scenario) -> Transcript {
    let mut stage = Stage { world: W::start(&scenario.setup), transcript: Transcript::new() };
    for step in &scenario.steps {
        match step {
            Step::Connects => stage.world.connect(),
            Step::Writes(bytes) => stage.world.write(bytes),
            Step::Finishes => stage.world.finish(),
            Step::StopsReading => stage.world.stop_reading(),
            Step::Acts(who, act) => {
                let order = act.order(stage.world.names());
                stage.world.order(*who, order);
            }
            Step::Node(act) => stage.world.node(act),
            Step::Passes(span) => stage.world.pass(*span),
            Step::Sees(who, saw) => stage.expect(*who, saw),
        }
    }
    for who in Who::ALL {
        for saw in stage.world.rest(who) {
            stage.note(who, saw);
        }
    }
    stage.transcript
}

struct Stage<W> {
    world: W,
    transcript: Transcript,
}

impl<W: World> Stage<W> {
    /// The next thing that `who` sees is this one.
    fn expect(&mut self, who: Who, expected: &Saw) {
        // What comes by the clock comes for ever; only a failing test waits for so much of it.
        for _ in 0..200 {
            let Some(saw) = self.world.next(who) else {
                panic!("{who} was to see {expected:?}, and sees nothing more after {:#?}", self.transcript)
            };
            if self.note(who, saw.clone()) {
                let transcript = &self.transcript;
                assert!(
                    saw == *expected,
                    "{who} was to see\n  {expected:?}, and saw\n  {saw:?}\n{transcript:#?}"
                );
                return;
            }
        }
        panic!(
            "{who} was to see {expected:?} and sees the same again and again after {:#?}",
            self.transcript
        );
    }

    /// Writes it down, unless it was only one more of what comes by the clock.
    fn note(&mut self, who: Who, saw: Saw) -> bool {
        let seen = self.transcript.entry(who).or_default();
        let again = saw.is_by_the_clock() && seen.last() == Some(&saw);
        if !again {
            seen.push(saw);
        }
        !again
    }
}
