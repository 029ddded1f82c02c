//! `lifecycle`.

use super::Reader;
use crate::app::entry::Entry;
use crate::app::fields::{Fields, expected_found};
use crate::app::finding::Finding;
use crate::app::kinds::Kind;
use crate::app::model::{EntryId, Lifecycle, Restart};
use crate::app::yaml::Value;

/// What starts and stops, and so can be required.
const STARTED: [Kind; 4] = [Kind::Server, Kind::Host, Kind::Service, Kind::Process];

impl Reader<'_> {
    /// Reads `lifecycle`, all defaults if it is absent.
    pub(super) fn lifecycle(&mut self, entry: &Entry, fields: &mut Fields<'_>) -> Lifecycle {
        let mut lifecycle = Lifecycle::default();
        let Some(mut own) = fields.map("lifecycle", &mut self.out) else { return lifecycle };
        let out = &mut self.out;
        set(&mut lifecycle.auto_start, own.boolean("auto_start", out));
        set(&mut lifecycle.start_timeout, own.duration("start_timeout", out));
        set(&mut lifecycle.stop_timeout, own.duration("stop_timeout", out));
        set(&mut lifecycle.stable_threshold, own.duration("stable_threshold", out));
        if let Some((startup, _)) = own.text("startup", STARTUP, out)
            && !matches!(startup, "required" | "optional")
            && let Some(node) = own.get("startup")
        {
            own.wrong::<()>("startup", node, STARTUP, out);
        }
        own.unsupported("security", out);
        if let Some(mut restart) = own.map("restart", out) {
            lifecycle.restart = read_restart(&mut restart, out);
            restart.finish("`restart`", out);
        }
        for key in ["requires", "depends_on"] {
            for id in self.requirements(entry, &mut own, key) {
                if !lifecycle.requires.contains(&id) {
                    lifecycle.requires.push(id);
                }
            }
        }
        own.finish("`lifecycle`", &mut self.out);
        lifecycle
    }

    fn requirements(&mut self, entry: &Entry, own: &mut Fields<'_>, key: &'static str) -> Vec<EntryId> {
        let Some(node) = own.get(key) else { return Vec::new() };
        let name = own.name(key);
        let Value::List(items) = &node.value else {
            self.out.push(expected_found(&name, node, "a list of entries"));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.follow(entry, &name, item, &STARTED)).collect()
    }
}

const STARTUP: &str = "`required` or `optional`";

fn read_restart(fields: &mut Fields<'_>, out: &mut Vec<Finding>) -> Restart {
    let mut restart = Restart::default();
    set(&mut restart.initial_delay, fields.duration("delay", out));
    set(&mut restart.initial_delay, fields.duration("initial_delay", out));
    if let (Some(delay), Some(_)) = (fields.member("delay"), fields.member("initial_delay")) {
        let message = "`lifecycle.restart.delay` is ignored, since `initial_delay` says the same";
        out.push(Finding::warning(&delay.place, message));
    }
    match fields.duration("max_delay", out) {
        Some(max_delay) if max_delay < restart.initial_delay => {
            if let Some(node) = fields.get("max_delay") {
                fields.wrong::<()>("max_delay", node, "at least the initial delay", out);
            }
        }
        Some(max_delay) => restart.max_delay = max_delay,
        // Whoever begins with two minutes and says no more does not want ninety seconds.
        None => restart.max_delay = restart.max_delay.max(restart.initial_delay),
    }
    let factor = fields.number("backoff_factor", 1.0..=f64::MAX, "a number from 1", out);
    set(&mut restart.backoff_factor, factor);
    set(&mut restart.jitter, fields.number("jitter", 0.0..=1.0, "a number from 0 to 1", out));
    set(&mut restart.max_attempts, fields.whole("max_attempts", 0..=u32::MAX, out));
    restart
}

/// Replaces a default by what was read.
fn set<T>(slot: &mut T, read: Option<T>) {
    if let Some(value) = read {
        *slot = value;
    }
}
