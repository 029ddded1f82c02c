//! Hosts, services, and what both share: `lifecycle`.

use super::super::files::Memory;
use super::super::load::load_from;
use super::super::model::{Lifecycle, Restart};
use super::{NOTHING, app, findings, id};
use serde_json::json;
use std::time::Duration;

/// A process for the services below; what comes next begins on line 10.
const PROCESS: &str = "
  - {name: p, kind: process.lua, source: return 1}
";

#[test]
fn a_service_has_everything_that_can_be_said_of_it() {
    let loaded = app(&format!(
        "{PROCESS}
  - name: s
    kind: process.service
    process: p
    host: app:processes
    input: [1, two, {{three: 3}}]
    lifecycle:
      auto_start: true
      start_timeout: 1s
      stop_timeout: 2s
      stable_threshold: 3s
      startup: optional
      requires: [gateway]
      depends_on: [app:gateway, processes]
      restart: {{initial_delay: 1ms, max_delay: 1m, backoff_factor: 1, jitter: 0, max_attempts: 5}}
"
    ));
    assert_eq!(findings(&loaded), NOTHING);
    let service = &loaded.application.services[0];
    assert_eq!((service.process.as_str(), service.host.as_str()), ("app:p", "app:processes"));
    assert_eq!(service.input, [json!(1), json!("two"), json!({"three": 3})]);
    assert_eq!(
        service.lifecycle,
        Lifecycle {
            auto_start: true,
            start_timeout: Duration::from_secs(1),
            stop_timeout: Duration::from_secs(2),
            stable_threshold: Duration::from_secs(3),
            requires: vec![id("app:gateway"), id("app:processes")],
            restart: Restart {
                initial_delay: Duration::from_millis(1),
                max_delay: Duration::from_secs(60),
                backoff_factor: 1.0,
                jitter: 0.0,
                max_attempts: 5,
            },
        }
    );
}

#[test]
fn what_a_lifecycle_leaves_out_has_its_default() {
    let loaded = app(&format!(
        "{PROCESS}
  - {{name: s, kind: process.service, process: p, host: processes}}
"
    ));
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.services[0].lifecycle, Lifecycle::default());
}

#[test]
fn a_long_first_delay_lifts_the_longest_unless_that_is_written() {
    let loaded = app(&format!(
        "{PROCESS}
  - {{name: a, kind: process.service, process: p, host: processes, lifecycle: {{restart: {{delay: 5m}}}}}}
  - name: b
    kind: process.service
    process: p
    host: processes
    lifecycle: {{restart: {{delay: 5m, max_delay: 1m}}}}
"
    ));
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:16:49: error: `lifecycle.restart.max_delay`: expected at least the initial delay, found the text `1m`"
        ]
    );
    assert_eq!(loaded.application.services[0].lifecycle.restart.max_delay, Duration::from_secs(300));
}

#[test]
fn bad_values_of_a_lifecycle_are_told_in_words() {
    let loaded = app("
  - name: h
    kind: process.host
    host: {workers: 0, max_processes: 5}
    lifecycle:
      startup: sometimes
      security: {actor: x}
      requires: gateway
      restrat: {}
      restart: {delay: 1s, initial_delay: 2s, jitter: 1.5, max_delay: -1s}
");
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:11:21: error: `host.workers`: expected a whole number from 1 to 1024, found the number 0",
            "_index.yaml:11:24: warning: `host` has no key `host.max_processes`, ignored",
            "_index.yaml:13:16: error: `lifecycle.startup`: expected `required` or `optional`, found the text `sometimes`",
            "_index.yaml:14:7: warning: `lifecycle.security` is not supported, ignored",
            "_index.yaml:15:17: error: `lifecycle.requires`: expected a list of entries, found the text `gateway`",
            "_index.yaml:16:7: warning: `lifecycle` has no key `lifecycle.restrat`, ignored; did you mean `restart`?",
            "_index.yaml:17:17: warning: `lifecycle.restart.delay` is ignored, since `initial_delay` says the same",
            "_index.yaml:17:55: error: `lifecycle.restart.jitter`: expected a number from 0 to 1, found the number 1.5",
            "_index.yaml:17:71: error: `lifecycle.restart.max_delay`: expected a duration such as `30s` or `1m30s` (duration below zero), found the text `-1s`",
        ]
    );
}

#[test]
fn only_what_starts_can_be_required() {
    let loaded = app(&format!(
        "{PROCESS}
  - {{name: f, kind: function.lua, source: return 1, method: m}}
  - {{name: s, kind: process.service, process: p, host: processes, lifecycle: {{requires: [f, p, gatewai]}}}}
"
    ));
    assert_eq!(
        findings(&loaded),
        [
            "_index.yaml:12:90: error: `lifecycle.requires`: expected an http.service or process.host or process.service or process.lua, but `app:f` is a function.lua",
            "_index.yaml:12:96: error: `lifecycle.requires`: there is no `app:gatewai`; did you mean `app:gateway`?",
        ]
    );
}

#[test]
fn services_that_require_each_other_in_a_circle_are_an_error() {
    let loaded = app(&format!(
        "{PROCESS}
  - {{name: a, kind: process.service, process: p, host: processes, lifecycle: {{requires: [b]}}}}
  - {{name: b, kind: process.service, process: p, host: processes, lifecycle: {{requires: [a]}}}}
"
    ));
    assert_eq!(
        findings(&loaded),
        ["_index.yaml:12:12: error: the requirements go in a circle: `app:a` → `app:b` → `app:a`"]
    );
}

#[test]
fn a_process_that_starts_by_itself_needs_exactly_one_host() {
    let process = "  - {name: p, kind: process.lua, source: return 1, lifecycle: {auto_start: true}}\n";
    let none = format!("namespace: app\nentries:\n{process}");
    assert_eq!(
        findings(&load_from(&Memory::new(&[("x.yaml", &none)]))),
        [
            "x.yaml:3:52: error: process.lua `app:p` starts by itself, which needs exactly one process.host, and the application has 0"
        ]
    );
    let two = format!("\n  - {{name: h, kind: process.host}}\n{process}");
    assert_eq!(
        findings(&app(&two)),
        [
            "_index.yaml:10:52: error: process.lua `app:p` starts by itself, which needs exactly one process.host, and the application has 2"
        ]
    );
}

#[test]
fn a_lifecycle_that_does_not_start_a_process_makes_no_service() {
    let loaded = app("
  - {name: p, kind: process.lua, source: return 1, lifecycle: {stop_timeout: 1s}}
");
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.services, []);
}

#[test]
fn a_host_has_as_many_workers_as_it_says() {
    let loaded = app("
  - {name: h, kind: process.host, host: {workers: 3, queue_size: 10, local_queue_size: 5}}
");
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.hosts[&id("app:h")].workers, Some(3));
    assert_eq!(loaded.application.hosts[&id("app:processes")].workers, None);
}
