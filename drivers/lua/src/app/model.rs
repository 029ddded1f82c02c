//! What an application consists of, once it has been read and checked.

use super::finding::Place;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The name of an entry, `namespace:name`, such as `app.ws:handler`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(Arc<str>);

impl EntryId {
    /// The entry `name` of `namespace`.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self(Arc::from(format!("{namespace}:{name}")))
    }

    /// Reads a reference from an entry of `namespace`: what has no colon is a name in that namespace.
    #[must_use]
    pub fn resolve(namespace: &str, text: &str) -> Self {
        if text.contains(':') { Self(Arc::from(text)) } else { Self::new(namespace, text) }
    }

    /// The whole of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is before the first colon.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.0.split_once(':').map_or("", |(namespace, _)| namespace)
    }

    /// What is behind it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once(':').map_or(&*self.0, |(_, name)| name)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A whole application.
#[derive(Clone, Debug, Default)]
pub struct Application {
    /// Its folder.
    pub root: PathBuf,
    /// `http.service`: what listens.
    pub servers: Vec<Server>,
    /// `http.router`.
    pub routers: Vec<Router>,
    /// `http.endpoint`.
    pub endpoints: Vec<Endpoint>,
    /// `http.static`.
    pub statics: Vec<Static>,
    /// `function.lua`, `process.lua` and `library.lua`.
    pub code: BTreeMap<EntryId, Arc<Code>>,
    /// `process.host`.
    pub hosts: BTreeMap<EntryId, ProcessHost>,
    /// `process.service`.
    pub services: Vec<Service>,
}

/// `http.service`.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name.
    pub id: EntryId,
    /// Where it stands.
    pub place: Place,
    /// Where it listens, as written: `:8080`, `127.0.0.1:8080`, `[::1]:8080`.
    pub addr: String,
    /// `timeouts.read`; off when zero or absent.
    pub read_timeout: Option<Duration>,
    /// `timeouts.write`.
    pub write_timeout: Option<Duration>,
    /// `timeouts.idle`.
    pub idle_timeout: Option<Duration>,
    /// When it starts and stops.
    pub lifecycle: Lifecycle,
}

/// Options of middleware: each name with its value, as text, and where it stands.
pub type Options = BTreeMap<String, (String, Place)>;

/// `http.router`.
#[derive(Clone, Debug)]
pub struct Router {
    /// Its name.
    pub id: EntryId,
    /// Where it stands.
    pub place: Place,
    /// `meta.server`, resolved.
    pub server: EntryId,
    /// What all its paths begin with, without a slash at the end.
    pub prefix: String,
    /// `middleware`, from the outside in, each with its place.
    pub middleware: Vec<(String, Place)>,
    /// `options`.
    pub options: Options,
    /// `post_middleware`, inside of `middleware`.
    pub post_middleware: Vec<(String, Place)>,
    /// `post_options`.
    pub post_options: Options,
}

/// `http.endpoint`.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name.
    pub id: EntryId,
    /// Where it stands.
    pub place: Place,
    /// `meta.router`, else `router`, else the only router there is.
    pub router: EntryId,
    /// The method, in capitals.
    pub method: String,
    /// The path below the router's prefix, which begins with a slash: `/users/{id}`, `/files/{path...}`.
    pub path: String,
    /// `func`: the function that answers.
    pub function: EntryId,
}

/// `http.static`.
#[derive(Clone, Debug)]
pub struct Static {
    /// Its name.
    pub id: EntryId,
    /// Where it stands.
    pub place: Place,
    /// `meta.server`, resolved.
    pub server: EntryId,
    /// The path that it serves, with all below.
    pub path: String,
    /// The folder on disk, absolute, from `fs` (an `fs.directory`) and `directory`.
    pub folder: PathBuf,
    /// Whether paths that lead to no file get the index: `static_options.spa`.
    pub spa: bool,
    /// The file that stands for a folder: `static_options.index`, by default `index.html`.
    pub index: String,
    /// `Cache-Control`: `static_options.cache`.
    pub cache: Option<String>,
    /// `middleware`.
    pub middleware: Vec<(String, Place)>,
    /// `options`.
    pub options: Options,
}

/// What kind of code an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodeKind {
    /// `function.lua`: called for a request.
    Function,
    /// `process.lua`: spawned.
    Process,
    /// `library.lua`: imported by others.
    Library,
}

/// `function.lua`, `process.lua` or `library.lua`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Its name.
    pub id: EntryId,
    /// Where the entry stands.
    pub place: Place,
    /// What it is for.
    pub kind: CodeKind,
    /// The source itself.
    pub source: Arc<str>,
    /// Where the source begins: its own file at line 1 for `file://`, or the line in the YAML file.
    pub source_place: Place,
    /// The function of the returned table that is called. Empty for a library.
    pub method: String,
    /// `modules`: what it may `require`, each with its place.
    pub modules: Vec<(String, Place)>,
    /// `imports`: libraries by the name that they have in this source.
    pub imports: Vec<(String, EntryId, Place)>,
    /// `meta`, the file's merged under the entry's.
    pub meta: Value,
}

/// `process.host`.
#[derive(Clone, Debug)]
pub struct ProcessHost {
    /// Its name.
    pub id: EntryId,
    /// Where it stands.
    pub place: Place,
    /// `host.workers`; as many as there are cores when absent.
    pub workers: Option<usize>,
    /// When it starts and stops.
    pub lifecycle: Lifecycle,
}

/// `process.service`: a process that is kept alive.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its name.
    pub id: EntryId,
    /// Where it stands.
    pub place: Place,
    /// `process`, resolved.
    pub process: EntryId,
    /// `host`, resolved.
    pub host: EntryId,
    /// `input`: its arguments.
    pub input: Vec<Value>,
    /// When it starts, stops and starts again.
    pub lifecycle: Lifecycle,
}

impl Service {
    /// Whether it is the same, wherever it stands.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Self { place: other.place.clone(), ..self.clone() } == *other
    }
}

/// `lifecycle`.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifecycle {
    /// `auto_start`, by default false; the specification's own examples leave it out for servers and hosts, which start
    /// all the same.
    pub auto_start: bool,
    /// `start_timeout`, by default 10 s.
    pub start_timeout: Duration,
    /// `stop_timeout`, by default 10 s.
    pub stop_timeout: Duration,
    /// `stable_threshold`, by default 5 s: how long a service has to live for its failures to be forgotten.
    pub stable_threshold: Duration,
    /// `requires` and `depends_on` together, resolved.
    pub requires: Vec<EntryId>,
    /// `restart`.
    pub restart: Restart,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            auto_start: false,
            start_timeout: Duration::from_secs(10),
            stop_timeout: Duration::from_secs(10),
            stable_threshold: Duration::from_secs(5),
            requires: Vec::new(),
            restart: Restart::default(),
        }
    }
}

/// `lifecycle.restart`: how a service that failed is started again.
#[derive(Clone, Debug, PartialEq)]
pub struct Restart {
    /// `initial_delay`, or `delay`; by default 1 s.
    pub initial_delay: Duration,
    /// `max_delay`, by default 90 s.
    pub max_delay: Duration,
    /// `backoff_factor`, by default 2: the delay before the n-th restart is `initial_delay * factor^(n-1)`.
    pub backoff_factor: f64,
    /// `jitter`, by default 0.1: the delay varies by this part of itself.
    pub jitter: f64,
    /// `max_attempts`: starts, the first among them; by default 0, which is no bound.
    pub max_attempts: u32,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            initial_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(90),
            backoff_factor: 2.0,
            jitter: 0.1,
            max_attempts: 0,
        }
    }
}
