//! The routes of a server as one tree, with the methods at its leaves.
//!
//! Its steps are whole segments, already decoded, and a leaf that lacks the method counts as no leaf: with `GET /a/{x}`
//! and `POST /a/b`, a `GET /a/b` goes to the first. Every node is visited once at most, so that no path, however long,
//! costs more than all routes together.

use super::path::Path;
use super::pattern::{Pattern, Segment, Tail};
use std::collections::{BTreeMap, BTreeSet};

/// All routes by pattern and method; a route is a number that means something to its owner.
#[derive(Debug, Default)]
pub(super) struct Table {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: BTreeMap<String, Node>,
    param: Option<Box<Node>>,
    /// For paths that end here.
    end: Leaf,
    /// For paths that end here with a slash.
    slash: Leaf,
    /// For paths that end here with a slash, or go on.
    rest: Leaf,
}

type Leaf = BTreeMap<String, usize>;

impl Table {
    /// Adds a route. The one that is there already stays, if its pattern and method are the same.
    pub(super) fn insert(&mut self, method: &str, pattern: &Pattern, route: usize) {
        let mut node = &mut self.root;
        for segment in &pattern.segments {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::Param(_) => node.param.get_or_insert_default(),
            };
        }
        let leaf = match pattern.tail {
            Tail::End => &mut node.end,
            Tail::Slash => &mut node.slash,
            Tail::Rest(_) => &mut node.rest,
        };
        leaf.entry(method.to_owned()).or_insert(route);
    }

    /// The most specific route for this path that serves the method. `GET` serves `HEAD`, too.
    pub(super) fn find(&self, method: &str, path: &Path) -> Option<usize> {
        let mut found = None;
        self.root.visit(path, 0, &mut |leaf| {
            let also = || if method == "HEAD" { leaf.get("GET") } else { None };
            found = leaf.get(method).or_else(also).copied();
            found.is_some()
        });
        found
    }

    /// The most specific route for this path, whatever its method.
    pub(super) fn find_any(&self, path: &Path) -> Option<usize> {
        let mut found = None;
        self.root.visit(path, 0, &mut |leaf| {
            found = leaf.values().next().copied();
            found.is_some()
        });
        found
    }

    /// The methods that something at this path serves.
    pub(super) fn methods(&self, path: &Path) -> BTreeSet<&str> {
        let mut methods = BTreeSet::new();
        self.root.visit(path, 0, &mut |leaf| {
            methods.extend(leaf.keys().map(String::as_str));
            false
        });
        methods
    }
}

impl Node {
    /// Shows every leaf that matches, the most specific first, until `is_enough`.
    fn visit<'a>(&'a self, path: &Path, at: usize, is_enough: &mut dyn FnMut(&'a Leaf) -> bool) -> bool {
        let Some(segment) = path.segments.get(at) else {
            return if path.slash {
                is_enough(&self.slash) || is_enough(&self.rest)
            } else {
                is_enough(&self.end)
            };
        };
        self.literals.get(segment).is_some_and(|node| node.visit(path, at + 1, is_enough))
            || self.param.as_ref().is_some_and(|node| node.visit(path, at + 1, is_enough))
            || is_enough(&self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Relation;
    use super::*;
    use quickcheck::{Arbitrary, Gen, quickcheck};

    fn find(routes: &[(&str, &str)], method: &str, path: &str) -> Option<usize> {
        let mut table = Table::default();
        for (route, (method, pattern)) in routes.iter().enumerate() {
            table.insert(method, &Pattern::parse(pattern).unwrap(), route);
        }
        table.find(method, &Path::parse(path).unwrap())
    }

    #[test]
    fn the_most_specific_route_wins_whatever_the_order() {
        let routes =
            [("GET", "/"), ("GET", "/a/{x...}"), ("GET", "/a/{x}"), ("GET", "/a/b"), ("GET", "/a/{$}")];
        for (path, route) in [
            ("/", 0),
            ("/b", 0),
            ("/a", 0),
            ("/a/", 4),
            ("/a/b", 3),
            ("/a/c", 2),
            ("/a/c/", 1),
            ("/a/b/c", 1),
        ] {
            assert_eq!(find(&routes, "GET", path), Some(route), "{path}");
        }
    }

    #[test]
    fn a_route_for_another_method_hides_nothing() {
        let routes = [("GET", "/a/{x}/c"), ("POST", "/a/b/{y}"), ("GET", "/{rest...}")];
        assert_eq!(find(&routes, "GET", "/a/b/c"), Some(0));
        assert_eq!(find(&routes, "POST", "/a/b/c"), Some(1));
        assert_eq!(find(&routes, "GET", "/a/b/d"), Some(2));
        assert_eq!(find(&routes, "PUT", "/a/b/c"), None);
    }

    #[test]
    fn get_serves_head_unless_head_is_served_itself() {
        let routes = [("GET", "/a"), ("GET", "/b"), ("HEAD", "/b")];
        assert_eq!(find(&routes, "HEAD", "/a"), Some(0));
        assert_eq!(find(&routes, "HEAD", "/b"), Some(2));
    }

    /// Patterns and paths over few words, so that they meet.
    #[derive(Clone, Debug)]
    struct Words(String);

    impl Arbitrary for Words {
        fn arbitrary(g: &mut Gen) -> Self {
            let length = usize::arbitrary(g) % 4;
            let words = (0..length).map(|_| *g.choose(&["/a", "/b", "/{x}"]).unwrap_or(&"/a"));
            let mut text: String =
                words.enumerate().map(|(at, word)| word.replace('x', &format!("x{at}"))).collect();
            text.push_str(g.choose(&["", "/", "/{$}", "/{r...}"]).unwrap_or(&""));
            Self(if text.is_empty() { "/".to_owned() } else { text })
        }
    }

    quickcheck! {
        fn the_tree_agrees_with_trying_every_pattern(words: Vec<Words>, path: Words) -> bool {
            let mut patterns: Vec<Pattern> = Vec::new();
            for Words(text) in words {
                let pattern = Pattern::parse(&text).unwrap();
                let is_clear = patterns.iter().all(|other| {
                    !matches!(pattern.relation(other), Relation::Equal | Relation::Overlapping)
                });
                if is_clear {
                    patterns.push(pattern);
                }
            }
            let mut table = Table::default();
            for (route, pattern) in patterns.iter().enumerate() {
                table.insert("GET", pattern, route);
            }
            let path = Path::parse(&path.0.replace("{$}", "").replace("...", "")).unwrap();
            let matching: Vec<usize> = (0..patterns.len()).filter(|&at| patterns[at].matches(&path)).collect();
            let best = matching.iter().copied().find(|&at| {
                let is_best = |other: &usize| {
                    *other == at || patterns[at].relation(&patterns[*other]) == Relation::Narrower
                };
                matching.iter().all(is_best)
            });
            matching.is_empty() == best.is_none() && table.find("GET", &path) == best
        }
    }
}
