//! `process.host` and `process.service`.

use super::Reader;
use crate::app::entry::Entry;
use crate::app::fields::{Fields, expected_found};
use crate::app::kinds::Kind;
use crate::app::model::{ProcessHost, Service};
use crate::app::yaml::{Node, Value};

/// The most workers of a host: each is a thread.
const WORKERS_MAX: u32 = 1024;

impl Reader<'_> {
    pub(super) fn host(&mut self, entry: &Entry, fields: &mut Fields<'_>) {
        let mut workers = None;
        if let Some(mut own) = fields.map("host", &mut self.out) {
            workers = own.whole("workers", 1..=WORKERS_MAX, &mut self.out);
            // Mailboxes have no bound in the specification, so the original's queues have no counterpart.
            own.whole("queue_size", 0..=u32::MAX, &mut self.out);
            own.whole("local_queue_size", 0..=u32::MAX, &mut self.out);
            own.finish("`host`", &mut self.out);
        }
        let lifecycle = self.lifecycle(entry, fields);
        let host = ProcessHost {
            id: entry.id.clone(),
            place: entry.place.clone(),
            workers: workers.and_then(|workers| usize::try_from(workers).ok()),
            lifecycle,
        };
        self.app.hosts.insert(entry.id.clone(), host);
    }

    pub(super) fn service(&mut self, entry: &Entry, fields: &mut Fields<'_>) {
        let process = self.reference(entry, fields, "process", &[Kind::Process]);
        let host = self.reference(entry, fields, "host", &[Kind::Host]);
        let mut input = Vec::new();
        if let Some(node) = fields.get("input") {
            if let Value::List(items) = &node.value {
                input = items.iter().map(Node::to_json).collect();
            } else {
                self.out.push(expected_found("input", node, "a list of arguments"));
            }
        }
        let lifecycle = self.lifecycle(entry, fields);
        if let (Some(process), Some(host)) = (process, host) {
            let (id, place) = (entry.id.clone(), entry.place.clone());
            self.app.services.push(Service { id, place, process, host, input, lifecycle });
        }
    }
}
