//! The path of a request, cut into segments and decoded.

/// A path that is safe to look up: its segments are decoded, and none leads anywhere but down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// What stands between the slashes, decoded after it was cut, so that `%2F` stays inside of its segment.
    pub(super) segments: Vec<String>,
    /// Whether it ends in a slash.
    pub(super) slash: bool,
}

impl Path {
    /// Reads the path of a request target.
    ///
    /// `None` for what has no single meaning: an empty segment inside, `.` or `..` in any spelling, an escape that is
    /// none, a backslash, NUL, what is not UTF-8, what no target may hold unescaped. Such a path is refused and not tidied
    /// up: whoever stands in front of this server, and looked at the path to decide, may have tidied it up differently.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        // Browsers read a backslash as a slash, leave out tabs, and end a path at a `#`: with `/\t/host` sent back to one
        // as a location, it would go to that host.
        if raw.contains(|c: char| c.is_ascii_control() || matches!(c, ' ' | '#' | '\\')) {
            return None;
        }
        let mut segments = Vec::new();
        let mut parts = raw.strip_prefix('/')?.split('/').peekable();
        let mut slash = false;
        while let Some(part) = parts.next() {
            if !part.is_empty() {
                segments.push(segment(part)?);
            } else if parts.peek().is_none() {
                slash = true;
            } else {
                return None;
            }
        }
        Some(Self { segments, slash })
    }

    /// What follows the first `skipped` segments, with slashes between.
    pub(super) fn rest(&self, skipped: usize) -> String {
        let rest = self.segments.get(skipped..).unwrap_or_default();
        let mut text = rest.join("/");
        if self.slash && !rest.is_empty() {
            text.push('/');
        }
        text
    }
}

fn segment(raw: &str) -> Option<String> {
    let text = decode(raw)?;
    // Also behind an escaped slash: a handler that makes a file's name of a parameter should not be led upwards.
    let climbs = text.split(['/', '\\']).any(|part| part == "." || part == "..");
    (!climbs && !text.contains('\0')).then_some(text)
}

/// Decodes `%` escapes, strictly. A plus is a plus: this is no form.
pub(super) fn decode(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = tail else { return None };
        bytes.push(digit(*high)? << 4 | digit(*low)?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn path(segments: &[&str], slash: bool) -> Option<Path> {
        Some(Path { segments: segments.iter().map(|&part| part.to_owned()).collect(), slash })
    }

    #[test]
    fn a_path_is_cut_before_it_is_decoded() {
        assert_eq!(Path::parse("/"), path(&[], true));
        assert_eq!(Path::parse("/a"), path(&["a"], false));
        assert_eq!(Path::parse("/a/b%2Fc/"), path(&["a", "b/c"], true));
        assert_eq!(Path::parse("/gr%C3%BCn+%20"), path(&["grün+ "], false));
        assert_eq!(Path::parse("/%252e%252e/..."), path(&["%2e%2e", "..."], false));
    }

    #[test]
    fn a_path_that_climbs_in_any_spelling_is_refused() {
        for raw in [
            "/..",
            "/../",
            "/a/../b",
            "/.",
            "/./a",
            "/%2e%2e/a",
            "/%2E./a",
            "/.%2e",
            "/%2e",
            "/a%2f..%2fb",
            "/..%2f..%2fetc",
            "/..%5c..%5cetc",
            "/a/..%2F",
            "/a%2f.",
            "/\\..\\a",
            "/a\\b",
        ] {
            assert_eq!(Path::parse(raw), None, "{raw}");
        }
    }

    #[test]
    fn a_path_without_a_single_meaning_is_refused() {
        for raw in [
            "",
            "*",
            "a",
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
            "/%ff",
            "/a%00b",
            "/a#b",
            "/\t/a",
            "/\r\n",
            "/a b",
            "/\u{7f}",
            "/\0",
            "/%c0%ae%c0%ae/a",
            "/%c0%af",
            "/%e0%80%ae",
        ] {
            assert_eq!(Path::parse(raw), None, "{raw}");
        }
    }

    quickcheck! {
        fn no_segment_of_a_path_is_empty_or_climbs(raw: String) -> bool {
            Path::parse(&format!("/{raw}")).is_none_or(|path| {
                path.segments.iter().all(|part| {
                    !part.is_empty() && !part.split(['/', '\\']).any(|part| matches!(part, "." | ".."))
                })
            })
        }
    }
}
