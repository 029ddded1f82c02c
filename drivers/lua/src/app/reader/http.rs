//! `http.service`, `http.router`, `http.endpoint`, `http.static` and `fs.directory`.

use super::Reader;
use crate::app::entry::Entry;
use crate::app::fields::{Fields, expected_found, scalar};
use crate::app::files::join;
use crate::app::finding::{Finding, Place};
use crate::app::kinds::Kind;
use crate::app::model::{Endpoint, EntryId, Options, Router, Server, Static};
use crate::app::pattern;
use std::path::PathBuf;

const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"];

impl Reader<'_> {
    pub(super) fn server(&mut self, entry: &Entry, fields: &mut Fields<'_>) {
        const ADDRESS: &str = "`host:port` or `:port`";
        let addr = self.required(entry, fields, "addr", ADDRESS);
        if let Some((addr, _)) = addr
            && let Some(node) = fields.get("addr")
            && !is_address(addr)
        {
            fields.wrong::<()>("addr", node, ADDRESS, &mut self.out);
        }
        let (mut read, mut write, mut idle) = (None, None, None);
        if let Some(mut timeouts) = fields.map("timeouts", &mut self.out) {
            read = timeouts.duration("read", &mut self.out).filter(|time| !time.is_zero());
            write = timeouts.duration("write", &mut self.out).filter(|time| !time.is_zero());
            idle = timeouts.duration("idle", &mut self.out).filter(|time| !time.is_zero());
            timeouts.finish("`timeouts`", &mut self.out);
        }
        // The original's mailbox between clients and processes; there is none here, but its keys are no mistake.
        if let Some(mut host) = fields.map("host", &mut self.out) {
            host.whole("buffer_size", 0..=u32::MAX, &mut self.out);
            host.whole("worker_count", 0..=u32::MAX, &mut self.out);
            host.finish("`host`", &mut self.out);
        }
        fields.unsupported("network", &mut self.out);
        fields.unsupported("tls", &mut self.out);
        let written = fields.member("lifecycle").and_then(|member| member.value.members());
        let auto_start = written.and_then(|members| crate::app::yaml::find(members, "auto_start"));
        let lifecycle = self.lifecycle(entry, fields);
        if let Some(member) = auto_start.filter(|_| !lifecycle.auto_start) {
            let message =
                "`lifecycle.auto_start` has no effect here: a server listens as long as the application runs";
            self.out.push(Finding::warning(&member.place, message));
        }
        if let Some((addr, _)) = addr {
            self.app.servers.push(Server {
                id: entry.id.clone(),
                place: entry.place.clone(),
                addr: addr.to_owned(),
                read_timeout: read,
                write_timeout: write,
                idle_timeout: idle,
                lifecycle,
            });
        }
    }

    pub(super) fn router(&mut self, entry: &Entry, fields: &mut Fields<'_>) {
        let server = self.meta_server(entry);
        let prefix = fields.text("prefix", "a path", &mut self.out);
        let prefix = self.pattern("prefix", prefix.unwrap_or(("", &entry.place)), pattern::router_prefix);
        let middleware = fields.texts("middleware", &mut self.out);
        let options = fields.options("options", &mut self.out);
        let post_middleware = fields.texts("post_middleware", &mut self.out);
        let post_options = fields.options("post_options", &mut self.out);
        if let Some(prefix) = prefix {
            self.app.routers.push(Router {
                id: entry.id.clone(),
                place: entry.place.clone(),
                server,
                prefix,
                middleware,
                options,
                post_middleware,
                post_options,
            });
        }
    }

    pub(super) fn endpoint(&mut self, entry: &Entry, fields: &mut Fields<'_>) {
        let router = self.endpoint_router(entry, fields);
        let expected = format!("one of {}", METHODS.join(" "));
        let method = self.required(entry, fields, "method", &expected).map(|(method, _)| method);
        let method = method.map(str::to_ascii_uppercase).filter(|method| {
            let is_one = METHODS.contains(&method.as_str());
            if let (false, Some(node)) = (is_one, fields.get("method")) {
                fields.wrong::<()>("method", node, &expected, &mut self.out);
            }
            is_one
        });
        let path = self.required(entry, fields, "path", "a path that begins with `/`");
        let path = path.and_then(|path| self.pattern("path", path, pattern::endpoint_path));
        let function = self.reference(entry, fields, "func", &[Kind::Function]);
        if let (Some(router), Some(method), Some(path), Some(function)) = (router, method, path, function) {
            let (id, place) = (entry.id.clone(), entry.place.clone());
            self.app.endpoints.push(Endpoint { id, place, router, method, path, function });
        }
    }

    /// `meta.router`, else `router`, else the only one there is.
    fn endpoint_router(&mut self, entry: &Entry, fields: &mut Fields<'_>) -> Option<EntryId> {
        let beside = fields.get("router");
        if crate::app::yaml::find(&entry.meta, "router").is_some_and(|member| !member.value.is_null()) {
            return self.meta_reference(entry, "router", &[Kind::Router]);
        }
        if let Some(node) = beside {
            return self.follow(entry, "router", node, &[Kind::Router]);
        }
        match self.index.sole(Kind::Router) {
            Ok(id) => Some(id.clone()),
            Err(count) => {
                let message = format!(
                    "{} has no `meta.router`, and the application has {count} routers",
                    entry.called()
                );
                self.out.push(Finding::error(&entry.place, message));
                None
            }
        }
    }

    pub(super) fn statics(&mut self, entry: &Entry, fields: &mut Fields<'_>) {
        let server = self.meta_server(entry);
        let path = self.required(entry, fields, "path", "a path that begins with `/`");
        let path = path.and_then(|path| self.pattern("path", path, pattern::static_path));
        let folder = self.static_folder(entry, fields);
        let middleware = fields.texts("middleware", &mut self.out);
        let mut options = fields.options("options", &mut self.out);
        let own = StaticOptions::read(fields, &mut options, &mut self.out);
        if let (Some(path), Some(folder)) = (path, folder) {
            self.app.statics.push(Static {
                id: entry.id.clone(),
                place: entry.place.clone(),
                server,
                path,
                folder,
                spa: own.spa,
                index: own.index.unwrap_or_else(|| "index.html".to_owned()),
                cache: own.cache,
                middleware,
                options,
            });
        }
    }

    /// The folder on disk: `directory` within that of the `fs`.
    fn static_folder(&mut self, entry: &Entry, fields: &mut Fields<'_>) -> Option<PathBuf> {
        let within = fields.text("directory", "a folder", &mut self.out);
        let fs = self.reference(entry, fields, "fs", &[Kind::Folder])?;
        let folder = self.folders.get(&fs)?;
        let Some((within, place)) = within else { return Some(folder.clone()) };
        match join("", within.trim_start_matches('/')) {
            Some(within) if within.is_empty() => Some(folder.clone()),
            Some(within) => Some(folder.join(within)),
            None => {
                let message = format!("`directory`: `{within}` leads out of `{fs}`");
                self.out.push(Finding::error(place, message));
                None
            }
        }
    }

    pub(super) fn folder(&mut self, entry: &Entry, fields: &mut Fields<'_>) {
        let directory = self.required(entry, fields, "directory", "a folder");
        let auto_init = fields.boolean("auto_init", &mut self.out).unwrap_or(false);
        // The permissions of files that the original would write.
        fields.get("mode");
        let Some((directory, place)) = directory else { return };
        let path: PathBuf = self.app.root.join(directory).components().collect();
        // With `auto_init` the original makes the folder. Whatever may come into it later can then be served.
        if !auto_init && !(self.is_folder)(&path) {
            self.out.push(Finding::error(place, format!("`directory`: there is no folder `{directory}`")));
            return;
        }
        self.folders.insert(entry.id.clone(), path);
    }

    /// The entry's server. Where that is none, its own name, which no server has: what else is wrong with it is told all the same.
    fn meta_server(&mut self, entry: &Entry) -> EntryId {
        if crate::app::yaml::find(&entry.meta, "server").is_none_or(|member| member.value.is_null()) {
            self.missing(entry, "meta.server");
        }
        self.meta_reference(entry, "server", &[Kind::Server]).unwrap_or_else(|| entry.id.clone())
    }

    fn pattern(
        &mut self,
        key: &str,
        (text, place): (&str, &Place),
        read: fn(&str) -> Result<String, String>,
    ) -> Option<String> {
        match read(text) {
            Ok(path) => Some(path),
            Err(fault) => {
                self.out.push(Finding::error(place, format!("`{key}`: `{text}` {fault}")));
                None
            }
        }
    }
}

/// `static_options`, or the same keys among the `options`, where older files have them.
#[derive(Default)]
struct StaticOptions {
    spa: bool,
    index: Option<String>,
    cache: Option<String>,
}

impl StaticOptions {
    fn read(fields: &mut Fields<'_>, options: &mut Options, out: &mut Vec<Finding>) -> Self {
        let mut read = Self::default();
        if let Some((spa, place)) = options.remove("spa") {
            match spa.as_str() {
                "true" => read.spa = true,
                "false" => {}
                _ => {
                    let message = format!("`options.spa`: expected true or false, found the text `{spa}`");
                    out.push(Finding::error(&place, message));
                }
            }
        }
        read.index = options.remove("index").map(|(index, _)| index);
        read.cache = options.remove("cache").map(|(cache, _)| cache);
        if let Some(mut own) = fields.map("static_options", out) {
            read.spa = own.boolean("spa", out).unwrap_or(read.spa);
            if let Some((index, _)) = own.text("index", "the name of a file", out) {
                read.index = Some(index.to_owned());
            }
            if let Some(node) = own.get("cache") {
                match scalar(node) {
                    Some(cache) => read.cache = Some(cache),
                    None => out.push(expected_found("static_options.cache", node, "a `Cache-Control`")),
                }
            }
            own.finish("`static_options`", out);
        }
        read
    }
}

/// Whether this is `host:port` or `:port`. A name is not looked up.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let good_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let good_host = match host.strip_prefix('[').and_then(|behind| behind.strip_suffix(']')) {
        Some(inside) => inside.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')),
    };
    good_host && good_port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_perhaps_a_host() {
        for good in [":8080", "127.0.0.1:80", "localhost:0", "[::1]:8080", "a-b.example:65535"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "8080", "localhost", ":", ":x", ":65536", ":+80", "::1:80", "a b:80", "[x]:80"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
