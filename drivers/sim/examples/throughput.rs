//! How many messages a world simulates in a millisecond, on one core.

#![expect(clippy::print_stdout, reason = "what a figure is for")]

use std::time::Instant;
use wsrelay_sim::swarm::{Deed, Door, Habit, Plan, Step};
use wsrelay_sim::{Network, Options};

/// So many clients of one process, each of which sends so many messages in bursts and is answered; on a calm network.
fn plan(habit: Habit, clients: usize, bursts: u64) -> Plan {
    let mut steps = vec![(0, Step::Spawn(0, habit))];
    steps.extend((0..clients).map(|client| (0, Step::Connect(client, 0, Door::Open))));
    for burst in 1..=bursts {
        steps.extend((0..clients).map(|client| (burst * 100, Step::Client(client, Deed::Bursts(50, 16)))));
    }
    // A seed whose limits are out of the way.
    let seed = (0..).find(|seed| is_roomy(&Options::from_seed(*seed))).unwrap_or_default();
    Plan { seed, network: Network::CALM, workers: 1, steps }
}

fn is_roomy(options: &Options) -> bool {
    let limits = &options.relay.limits;
    limits.outbox_messages_max >= 1_024
        && limits.mailbox_messages_max >= 1_024
        && limits.outbox_bytes_max >= 30_000
        && limits.write_ahead_bytes > 1_000
        && limits.turn_messages_max > 100
        && limits.message_bytes_max > 200
}

fn main() {
    for (name, habit) in [("counted", Habit::Ignores), ("answered", Habit::Answers)] {
        let plan = plan(habit, 20, 200);
        let start = Instant::now();
        let outcome = plan.run(false, &[]);
        let millis = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let (messages_in, messages_out) = (outcome.counts.messages_in, outcome.counts.messages_out);
        println!(
            "{name}: {messages_in} messages in and {messages_out} out in {millis} ms: {} a millisecond, {} steps{}",
            (messages_in + messages_out) / millis,
            outcome.counts.steps,
            outcome.violation.map(|violation| format!("; {violation}")).unwrap_or_default(),
        );
    }
}
