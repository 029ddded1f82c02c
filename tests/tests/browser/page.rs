//! One page: what a person does in it, and what it shows.

use crate::browser::Browser;
use crate::watch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::{env, fs};

/// Longest wait for a page to show something. Reconnecting takes it 4 s at most in these tests.
const WAIT_MS_MAX: u32 = 15_000;

/// What tests ask of a page, in its own language; installed before the page's script.
const PROBE: &str = r##"
const probe = {
  one: (selector) => document.querySelector(selector),
  all: (selector) => [...document.querySelectorAll(selector)],
  /** An element's text as it is seen; null when it is not. */
  text: (selector) => probe.one(selector)?.checkVisibility() ? probe.one(selector).innerText.trim() : null,
  state: () => probe.one("#status").dataset.state,
  /** What was to be seen at each change of the connection's state: the state, the last close, the button. */
  history: [],
  states: () => probe.history.map(([state]) => state),
  members: () => probe.all("#members li").map((item) => item.dataset.user),
  messages: () => probe.all("#log .message").map((item) => [item.dataset.user, item.querySelector(".text").textContent]),
  notices: () => probe.all("#log .notice bdi").map((item) => item.textContent),
  center: (selector) => {
    const { x, y, width, height } = probe.one(selector).getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  },
  /** How much of a scrolled element is below what is seen of it. */
  below: (selector) => {
    const { scrollHeight, scrollTop, clientHeight } = probe.one(selector);
    return scrollHeight - scrollTop - clientHeight;
  },
  frame: () => new Promise((resolve) => requestAnimationFrame(() => resolve(null))),
  /** Calls `look` now and after each change of the document, until it returns something. */
  watch: (look, until) => new Promise((resolve, reject) => {
    const late = setTimeout(() => end(resolve, null), until);
    const observer = new MutationObserver(() => check());
    const end = (settle, value) => { clearTimeout(late); observer.disconnect(); settle(value); };
    const check = () => {
      try {
        const found = look();
        if (found) end(resolve, found);
      } catch (error) {
        end(reject, error);
      }
    };
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    check();
  }),
};
addEventListener("DOMContentLoaded", () => {
  const note = () => {
    if (probe.history.at(-1)?.[0] === probe.state()) return;
    probe.history.push([probe.state(), probe.text("#close"), probe.text("#reconnect")]);
  };
  note();
  new MutationObserver(note).observe(probe.one("#status"), { attributes: true });
});
"##;

/// A page in a window of its own.
pub(crate) struct Page<'a> {
    browser: &'a Browser,
    session: String,
    name: &'static str,
}

impl<'a> Page<'a> {
    pub(crate) fn open(browser: &'a Browser, name: &'static str, url: &str) -> Self {
        let call = |method: &str, params: Value| browser.cdp().borrow_mut().call(None, method, &params);
        let target = call("Target.createTarget", json!({"url": "about:blank", "newWindow": true}));
        let attached =
            call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        let session = attached["sessionId"].as_str().expect("a session").to_owned();
        let page = Self { browser, session, name };
        for domain in watch::DOMAINS {
            page.call(&format!("{domain}.enable"), &json!({}));
        }
        // Each page takes itself for the one that is looked at and typed into.
        page.call("Emulation.setFocusEmulationEnabled", &json!({"enabled": true}));
        page.call("Page.addScriptToEvaluateOnNewDocument", &json!({"source": PROBE}));
        page.visit(url);
        page
    }

    /// Goes to `url` and waits until the page is loaded.
    fn visit(&self, url: &str) {
        let seen = self.browser.cdp().borrow().events().len();
        let visit = self.call("Page.navigate", &json!({"url": url}));
        assert!(visit["errorText"].is_null(), "{url}: {}", visit["errorText"]);
        self.browser.cdp().borrow_mut().wait_for_event(&self.session, "Page.loadEventFired", seen);
    }

    // What a person does.

    /// Text as if typed, where the focus is.
    pub(crate) fn write(&self, text: &str) {
        self.call("Input.insertText", &json!({"text": text}));
    }

    /// Presses a key and lets it go.
    pub(crate) fn press(&self, key: Key) {
        let (name, code, text) = match key {
            Key::Enter => ("Enter", 13, "\r"),
            Key::Tab => ("Tab", 9, ""),
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.call(
                "Input.dispatchKeyEvent",
                &json!({"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code, "text": text}),
            );
        }
    }

    /// Writes a message and presses Enter.
    pub(crate) fn say(&self, text: &str) {
        self.write(text);
        self.press(Key::Enter);
    }

    /// Clicks at the middle of an element, on whatever is there.
    pub(crate) fn click(&self, selector: &str) {
        let center = self.evaluate(&format!("probe.center({})", json!(selector)));
        for kind in ["mousePressed", "mouseReleased"] {
            self.call(
                "Input.dispatchMouseEvent",
                &json!({"type": kind, "x": center[0], "y": center[1], "button": "left", "clickCount": 1}),
            );
        }
    }

    // What the page shows.

    /// Waits until `expression` is worth `expected`.
    pub(crate) fn expect(&self, expression: &str, expected: impl Into<Value>) {
        let expected = expected.into();
        let wanted = json!(expected.to_string());
        // Through the same parser, so that both are written alike.
        let look = format!("() => JSON.stringify({expression}) === JSON.stringify(JSON.parse({wanted}))");
        if self.watch(&look, WAIT_MS_MAX).is_null() {
            let actual = self.evaluate(expression);
            let all = self.evaluate("document.body.innerText");
            let all = all.as_str().unwrap_or_default();
            let name = self.name;
            panic!("{name}: {expression}\n   is {actual}\n  not {expected}\nin the page:\n{all}");
        }
    }

    /// Waits as long as given, and asserts that `expression` is worth `expected` all the time.
    pub(crate) fn expect_for(&self, ms: u32, expression: &str, expected: &Value) {
        let wanted = json!(expected.to_string());
        // In brackets, because what it becomes may be nothing.
        let look = format!("() => JSON.stringify({expression}) !== {wanted} && [{expression}]");
        let other = self.watch(&look, ms);
        assert!(other.is_null(), "{}: {expression} became {other}, not {expected}", self.name);
    }

    /// Waits until what has changed is laid out, and what follows from the layout is done.
    pub(crate) fn wait_for_frames(&self) {
        self.evaluate("probe.frame().then(probe.frame)");
    }

    fn watch(&self, look: &str, ms: u32) -> Value {
        self.evaluate(&format!("probe.watch({look}, {ms})"))
    }

    /// The value of a JavaScript expression, of a promise what it comes to.
    pub(crate) fn evaluate(&self, expression: &str) -> Value {
        let mut answer = self.call(
            "Runtime.evaluate",
            &json!({"expression": expression, "awaitPromise": true, "returnByValue": true}),
        );
        let fault = &answer["exceptionDetails"];
        assert!(fault.is_null(), "{}: {expression}: {fault}", self.name);
        answer["result"]["value"].take()
    }

    /// How the page sees its screen and its reader's wishes.
    pub(crate) fn emulate(&self, width: u32, height: u32, color_scheme: &str) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
        let scheme = json!({"name": "prefers-color-scheme", "value": color_scheme});
        self.call("Emulation.setEmulatedMedia", &json!({"features": [scheme]}));
    }

    /// A picture for people, in the folder `$WSRELAY_SCREENSHOTS` if that is set.
    pub(crate) fn picture(&self, of: &str) {
        let Some(folder) = env::var_os("WSRELAY_SCREENSHOTS").map(PathBuf::from) else { return };
        // Nothing is caught halfway into view.
        self.evaluate("Promise.all(document.getAnimations().filter((one) => one.effect.getTiming().iterations === 1).map((one) => one.finished)).then(() => null)");
        let picture = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap_or_default()).expect("base64");
        fs::create_dir_all(&folder).expect("a folder for pictures");
        fs::write(folder.join(format!("{of}-{}.png", self.name)), bytes).expect("a picture");
    }

    fn call(&self, method: &str, params: &Value) -> Value {
        self.browser.cdp().borrow_mut().call(Some(&self.session), method, params)
    }
}

/// Keys that do something.
#[derive(Clone, Copy)]
pub(crate) enum Key {
    Enter,
    Tab,
}
