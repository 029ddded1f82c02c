//! Paths of endpoints, routers and static files.

/// Reads the path of an endpoint and writes `:id` as `{id}`.
///
/// # Errors
///
/// What is wrong with it, in words.
pub(super) fn endpoint_path(text: &str) -> Result<String, String> {
    let mut segments = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let count = text.split('/').count();
    for (index, segment) in begun_with_slash(text)?.enumerate() {
        // The slash at the start is one of those that were counted.
        let last = index + 2 == count;
        if segment.is_empty() && !last {
            return Err("has an empty segment".to_owned());
        }
        let (name, written) = match parameter(segment)? {
            Some((_, true)) if !last => return Err(format!("has `{segment}` before its last segment")),
            Some((name, rest)) => (Some(name), format!("{{{name}{}}}", if rest { "..." } else { "" })),
            None => (None, segment.to_owned()),
        };
        if let Some(name) = name {
            if names.contains(&name) {
                return Err(format!("has the parameter `{name}` twice"));
            }
            names.push(name);
        }
        segments.push(written);
    }
    Ok(format!("/{}", segments.join("/")))
}

/// Reads the prefix of a router: nothing, or a path without a slash at its end.
///
/// # Errors
///
/// What is wrong with it, in words.
pub(super) fn router_prefix(text: &str) -> Result<String, String> {
    let trimmed = text.trim_end_matches('/');
    if trimmed.is_empty() {
        return Ok(String::new());
    }
    let prefix = endpoint_path(trimmed)?;
    if prefix.contains("...}") {
        Err("has a parameter for the rest of a path".to_owned())
    } else {
        Ok(prefix)
    }
}

/// Reads the path that static files are below: without parameters, and without a slash at the end.
///
/// # Errors
///
/// What is wrong with it, in words.
pub(super) fn static_path(text: &str) -> Result<String, String> {
    if text.contains('{') || text.contains("/:") {
        return Err("has a parameter".to_owned());
    }
    let prefix = router_prefix(text)?;
    if text.is_empty() {
        Err("does not begin with `/`".to_owned())
    } else if prefix.is_empty() {
        Ok("/".to_owned())
    } else {
        Ok(prefix)
    }
}

/// The path with the names of its parameters left out: two endpoints with the same shape get the same requests.
pub(super) fn shape(path: &str) -> String {
    let shapes = path.split('/').map(|segment| match parameter(segment) {
        Ok(Some((_, true))) => "{...}",
        Ok(Some((_, false))) => "{}",
        Ok(None) | Err(_) => segment,
    });
    shapes.collect::<Vec<_>>().join("/")
}

/// The segments behind the first slash.
fn begun_with_slash(text: &str) -> Result<std::str::Split<'_, char>, String> {
    let Some(behind) = text.strip_prefix('/') else {
        return Err("does not begin with `/`".to_owned());
    };
    if let Some(bad) = text.chars().find(|c| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#')) {
        return Err(format!("has the character {bad:?}"));
    }
    Ok(behind.split('/'))
}

/// The name of the parameter that this segment is, and whether it takes the rest of the path.
fn parameter(segment: &str) -> Result<Option<(&str, bool)>, String> {
    let (name, rest) = if let Some(name) = segment.strip_prefix(':') {
        (name, false)
    } else if let Some(inside) = segment.strip_prefix('{').and_then(|behind| behind.strip_suffix('}')) {
        inside.strip_suffix("...").map_or((inside, false), |name| (name, true))
    } else if segment.contains(['{', '}']) {
        return Err(format!("has `{segment}`, but a parameter is a whole segment"));
    } else {
        return Ok(None);
    };
    let named = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if named { Ok(Some((name, rest))) } else { Err(format!("has `{segment}`, which names no parameter")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_written_in_braces() {
        for (text, expected) in [
            ("/", "/"),
            ("/a/", "/a/"),
            ("/users/:id/posts/{post}", "/users/{id}/posts/{post}"),
            ("/files/{path...}", "/files/{path...}"),
        ] {
            assert_eq!(endpoint_path(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_bad_path_says_why() {
        for (text, expected) in [
            ("", "does not begin with `/`"),
            ("users", "does not begin with `/`"),
            ("//a", "has an empty segment"),
            ("/{rest...}/a", "has `{rest...}` before its last segment"),
            ("/a{id}", "has `a{id}`, but a parameter is a whole segment"),
            ("/{}", "has `{}`, which names no parameter"),
            ("/:", "has `:`, which names no parameter"),
            ("/{id}/:id", "has the parameter `id` twice"),
            ("/a b", "has the character ' '"),
            ("/a?b", "has the character '?'"),
        ] {
            assert_eq!(endpoint_path(text), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn slashes_at_the_end_of_a_prefix_are_trimmed() {
        for (text, expected) in [("", ""), ("/", ""), ("/api/", "/api"), ("/t/:tenant", "/t/{tenant}")] {
            assert_eq!(router_prefix(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn static_files_may_lie_at_the_top() {
        assert_eq!(static_path("/").as_deref(), Ok("/"));
        assert_eq!(static_path("/app/").as_deref(), Ok("/app"));
        assert_eq!(static_path(""), Err("does not begin with `/`".to_owned()));
    }

    #[test]
    fn shapes_have_no_names() {
        assert_eq!(shape("/a/{id}/{rest...}"), "/a/{}/{...}");
    }
}
