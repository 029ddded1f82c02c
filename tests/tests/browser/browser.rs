//! A headless Chromium of the test's own, gone when the test is over.

use crate::cdp::Cdp;
use crate::page::Page;
use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{env, fs, io, process, thread};

const COMMANDS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// A fresh profile, nobody asked anything, and no request that no page has made.
const ARGUMENTS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--window-size=1000,700",
];
/// Time to start on a machine that is busy with other tests.
const START_MAX: Duration = Duration::from_secs(40);
/// Time for the helpers of a killed browser to notice.
const END_MAX: Duration = Duration::from_secs(5);

/// A running browser. Dropping it kills it and removes its profile.
pub(crate) struct Browser {
    child: Child,
    profile: PathBuf,
    /// What it writes to its standard error. Ends when the last of its processes has ended.
    lines: Receiver<String>,
    cdp: Option<RefCell<Cdp>>,
}

impl Browser {
    /// Starts the Chromium of this machine. Where there is none, a test has nothing to say and passes;
    /// but not in CI, where that would go unnoticed.
    pub(crate) fn start() -> Option<Self> {
        let Some(command) = find() else {
            assert!(env::var_os("CI").is_none(), "no Chromium among {COMMANDS:?} and in $CHROMIUM");
            // Past the capturing of the test's output, for everybody to see.
            _ = writeln!(io::stderr(), "skipped: no Chromium");
            return None;
        };
        let profile = fresh_directory();
        let mut child = Command::new(&command)
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            // What a killed browser leaves behind is removed with its profile.
            .env("TMPDIR", &profile)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Chromium starts");
        let stderr = child.stderr.take().expect("its standard error is a pipe");
        let (sender, lines) = mpsc::channel();
        // Reads to the end, whoever listens: a full pipe would stop the browser.
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                _ = sender.send(line);
            }
        });
        let mut browser = Self { child, profile, lines, cdp: None };
        let cdp = Cdp::connect(&browser.wait_for_url());
        browser.cdp = Some(RefCell::new(cdp));
        Some(browser)
    }

    /// The `DevTools` of the browser.
    pub(crate) fn cdp(&self) -> &RefCell<Cdp> {
        self.cdp.as_ref().expect("connected since the start")
    }

    /// Opens a page of its own window. `name` is what failures and pictures call it.
    pub(crate) fn open(&self, name: &'static str, url: &str) -> Page<'_> {
        Page::open(self, name, url)
    }

    fn wait_for_url(&self) -> String {
        let mut others = Vec::new();
        loop {
            match self.lines.recv_timeout(START_MAX) {
                Ok(line) => match line.strip_prefix("DevTools listening on ") {
                    Some(url) => return url.trim().to_owned(),
                    None => others.push(line),
                },
                Err(fault) => panic!("Chromium has no DevTools ({fault}):\n{}", others.join("\n")),
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
        // Its helpers write to the profile until they end; their standard error is the same pipe.
        while self.lines.recv_timeout(END_MAX).is_ok() {}
        if let Err(error) = fs::remove_dir_all(&self.profile) {
            _ = writeln!(io::stderr(), "{} is left: {error}", self.profile.display());
        }
    }
}

/// `$CHROMIUM`, or the first of the usual commands that is in `$PATH`.
fn find() -> Option<PathBuf> {
    if let Some(chromium) = env::var_os("CHROMIUM") {
        return Some(chromium.into());
    }
    let path = env::var_os("PATH")?;
    COMMANDS
        .iter()
        .flat_map(|command| env::split_paths(&path).map(move |directory| directory.join(command)))
        .find(|file| file.is_file())
}

fn fresh_directory() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory = env::temp_dir().join(format!("wsrelay-browser-{}-{number}", process::id()));
    fs::create_dir(&directory).expect("a directory for the profile");
    directory
}
