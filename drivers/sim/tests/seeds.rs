//! Random worlds, as a test: those that have failed once, and enough others to meet every kind of fault.

use wsrelay_sim::swarm::{Act, Broken, Deed, Door, Habit, Head, Plan, Step};
use wsrelay_sim::{Counts, Fault, Network, Options};

/// The seeds in `seeds.txt`.
fn kept() -> Vec<u64> {
    let lines = include_str!("../seeds.txt").lines().filter(|line| !line.starts_with('#'));
    let seeds = lines.filter_map(|line| line.split_whitespace().next());
    seeds.map(|seed| seed.parse().expect("a seed")).collect()
}

#[test]
fn every_seed_that_failed_once_holds_now() {
    let seeds = kept();
    assert!(seeds.len() >= 10, "{seeds:?}");
    for seed in seeds {
        if let Err(violation) = Plan::from_seed(seed).check() {
            panic!("seed {seed}: {violation}");
        }
    }
}

#[test]
fn every_kind_of_fault_happens_and_no_invariant_is_broken() {
    let mut counts = Counts::default();
    for seed in 0..60 {
        match Plan::from_seed(seed).check() {
            Ok(outcome) => counts.add(&outcome.counts),
            Err(violation) => panic!("seed {seed}: {violation}"),
        }
    }
    let missing: Vec<_> = Fault::ALL.into_iter().filter(|kind| counts.of(*kind) == 0).collect();
    assert_eq!(missing, []);
    assert!(counts.transfers > 20 && counts.dead_letters > 20, "{counts:?}");
}

#[test]
fn a_seed_is_the_same_world_twice_and_another_seed_another_one() {
    let hash = |seed| Plan::from_seed(seed).run(false, &[]).hash;
    assert_eq!(hash(3), hash(3));
    assert_ne!(hash(3), hash(4));
}

#[test]
fn a_trace_changes_nothing() {
    let plan = Plan::from_seed(0);
    let (with, without) = (plan.run(true, &[]), plan.run(false, &[]));
    assert_eq!((with.hash, &with.counts), (without.hash, &without.counts));
    assert!(with.trace.len() > 50 && without.trace.is_empty());
}

/// For a fuzzer: with more bytes a plan goes on, and what was in it stays.
#[test]
fn any_bytes_are_a_plan_and_more_bytes_a_longer_one() {
    let bytes: Vec<u8> = (0..=255).map(|byte: u8| byte.wrapping_mul(167)).collect();
    let plans = [0, 1, 30, 90, 256].map(|len| Plan::from_bytes(&bytes[..len]));
    for plan in &plans {
        plan.check().expect("nothing is wrong in it");
    }
    let [.., shorter, longer] = &plans;
    assert!(longer.steps.len() > shorter.steps.len() && shorter.steps.len() > 6);
    // The last one may have lacked a byte.
    let whole = shorter.steps.len() - 1;
    assert_eq!(longer.steps[..whole], shorter.steps[..whole]);
}

/// A plan that has only what makes it fail, here: a client that leaves after a certain message.
#[test]
fn a_plan_is_shrunk_to_what_makes_it_fail() {
    let mut plan = Plan::from_seed(9);
    plan.network = Network { latency_millis_max: 300, chunk_bytes_max: 7, socket_bytes: 600 };
    plan.steps.push((1_000_000, Step::Client(0, Deed::Says(3))));
    plan.steps.push((1_000_001, Step::Client(0, Deed::Leaves(1000))));
    let wanted = [Step::Client(0, Deed::Says(3)), Step::Client(0, Deed::Leaves(1000))];
    let is_in = |plan: &Plan, step: &Step| plan.steps.iter().any(|(_, other)| other == step);
    let small = plan.shrink_while(|plan| wanted.iter().all(|step| is_in(plan, step)));
    let steps: Vec<_> = small.steps.iter().map(|(_, step)| step.clone()).collect();
    assert_eq!((steps, small.network, small.workers), (wanted.to_vec(), Network::CALM, 1));
}

#[test]
fn a_plan_is_written_as_a_test_in_rust() {
    let plan = Plan {
        seed: 17,
        network: Network::CALM,
        workers: 2,
        steps: vec![
            (0, Step::Spawn(1, Habit::Answers)),
            (5, Step::Connect(3, 1, Door::Wrong(Head::Post))),
            (7, Step::Client(3, Deed::Misbehaves(Broken::Utf8))),
            (8, Step::Writes(3, vec![0x81, 0])),
            (9, Step::Process(1, Act::Exits(false))),
        ],
    };
    let without = Plan { steps: plan.steps[..1].to_vec(), ..plan.clone() };
    assert!(!without.to_rust().contains("Act::*"), "nothing is imported that is not used");
    let expected = "#[test]
fn seed_17() {
    use wsrelay_sim::Network;
    use wsrelay_sim::swarm::{Act::*, Broken::*, Deed::*, Door::*, Habit::*, Step::*, Head, Plan};
    let plan = Plan {
        seed: 17,
        network: Network { latency_millis_max: 1, chunk_bytes_max: 131072, socket_bytes: 262144 },
        workers: 2,
        steps: vec![
            (0, Spawn(1, Answers)),
            (5, Connect(3, 1, Wrong(Head::Post))),
            (7, Client(3, Misbehaves(Utf8))),
            (8, Writes(3, vec![129, 0])),
            (9, Process(1, Exits(false))),
        ],
    };
    plan.check().unwrap();
}
";
    assert_eq!(plan.to_rust(), expected);
}

/// What is printed compiles where it is pasted, and holds.
mod pasted {
    #[test]
    fn seed_17() {
        use wsrelay_sim::Network;
        use wsrelay_sim::swarm::{
            Act::*, Broken::*, Deed::*, Door::*, Habit::*, Head, Plan, Step::*, Whom::*,
        };
        let plan = Plan {
            seed: 17,
            network: Network { latency_millis_max: 1, chunk_bytes_max: 131072, socket_bytes: 262144 },
            workers: 2,
            steps: vec![
                (0, Spawn(1, Answers)),
                (5, Connect(3, 1, Wrong(Head::Post))),
                (6, Connect(4, 1, Open)),
                (7, Client(4, Misbehaves(Utf8))),
                (9, Process(1, LinksTo(Connection(4)))),
            ],
        };
        plan.check().unwrap();
    }
}

#[test]
fn the_options_of_a_seed_can_work_together() {
    for seed in 0..2_000 {
        let options = Options::from_seed(seed);
        assert_eq!(options.relay.limits.check(), Ok(()), "seed {seed}");
    }
}
