//! `metrics`: counts of requests and how long they took, in the text format of Prometheus.

use super::layer::{After, Step, Visit};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wsrelay_core::upgrade::{Request, Response};

/// The metrics of a server, whatever list they were taken in.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// By route and method. Both come from the routes and not from the client, so that there are not more than those.
    series: Mutex<BTreeMap<(String, String), Series>>,
    in_flight: AtomicU64,
}

#[derive(Clone, Debug, Default)]
struct Series {
    /// Requests by the first digit of their status.
    by_class: BTreeMap<u16, u64>,
    /// Requests that took no longer than the bound of the same place, and longer than the one before.
    buckets: [u64; BOUNDS.len()],
    count: u64,
    total: Duration,
}

/// The bounds of the histogram, in milliseconds and as they are written.
const BOUNDS: [(u64, &str); 11] = [
    (5, "0.005"),
    (10, "0.01"),
    (25, "0.025"),
    (50, "0.05"),
    (100, "0.1"),
    (250, "0.25"),
    (500, "0.5"),
    (1_000, "1"),
    (2_500, "2.5"),
    (5_000, "5"),
    (10_000, "10"),
];

impl Metrics {
    pub(super) fn before(self: &Arc<Self>, visit: &Visit<'_>, request: &Request) -> Step {
        let flight = Flight::start(self);
        let (start, route, method) = (visit.now, visit.pattern.to_owned(), request.method.clone());
        Step::Then(After::new(move |now, response| {
            flight.0.record(route, method, response.status, now.since(start));
            drop(flight);
            response
        }))
    }

    fn record(&self, route: String, method: String, status: u16, took: Duration) {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let series = series.entry((route, method)).or_default();
        *series.by_class.entry(status / 100).or_default() += 1;
        let bucket = BOUNDS.iter().position(|&(millis, _)| took <= Duration::from_millis(millis));
        if let Some(bucket) = bucket {
            series.buckets[bucket] += 1;
        }
        series.count += 1;
        series.total += took;
    }

    /// All of it as text.
    pub(super) fn text(&self) -> String {
        let series = self.series.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = String::new();
        let name = "wsrelay_http_requests_total";
        head(&mut text, name, "counter", "Requests by route, method and class of status.");
        for (labels, series) in labelled(&series) {
            for (class, count) in &series.by_class {
                line(&mut text, name, &format!("{labels},status=\"{class}xx\""), count);
            }
        }
        let name = "wsrelay_http_request_duration_seconds";
        head(&mut text, name, "histogram", "Time from a request to its response, by route and method.");
        for (labels, series) in labelled(&series) {
            let mut below = 0;
            for ((_, bound), count) in BOUNDS.iter().zip(series.buckets) {
                below += count;
                line(&mut text, &format!("{name}_bucket"), &format!("{labels},le=\"{bound}\""), below);
            }
            line(&mut text, &format!("{name}_bucket"), &format!("{labels},le=\"+Inf\""), series.count);
            line(&mut text, &format!("{name}_sum"), &labels, series.total.as_secs_f64());
            line(&mut text, &format!("{name}_count"), &labels, series.count);
        }
        let name = "wsrelay_http_requests_in_flight";
        head(&mut text, name, "gauge", "Requests that have no response yet.");
        let _ = writeln!(text, "{name} {}", self.in_flight.load(Ordering::Relaxed));
        text
    }

    /// The answer of `metrics.path`.
    pub(super) fn response(&self) -> Response {
        let mut response = Response::text(200, self.text());
        response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
        response
    }
}

/// A request on its way; it is not, once this is dropped, also when its task was cancelled.
struct Flight(Arc<Metrics>);

impl Flight {
    fn start(metrics: &Arc<Metrics>) -> Self {
        metrics.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(metrics))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string does not fail, here and below.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = writeln!(text, "{name}{{{labels}}} {value}");
}

fn labelled(series: &BTreeMap<(String, String), Series>) -> impl Iterator<Item = (String, &Series)> {
    series.iter().map(|((route, method), series)| {
        (format!("method=\"{}\",route=\"{}\"", escape(method), escape(route)), series)
    })
}

fn escape(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::testing::get;
    use super::*;
    use wsrelay_core::time::Instant;

    fn visit() -> Visit<'static> {
        Visit { now: Instant::ZERO, peer: None, pattern: "/a/{x}" }
    }

    #[test]
    fn requests_are_counted_and_timed_by_route_method_and_class() {
        let metrics = Metrics::default();
        for (status, millis) in [(200, 5), (204, 6), (503, 20_000)] {
            metrics.record("/a".to_owned(), "GET".to_owned(), status, Duration::from_millis(millis));
        }
        let text = metrics.text();
        for line in [
            "wsrelay_http_requests_total{method=\"GET\",route=\"/a\",status=\"2xx\"} 2",
            "wsrelay_http_requests_total{method=\"GET\",route=\"/a\",status=\"5xx\"} 1",
            "wsrelay_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",le=\"0.005\"} 1",
            "wsrelay_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",le=\"0.01\"} 2",
            "wsrelay_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",le=\"10\"} 2",
            "wsrelay_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",le=\"+Inf\"} 3",
            "wsrelay_http_request_duration_seconds_sum{method=\"GET\",route=\"/a\"} 20.011",
            "wsrelay_http_request_duration_seconds_count{method=\"GET\",route=\"/a\"} 3",
            "wsrelay_http_requests_in_flight 0",
            "# TYPE wsrelay_http_request_duration_seconds histogram",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\nis not in\n{text}");
        }
    }

    #[test]
    fn a_request_that_was_given_up_is_in_flight_no_longer() {
        let metrics: Arc<Metrics> = Arc::default();
        let step = metrics.before(&visit(), &get("/a/b", &[]));
        assert_eq!(metrics.in_flight.load(Ordering::Relaxed), 1);
        drop(step);
        assert_eq!(metrics.in_flight.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn quotes_in_a_label_are_escaped() {
        let metrics = Metrics::default();
        metrics.record("/\"\\".to_owned(), "GET".to_owned(), 200, Duration::ZERO);
        assert!(metrics.text().contains("route=\"/\\\"\\\\\""), "{}", metrics.text());
    }
}
