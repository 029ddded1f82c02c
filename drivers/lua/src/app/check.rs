//! What can only be seen in the application as a whole.

use super::finding::{Finding, Place};
use super::model::{Application, Endpoint, EntryId, Router};
use super::pattern;
use std::collections::BTreeMap;

/// Tells what does not go together.
pub(super) fn check(app: &Application, out: &mut Vec<Finding>) {
    check_prefixes(app, out);
    check_endpoints(app, out);
    check_statics(app, out);
    check_imports(app, out);
    check_requirements(app, out);
}

/// Two routers with one prefix: the original refuses them, since their middleware would depend on the order.
fn check_prefixes(app: &Application, out: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(&EntryId, String), &Router> = BTreeMap::new();
    for router in &app.routers {
        let key = (&router.server, pattern::shape(&router.prefix));
        if let Some(first) = seen.get(&key) {
            let message = format!(
                "`{}` has the prefix `{}` on `{}`, as `{}` at {} has",
                router.id, router.prefix, router.server, first.id, first.place
            );
            out.push(Finding::error(&router.place, message));
        } else {
            seen.insert(key, router);
        }
    }
}

fn check_endpoints(app: &Application, out: &mut Vec<Finding>) {
    let routers: BTreeMap<&EntryId, &Router> =
        app.routers.iter().map(|router| (&router.id, router)).collect();
    let mut seen: BTreeMap<(&EntryId, &str, String), &Endpoint> = BTreeMap::new();
    for endpoint in &app.endpoints {
        // A router that could not be read has been told.
        let Some(router) = routers.get(&endpoint.router) else { continue };
        let path = format!("{}{}", router.prefix, endpoint.path);
        if let Err(fault) = pattern::endpoint_path(&path) {
            out.push(Finding::error(&endpoint.place, format!("the whole path `{path}` {fault}")));
        }
        let key = (&router.server, endpoint.method.as_str(), pattern::shape(&path));
        if let Some(first) = seen.get(&key) {
            let message = format!(
                "`{}` answers {} {path} on `{}`, as `{}` at {} does",
                endpoint.id, endpoint.method, router.server, first.id, first.place
            );
            out.push(Finding::error(&endpoint.place, message));
        } else {
            seen.insert(key, endpoint);
        }
    }
}

fn check_statics(app: &Application, out: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(&EntryId, &str), (&EntryId, &Place)> = BTreeMap::new();
    for files in &app.statics {
        if let Some((first, place)) = seen.get(&(&files.server, files.path.as_str())) {
            let message = format!(
                "`{}` serves the path `{}` on `{}`, as `{first}` at {place} does",
                files.id, files.path, files.server
            );
            out.push(Finding::error(&files.place, message));
        } else {
            seen.insert((&files.server, &files.path), (&files.id, &files.place));
        }
    }
}

/// Which entries an entry needs, and where it says so.
type Graph<'a> = BTreeMap<&'a EntryId, Vec<(&'a EntryId, &'a Place)>>;

fn check_imports(app: &Application, out: &mut Vec<Finding>) {
    let mut graph = Graph::new();
    for code in app.code.values() {
        graph.insert(&code.id, code.imports.iter().map(|(_, id, place)| (id, place)).collect());
    }
    tell_cycles(&graph, "the imports go in a circle", out);
}

/// A service starts after its host and after what it requires.
fn check_requirements(app: &Application, out: &mut Vec<Finding>) {
    let mut graph = Graph::new();
    for server in &app.servers {
        let needs = server.lifecycle.requires.iter().map(|id| (id, &server.place));
        graph.insert(&server.id, needs.collect());
    }
    for host in app.hosts.values() {
        graph.insert(&host.id, host.lifecycle.requires.iter().map(|id| (id, &host.place)).collect());
    }
    for service in &app.services {
        let needs = service.lifecycle.requires.iter().chain([&service.host]);
        graph.insert(&service.id, needs.map(|id| (id, &service.place)).collect());
    }
    tell_cycles(&graph, "the requirements go in a circle", out);
}

/// Walks depth first, without recursion, and tells each edge that leads back to where the walk came from.
fn tell_cycles(graph: &Graph<'_>, what: &str, out: &mut Vec<Finding>) {
    let mut done: BTreeMap<&EntryId, bool> = BTreeMap::new();
    for &start in graph.keys() {
        if done.contains_key(start) {
            continue;
        }
        done.insert(start, false);
        let mut trail: Vec<(&EntryId, usize)> = vec![(start, 0)];
        while let Some((id, next)) = trail.last_mut() {
            let edge = graph.get(*id).and_then(|edges| edges.get(*next));
            *next += 1;
            let Some(&(target, place)) = edge else {
                done.insert(*id, true);
                trail.pop();
                continue;
            };
            match done.get(target) {
                None => {
                    done.insert(target, false);
                    trail.push((target, 0));
                }
                Some(false) => {
                    let circle = trail.iter().map(|&(id, _)| id).skip_while(|&id| id != target);
                    let names: Vec<String> = circle.chain([target]).map(|id| format!("`{id}`")).collect();
                    out.push(Finding::error(place, format!("{what}: {}", names.join(" → "))));
                }
                Some(true) => {}
            }
        }
    }
}
