//! Middleware: what it is, how a list of it is built, and how a request goes through.

use super::compress::Compress;
use super::cors::Cors;
use super::metrics::Metrics;
use super::options::Reader;
use super::ratelimit::RateLimit;
use super::real_ip::RealIp;
use super::relay::Relay;
use super::settings::Settings;
use crate::app::did_you_mean;
use crate::app::{Finding, Place, model::Options};
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use wsrelay_core::time::Instant;
use wsrelay_core::upgrade::{Request, Response};

/// Tells the time: once when a request arrives and once when it is answered.
pub type Clock<'a> = &'a (dyn Fn() -> Instant + Sync);

/// What a middleware may know beside the request.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    /// When the request arrived.
    pub(super) now: Instant,
    /// Who is at the other end of the connection, whatever `real_ip` made of the request's own peer.
    pub(super) peer: Option<SocketAddr>,
    /// The pattern of the route.
    pub(super) pattern: &'a str,
}

/// What a middleware makes of a request.
#[derive(Debug)]
pub(super) enum Step {
    /// It goes on, and the response comes back as it is.
    Pass,
    /// It goes on, and the response goes through this.
    Then(After),
    /// It is answered.
    Answer(Response),
}

/// What a middleware does to the response, at the time it comes back.
pub(super) struct After {
    run: Box<dyn FnOnce(Instant, Response) -> Response + Send>,
    /// Bodies longer than this are worked on by another thread: until they are done, this one would serve nobody.
    elsewhere_above: usize,
}

impl After {
    pub(super) fn new(run: impl FnOnce(Instant, Response) -> Response + Send + 'static) -> Self {
        Self { run: Box::new(run), elsewhere_above: usize::MAX }
    }

    pub(super) fn elsewhere_above(mut self, bytes: usize) -> Self {
        self.elsewhere_above = bytes;
        self
    }

    async fn apply(self, now: Instant, response: Response) -> Response {
        if response.body.len() > self.elsewhere_above {
            smol::unblock(move || (self.run)(now, response)).await
        } else {
            (self.run)(now, response)
        }
    }
}

impl fmt::Debug for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("After").field("elsewhere_above", &self.elsewhere_above).finish_non_exhaustive()
    }
}

/// One middleware of a list.
#[derive(Clone, Debug)]
pub(super) enum Layer {
    Relay(Arc<Relay>),
    Cors(Arc<Cors>),
    RealIp(Arc<RealIp>),
    RateLimit(Arc<RateLimit>),
    Compress(Compress),
    Metrics(Arc<Metrics>),
}

impl Layer {
    fn before(&self, visit: &Visit<'_>, request: &mut Request) -> Step {
        match self {
            Self::Relay(relay) => relay.before(visit, request),
            Self::Cors(cors) => cors.before(request),
            Self::RealIp(real_ip) => {
                real_ip.before(request);
                Step::Pass
            }
            Self::RateLimit(limit) => limit.before(visit.now, request),
            Self::Compress(compress) => compress.before(request),
            Self::Metrics(metrics) => metrics.before(visit, request),
        }
    }
}

/// Leads a request through middleware, from the outside in, to `inner`, and the response back.
///
/// What answers early is inside of what came before it: that still sees the response.
pub(super) async fn run<'a, R: Future<Output = Response>>(
    layers: impl Iterator<Item = &'a Layer>,
    visit: &Visit<'_>,
    clock: Clock<'_>,
    mut request: Request,
    inner: impl FnOnce(Request) -> R,
) -> Response {
    let mut afters = Vec::new();
    let mut early = None;
    for layer in layers {
        match layer.before(visit, &mut request) {
            Step::Pass => {}
            Step::Then(after) => afters.push(after),
            Step::Answer(response) => {
                early = Some(response);
                break;
            }
        }
    }
    let mut response = match early {
        Some(response) => response,
        None => inner(request).await,
    };
    while let Some(after) = afters.pop() {
        response = after.apply(clock(), response).await;
    }
    response
}

/// A list of middleware that was built.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) layers: Vec<Layer>,
    /// Whether `websocket_relay` is among it.
    pub(super) relays: bool,
    /// `metrics.path`, which answers with the metrics.
    pub(super) metrics_path: Option<(String, Place)>,
}

/// What the lists of one server have in common while they are built.
pub(super) struct Shared<'a> {
    pub(super) settings: &'a mut Settings,
    pub(super) metrics: &'a Arc<Metrics>,
    pub(super) findings: &'a mut Vec<Finding>,
}

/// The middleware that exists.
const NAMES: [&str; 6] = ["websocket_relay", "cors", "real_ip", "ratelimit", "compress", "metrics"];
/// The middleware that exists elsewhere, and is not a no-op that could be left out: most of it guards something.
const NAMES_ELSEWHERE: [&str; 6] =
    ["token_auth", "endpoint_firewall", "resource_firewall", "sendfile", "sse_relay", "otel"];

/// Builds a list of middleware from its names and options.
pub(super) fn build(names: &[(String, Place)], options: &Options, shared: &mut Shared<'_>) -> List {
    let mut list = List::default();
    let mut reader = Reader::new(options, shared.findings);
    let has = |wanted: &str| names.iter().any(|(name, _)| name == wanted);
    warn_of_shared_spelling(has("cors") && has("websocket_relay"), &mut reader);
    for (at, (name, place)) in names.iter().enumerate() {
        if names[..at].iter().any(|(other, _)| other == name) {
            let message = format!("middleware `{name}` is in this list twice");
            reader.findings.push(Finding::warning(place, message));
        }
        match &**name {
            "websocket_relay" => {
                list.relays = true;
                shared.settings.read(&mut reader);
                list.layers.push(Layer::Relay(Arc::new(Relay::build(&mut reader))));
            }
            "cors" => list.layers.push(Layer::Cors(Arc::new(Cors::build(&mut reader)))),
            "real_ip" => list.layers.push(Layer::RealIp(Arc::new(RealIp::build(&mut reader)))),
            "ratelimit" => list.layers.push(Layer::RateLimit(Arc::new(RateLimit::build(&mut reader)))),
            "compress" => list.layers.push(Layer::Compress(Compress::build(&mut reader))),
            "metrics" => {
                list.layers.push(Layer::Metrics(Arc::clone(shared.metrics)));
                let path = reader.read(&["metrics.path"], |text| {
                    if text.starts_with('/') {
                        Ok(text.to_owned())
                    } else {
                        Err("expected a path".to_owned())
                    }
                });
                list.metrics_path = path.map(|(path, place)| (path, place.clone()));
            }
            _ => reader.findings.push(Finding::error(place, no_such_middleware(name))),
        }
    }
    reader.finish();
    list
}

fn no_such_middleware(name: &str) -> String {
    if NAMES_ELSEWHERE.contains(&name) {
        return format!("middleware `{name}` is not available here");
    }
    let hint = did_you_mean(name, NAMES.into_iter().chain(NAMES_ELSEWHERE));
    format!("there is no middleware `{name}`{hint}")
}

/// The old spelling of two options is the same; each reads it, since either would be more open without.
fn warn_of_shared_spelling(is_shared: bool, reader: &mut Reader<'_>) {
    if !is_shared {
        return;
    }
    if let Some((_, place)) = reader.text(&["allow_origins"]) {
        let message = "`allow_origins` is read by `cors` and by `websocket_relay`; \
                       `cors.allow.origins` and `wsrelay.allowed.origins` say which is meant";
        reader.findings.push(Finding::warning(place, message));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{names, options, place};
    use super::*;

    fn findings(listed: &[&str], given: &[(&str, &str)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let (mut settings, metrics) = (Settings::default(), Arc::default());
        let mut shared = Shared { settings: &mut settings, metrics: &metrics, findings: &mut findings };
        build(&names(listed), &options(given), &mut shared);
        findings
    }

    #[test]
    fn middleware_that_does_not_exist_here_is_an_error_at_its_name() {
        assert_eq!(
            findings(&["token_auth", "corse", "telepathy", "websocket-relay"], &[]),
            [
                Finding::error(&place("token_auth"), "middleware `token_auth` is not available here"),
                Finding::error(&place("corse"), "there is no middleware `corse`; did you mean `cors`?"),
                Finding::error(&place("telepathy"), "there is no middleware `telepathy`"),
                Finding::error(
                    &place("websocket-relay"),
                    "there is no middleware `websocket-relay`; did you mean `websocket_relay`?"
                ),
            ]
        );
    }

    #[test]
    fn every_middleware_builds_without_options_and_without_a_word() {
        assert_eq!(findings(&NAMES, &[]), []);
    }

    #[test]
    fn a_middleware_listed_twice_is_a_warning() {
        assert_eq!(
            findings(&["metrics", "metrics"], &[]),
            [Finding::warning(&place("metrics"), "middleware `metrics` is in this list twice")]
        );
    }

    #[test]
    fn a_spelling_that_two_share_is_a_warning() {
        let found = findings(&["cors", "websocket_relay"], &[("allow_origins", "https://a.example")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.starts_with("`allow_origins` is read by `cors` and by"), "{found:?}");
    }
}
