//! The patterns of routes, and which of two is the more specific.

use super::path::{Path, decode};

/// A pattern such as `/users/{id}`, `/files/{path...}` or `/static/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// As it was written.
    pub(super) text: String,
    pub(super) segments: Vec<Segment>,
    pub(super) tail: Tail,
}

/// What one segment of a path has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// This.
    Literal(String),
    /// Anything, and its name.
    Param(String),
}

/// How the path has to end after the segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// At once.
    End,
    /// With a slash: `{$}`.
    Slash,
    /// With a slash and anything, which has this name, if any: `{name...}`, or a slash at the end of the pattern.
    Rest(Option<String>),
}

/// How the paths that two patterns match compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// No path is matched by both.
    Disjoint,
    /// The same paths.
    Equal,
    /// The first matches some of what the second matches, and nothing else.
    Narrower,
    /// The other way round.
    Wider,
    /// Some paths are matched by both, and each has some of its own.
    Overlapping,
}

impl Pattern {
    /// Reads a pattern; `Err` says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("path `{text}` does not begin with a slash"));
        };
        let mut pattern = Self { text: text.to_owned(), segments: Vec::new(), tail: Tail::End };
        let mut parts = rest.split('/').peekable();
        while let Some(part) = parts.next() {
            let is_last = parts.peek().is_none();
            match part {
                "" if is_last => pattern.tail = Tail::Rest(None),
                "" => return Err(format!("path `{text}` has an empty segment")),
                "{$}" if is_last => pattern.tail = Tail::Slash,
                _ => match inside_braces(part).and_then(|name| name.strip_suffix("...")) {
                    Some(name) if is_last => pattern.tail = Tail::Rest(Some(pattern.name(name)?)),
                    Some(_) => return Err(format!("`{part}` has to be the last segment of path `{text}`")),
                    None => {
                        let segment = pattern.segment(part)?;
                        pattern.segments.push(segment);
                    }
                },
            }
        }
        Ok(pattern)
    }

    fn segment(&self, part: &str) -> Result<Segment, String> {
        let text = &self.text;
        if let Some(name) = inside_braces(part).or_else(|| part.strip_prefix(':')) {
            return Ok(Segment::Param(self.name(name)?));
        }
        if part.contains(['{', '}']) {
            return Err(format!(
                "in path `{text}`, a parameter has to be a whole segment, and `{part}` is not"
            ));
        }
        match decode(part) {
            Some(literal) if !matches!(&*literal, "." | "..") => Ok(Segment::Literal(literal)),
            Some(_) | None => Err(format!("segment `{part}` of path `{text}` matches nothing")),
        }
    }

    fn name(&self, name: &str) -> Result<String, String> {
        let text = &self.text;
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if name.is_empty() || !is_name {
            return Err(format!("`{name}` in path `{text}` is not the name of a parameter"));
        }
        if self.segments.contains(&Segment::Param(name.to_owned())) {
            return Err(format!("path `{text}` has two parameters called `{name}`"));
        }
        Ok(name.to_owned())
    }

    /// Compares the paths that this one and `other` match.
    pub(super) fn relation(&self, other: &Self) -> Relation {
        let (mut narrower, mut wider) = (false, false);
        for pair in self.segments.iter().zip(&other.segments) {
            match pair {
                (Segment::Literal(mine), Segment::Literal(its)) if mine != its => return Relation::Disjoint,
                (Segment::Literal(_), Segment::Literal(_)) | (Segment::Param(_), Segment::Param(_)) => {}
                (Segment::Literal(_), Segment::Param(_)) => narrower = true,
                (Segment::Param(_), Segment::Literal(_)) => wider = true,
            }
        }
        let (mine, its) = (self.segments.len(), other.segments.len());
        match (&self.tail, &other.tail) {
            (_, Tail::Rest(_)) if mine > its => narrower = true,
            (Tail::Rest(_), _) if mine < its => wider = true,
            _ if mine != its => return Relation::Disjoint,
            (Tail::End, Tail::End) | (Tail::Slash, Tail::Slash) | (Tail::Rest(_), Tail::Rest(_)) => {}
            (Tail::Slash, Tail::Rest(_)) => narrower = true,
            (Tail::Rest(_), Tail::Slash) => wider = true,
            (Tail::End, Tail::Slash | Tail::Rest(_)) | (Tail::Slash | Tail::Rest(_), Tail::End) => {
                return Relation::Disjoint;
            }
        }
        match (narrower, wider) {
            (false, false) => Relation::Equal,
            (true, false) => Relation::Narrower,
            (false, true) => Relation::Wider,
            (true, true) => Relation::Overlapping,
        }
    }

    /// The parameters of a path that this pattern matches.
    pub(super) fn params(&self, path: &Path) -> Vec<(String, String)> {
        let mut params = Vec::new();
        for (segment, value) in self.segments.iter().zip(&path.segments) {
            match segment {
                Segment::Param(name) => params.push((name.clone(), value.clone())),
                Segment::Literal(_) => {}
            }
        }
        match &self.tail {
            Tail::Rest(Some(name)) => params.push((name.clone(), path.rest(self.segments.len()))),
            Tail::Rest(None) | Tail::End | Tail::Slash => {}
        }
        params
    }

    /// Whether the pattern matches the path: what the tree of all routes has to agree with.
    #[cfg(test)]
    pub(super) fn matches(&self, path: &Path) -> bool {
        let (mine, its) = (self.segments.len(), path.segments.len());
        let fits = self.segments.iter().zip(&path.segments).all(|(segment, part)| match segment {
            Segment::Literal(literal) => literal == part,
            Segment::Param(_) => true,
        });
        fits && match self.tail {
            Tail::End => mine == its && !path.slash,
            Tail::Slash => mine == its && path.slash,
            Tail::Rest(_) => its > mine || (its == mine && path.slash),
        }
    }
}

fn inside_braces(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(first: &str, second: &str) -> Relation {
        Pattern::parse(first).unwrap().relation(&Pattern::parse(second).unwrap())
    }

    #[test]
    fn patterns_compare_as_the_sets_of_paths_that_they_match() {
        use Relation::{Disjoint, Equal, Narrower, Overlapping};
        for (first, second, expected) in [
            ("/a", "/a", Equal),
            ("/a", "/b", Disjoint),
            ("/a", "/a/", Disjoint),
            ("/a", "/{x}", Narrower),
            ("/{x}", "/:y", Equal),
            ("/a/b", "/a/{x...}", Narrower),
            ("/a/{x...}", "/a/", Equal),
            ("/a/{$}", "/a/", Narrower),
            ("/a/{$}", "/a", Disjoint),
            ("/a/{x}/c", "/a/b/{y}", Overlapping),
            ("/a/{x...}", "/{y}/b", Overlapping),
            ("/a/b/c", "/{x}/{y}/{z...}", Narrower),
            ("/a/b", "/a/b/c", Disjoint),
            ("/%61", "/a", Equal),
            ("/a/", "/", Narrower),
        ] {
            assert_eq!(relation(first, second), expected, "{first} and {second}");
            let turned = if expected == Narrower { Relation::Wider } else { expected };
            assert_eq!(relation(second, first), turned, "{second} and {first}");
        }
    }

    #[test]
    fn a_pattern_that_cannot_match_is_an_error_that_names_it() {
        for text in [
            "",
            "a",
            "/a//b",
            "/{x...}/b",
            "/a{x}",
            "/{}",
            "/:",
            "/{x}/{x}",
            "/{x}/{x...}",
            "/{a b}",
            "/%zz",
            "/..",
            "/%2e",
            "/{$}/a",
            "/{...}",
        ] {
            let message = Pattern::parse(text).unwrap_err();
            assert!(message.contains(&format!("path `{text}`")), "{message}");
        }
    }

    #[test]
    fn parameters_are_decoded_and_the_rest_keeps_its_slashes() {
        let params =
            |pattern: &str, path: &str| Pattern::parse(pattern).unwrap().params(&Path::parse(path).unwrap());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(params("/u/{id}/x", "/u/a%20b%2Fc/x"), [pair("id", "a b/c")]);
        assert_eq!(params("/{a}/{b...}", "/1/2/3/"), [pair("a", "1"), pair("b", "2/3/")]);
        assert_eq!(params("/{a}/{b...}", "/1/"), [pair("a", "1"), pair("b", "")]);
        assert_eq!(params("/a/", "/a/b"), []);
    }
}
