//! `cors`: which pages of other origins may read the responses (the CORS protocol of the Fetch standard).

use super::layer::{After, Step};
use super::options::{Reader, duration, flag, number, tokens};
use crate::app::Finding;
use std::sync::Arc;
use wsrelay_core::upgrade::{Headers, Origin, OriginPolicy, Request, Response};

/// The middleware `cors` of one list.
#[derive(Debug)]
pub(super) struct Cors {
    origins: OriginPolicy,
    /// The lists as they are sent.
    methods: String,
    headers: String,
    exposed: String,
    credentials: bool,
    private_network: bool,
    max_age_seconds: u64,
}

const METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS, PATCH";
const HEADERS: &str = "Origin, Content-Type, Accept, Authorization, X-Requested-With";
const MAX_AGE_SECONDS: u64 = 24 * 60 * 60;

impl Cors {
    pub(super) fn build(reader: &mut Reader<'_>) -> Self {
        let origins = reader.read_spelled("cors.allow.origins", |text| {
            OriginPolicy::parse(text).map_err(|fault| fault.to_string())
        });
        let (origins, origins_place) = match origins {
            Some((origins, place)) => (origins, Some(place)),
            None => (any_origin(), None),
        };
        let mut list = |name, default: &str| {
            reader
                .read_spelled(name, tokens)
                .map_or_else(|| default.to_owned(), |(names, _)| names.join(", "))
        };
        let methods = list("cors.allow.methods", METHODS);
        let headers = list("cors.allow.headers", HEADERS);
        let exposed = list("cors.expose.headers", "");
        let credentials = reader.read_spelled("cors.allow.credentials", flag);
        if let Some((true, place)) = credentials
            && origins.is_any()
        {
            let message =
                "with credentials and any origin, any page on the web may read what its visitor may read";
            reader.findings.push(Finding::warning(origins_place.unwrap_or(place), message));
        }
        let private_network = reader.read_spelled("cors.allow.private.network", flag);
        let max_age = reader.read_spelled("cors.max.age", |text| {
            number(text).or_else(|_| duration(text).map(|span| span.as_secs()))
        });
        Self {
            origins,
            methods,
            headers,
            exposed,
            credentials: credentials.is_some_and(|(flag, _)| flag),
            private_network: private_network.is_some_and(|(flag, _)| flag),
            max_age_seconds: max_age.map_or(MAX_AGE_SECONDS, |(seconds, _)| seconds),
        }
    }

    pub(super) fn before(self: &Arc<Self>, request: &Request) -> Step {
        let allowed = self.allowed_origin(request);
        let is_preflight = request.method == "OPTIONS"
            && request.headers.contains("Origin")
            && request.headers.contains("Access-Control-Request-Method");
        if is_preflight {
            return Step::Answer(self.preflight(request, allowed.as_deref()));
        }
        let cors = Arc::clone(self);
        Step::Then(After::new(move |_, mut response| {
            cors.allow(&mut response.headers, allowed.as_deref());
            if allowed.is_some() && !cors.exposed.is_empty() {
                response.headers.set("Access-Control-Expose-Headers", cors.exposed.clone());
            }
            response
        }))
    }

    /// Whether the answer is the same for every origin.
    fn is_open(&self) -> bool {
        self.origins.is_any() && !self.credentials
    }

    /// What `Access-Control-Allow-Origin` says, if it says anything.
    fn allowed_origin(&self, request: &Request) -> Option<String> {
        if self.is_open() {
            return Some("*".to_owned());
        }
        let mut sent = request.headers.get_all("Origin");
        let (Some(text), None) = (sent.next(), sent.next()) else { return None };
        let text = std::str::from_utf8(text).ok()?;
        // Also where any origin is allowed, `null` is not: it is every sandboxed frame's, and credentials are at stake.
        let origin = Origin::parse(text)?;
        self.origins.allows(Some(&origin), None).then(|| text.to_owned())
    }

    fn allow(&self, headers: &mut Headers, origin: Option<&str>) {
        if !self.is_open() {
            vary(headers, "Origin");
        }
        // What a handler says of its own would contradict this: there may be one value.
        headers.remove("Access-Control-Allow-Origin");
        headers.remove("Access-Control-Allow-Credentials");
        let Some(origin) = origin else { return };
        headers.set("Access-Control-Allow-Origin", origin.to_owned());
        if self.credentials {
            headers.set("Access-Control-Allow-Credentials", "true");
        }
    }

    fn preflight(&self, request: &Request, origin: Option<&str>) -> Response {
        let mut response = Response::new(204);
        self.allow(&mut response.headers, origin);
        if origin.is_none() {
            return response;
        }
        let mut list = |list: &str, name, asked_as| {
            let sent = if list == "*" {
                // With credentials a star is one name and no longer all of them; so what was asked for is named.
                vary(&mut response.headers, asked_as);
                let asked = request.headers.get(asked_as).and_then(|text| tokens(text).ok());
                asked.unwrap_or_default().join(", ")
            } else {
                list.to_owned()
            };
            if !sent.is_empty() {
                response.headers.set(name, sent);
            }
        };
        list(&self.methods, "Access-Control-Allow-Methods", "Access-Control-Request-Method");
        list(&self.headers, "Access-Control-Allow-Headers", "Access-Control-Request-Headers");
        let asks_private = request.headers.get("Access-Control-Request-Private-Network") == Some("true");
        if self.private_network && asks_private {
            response.headers.set("Access-Control-Allow-Private-Network", "true");
        }
        response.headers.set("Access-Control-Max-Age", self.max_age_seconds.to_string());
        response
    }
}

fn any_origin() -> OriginPolicy {
    // `*` is a pattern; were it not, the fallback would let through less, and not more.
    OriginPolicy::parse("*").unwrap_or_default()
}

/// Says that the response depends on this header of the request (RFC 9110 §12.5.5).
pub(super) fn vary(headers: &mut Headers, name: &'static str) {
    if !headers.contains_token("Vary", name) && !headers.contains_token("Vary", "*") {
        headers.append("Vary", name);
    }
}

#[cfg(test)]
mod tests;
