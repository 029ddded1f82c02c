//! An application in a folder of its own for each test, and clients to it.

mod client;
mod witness;

pub(crate) use client::{Client, Got, get, request};
pub(crate) use witness::Witness;

use serde_json::Value as Json;
use smol::Timer;
use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wsrelay_core::message::Foreign as _;
use wsrelay_lua::runtime::HubOptions;
use wsrelay_lua::vm::Values;
use wsrelay_lua::{Instance, check};
use wsrelay_smol::{Node, NodeOptions, Runtime};

/// The longest wait for anything. Only a failing test gets there.
const PATIENCE: Duration = Duration::from_secs(30);

/// Awaits what has to come, and fails in words when it does not.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let late = async {
        Timer::after(PATIENCE).await;
        panic!("waited {PATIENCE:?} in vain for {what}")
    };
    smol::future::or(future, late).await
}

/// What comes, unless nothing does: for what must not come. A test that passes waits this long.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> Option<T> {
    let quiet = async {
        Timer::after(Duration::from_millis(150)).await;
        None
    };
    smol::future::or(async { Some(future.await) }, quiet).await
}

/// A folder that is gone when the test is.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wsrelay-lua-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let folder = Self(path);
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

/// A running application.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) runtime: Runtime,
    pub(crate) node: Node,
    pub(crate) instance: Instance,
}

/// Short enough for a test that uses all of it, and long enough for all others.
pub(crate) fn options() -> HubOptions {
    HubOptions { workers: 2, budget: 5_000_000, memory_bytes_max: 4 * 1024 * 1024, ..HubOptions::default() }
}

impl World {
    pub(crate) fn start(files: &[(&str, &str)]) -> Self {
        Self::with_options(files, options())
    }

    pub(crate) fn with_options(files: &[(&str, &str)], options: HubOptions) -> Self {
        Self::after(files, options, |_| ()).0
    }

    /// With a witness that is there before anything of the application starts.
    pub(crate) fn with_witness(files: &[(&str, &str)]) -> (Self, Witness) {
        Self::after(files, options(), Witness::new)
    }

    fn after<T>(files: &[(&str, &str)], options: HubOptions, first: impl FnOnce(&Node) -> T) -> (Self, T) {
        let folder = Folder::new(files);
        let runtime = Runtime::start(2).unwrap();
        let node = runtime.node(NodeOptions::default());
        let first = first(&node);
        let checked = check(folder.path());
        assert!(!checked.has_errors(), "{:#?}", checked.findings);
        let instance = runtime.block_on(Instance::start(checked, &node, options)).unwrap();
        (Self { folder, runtime, node, instance }, first)
    }

    /// An application of nothing but processes: `app:main`, and others by their names.
    pub(crate) fn of_processes(main: &str, others: &[(&str, &str)]) -> Self {
        let mut yaml = String::from(
            "version: '1.0'\nnamespace: app\nentries:\n  - name: processes\n    kind: process.host\n    lifecycle:\n      auto_start: true\n",
        );
        let modules = "[time, json, logger, uuid, base64, events, websocket, errors, channel]";
        let mut files = Vec::new();
        for (name, source) in [("main", main)].iter().chain(others) {
            yaml.push_str(&format!(
                "  - name: {name}\n    kind: process.lua\n    source: file://{name}.lua\n    method: main\n    modules: {modules}\n"
            ));
            files.push((format!("{name}.lua"), (*source).to_owned()));
        }
        files.push(("_index.yaml".to_owned(), yaml));
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
        Self::start(&files)
    }

    /// Runs `app:main` to its end.
    pub(crate) fn exec(&self, arguments: &[Json]) -> Result<Json, String> {
        let arguments = Values::from_json(arguments);
        let result = self.instance.hub().exec("app:main", "app:processes", arguments);
        let result = self.runtime.block_on(within("the end of app:main", result));
        result.map(|values| values.to_json()).map_err(|error| error.to_string())
    }

    /// Ready when no process of it runs any more.
    pub(crate) async fn quiet(&self) {
        let quiet = async {
            while !self.instance.hub().running().is_empty() {
                smol::future::yield_now().await;
            }
        };
        within("the end of all processes", quiet).await;
    }

    /// Where its only server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.instance.addresses().next().expect("a server").1
    }
}

/// Runs a process to its end, in an application of its own: `main` is the body of its function.
pub(crate) fn run(main: &str) -> Result<Json, String> {
    run_with(main, &[])
}

/// The same beside other processes.
pub(crate) fn run_with(main: &str, others: &[(&str, &str)]) -> Result<Json, String> {
    let body = |source: &str| format!("local function main(...)\n{source}\nend\nreturn {{ main = main }}\n");
    let others: Vec<_> = others.iter().map(|(name, source)| (*name, body(source))).collect();
    let others: Vec<_> = others.iter().map(|(name, source)| (*name, &**source)).collect();
    World::of_processes(&body(main), &others).exec(&[])
}
