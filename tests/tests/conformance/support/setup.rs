//! What is decided before a scenario begins.

use super::names::Names;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::limits::Limits;
use wsrelay_core::relay::RelayOptions;
use wsrelay_core::time::Timeout;
use wsrelay_core::upgrade::{Response, UpgradePolicy};

/// A span that no test lives to see the end of.
const LONG: Duration = Duration::from_secs(3600);

/// Options, limits, and what the handler answers.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) relay: RelayOptions,
    pub(crate) upgrade: UpgradePolicy,
    /// How many connections may relay at once.
    pub(crate) places: usize,
    answers: Vec<Answer>,
}

/// One answer of the handler.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    /// In their values, `<target>` and the like stand for PIDs.
    headers: Vec<(&'static str, String)>,
    text: &'static str,
    /// Whether the node begins to drain before it is given.
    drains: bool,
}

impl Answer {
    pub(crate) const fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), text: "", drains: false }
    }

    /// A 200 that hands the client over with this relay header.
    pub(crate) fn relay(header: &Value) -> Self {
        Self::new(200).header("X-WS-Relay", &header.to_string())
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) const fn text(mut self, text: &'static str) -> Self {
        self.text = text;
        self
    }

    pub(crate) const fn during_a_drain(mut self) -> Self {
        self.drains = true;
        self
    }

    fn response(&self, names: &Names) -> Response {
        let mut response = Response::new(self.status);
        response.body = self.text.into();
        self.headers
            .iter()
            .fold(response, |response, (name, value)| response.header(*name, names.fill(value)))
    }
}

/// The relay header where a scenario does not say otherwise.
pub(crate) fn relay_header() -> Value {
    json!({"target_pid": "<target>", "metadata": {"user": 7}})
}

impl Default for Setup {
    /// The defaults, but without the times that could run out on a busy machine.
    fn default() -> Self {
        let limits = Limits {
            handshake_wait_max: LONG,
            keep_alive_wait_max: LONG,
            handler_wait_max: LONG,
            mailbox_wait_max: LONG,
            write_wait_max: LONG,
            close_wait_max: LONG,
            ping_interval: Timeout::Off,
            ..Limits::default()
        };
        Self {
            relay: RelayOptions { limits, ..RelayOptions::default() },
            upgrade: UpgradePolicy::default(),
            places: 100,
            answers: vec![Answer::relay(&relay_header())],
        }
    }
}

impl Setup {
    /// The same with other limits.
    pub(crate) fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.relay.limits);
        self.relay.limits.check().expect("limits that can work");
        self
    }

    /// The same with other options.
    pub(crate) fn options(mut self, change: impl FnOnce(&mut RelayOptions)) -> Self {
        change(&mut self.relay);
        self
    }

    /// The same with other rules for upgrades.
    pub(crate) fn policy(mut self, change: impl FnOnce(&mut UpgradePolicy)) -> Self {
        change(&mut self.upgrade);
        self
    }

    pub(crate) const fn places(mut self, places: usize) -> Self {
        self.places = places;
        self
    }

    /// One field of the relay header.
    pub(crate) fn field(self, name: &str, value: Value) -> Self {
        let mut header = relay_header();
        header[name] = value;
        self.answer(Answer::relay(&header))
    }

    /// The handler gives this answer to every request.
    pub(crate) fn answer(self, answer: Answer) -> Self {
        self.answers([answer])
    }

    /// The handler gives these answers, one after the other, and then the last one again.
    pub(crate) fn answers(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.answers = answers.into_iter().collect();
        self
    }

    pub(crate) fn connection_options(&self) -> ConnectionOptions {
        ConnectionOptions { relay: Arc::new(self.relay.clone()), upgrade: self.upgrade.clone() }
    }

    pub(crate) fn handler(&self) -> Handler {
        Handler { answers: self.answers.clone(), asked: AtomicUsize::new(0) }
    }
}

/// The handler of one run.
#[derive(Debug)]
pub(crate) struct Handler {
    answers: Vec<Answer>,
    asked: AtomicUsize,
}

/// How long a drain takes that the handler begins.
pub(crate) const DRAIN: Duration = Duration::from_millis(100);

impl Handler {
    /// The next answer; the node is to drain before it is given, if `drain` is called.
    pub(crate) fn answer(&self, names: &Names, drain: impl FnOnce()) -> Response {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers.get(number).or(self.answers.last()).expect("an answer");
        if answer.drains {
            drain();
        }
        answer.response(names)
    }
}
