//! `compress`: gzip, for clients that take it and texts that are worth it.

use super::cors::vary;
use super::layer::{After, Step};
use super::options::{Reader, number, word};
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;
use wsrelay_core::upgrade::{Headers, RELAY_HEADER, Request, Response};

/// The middleware `compress` of one list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compress {
    level: Compression,
    /// Bodies shorter than this stay as they are.
    length_min: usize,
}

const LENGTH_MIN: usize = 1024;
/// How much is compressed in less time than it takes to hand it to another thread and be woken again, about.
const INLINE_BYTES_MAX: usize = 32 * 1024;

/// What the client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accepts {
    /// Nothing that could be done for it.
    Identity,
    /// gzip, and rather so.
    Gzip,
    /// gzip and nothing else: `identity;q=0`.
    GzipOnly,
}

impl Compress {
    pub(super) fn build(reader: &mut Reader<'_>) -> Self {
        let levels = [
            ("fastest", Compression::fast()),
            ("default", Compression::default()),
            ("best", Compression::best()),
        ];
        let level = reader.read_spelled("compress.level", |text| word(text, &levels));
        let length_min = reader.read_spelled("compress.min.length", number::<usize>);
        Self {
            level: level.map_or(Compression::default(), |(level, _)| level),
            length_min: length_min.map_or(LENGTH_MIN, |(length, _)| length),
        }
    }

    pub(super) fn before(self, request: &Request) -> Step {
        if request.method == "HEAD" {
            return Step::Pass;
        }
        let accepts = Accepts::read(&request.headers);
        let after = After::new(move |_, response| self.after(accepts, response));
        Step::Then(after.elsewhere_above(INLINE_BYTES_MAX))
    }

    fn after(self, accepts: Accepts, mut response: Response) -> Response {
        // RFC 9110 §15.4.5: a 304 "MUST generate any of the following header fields that would have been sent in a 200
        // (OK) response to the same request", `Vary` among them. Of what type that would have been it does not say.
        if response.status == 304 {
            vary(&mut response.headers, "Accept-Encoding");
            return response;
        }
        if !is_compressible(&response) {
            return response;
        }
        vary(&mut response.headers, "Accept-Encoding");
        let is_wanted = match accepts {
            Accepts::Identity => false,
            Accepts::Gzip => response.body.len() >= self.length_min,
            Accepts::GzipOnly => true,
        };
        let body = if is_wanted { gzip(&response.body, self.level) } else { None };
        let Some(body) = body.filter(|body| accepts == Accepts::GzipOnly || body.len() < response.body.len())
        else {
            return response;
        };
        response.body = body.into();
        response.headers.set("Content-Encoding", "gzip");
        // RFC 9110 §8.8.1: a strong validator changes with every byte of what is sent. §8.8.3: a weak one need not.
        if let Some(tag) = response.headers.get("ETag").filter(|tag| !tag.starts_with("W/")) {
            let weak = format!("W/{tag}");
            response.headers.set("ETag", weak);
        }
        response
    }
}

fn is_compressible(response: &Response) -> bool {
    let headers = &response.headers;
    !matches!(response.status, 204..=206)
        && !response.body.is_empty()
        && !headers.contains(RELAY_HEADER)
        && !headers.contains("Content-Encoding")
        && !headers.contains("Content-Range")
        // RFC 9111 §5.2.2.6: an intermediary "MUST NOT transform the content"; a middleware is one.
        && !headers.contains_token("Cache-Control", "no-transform")
        && headers.get("Content-Type").is_some_and(is_text_like)
}

fn is_text_like(content_type: &str) -> bool {
    const OTHERS: [&str; 7] = [
        "application/json",
        "application/javascript",
        "application/xml",
        "application/wasm",
        "application/x-ndjson",
        "image/svg+xml",
        "font/ttf",
    ];
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media.starts_with("text/")
        || media.ends_with("+json")
        || media.ends_with("+xml")
        || OTHERS.contains(&&*media)
}

fn gzip(body: &[u8], level: Compression) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), level);
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

impl Accepts {
    // RFC 9110 §12.5.3: Accept-Encoding = #( codings [ weight ] )
    fn read(headers: &Headers) -> Self {
        let (mut gzip, mut identity, mut any) = (None, None, None);
        for value in headers.get_all("Accept-Encoding") {
            for element in value.split(|&byte| byte == b',') {
                let mut parts = element.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
                let slot = match parts.next().unwrap_or_default() {
                    name if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") => {
                        &mut gzip
                    }
                    name if name.eq_ignore_ascii_case(b"identity") => &mut identity,
                    b"*" => &mut any,
                    _ => continue,
                };
                *slot = Some(weight(parts.next()));
            }
        }
        match (gzip.or(any).unwrap_or(0), identity.or(any)) {
            (0, _) => Self::Identity,
            (_, Some(0)) => Self::GzipOnly,
            // Only one that was named itself can be the preferred one.
            (gzip, Some(_)) if identity.is_some_and(|identity| identity > gzip) => Self::Identity,
            (_, Some(_) | None) => Self::Gzip,
        }
    }
}

/// A weight in thousandths; one that cannot be read is 0, since what the client meant may have been to refuse.
// RFC 9110 §12.4.2: qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
fn weight(parameter: Option<&[u8]>) -> u16 {
    let Some(parameter) = parameter else { return 1000 };
    let [b'q' | b'Q', b'=', digits @ ..] = parameter else { return 0 };
    match digits {
        [b'1'] => 1000,
        [b'1', b'.', zeros @ ..] if zeros.len() <= 3 && zeros.iter().all(|&digit| digit == b'0') => 1000,
        [b'0', b'.', digits @ ..] if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => {
            let scales = [100, 10, 1];
            digits.iter().zip(scales).map(|(digit, scale)| u16::from(digit - b'0') * scale).sum()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
