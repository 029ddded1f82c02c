//! Static files: a folder of the disk, as it is seen from outside.
//!
//! A path is looked up segment by segment, and what is found has to lie in the folder still after all symbolic links
//! were followed. Names that begin with a dot are not there.

use super::media::content_type;
use super::path::Path;
use crate::app::{Finding, model::Static};
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Component, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use wsrelay_core::upgrade::{Headers, Request, Response};

/// A folder that is served.
#[derive(Clone, Debug)]
pub(super) struct Mount {
    folder: PathBuf,
    spa: bool,
    index: String,
    cache: Option<String>,
}

/// The largest file that is served: each is held in memory while it is sent.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl Mount {
    pub(super) fn build(entry: &Static, findings: &mut Vec<Finding>) -> Self {
        if entry.index.is_empty() || !is_visible(&entry.index) {
            let message = format!("index `{}` is not the name of a file that is served", entry.index);
            findings.push(Finding::error(&entry.place, message));
        }
        if entry.cache.as_ref().is_some_and(|cache| cache.contains(|c: char| c.is_control())) {
            findings.push(Finding::error(
                &entry.place,
                "cache is not a value of a header: it has control characters",
            ));
        }
        Self {
            folder: entry.folder.clone(),
            spa: entry.spa,
            index: entry.index.clone(),
            cache: entry.cache.clone(),
        }
    }

    /// Answers a GET or HEAD for the path below the first `skipped` segments of `path`.
    pub(super) async fn answer(&self, request: &Request, path: &Path, skipped: usize) -> Response {
        let mount = self.clone();
        let query = Query {
            segments: path.segments.get(skipped..).unwrap_or_default().to_vec(),
            slash: path.slash,
            is_head: request.method == "HEAD",
            raw: request.target.clone(),
            headers: request.headers.clone(),
        };
        smol::unblock(move || mount.look_up(&query)).await
    }

    fn look_up(&self, query: &Query) -> Response {
        match self.find(query) {
            Found::File(file) => self.serve(&file, query),
            Found::Folder => redirect_to_folder(&query.raw),
            Found::Hidden => not_found(),
            Found::Nothing if self.spa => match self.resolve(std::slice::from_ref(&self.index)) {
                Some((file, metadata)) if metadata.is_file() => self.serve(&file, query),
                Some(_) | None => not_found(),
            },
            Found::Nothing => not_found(),
        }
    }

    fn find(&self, query: &Query) -> Found {
        if query.segments.iter().any(|segment| !is_visible(segment)) {
            return Found::Hidden;
        }
        match self.resolve(&query.segments) {
            Some((file, metadata)) if metadata.is_file() && !query.slash => Found::File(file),
            Some((_, metadata)) if metadata.is_dir() => {
                let mut segments = query.segments.clone();
                segments.push(self.index.clone());
                match self.resolve(&segments) {
                    // Without the slash, what the page refers to would be looked for beside the folder.
                    Some((_, metadata)) if metadata.is_file() && !query.slash => Found::Folder,
                    Some((file, metadata)) if metadata.is_file() => Found::File(file),
                    Some(_) | None => Found::Nothing,
                }
            }
            Some(_) | None => Found::Nothing,
        }
    }

    /// The file behind visible names, if it lies in the folder and is visible there, too.
    fn resolve(&self, segments: &[String]) -> Option<(PathBuf, Metadata)> {
        let root = fs::canonicalize(&self.folder).ok()?;
        let file = fs::canonicalize(root.join(segments.iter().collect::<PathBuf>())).ok()?;
        let below = file.strip_prefix(&root).ok()?;
        let is_visible = below.components().all(|component| match component {
            Component::Normal(name) => name.to_str().is_some_and(is_visible),
            Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => false,
        });
        let metadata = if is_visible { fs::metadata(&file).ok()? } else { return None };
        Some((file, metadata))
    }

    fn serve(&self, path: &std::path::Path, query: &Query) -> Response {
        // What cannot be read is not there; the log says more.
        let opened = File::open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
        let (file, metadata) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a file could not be opened");
                return not_found();
            }
        };
        let mut response = Response::new(200);
        let modified = metadata.modified().ok();
        response.headers.set("ETag", entity_tag(&metadata, modified));
        if let Some(date) = modified.and_then(http_date) {
            response.headers.set("Last-Modified", date);
        }
        if let Some(cache) = &self.cache {
            response.headers.set("Cache-Control", cache.clone());
        }
        if is_unchanged(&query.headers, &response.headers, modified) {
            response.status = 304;
            return response;
        }
        // Also for HEAD, which says what GET would.
        if metadata.len() > FILE_BYTES_MAX {
            return too_large(path);
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        response.headers.set("Content-Type", content_type(name));
        // The type is told; a browser that guesses would run what is no script.
        response.headers.set("X-Content-Type-Options", "nosniff");
        if query.is_head {
            return response;
        }
        match read(file) {
            Ok(Some(body)) => {
                response.body = body.into();
                response
            }
            Ok(None) => too_large(path),
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "a file could not be read");
                Response::text(500, "file could not be read")
            }
        }
    }
}

fn too_large(path: &std::path::Path) -> Response {
    tracing::error!(path = %path.display(), "a file is over 64 MiB and was not served");
    Response::text(500, "file too large")
}

/// The whole file, unless it has become too long since it was measured.
fn read(file: File) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut body)?;
    Ok((body.len() as u64 <= FILE_BYTES_MAX).then_some(body))
}

/// What of a request a lookup on another thread needs.
struct Query {
    segments: Vec<String>,
    slash: bool,
    is_head: bool,
    raw: String,
    headers: Headers,
}

enum Found {
    File(PathBuf),
    /// A folder that has an index, asked for without the slash.
    Folder,
    /// A name that nobody may ask for.
    Hidden,
    Nothing,
}

fn is_visible(name: &str) -> bool {
    // A colon would be a drive, or a stream of a file, where there are such things.
    !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0'])
}

pub(super) fn not_found() -> Response {
    Response::text(404, "not found")
}

/// Sends the client to the same path with a slash at its end.
pub(super) fn redirect_to_folder(target: &str) -> Response {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    // The path was read before it came here: it begins with one slash, and has neither a second one nor a backslash
    // behind it. So it is a path to whoever reads it, and not another server.
    let location = match query {
        Some(query) => format!("{path}/?{query}"),
        None => format!("{path}/"),
    };
    Response::new(301).header("Location", location)
}

/// A weak tag (RFC 9110 §8.8.3): two versions in one tick of the file system's clock have the same.
fn entity_tag(metadata: &Metadata, modified: Option<SystemTime>) -> String {
    let nanos =
        modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |age| age.as_nanos());
    format!("W/\"{nanos:x}-{:x}\"", metadata.len())
}

fn http_date(time: SystemTime) -> Option<String> {
    let timestamp = Timestamp::try_from(time).ok()?;
    DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).ok()
}

fn is_unchanged(asked: &Headers, ours: &Headers, modified: Option<SystemTime>) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    // RFC 9110 §13.1.3: "A recipient MUST ignore If-Modified-Since if the request contains an If-None-Match header field"
    if asked.contains("If-None-Match") {
        let ours = ours.get("ETag").map(opaque);
        // §13.1.2: "A recipient MUST use the weak comparison function". Our tags hold no commas.
        return asked
            .get_all("If-None-Match")
            .filter_map(|value| std::str::from_utf8(value).ok())
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim() == "*" || Some(opaque(tag)) == ours);
    }
    let since =
        asked.get("If-Modified-Since").and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    match (since, modified.and_then(|time| Timestamp::try_from(time).ok())) {
        // The header has whole seconds.
        (Some(since), Some(modified)) => modified.as_second() <= since.as_second(),
        (Some(_), None) | (None, _) => false,
    }
}

#[cfg(test)]
mod tests;
