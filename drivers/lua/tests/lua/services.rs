//! Processes that are kept alive.

use crate::support::{Witness, World, soon};
use serde_json::{Value as Json, json};
use wsrelay_lua::check;
use wsrelay_smol::Runtime;

fn world(lifecycle: &str, body: &str) -> (World, Witness) {
    let yaml = format!(
        "
namespace: app
entries:
  - {{name: processes, kind: process.host}}
  - {{name: worker, kind: process.lua, source: 'file://worker.lua', modules: [time]}}
  - name: worker.service
    kind: process.service
    process: worker
    host: processes
    input: [one, 2, {{three: [3]}}]
    lifecycle: {{auto_start: true, {lifecycle}}}
"
    );
    // It says each time that it has started, and with what.
    let worker =
        format!("return {{ main = function(...) process.send('witness', 'started', {{...}})\n{body}\nend }}");
    World::with_witness(&[("_index.yaml", &yaml), ("worker.lua", &worker)])
}

fn started() -> Json {
    json!(["started", ["one", 2, {"three": [3]}]])
}

/// How often the service starts before it stays down, which is known when a process that it would come before has run.
fn starts(lifecycle: &str, body: &str) -> usize {
    let (world, witness) = world(lifecycle, body);
    world.runtime.block_on(async {
        let mut count = 0;
        loop {
            match soon(witness.next()).await {
                Some(seen) => assert_eq!(seen, started()),
                None => return count,
            }
            count += 1;
            assert!(count < 20, "it never stays down");
        }
    })
}

const FAST: &str = "restart: {initial_delay: 5ms, max_delay: 10ms, max_attempts: 3}";

#[test]
fn a_service_that_raises_is_started_again_as_often_as_it_may() {
    assert_eq!(starts(FAST, "error('again')"), 3);
    assert_eq!(starts(FAST, "coroutine.spawn(function() error('again') end) time.sleep('1h')"), 3);
    assert_eq!(starts(FAST, "process.terminate(process.pid()) time.sleep('1h')"), 3);
}

/// Ends that come some time after the start, when it is known for sure that the service has started.
#[test]
fn a_service_that_ends_well_or_says_that_no_retry_will_help_stays_down() {
    let later = |end: &str| starts(FAST, &format!("time.sleep('30ms') {end}"));
    assert_eq!(later("return"), 1);
    assert_eq!(later("return 'a value'"), 1);
    assert_eq!(later("return nil, 'for good'"), 1);
    assert_eq!(later("return nil, errors.new({message = 'm', retryable = false})"), 1);
    assert_eq!(later("return nil, errors.new({message = 'm', retryable = true})"), 3);
}

#[test]
fn a_service_that_ends_at_once_and_well_stays_down() {
    for _ in 0..10 {
        assert_eq!(starts(FAST, "return"), 1);
        assert_eq!(starts(FAST, "return nil, 'for good'"), 1);
    }
}

#[test]
fn what_was_stable_for_long_enough_has_all_its_attempts_again() {
    let (world, witness) = world(
        "stable_threshold: 1ms, restart: {initial_delay: 1ms, max_delay: 2ms, max_attempts: 2}",
        "time.sleep('5ms') error('again')",
    );
    world.runtime.block_on(async {
        for _ in 0..6 {
            assert_eq!(witness.next().await, started());
        }
    });
}

/// One attempt, and no process is left of it.
#[test]
fn a_service_that_takes_too_long_to_load_is_not_left_running() {
    let yaml = "
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: worker, kind: process.lua, source: 'file://worker.lua', modules: [time]}
  - name: worker.service
    kind: process.service
    process: worker
    host: processes
    lifecycle: {auto_start: true, start_timeout: 20ms, restart: {max_attempts: 1}}
";
    let worker = "time.sleep('1h') return function() end";
    let world = World::start(&[("_index.yaml", yaml), ("worker.lua", worker)]);
    world.runtime.block_on(world.quiet());
}

/// What it has become is the code that changed.
#[test]
fn a_service_whose_process_was_upgraded_is_started_anew_when_that_code_changes() {
    let yaml = "
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: first, kind: process.lua, source: 'file://first.lua'}
  - {name: second, kind: process.lua, source: 'file://second.lua'}
  - {name: it.service, kind: process.service, process: first, host: processes, lifecycle: {auto_start: true}}
";
    let first = "return function() process.upgrade('app:second') end";
    let second = "return function() process.send('witness', 'second', 1) process.events():receive() end";
    let files = [("_index.yaml", yaml), ("first.lua", first), ("second.lua", second)];
    let (mut world, witness) = World::with_witness(&files);
    let runtime = Runtime::start(1).unwrap();
    runtime.block_on(async {
        assert_eq!(witness.next().await, json!(["second", 1]));
        world.folder.write("second.lua", &second.replace('1', "2"));
        world.instance.reload(check(world.folder.path())).await.unwrap();
        assert_eq!(witness.next().await, json!(["second", 2]));
        assert!(soon(witness.next()).await.is_none());
    });
}
