//! The modules that a source may name in `modules:`.

use super::suggest::did_you_mean;

/// What is there: the globals first, which need no `require` but may be listed, then what has to be listed.
pub const AVAILABLE_MODULES: [&str; 20] = [
    "process",
    "channel",
    "payload",
    "print",
    "subscribe",
    "unsubscribe",
    "os",
    "table",
    "math",
    "string",
    "coroutine",
    "errors",
    "time",
    "http",
    "json",
    "logger",
    "uuid",
    "base64",
    "websocket",
    "events",
];

/// What programs for the original runtime may list, and what is not here.
const ABSENT_MODULES: [&str; 34] = [
    "btea",
    "cloudstorage",
    "compress",
    "contract",
    "crypto",
    "ctx",
    "env",
    "eval",
    "excel",
    "exec",
    "expr",
    "fs",
    "funcs",
    "git",
    "hash",
    "html",
    "http_client",
    "io",
    "loader",
    "metrics",
    "otel",
    "ostype",
    "queue",
    "registry",
    "security",
    "sql",
    "store",
    "stream",
    "system",
    "template",
    "text",
    "treesitter",
    "websocket2",
    "yaml",
];

/// What is wrong with naming this module, if anything.
pub(super) fn module_fault(name: &str) -> Option<String> {
    if AVAILABLE_MODULES.contains(&name) {
        None
    } else if ABSENT_MODULES.contains(&name) {
        Some(format!("module `{name}` is not available here"))
    } else {
        Some(format!("there is no module `{name}`{}", did_you_mean(name, AVAILABLE_MODULES)))
    }
}
