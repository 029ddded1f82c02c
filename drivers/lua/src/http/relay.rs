//! `websocket_relay`: who may open WebSocket connections on a route, and what its handlers need not say.

use super::layer::{After, Step, Visit};
use super::options::{Reader, duration, flag, networks, tokens};
use crate::app::Finding;
use std::sync::Arc;
use std::time::Duration;
use wsrelay_core::fault::HttpFault;
use wsrelay_core::limits::Limits;
use wsrelay_core::relay::format_duration;
use wsrelay_core::time::Instant;
use wsrelay_core::upgrade::{
    Handshake, OriginPolicy, RELAY_HEADER, Request, Response, UpgradePolicy, check_upgrade,
    choose_subprotocol, refusal,
};

/// The middleware `websocket_relay` of one list.
#[derive(Debug, Default)]
pub(super) struct Relay {
    policy: UpgradePolicy,
    /// Whether an ordinary request gets 426.
    relay_only: bool,
    /// The heartbeat of connections whose handler names none; zero is none.
    heartbeat: Duration,
}

impl Relay {
    pub(super) fn build(reader: &mut Reader<'_>) -> Self {
        let origins = reader.read(&["wsrelay.allowed.origins", "allow_origins", "allowed_origins"], |text| {
            // H3: "A pattern that does not parse fails the start, with its text."
            OriginPolicy::parse(text).map_err(|fault| fault.to_string())
        });
        let origins = match origins {
            Some((origins, place)) => {
                if origins.is_any() {
                    let message = "with `*`, any page on the web may connect, with its visitor's cookies";
                    reader.findings.push(Finding::warning(place, message));
                }
                origins
            }
            None => OriginPolicy::same_origin(),
        };
        let mut read_flag = |name| reader.read(&[name], flag).is_some_and(|(flag, _)| flag);
        let (require_origin, relay_only) =
            (read_flag("wsrelay.require_origin"), read_flag("wsrelay.relay_only"));
        let trusted_proxies = reader.read(&["wsrelay.trusted_proxies"], networks);
        let subprotocols = reader.read(&["wsrelay.subprotocols"], tokens);
        let heartbeat = reader.read(&["wsrelay.heartbeat_interval"], heartbeat);
        Self {
            policy: UpgradePolicy {
                origins,
                require_origin,
                trusted_proxies: trusted_proxies.map(|(networks, _)| networks).unwrap_or_default(),
                relay_only: Vec::new(),
                subprotocols: subprotocols.map(|(names, _)| names).unwrap_or_default(),
            },
            relay_only,
            heartbeat: heartbeat.map(|(span, _)| span).unwrap_or_default(),
        }
    }

    pub(super) fn before(self: &Arc<Self>, visit: &Visit<'_>, request: &mut Request) -> Step {
        if !request.is_upgrade() {
            // H1: "no/other `Upgrade` token on a relay-only route → 426". Asking for the methods is no use of the route.
            return if self.relay_only && request.method != "OPTIONS" {
                Step::Answer(refusal(&HttpFault::UpgradeRequired))
            } else {
                Step::Pass
            };
        }
        // Which proxy to believe is a question of who holds the connection, not of whom `real_ip` found behind it.
        let client = std::mem::replace(&mut request.peer, visit.peer);
        let checked = check_upgrade(request, &self.policy);
        request.peer = client;
        match checked {
            Ok(None) => Step::Pass,
            Ok(Some(handshake)) => {
                let relay = Arc::clone(self);
                Step::Then(After::new(move |_: Instant, response| relay.after(&handshake, response)))
            }
            Err(fault) => {
                // H2: "the log names the origin and the list"
                if let HttpFault::Origin(origin) = &fault {
                    let (allowed, route) = (&self.policy.origins, visit.pattern);
                    tracing::warn!(origin, %allowed, route, "a WebSocket connection was refused for its origin");
                }
                Step::Answer(refusal(&fault))
            }
        }
    }

    /// Fills in what the handler of a connection left out.
    fn after(&self, handshake: &Handshake, mut response: Response) -> Response {
        if !(200..=299).contains(&response.status) || !response.headers.contains(RELAY_HEADER) {
            return response;
        }
        if !self.heartbeat.is_zero() {
            add_heartbeat(&mut response, self.heartbeat);
        }
        // H12: "else the first configured one that was offered". A choice of the handler's own is checked later.
        if !response.headers.contains("Sec-WebSocket-Protocol")
            && let Ok(Some(protocol)) = choose_subprotocol(handshake, &self.policy, None)
        {
            response.headers.set("Sec-WebSocket-Protocol", protocol);
        }
        response
    }
}

fn heartbeat(text: &str) -> Result<Duration, String> {
    let (span, limits) = (duration(text)?, Limits::default());
    // R2: "A heartbeat is 1 s to 24 h".
    if span.is_zero() || (limits.heartbeat_min..=limits.heartbeat_max).contains(&span) {
        Ok(span)
    } else {
        Err(format!("expected 0, or from 1s to 24h, found `{text}`"))
    }
}

/// Adds the heartbeat to the relay header, if that is JSON of a fair length without one. Whatever is wrong with the
/// header stays wrong, and is found by whoever reads it next. All that the handler wrote stays as it wrote it.
fn add_heartbeat(response: &mut Response, every: Duration) {
    let values: Vec<_> = response.headers.get_all(RELAY_HEADER).collect();
    let [value] = values[..] else { return };
    let length_max = Limits::default().relay_header_bytes_max;
    if value.len() > length_max {
        return;
    }
    let Ok(fields) = serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(value) else { return };
    // A handler that writes `null` has said that it wants none.
    if fields.contains_key("heartbeat_interval") {
        return;
    }
    let Some((before, after)) = std::str::from_utf8(value).ok().and_then(|text| text.split_once('{')) else {
        return;
    };
    let comma = if fields.is_empty() { "" } else { "," };
    let every = format_duration(every);
    let longer = format!("{before}{{\"heartbeat_interval\":\"{every}\"{comma}{after}");
    if longer.len() > length_max {
        // A header that was good must not become one that is not.
        tracing::warn!(
            length = value.len(),
            "X-WS-Relay has no room for the heartbeat of its route, and gets none"
        );
        return;
    }
    response.headers.set(RELAY_HEADER, longer);
}

#[cfg(test)]
mod tests;
