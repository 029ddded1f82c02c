//! The demo's page in a real browser: what a person does in it, and what they see.

mod browser;
mod cdp;
mod demo;
mod page;
mod watch;

use browser::Browser;
use demo::Demo;
use page::{Key, Page};
use serde_json::json;
use std::time::Duration;

const ENDED: &str = "Closed: 1000 normal close — the room has ended";
const FAILED: &str = "Closed: 1011 server error — the process behind this connection failed. \
                      The server says: “internal error”";
const RESTARTING: &str = "Closed: 1012 service restart — the server is restarting. \
                          The server says: “server restarting”";
const LOST: &str = "Closed: 1006 abnormal closure — the connection was lost, or could not be made";

/// A server, and a browser with two members of its room "tea".
struct Tea<'a> {
    ada: Page<'a>,
    bob: Page<'a>,
}

impl<'a> Tea<'a> {
    fn of(demo: &Demo, browser: &'a Browser) -> Self {
        let ada = browser.open("ada", &demo.url_of("ada", "tea"));
        ada.expect("probe.members()", json!(["ada"]));
        let bob = browser.open("bob", &demo.url_of("bob", "tea"));
        let tea = Self { ada, bob };
        tea.expect("probe.members()", json!(["ada", "bob"]));
        tea
    }

    /// What both pages show.
    fn expect(&self, expression: &str, expected: serde_json::Value) {
        self.ada.expect(expression, expected.clone());
        self.bob.expect(expression, expected);
    }

    fn picture(&self, of: &str) {
        self.ada.picture(of);
        self.bob.picture(of);
    }
}

#[test]
fn two_pages_in_one_room_see_each_other_and_what_they_say() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let ada = browser.open("ada", &demo.url());
    ada.expect("probe.text('#status')", "Not connected");
    ada.picture("join");
    // The focus is on the name; behind it comes the room, with what is there selected.
    ada.write("ada");
    ada.press(Key::Tab);
    ada.write("tea");
    ada.press(Key::Enter);
    ada.expect("probe.members()", json!(["ada"]));
    ada.expect("probe.states()", json!(["closed", "connecting", "open"]));

    let bob = browser.open("bob", &demo.url_of("bob", "tea"));
    let tea = Tea { ada, bob };
    let Tea { ada, bob } = &tea;
    tea.expect("probe.members()", json!(["ada", "bob"]));
    tea.expect("probe.text('#count')", json!("2"));
    ada.say("hello bob");
    tea.expect("probe.messages()", json!([["ada", "hello bob"]]));
    bob.say("hello ada, wie geht’s? 🫖");
    tea.expect("probe.messages()", json!([["ada", "hello bob"], ["bob", "hello ada, wie geht’s? 🫖"]]));
    ada.expect("probe.notices()", json!(["You joined", "bob joined"]));
    bob.expect("probe.notices()", json!(["You joined"]));
    ada.expect("probe.all('.message.own .text').map((own) => own.textContent)", json!(["hello bob"]));
    tea.picture("talk");

    bob.click("#leave");
    bob.expect("probe.text('#left')", "You left “tea”.");
    ada.expect("probe.members()", json!(["ada"]));
    ada.expect("probe.notices()", json!(["You joined", "bob joined", "bob left"]));
    bob.expect("probe.states()", json!(["connecting", "open", "closed"]));
    bob.picture("left");
    watch::assert_quiet(&browser, demo.address);
}

#[test]
fn a_name_that_is_taken_gets_a_number_and_rooms_do_not_hear_each_other() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let tea = Tea::of(&demo, &browser);
    let second = browser.open("ada-2", &demo.url_of("ada", "tea"));
    second.expect("probe.text('#own-name')", "ada-2");
    second.expect("probe.notices()", json!(["“ada” is taken, you are “ada-2”"]));
    second.expect("probe.members()", json!(["ada", "ada-2", "bob"]));
    tea.expect("probe.members()", json!(["ada", "ada-2", "bob"]));
    let carol = browser.open("carol", &demo.url_of("carol", "coffee"));
    carol.expect("probe.members()", json!(["carol"]));
    carol.say("to whom?");
    carol.expect("probe.messages()", json!([["carol", "to whom?"]]));
    second.say("to both of you");
    tea.expect("probe.messages()", json!([["ada-2", "to both of you"]]));
    carol.say("still nobody");
    carol.expect("probe.messages()", json!([["carol", "to whom?"], ["carol", "still nobody"]]));
    watch::assert_quiet(&browser, demo.address);
}

#[test]
fn a_killed_room_closes_both_pages_with_1011_and_they_come_back_to_a_fresh_one() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let tea = Tea::of(&demo, &browser);
    tea.ada.say("before");
    tea.expect("probe.all('#log .message').map((item) => item.dataset.id)", json!(["1"]));
    let first_room = demo.node.lookup("room:tea");

    demo.node.terminate("room:tea").expect("the room lives");
    tea.expect("probe.text('#close')", json!(FAILED));
    tea.expect("probe.one('#close').dataset.code", json!("1011"));
    tea.picture("failed");
    tea.expect("probe.members()", json!(["ada", "bob"]));
    // How the last connection ended stays to be read in the next one.
    let history = json!([
        ["connecting", null, null],
        ["open", null, null],
        ["waiting", FAILED, "Reconnect now"],
        ["connecting", FAILED, null],
        ["open", FAILED, null],
    ]);
    tea.expect("probe.history", history);
    tea.expect("probe.notices().filter((text) => text.startsWith('Disc'))", json!(["Disconnected (1011)"]));
    assert_ne!(demo.node.lookup("room:tea"), first_room);
    tea.bob.say("after");
    // A fresh room counts its messages from one.
    tea.expect("probe.all('#log .message').map((item) => item.dataset.id)", json!(["1", "1"]));
    tea.expect("probe.messages()", json!([["ada", "before"], ["bob", "after"]]));
    tea.picture("back");
    watch::assert_quiet(&browser, demo.address);
}

#[test]
fn a_room_that_ends_normally_closes_with_1000_and_a_button_leads_into_a_new_one() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let tea = Tea::of(&demo, &browser);
    demo.node.cancel("room:tea", "closing time").expect("the room lives");
    tea.expect("probe.text('#close')", json!(ENDED));
    tea.expect("probe.one('#close').dataset.code", json!("1000"));
    tea.expect("probe.text('#status')", json!("Closed"));
    tea.expect("probe.text('#stale')", json!("last known"));
    tea.expect("probe.one('#send').disabled", json!(true));
    tea.expect("probe.notices().at(-1)", json!("The room has ended"));
    tea.expect("probe.text('#reconnect')", json!("Reconnect"));
    // What is typed meanwhile is not lost.
    tea.ada.say("one more cup?");
    tea.expect("probe.messages()", json!([]));
    tea.ada.picture("ended");

    tea.ada.click("#reconnect");
    tea.ada.expect("probe.members()", json!(["ada"]));
    tea.ada.expect("probe.states()", json!(["connecting", "open", "closed", "connecting", "open"]));
    tea.ada.expect("document.activeElement.id", "text");
    tea.ada.press(Key::Enter);
    tea.ada.expect("probe.messages()", json!([["ada", "one more cup?"]]));
    // A normal end is meant: nobody comes back without a click. The first reconnect would be within 2 s.
    tea.bob.expect_for(2500, "probe.states()", &json!(["connecting", "open", "closed"]));
    tea.bob.click("#reconnect");
    tea.expect("probe.members()", json!(["ada", "bob"]));
    watch::assert_quiet(&browser, demo.address);
}

#[test]
fn a_drained_node_closes_with_1012_and_the_pages_find_the_next_one() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let tea = Tea::of(&demo, &browser);
    let address = demo.address;
    demo.node.drain(Duration::from_millis(200));
    let history =
        json!([["connecting", null, null], ["open", null, null], ["waiting", RESTARTING, "Reconnect now"],]);
    tea.expect("probe.history.slice(0, 3)", history);
    tea.picture("restarting");
    demo.wait_for_end();
    // Nobody listens now.
    tea.expect("probe.text('#close')", json!(LOST));
    tea.picture("lost");

    let next = Demo::start_on(address);
    tea.expect("probe.members()", json!(["ada", "bob"]));
    tea.expect("probe.state()", json!("open"));
    tea.ada.say("the same place");
    tea.expect("probe.messages()", json!([["ada", "the same place"]]));
    // The browser itself complains of each attempt that failed.
    let attempt = format!("WebSocket connection to 'ws://{}/ws/chat?", next.address);
    let complaints = watch::complaints(&browser, address);
    assert!(!complaints.is_empty());
    for complaint in complaints {
        assert!(complaint.contains(&attempt) && complaint.contains("failed"), "{complaint}");
    }
}

#[test]
fn markup_in_names_and_messages_is_text() {
    const USER: &str = "<b>ada</b>";
    const ROOM: &str = "<img src=r onerror=hacked()>";
    let said = [
        "<img src=x onerror=\"hacked()\">",
        "<script>hacked()</script><style>*{display:none}</style>",
        "<a href='javascript:hacked()'>click</a> &lt;b&gt; &amp;",
        "</p></li></ol><h1>over</h1>",
    ];
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let ada = browser.open("ada", &demo.url_of(USER, ROOM));
    ada.expect("probe.members()", json!([USER]));
    let bob = browser.open("bob", &demo.url_of("bob", ROOM));
    let pair = Tea { ada, bob };
    pair.expect("probe.all('#members bdi').map((name) => name.textContent)", json!([USER, "bob"]));
    for text in said {
        pair.ada.say(text);
    }
    pair.expect("probe.messages()", json!(said.map(|text| [USER, text])));
    pair.expect("probe.text('#room-name')", json!(ROOM));
    pair.expect("document.title", json!(format!("{ROOM} · wsrelay chat")));
    pair.bob.expect("probe.text('.message strong')", USER);
    pair.ada.click("#leave");
    pair.ada.expect("probe.text('#left')", format!("You left “{ROOM}”."));
    pair.bob.expect("probe.notices()", json!(["You joined", format!("{USER} left")]));
    // No element came out of any of it.
    pair.expect("probe.all('main img, main script, main style, main h1, main b, #log a').length", json!(0));
    pair.bob.picture("markup");
    watch::assert_quiet(&browser, demo.address);
}

#[test]
fn the_page_fits_narrow_and_dark_screens() {
    const OVERFLOW: &str = "document.documentElement.scrollWidth - innerWidth";
    const IS_AT_END: &str = "probe.below('#scroll') <= 1";
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let tea = Tea::of(&demo, &browser);
    tea.ada.emulate(320, 560, "dark");
    tea.bob.emulate(1000, 700, "dark");
    tea.ada.say(&"unbreakable".repeat(20));
    tea.bob.say("short");
    tea.expect("probe.all('#log .message').length", json!(2));
    tea.expect(OVERFLOW, json!(0));
    tea.ada.wait_for_frames();
    tea.ada.expect(IS_AT_END, true);
    tea.picture("dark");
    demo.node.cancel("room:tea", "closing time").expect("the room lives");
    tea.expect("probe.text('#close')", json!(ENDED));
    tea.expect(OVERFLOW, json!(0));
    // The words above the log take room from it, and its end stays in view.
    tea.ada.wait_for_frames();
    tea.ada.expect(IS_AT_END, true);
    tea.picture("dark-ended");
    // A click finds the button: nothing lies on it.
    tea.ada.click("#reconnect");
    tea.bob.click("#reconnect");
    tea.expect("probe.members()", json!(["ada", "bob"]));
    watch::assert_quiet(&browser, demo.address);
}

#[test]
fn the_watch_notices_what_the_other_tests_rely_on_it_for() {
    let Some(browser) = Browser::start() else { return };
    let demo = Demo::start();
    let ada = browser.open("ada", &demo.url());
    watch::assert_quiet(&browser, demo.address);
    // Another address of the same machine: nothing leaves it, whatever the policy lets pass.
    ada.evaluate("fetch('http://127.0.0.2:9/').catch(() => null).then(() => null)");
    ada.evaluate("probe.one('body').append(Object.assign(new Image(), { src: 'http://127.0.0.2:9/' }))");
    ada.evaluate("console.error('of the page')");
    ada.evaluate("new Promise((done) => setTimeout(() => { setTimeout(done); throw Error('thrown'); }))");
    let complaints = watch::complaints(&browser, demo.address);
    for word in ["Content Security Policy", "connect-src", "img-src", "of the page", "thrown"] {
        assert!(complaints.iter().any(|complaint| complaint.contains(word)), "{word}: {complaints:#?}");
    }
}
