//! Builds a site from the entries of an application.

use super::{Chain, Route, Site, Target};
use crate::app::model::{Endpoint, EntryId, Router, Server, Static};
use crate::app::{Application, Finding, Place};
use crate::http::files::Mount;
use crate::http::layer::{self, List, Shared};
use crate::http::metrics::Metrics;
use crate::http::pattern::{Pattern, Relation};
use crate::http::settings::Settings;
use crate::http::table::Table;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub(super) fn build(app: &Application, server: &Server) -> (Site, Vec<Finding>) {
    Builder::of(app, &server.id).finish(server)
}

/// What is wrong with that whose server is wrong.
pub(super) fn check_strays(app: &Application) -> Vec<Finding> {
    let is_server = |id: &EntryId| app.servers.iter().any(|server| server.id == *id);
    let routers = app.routers.iter().map(|router| &router.server);
    let strays = routers.chain(app.statics.iter().map(|entry| &entry.server)).filter(|id| !is_server(id));
    strays.flat_map(|id| Builder::of(app, id).findings).collect()
}

#[derive(Default)]
struct Builder {
    table: Table,
    routes: Vec<Route>,
    chains: Vec<Chain>,
    settings: Settings,
    metrics: Arc<Metrics>,
    findings: Vec<Finding>,
}

impl Builder {
    fn of(app: &Application, server: &EntryId) -> Self {
        let mut builder = Self::default();
        for router in app.routers.iter().filter(|router| router.server == *server) {
            builder.router(router, app.endpoints.iter().filter(|endpoint| endpoint.router == router.id));
        }
        // After all endpoints, which win where the pattern is the same.
        for entry in app.statics.iter().filter(|entry| entry.server == *server) {
            builder.files(entry);
        }
        builder
    }

    fn router<'a>(&mut self, router: &Router, endpoints: impl Iterator<Item = &'a Endpoint>) {
        let outer = self.list(&router.middleware, &router.options);
        let inner = self.list(&router.post_middleware, &router.post_options);
        let counts = |(name, _): &&(String, Place)| name == "metrics";
        if let (Some(_), Some((_, place))) =
            (router.middleware.iter().find(counts), router.post_middleware.iter().find(counts))
        {
            let message =
                "middleware `metrics` is in both lists of this router, and counts every request twice";
            self.findings.push(Finding::warning(place, message));
        }
        let prefix = router.prefix.trim_end_matches('/');
        if !prefix.is_empty() && !prefix.starts_with('/') {
            let message = format!("prefix `{prefix}` does not begin with a slash");
            self.findings.push(Finding::error(&router.place, message));
            return;
        }
        let chain = self.chains.len();
        for endpoint in endpoints {
            self.endpoint(prefix, endpoint, chain);
        }
        for (path, place) in [&outer.metrics_path, &inner.metrics_path].into_iter().flatten() {
            self.route("GET", &format!("{prefix}{path}"), Target::Metrics, (&router.id, place), chain);
        }
        self.chain(&router.id, outer, inner);
    }

    fn endpoint(&mut self, prefix: &str, endpoint: &Endpoint, chain: usize) {
        let (method, path) = (&*endpoint.method, &*endpoint.path);
        if !path.starts_with('/') {
            let message = format!("path `{path}` does not begin with a slash");
            self.findings.push(Finding::error(&endpoint.place, message));
        } else {
            let target = Target::Function(endpoint.function.clone());
            let origin = (&endpoint.id, &endpoint.place);
            self.route(method, &format!("{prefix}{path}"), target, origin, chain);
        }
    }

    fn files(&mut self, entry: &Static) {
        if let Some((_, place)) = entry.middleware.iter().find(|(name, _)| name == "websocket_relay") {
            let message = "`websocket_relay` has no handler here that could name a process";
            self.findings.push(Finding::warning(place, message));
        }
        let outer = self.list(&entry.middleware, &entry.options);
        let target = Target::Files(Mount::build(entry, &mut self.findings));
        let path = format!("{}/", entry.path.trim_end_matches('/'));
        // A mount serves GET and, along with it, HEAD.
        self.route("GET", &path, target, (&entry.id, &entry.place), self.chains.len());
        if let Some((path, place)) = &outer.metrics_path {
            let path = format!("{}{path}", entry.path.trim_end_matches('/'));
            self.route("GET", &path, Target::Metrics, (&entry.id, place), self.chains.len());
        }
        self.chain(&entry.id, outer, List::default());
    }

    fn route(
        &mut self,
        method: &str,
        path: &str,
        target: Target,
        (entry, place): (&EntryId, &Place),
        chain: usize,
    ) {
        let pattern = match Pattern::parse(path) {
            Ok(pattern) => pattern,
            Err(message) => {
                self.findings.push(Finding::error(place, message));
                return;
            }
        };
        let method = method.to_owned();
        let route = Route { method, pattern, target, entry: entry.clone(), place: place.clone(), chain };
        let clashes: Vec<Finding> = self.routes.iter().filter_map(|other| clash(&route, other)).collect();
        let is_clear = clashes.is_empty();
        self.findings.extend(clashes);
        if is_clear {
            self.table.insert(&route.method, &route.pattern, self.routes.len());
            self.routes.push(route);
        }
    }

    fn list(&mut self, names: &[(String, Place)], options: &crate::app::model::Options) -> List {
        let (settings, findings) = (&mut self.settings, &mut self.findings);
        layer::build(names, options, &mut Shared { settings, metrics: &self.metrics, findings })
    }

    fn chain(&mut self, entry: &EntryId, outer: List, inner: List) {
        self.chains.push(Chain {
            entry: entry.clone(),
            relays: outer.relays || inner.relays,
            outer: outer.layers,
            inner: inner.layers,
            warned: AtomicBool::new(false),
        });
    }

    fn finish(mut self, server: &Server) -> (Site, Vec<Finding>) {
        let (relay, form) = self.settings.finish(server, &mut self.findings);
        let Self { table, routes, chains, metrics, findings, settings: _ } = self;
        (Site { table, routes, chains, relay, form, metrics }, findings)
    }
}

/// What is wrong with a route beside one that is there already.
fn clash(route: &Route, other: &Route) -> Option<Finding> {
    let (method, its_method) = (&*route.method, &*other.method);
    let is_same = method == its_method;
    let meet = is_same || matches!((method, its_method), ("GET", "HEAD") | ("HEAD", "GET"));
    let (pattern, its_pattern, there) = (&route.pattern.text, &other.pattern.text, &other.place);
    match (route.pattern.relation(&other.pattern), &route.target, &other.target) {
        (Relation::Equal, Target::Files(_), Target::Function(_) | Target::Metrics) if is_same => {
            let message =
                format!("no file is served: the route `{method} {its_pattern}` at {there} is the same");
            Some(Finding::warning(&route.place, message))
        }
        (Relation::Equal, _, _) if is_same => {
            let message =
                format!("`{method} {pattern}` is the same as `{its_method} {its_pattern}` at {there}");
            Some(Finding::error(&route.place, message))
        }
        (Relation::Overlapping, _, _) if meet => {
            let message = format!(
                "`{method} {pattern}` and `{its_method} {its_pattern}` at {there} both match some paths, \
                 and neither is the more specific one"
            );
            Some(Finding::error(&route.place, message))
        }
        (
            Relation::Disjoint
            | Relation::Equal
            | Relation::Narrower
            | Relation::Wider
            | Relation::Overlapping,
            _,
            _,
        ) => None,
    }
}
