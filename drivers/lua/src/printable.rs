//! What others have written, on its way to a log or a terminal.

/// At most so many characters, none of which moves a cursor or begins a line: those are written as Rust writes them in texts.
pub(crate) fn printable(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    for c in chars.by_ref().take(chars_max) {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_moves_a_cursor_and_what_is_long_is_cut() {
        assert_eq!(printable("déjà\n\x1b[2J\tvu\u{9b}", 100), "déjà\\n\\u{1b}[2J\\tvu\\u{9b}");
        assert_eq!(printable("déjà", 4), "déjà");
        assert_eq!(printable("déjà vu", 4), "déjà…");
    }
}
