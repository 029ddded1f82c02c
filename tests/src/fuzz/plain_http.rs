//! The slow, obvious reading of an HTTP/1.1 request: lines, then fields, then the body (RFC 9112).

use super::plain_origin::is_authority;
use wsrelay_core::limits::Limits;

/// What a stream begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A whole request.
    Whole(Plain),
    /// Something that may become one.
    Partial,
    /// Nothing that two readers would understand in the same way.
    Doubtful,
}

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) minor: u8,
    pub(super) fields: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    /// Where the next one begins.
    pub(super) end: usize,
    /// Bytes of the body's coding that are no data.
    pub(super) overhead: usize,
}

enum Stop {
    Partial,
    Doubtful,
}

type Result<T> = std::result::Result<T, Stop>;

/// Reads the first request of a stream.
pub(super) fn read(stream: &[u8], limits: &Limits) -> Reading {
    match request(stream, limits) {
        Ok(plain) => Reading::Whole(plain),
        Err(Stop::Partial) => Reading::Partial,
        Err(Stop::Doubtful) => Reading::Doubtful,
    }
}

fn doubtful<T>(it: Option<T>) -> Result<T> {
    it.ok_or(Stop::Doubtful)
}

fn require(holds: bool) -> Result<()> {
    if holds { Ok(()) } else { Err(Stop::Doubtful) }
}

fn request(stream: &[u8], limits: &Limits) -> Result<Plain> {
    let mut start = 0;
    while start < 8 && stream[start..].starts_with(b"\r\n") {
        start += 2;
    }
    let mut at = start;
    let mut lines = Vec::new();
    loop {
        let line = line(stream, &mut at)?;
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    require(at - start <= limits.head_bytes_max)?;
    let (first, fields) = doubtful(lines.split_first())?;
    let mut plain = request_line(first)?;
    require(fields.len() <= limits.headers_max)?;
    for field in fields {
        let colon = doubtful(field.iter().position(|byte| *byte == b':'))?;
        let (name, value) = (&field[..colon], trim(&field[colon + 1..]));
        require(is_token(name) && value.iter().all(|byte| is_text(*byte)))?;
        if !name.eq_ignore_ascii_case(b"x-ws-relay") {
            plain.fields.push((string(name), value.to_vec()));
        }
    }
    host(&mut plain)?;
    body(&mut plain, stream, at, limits)?;
    Ok(plain)
}

/// The line that begins there, without its end, and where the next one begins.
fn line<'a>(stream: &'a [u8], at: &mut usize) -> Result<&'a [u8]> {
    let rest = &stream[*at..];
    let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).ok_or(Stop::Partial)?;
    match rest[end..] {
        [b'\r', b'\n', ..] => *at += end + 2,
        [b'\r'] => return Err(Stop::Partial),
        _ => return Err(Stop::Doubtful),
    }
    Ok(&rest[..end])
}

fn request_line(line: &[u8]) -> Result<Plain> {
    let parts: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else { return Err(Stop::Doubtful) };
    require(is_token(method) && method.len() <= 32 && method != b"CONNECT")?;
    require(!target.is_empty() && target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#'))?;
    let minor = match version {
        b"HTTP/1.0" => 0,
        b"HTTP/1.1" => 1,
        _ => return Err(Stop::Doubtful),
    };
    Ok(Plain { method: string(method), target: string(target), minor, ..Plain::default() })
}

/// One host, in the field or in the target.
fn host(plain: &mut Plain) -> Result<()> {
    let hosts: Vec<_> = plain.values("host");
    match (&hosts[..], plain.minor) {
        ([], 0) => {}
        ([host], _) => require(str::from_utf8(host).is_ok_and(is_authority))?,
        _ => return Err(Stop::Doubtful),
    }
    let is_options = plain.method == "OPTIONS";
    if plain.target.starts_with('/') || (is_options && plain.target == "*") {
        return Ok(());
    }
    let target = std::mem::take(&mut plain.target);
    let lower = target.to_ascii_lowercase();
    require(lower.starts_with("http://") || lower.starts_with("https://"))?;
    let rest = doubtful(target.split_once("://"))?.1;
    let host: String = rest.chars().take_while(|char| !matches!(char, '/' | '?')).collect();
    require(is_authority(&host))?;
    plain.target = match &rest[host.len()..] {
        "" if is_options => "*".to_owned(),
        path if path.starts_with('/') => path.to_owned(),
        path => format!("/{path}"),
    };
    plain.fields.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
    plain.fields.push(("Host".to_owned(), host.into_bytes()));
    Ok(())
}

fn body(plain: &mut Plain, stream: &[u8], at: usize, limits: &Limits) -> Result<()> {
    plain.end = at;
    let (lengths, codings) = (plain.values("content-length"), plain.values("transfer-encoding"));
    let length = match (&lengths[..], &codings[..], plain.minor) {
        ([], [], _) => Some(0),
        ([digits], [], _) => {
            require(digits.iter().all(u8::is_ascii_digit))?;
            Some(doubtful(string(digits).parse::<usize>().ok())?)
        }
        ([], [coding], 1) if coding.eq_ignore_ascii_case(b"chunked") => None,
        _ => return Err(Stop::Doubtful),
    };
    if length == Some(0) {
        return Ok(());
    }
    let is_upgrade =
        plain.has_element("upgrade", "websocket") || !plain.values("sec-websocket-key").is_empty();
    require(!(is_upgrade && plain.method == "GET"))?;
    require(plain.minor == 0 || plain.elements("expect").all(|it| it.eq_ignore_ascii_case(b"100-continue")))?;
    let Some(length) = length else { return chunks(plain, stream, limits) };
    require(length <= limits.body_bytes_max)?;
    plain.body = stream.get(at..at + length).ok_or(Stop::Partial)?.to_vec();
    plain.end = at + length;
    Ok(())
}

fn chunks(plain: &mut Plain, stream: &[u8], limits: &Limits) -> Result<()> {
    let start = plain.end;
    loop {
        let line = line(stream, &mut plain.end)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        require((1..=16).contains(&digits))?;
        let extension = &line[digits..];
        // Blanks only before the semicolon of an extension.
        require(extension.is_empty() || trim(extension).starts_with(b";"))?;
        require(extension.iter().all(|byte| is_text(*byte)))?;
        let size = doubtful(u64::from_str_radix(&string(&line[..digits]), 16).ok())?;
        if size == 0 {
            break;
        }
        let left = limits.body_bytes_max - plain.body.len();
        let size = doubtful(usize::try_from(size).ok().filter(|size| *size <= left))?;
        plain.body.extend(stream.get(plain.end..plain.end + size).ok_or(Stop::Partial)?);
        plain.end += size;
        require(crlf(stream, &mut plain.end)?)?;
    }
    loop {
        let line = line(stream, &mut plain.end)?;
        if line.is_empty() {
            break;
        }
        let colon = doubtful(line.iter().position(|byte| *byte == b':'))?;
        require(is_token(&line[..colon]) && line[colon..].iter().all(|byte| is_text(*byte)))?;
    }
    plain.overhead = plain.end - start - plain.body.len();
    Ok(())
}

fn crlf(stream: &[u8], at: &mut usize) -> Result<bool> {
    let here = stream.get(*at..*at + 2).ok_or(Stop::Partial)?;
    *at += 2;
    Ok(here == b"\r\n")
}

impl Plain {
    /// The values of the fields of this name, given in lower case.
    pub(super) fn values(&self, name: &str) -> Vec<Vec<u8>> {
        let fields = self.fields.iter().filter(|(other, _)| other.to_ascii_lowercase() == name);
        fields.map(|(_, value)| value.clone()).collect()
    }

    /// The elements of those lists.
    fn elements(&self, name: &str) -> impl Iterator<Item = Vec<u8>> {
        let lists = self.values(name).into_iter();
        lists
            .flat_map(|list| {
                list.split(|byte| *byte == b',').map(|it| it.trim_ascii().to_vec()).collect::<Vec<_>>()
            })
            .filter(|element| !element.is_empty())
    }

    pub(super) fn has_element(&self, name: &str, element: &str) -> bool {
        self.elements(name).any(|it| it.eq_ignore_ascii_case(element.as_bytes()))
    }
}

pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

pub(super) const fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

fn trim(bytes: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
