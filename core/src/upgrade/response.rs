//! A response as the handler gives it, and the ones that refuse a request.

use super::headers::Headers;
use crate::fault::HttpFault;
use alloc::string::{String, ToString};
use bytes::Bytes;

/// A response to a request. [`respond`](super::respond()) and [`switching`](super::switching()) write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status, 200 to 599.
    pub status: u16,
    /// The headers. The length, `Connection` and what else concerns one hop alone is written by `respond`.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// A response without headers and body.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self { status, headers: Headers::new(), body: Bytes::new() }
    }

    /// Plain text.
    #[must_use]
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self::with_body(status, "text/plain; charset=utf-8", text.into())
    }

    /// A page.
    #[must_use]
    pub fn html(status: u16, page: impl Into<String>) -> Self {
        Self::with_body(status, "text/html; charset=utf-8", page.into())
    }

    /// A JSON document.
    #[must_use]
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::with_body(status, "application/json", value.to_string())
    }

    fn with_body(status: u16, content_type: &'static str, body: String) -> Self {
        let mut response = Self::new(status).header("Content-Type", content_type);
        response.body = body.into();
        response
    }

    /// Adds a header and keeps those of the same name; [`Headers::set`] replaces.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.headers.append(name, value);
        self
    }
}

/// When to come back after a 503, in seconds: long enough for a node to be replaced behind its address.
const RETRY_AFTER_SECONDS: &str = "5";

/// The response to a request that cannot be served: status, short text, and the headers that go with it.
///
/// `Upgrade: websocket` of a 426 is not among them: [`respond`](super::respond()) writes it on every 426,
/// since it concerns this hop alone.
#[must_use]
pub fn refusal(fault: &HttpFault) -> Response {
    let response = Response::text(fault.status(), fault.to_string());
    match fault {
        // RFC 9110 §15.5.6: "The origin server MUST generate an Allow header field in a 405 response"
        HttpFault::UpgradeMethod => response.header("Allow", "GET"),
        // RFC 6455 §4.2.2, item 4: "send an appropriate HTTP error code (such as 426 Upgrade Required) and a
        // |Sec-WebSocket-Version| header field indicating the version(s) the server is capable of
        // understanding."
        HttpFault::WebSocketVersion | HttpFault::UpgradeRequired => {
            response.header("Sec-WebSocket-Version", "13")
        }
        // RFC 9110 §10.2.3: "how long the service is expected to be unavailable to the client"
        HttpFault::Unavailable | HttpFault::HandlerTimeout => {
            response.header("Retry-After", RETRY_AFTER_SECONDS)
        }
        HttpFault::Malformed(_)
        | HttpFault::HeadTooBig
        | HttpFault::BodyTooBig
        | HttpFault::TransferCoding
        | HttpFault::Version
        | HttpFault::Expectation
        | HttpFault::Timeout
        | HttpFault::WebSocketKey
        | HttpFault::Origin(_)
        | HttpFault::Handler => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_constructor_names_its_content_type() {
        assert_eq!(Response::text(200, "hi").headers.get("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(Response::html(200, "<p>").headers.get("content-type"), Some("text/html; charset=utf-8"));
        let json = Response::json(201, &serde_json::json!({"a": [1]}));
        assert_eq!(json.headers.get("content-type"), Some("application/json"));
        assert_eq!((json.status, &*json.body), (201, &b"{\"a\":[1]}"[..]));
    }

    /// H1, H9
    #[test]
    fn a_refusal_carries_the_headers_its_status_demands() {
        for (fault, status, name, value) in [
            (HttpFault::UpgradeMethod, 405, "Allow", "GET"),
            (HttpFault::WebSocketVersion, 426, "Sec-WebSocket-Version", "13"),
            (HttpFault::Unavailable, 503, "Retry-After", "5"),
        ] {
            let response = refusal(&fault);
            assert_eq!((response.status, response.headers.get(name)), (status, Some(value)), "{fault:?}");
            assert!(!response.body.is_empty());
        }
    }

    /// H2
    #[test]
    fn a_refused_origin_is_not_repeated_to_the_client() {
        let response = refusal(&HttpFault::Origin("https://evil.example".into()));
        assert_eq!((response.status, &*response.body), (403, &b"origin not allowed"[..]));
    }
}
