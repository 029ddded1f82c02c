//! What a page must not do while a test looks elsewhere.

use crate::browser::Browser;
use crate::cdp::Event;
use serde_json::Value;
use std::net::SocketAddr;

/// What each page reports of itself.
pub(crate) const DOMAINS: [&str; 4] = ["Runtime", "Log", "Network", "Page"];

/// What the pages complained of, and which requests went elsewhere than to the server: one text each.
pub(crate) fn complaints(browser: &Browser, server: SocketAddr) -> Vec<String> {
    let cdp = browser.cdp().borrow();
    cdp.events().iter().filter_map(|event| complaint(event, server)).collect()
}

/// Asserts that no page complained of anything.
pub(crate) fn assert_quiet(browser: &Browser, server: SocketAddr) {
    let complaints = complaints(browser, server);
    assert!(complaints.is_empty(), "{complaints:#?}");
}

fn complaint(Event { method, params, .. }: &Event, server: SocketAddr) -> Option<String> {
    let text = |pointer: &str| params.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match method.as_str() {
        "Runtime.exceptionThrown" => Some(format!("exception: {}", params["exceptionDetails"])),
        // The page writes to the console when something is not as it should be, and only then.
        "Runtime.consoleAPICalled" => Some(format!("console: {}", params["args"])),
        "Log.entryAdded" => {
            Some(format!("log: {} {}: {}", text("/entry/source"), text("/entry/level"), text("/entry/text")))
        }
        "Page.javascriptDialogOpening" => Some(format!("dialog: {}", text("/message"))),
        "Inspector.targetCrashed" => Some("the page crashed".to_owned()),
        "Network.requestWillBeSent" => elsewhere(text("/request/url"), &["http", "data"], server),
        "Network.webSocketCreated" => elsewhere(text("/url"), &["ws"], server),
        _ => None,
    }
}

/// A complaint unless `url` has one of the schemes, and its host is the server if it has a host.
fn elsewhere(url: &str, schemes: &[&str], server: SocketAddr) -> Option<String> {
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    let is_home = scheme == "data" || rest.starts_with(&format!("//{server}/"));
    (!schemes.contains(&scheme) || !is_home).then(|| format!("request: {url}"))
}
