//! Applications, requests and places for the tests.

use super::{Call, Site};
use crate::app::model::{Endpoint, EntryId, Lifecycle, Options, Router, Server, Static};
use crate::app::{Application, Finding, Place};
use std::path::Path;
use wsrelay_core::time::Instant;
use wsrelay_core::upgrade::{Headers, Request, Response, Version};

/// A place that is as unique as what stands there.
pub(super) fn place(what: &str) -> Place {
    Place { file: what.into(), line: 1, column: 1 }
}

pub(super) fn options(pairs: &[(&str, &str)]) -> Options {
    pairs.iter().map(|&(name, value)| (name.to_owned(), (value.to_owned(), place(name)))).collect()
}

pub(super) fn names(names: &[&str]) -> Vec<(String, Place)> {
    names.iter().map(|&name| (name.to_owned(), place(name))).collect()
}

pub(super) fn id(name: &str) -> EntryId {
    EntryId::new("app", name)
}

pub(super) fn server() -> Server {
    Server {
        id: id("gateway"),
        place: place("gateway"),
        addr: ":0".to_owned(),
        read_timeout: None,
        write_timeout: None,
        idle_timeout: None,
        lifecycle: Lifecycle::default(),
    }
}

pub(super) fn router(name: &str, prefix: &str) -> Router {
    Router {
        id: id(name),
        place: place(name),
        server: id("gateway"),
        prefix: prefix.to_owned(),
        middleware: vec![],
        options: Options::new(),
        post_middleware: vec![],
        post_options: Options::new(),
    }
}

/// An endpoint whose name is its route, such as `GET /a`, and whose function is called `f`.
pub(super) fn endpoint(router: &str, route: &str) -> Endpoint {
    let (method, path) = route.split_once(' ').unwrap();
    Endpoint {
        id: id(route),
        place: place(route),
        router: id(router),
        method: method.to_owned(),
        path: path.to_owned(),
        function: id("f"),
    }
}

pub(super) fn files(path: &str, folder: &Path) -> Static {
    Static {
        id: id(path),
        place: place(path),
        server: id("gateway"),
        path: path.to_owned(),
        folder: folder.to_owned(),
        spa: false,
        index: "index.html".to_owned(),
        cache: None,
        middleware: vec![],
        options: Options::new(),
    }
}

/// An application of one router `r` with these routes.
pub(super) fn app(prefix: &str, routes: &[&str]) -> Application {
    Application {
        servers: vec![server()],
        routers: vec![router("r", prefix)],
        endpoints: routes.iter().map(|route| endpoint("r", route)).collect(),
        ..Application::default()
    }
}

/// An application of one router with `middleware`, which serves `GET /` and `POST /`.
pub(super) fn app_with(middleware: &[&str], given: &[(&str, &str)]) -> Application {
    let mut app = app("", &["GET /a", "POST /a"]);
    app.routers[0].middleware = names(middleware);
    app.routers[0].options = options(given);
    app
}

pub(super) fn findings(app: &Application) -> Vec<String> {
    Site::build(app, &server()).1.iter().map(ToString::to_string).collect()
}

/// The site of an application without errors.
pub(super) fn site(app: &Application) -> Site {
    let (site, findings) = Site::build(app, &server());
    let errors: Vec<&Finding> =
        findings.iter().filter(|finding| finding.severity == crate::app::Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    site
}

pub(super) fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
    let mut fields = Headers::new();
    for &(name, value) in headers {
        fields.append(name, value.to_owned());
    }
    Request {
        method: method.to_owned(),
        target: target.to_owned(),
        version: Version::Http11,
        headers: fields,
        body: Default::default(),
        peer: Some("203.0.113.1:5000".parse().unwrap()),
        secure: false,
    }
}

pub(super) fn get(target: &str, headers: &[(&str, &str)]) -> Request {
    request("GET", target, headers)
}

/// A sound request for a WebSocket connection, with these headers besides.
pub(super) fn upgrade(target: &str, headers: &[(&str, &str)]) -> Request {
    let mut all = vec![
        ("Host", "here.example"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    all.extend(headers);
    get(target, &all)
}

/// The answer at this many milliseconds, from a handler that answers like this.
pub(super) fn answer_at(
    millis: u64,
    site: &Site,
    request: Request,
    handler: impl FnOnce(Call) -> Response + Send,
) -> Response {
    let clock = || Instant::from_millis(millis);
    smol::block_on(assert_send(site.answer(&clock, request, async |call| handler(call))))
}

/// The answer from a handler that answers like this.
pub(super) fn answer(
    site: &Site,
    request: Request,
    handler: impl FnOnce(Call) -> Response + Send,
) -> Response {
    answer_at(0, site, request, handler)
}

/// The answer from a handler that shows what it was called with.
pub(super) fn shown(site: &Site, request: Request) -> Response {
    answer(site, request, show)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands where a handler stands, and that gets the call itself"
)]
pub(super) fn show(call: Call) -> Response {
    let params: Vec<String> = call.params.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    Response::text(200, format!("{}{}", call.endpoint.name(), params.concat()))
}

/// The response with these headers in this order.
pub(super) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let mut response = Response::new(status);
    for &(name, value) in headers {
        response.headers.append(name, value.to_owned());
    }
    response.body = body.to_owned().into();
    response
}

/// A response that is text.
pub(super) fn text(status: u16, body: &str) -> Response {
    Response::text(status, body)
}

fn assert_send<T: Send>(value: T) -> T {
    value
}
