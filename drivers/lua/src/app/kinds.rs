//! The kinds of entries: those that are read, and those of the original runtime that are not.

use super::suggest::did_you_mean;

/// A kind that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// `http.service`.
    Server,
    /// `http.router`.
    Router,
    /// `http.endpoint`.
    Endpoint,
    /// `http.static`.
    Static,
    /// `fs.directory`.
    Folder,
    /// `function.lua`.
    Function,
    /// `process.lua`.
    Process,
    /// `library.lua`.
    Library,
    /// `process.host`.
    Host,
    /// `process.service`.
    Service,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Server,
        Self::Router,
        Self::Endpoint,
        Self::Static,
        Self::Folder,
        Self::Function,
        Self::Process,
        Self::Library,
        Self::Host,
        Self::Service,
    ];

    /// The kind of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Server => "http.service",
            Self::Router => "http.router",
            Self::Endpoint => "http.endpoint",
            Self::Static => "http.static",
            Self::Folder => "fs.directory",
            Self::Function => "function.lua",
            Self::Process => "process.lua",
            Self::Library => "library.lua",
            Self::Host => "process.host",
            Self::Service => "process.service",
        }
    }
}

/// Kinds of the original runtime that are not read.
const ABSENT: [&str; 12] = [
    "events",
    "fs.embed",
    "function.lua.bc",
    "function.wasm",
    "library.lua.bc",
    "process.lua.bc",
    "process.wasm",
    "registry.entry",
    "terminal.host",
    "tests.suite",
    "workflow.lua",
    "workflow.lua.bc",
];

/// Families of such kinds.
const ABSENT_FAMILIES: [&str; 17] = [
    "cache.",
    "cloudstorage.",
    "config.",
    "contract.",
    "db.",
    "env.",
    "exec.",
    "metrics.",
    "ns.",
    "otel.",
    "queue.",
    "security.",
    "store.",
    "template.",
    "temporal.",
    "treesitter.",
    "view.",
];

/// Why an entry of a kind that is not [`Kind`] is passed over.
pub(super) fn passed_over(name: &str) -> String {
    if ABSENT.contains(&name) || ABSENT_FAMILIES.iter().any(|family| name.starts_with(family)) {
        return format!("kind `{name}` is not supported, ignored");
    }
    let near = did_you_mean(name, Kind::ALL.iter().map(|kind| kind.name()).chain(ABSENT));
    format!("unknown kind `{name}`, ignored{near}")
}
