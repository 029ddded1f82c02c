//! What one server serves.

mod build;

use super::files::{self, Mount};
use super::layer::{self, Clock, Layer, Visit};
use super::metrics::Metrics;
use super::path::Path;
use super::pattern::{Pattern, Tail};
use super::settings::{MessageForm, connection_options};
use super::table::Table;
use crate::app::{Application, Finding, Place, model::EntryId, model::Server};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::relay::RelayOptions;
use wsrelay_core::upgrade::{RELAY_HEADER, Request, Response};

/// The routes, middleware and static files of one `http.service`.
#[derive(Debug)]
pub struct Site {
    table: Table,
    routes: Vec<Route>,
    chains: Vec<Chain>,
    relay: Arc<RelayOptions>,
    form: MessageForm,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Route {
    method: String,
    pattern: Pattern,
    target: Target,
    /// The entry that it comes from, and where that stands.
    entry: EntryId,
    place: Place,
    /// The middleware around it, by its place in the site's list.
    chain: usize,
}

#[derive(Debug)]
enum Target {
    Function(EntryId),
    Files(Mount),
    Metrics,
}

/// The middleware of a router or a static mount.
#[derive(Debug)]
struct Chain {
    /// The router or mount.
    entry: EntryId,
    outer: Vec<Layer>,
    inner: Vec<Layer>,
    /// Whether a handler may hand its client over to a process.
    relays: bool,
    /// Whether the log has it that a handler tried although it may not.
    warned: AtomicBool,
}

/// A call of a function for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function.
    pub function: EntryId,
    /// The endpoint that names it.
    pub endpoint: EntryId,
    /// The request.
    pub request: Request,
    /// The parameters of the path, decoded, in their order.
    pub params: Vec<(String, String)>,
}

/// One route, for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteLine {
    /// The pattern of its paths.
    pub pattern: String,
    /// The method.
    pub method: String,
    /// The entry that answers: an endpoint, a static mount, or the router whose metrics these are.
    pub entry: EntryId,
}

/// What a request comes to.
enum Found {
    Route(usize, Path),
    /// `OPTIONS` of something that serves other methods: whose middleware may answer, and what it allows.
    Options(usize, String),
    Nothing(Response),
}

impl Site {
    /// What `server` serves of the application, and everything that is wrong with it.
    ///
    /// With an error among the findings, the site is not what its author meant and should not be served.
    #[must_use]
    pub fn build(app: &Application, server: &Server) -> (Self, Vec<Finding>) {
        build::build(app, server)
    }

    /// What is wrong with routers and static files whose server is wrong; that itself reading has told.
    #[must_use]
    pub fn check_strays(app: &Application) -> Vec<Finding> {
        build::check_strays(app)
    }

    /// Options for the server's connections. Upgrades are checked here, by route; so the check of the connection itself
    /// lets every origin through and believes no proxy.
    #[must_use]
    pub fn connection_options(&self) -> ConnectionOptions {
        connection_options(&self.relay)
    }

    /// What a client's message is to the process that gets it.
    #[must_use]
    pub const fn message_form(&self) -> MessageForm {
        self.form
    }

    /// The metrics of all requests that went through `metrics`, in the text format of Prometheus.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        self.metrics.text()
    }

    /// All routes, ordered by pattern and method.
    #[must_use]
    pub fn routes(&self) -> Vec<RouteLine> {
        let line = |route: &Route| RouteLine {
            pattern: route.pattern.text.clone(),
            method: route.method.clone(),
            entry: route.entry.clone(),
        };
        let mut lines: Vec<RouteLine> = self.routes.iter().map(line).collect();
        lines.sort();
        lines
    }

    /// Answers a request; `call` calls a function.
    pub async fn answer<F, R>(&self, clock: Clock<'_>, request: Request, call: F) -> Response
    where
        F: FnOnce(Call) -> R + Send,
        R: Future<Output = Response> + Send,
    {
        match self.find(&request) {
            Found::Route(route, path) => self.serve(&self.routes[route], path, clock, request, call).await,
            Found::Options(route, allow) => {
                let route = &self.routes[route];
                let visit = visit(route, clock, &request);
                let layers = self.chains[route.chain].outer.iter();
                layer::run(layers, &visit, clock, request, async |_| {
                    Response::new(204).header("Allow", allow)
                })
                .await
            }
            Found::Nothing(response) => response,
        }
    }

    async fn serve<F, R>(
        &self,
        route: &Route,
        path: Path,
        clock: Clock<'_>,
        request: Request,
        call: F,
    ) -> Response
    where
        F: FnOnce(Call) -> R + Send,
        R: Future<Output = Response> + Send,
    {
        let chain = &self.chains[route.chain];
        let visit = visit(route, clock, &request);
        let inner = async |request: Request| match &route.target {
            Target::Function(function) => {
                let params = route.pattern.params(&path);
                let (function, endpoint) = (function.clone(), route.entry.clone());
                chain.filter(call(Call { function, endpoint, request, params }).await)
            }
            Target::Files(mount) => mount.answer(&request, &path, route.pattern.segments.len()).await,
            Target::Metrics => self.metrics.response(),
        };
        layer::run(chain.outer.iter().chain(&chain.inner), &visit, clock, request, inner).await
    }

    fn find(&self, request: &Request) -> Found {
        if request.target == "*" {
            return Found::Nothing(self.about_the_server(&request.method));
        }
        let Some(path) = Path::parse(request.path()) else {
            return Found::Nothing(Response::text(400, "malformed path"));
        };
        let found = self.table.find(&request.method, &path);
        if let Some(folder) = self.folder(&request.method, &path, found) {
            // No browser follows a redirect when it opens a WebSocket connection.
            return if request.is_upgrade() {
                Found::Route(folder, Path { slash: true, ..path })
            } else {
                let mut response = files::redirect_to_folder(&request.target);
                if request.method != "GET" && request.method != "HEAD" {
                    // RFC 9110 §15.4.2: after a 301, a client may turn a POST into a GET; §15.4.9: not after a 308.
                    response.status = 308;
                }
                Found::Nothing(response)
            };
        }
        match found {
            Some(route) => Found::Route(route, path),
            None => self.find_other(request, &path),
        }
    }

    /// The route of exactly the folder that `path` names without its slash, if no route names the path itself.
    fn folder(&self, method: &str, path: &Path, found: Option<usize>) -> Option<usize> {
        let is_exact = |route: &Route| match route.pattern.tail {
            Tail::End | Tail::Slash => true,
            Tail::Rest(_) => false,
        };
        if path.slash || found.is_some_and(|route| is_exact(&self.routes[route])) {
            return None;
        }
        let folder = self.table.find(method, &Path { slash: true, ..path.clone() })?;
        let is_this = self.routes[folder].pattern.segments.len() == path.segments.len();
        is_this.then_some(folder)
    }

    fn find_other(&self, request: &Request, path: &Path) -> Found {
        let methods = self.table.methods(path);
        if methods.is_empty() {
            return Found::Nothing(files::not_found());
        }
        let allow = allow(methods);
        if request.method == "OPTIONS" {
            // A preflight asks for a method, and that method's route is the one whose middleware answers.
            let wanted = request.headers.get("Access-Control-Request-Method");
            let route = wanted.and_then(|method| self.table.find(method, path));
            if let Some(route) = route.or_else(|| self.table.find_any(path)) {
                return Found::Options(route, allow);
            }
        }
        Found::Nothing(Response::text(405, "method not allowed").header("Allow", allow))
    }

    /// The answer to a request for `*`, which is about the server as a whole (RFC 9110 §9.3.7).
    fn about_the_server(&self, method: &str) -> Response {
        if method == "OPTIONS" {
            let methods = self.routes.iter().map(|route| &*route.method).collect();
            Response::new(204).header("Allow", allow(methods))
        } else {
            Response::text(400, "malformed path")
        }
    }
}

impl Chain {
    /// Takes the relay header from a response whose route has no relay.
    fn filter(&self, mut response: Response) -> Response {
        if self.relays || response.headers.remove(RELAY_HEADER).is_empty() {
            return response;
        }
        if !self.warned.swap(true, Ordering::Relaxed) {
            let router = self.entry.as_str();
            tracing::warn!(
                router,
                "a handler set X-WS-Relay, and its router has no middleware `websocket_relay`"
            );
        }
        response
    }
}

fn visit<'a>(route: &'a Route, clock: Clock<'_>, request: &Request) -> Visit<'a> {
    Visit { now: clock(), peer: request.peer, pattern: &route.pattern.text }
}

/// The value of `Allow`: what is served, and what is served along with it.
fn allow(mut methods: BTreeSet<&str>) -> String {
    if methods.contains("GET") {
        methods.insert("HEAD");
    }
    methods.insert("OPTIONS");
    methods.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
