//! Constructs that the original's dialect has and Luau has not: what to write instead.

/// What a line that does not compile contains, in words; `None` when nothing known is in it.
///
/// This looks at words and not at grammar: it only ever explains a line that the compiler has refused.
#[must_use]
pub(super) fn explain(line: &str) -> Option<&'static str> {
    let code = without_strings(line);
    let words: Vec<&str> = code.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    if words.contains(&"goto") || is_label(&code) {
        return Some(
            "`goto` and labels are not available: write `continue` for `goto continue`, or leave the loop with \
             `break` or `return`",
        );
    }
    if code.contains(" as ") {
        return Some("the cast `value as T` is not available: write `value :: T`");
    }
    if code.contains("<const>") || code.contains("<close>") {
        return Some("attributes such as `<const>` are not available: leave them out");
    }
    if code.contains('!') && !["~=", "!=", "#!"].iter().any(|other| code.contains(other)) {
        return Some(
            "the mark `value!` for what is not nil is not available: write `value :: any`, or assert(value)",
        );
    }
    if words.contains(&"readonly") {
        return Some("`readonly` in types is not available: write `read` before the field, or leave it out");
    }
    if code.contains('@') {
        return Some("annotations such as `@min(1)` in types are not available: leave them out");
    }
    if code.contains("<") && code.contains(':') && words.contains(&"function") {
        return Some("bounds of type parameters, `<T: C>`, are not available: write `<T>`");
    }
    if code.contains("<<") || code.contains(">>") || has_bit_operator(&code) {
        return Some(
            "the operators of bits are not available: write bit32.band, bor, bxor, bnot, lshift, rshift",
        );
    }
    None
}

/// The line with the insides of its strings and its comment taken out.
fn without_strings(line: &str) -> String {
    let mut code = String::new();
    let mut quote = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match quote {
            Some(end) if c == end => quote = None,
            Some(_) if c == '\\' => _ = chars.next(),
            Some(_) => {}
            None if c == '"' || c == '\'' || c == '`' => quote = Some(c),
            None if c == '-' && chars.peek() == Some(&'-') => break,
            None => code.push(c),
        }
    }
    code
}

/// `::name::` at the beginning of a statement.
fn is_label(code: &str) -> bool {
    let Some(rest) = code.trim().strip_prefix("::") else { return false };
    rest.contains("::")
}

fn has_bit_operator(code: &str) -> bool {
    let code = code.replace("~=", "");
    code.contains(" & ") || code.contains(" | ") || code.contains(" ~ ") || code.contains("~(")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> &'static str {
        explain(line).and_then(|words| words.split(['`', ':']).nth(1)).unwrap_or("")
    }

    #[test]
    fn each_construct_is_named_with_what_to_write_instead() {
        for (line, word) in [
            ("goto continue", "goto"),
            ("  ::continue::", "goto"),
            ("local user = value as User", "value as T"),
            ("local name = user.name!", "value!"),
            ("type T = { readonly id: string }", "readonly"),
            ("type Age = number @min(0)", "@min(1)"),
            ("function first<T: Named>(x: T)", "<T: C>"),
            ("local limit <const> = 5", "<const>"),
        ] {
            let explanation = explain(line).unwrap_or_default();
            assert!(explanation.contains(&format!("`{word}")), "{line}: {explanation}");
        }
        assert!(explain("local x = a & b").unwrap().contains("bit32"));
        assert!(explain("local x = 1 << 4").unwrap().contains("bit32"));
    }

    #[test]
    fn what_stands_in_a_string_or_a_comment_explains_nothing() {
        assert_eq!(names("local s = \"goto hell!\" = -- readonly @x"), "");
        for line in ["if x ~= then", "if x != 5 then", "#!/usr/bin/lua"] {
            assert_eq!(names(line), "");
        }
    }
}
