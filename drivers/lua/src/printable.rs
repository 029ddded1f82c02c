//! What others have written, on its way to a log or a terminal.

/// At most so many characters, none of which moves a cursor, begins a line or turns the order of others around: those are written as Rust writes them in texts.
pub(crate) fn printable(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    for c in chars.by_ref().take(chars_max) {
        if c.is_control() || is_invisible(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

/// Marks and ends of lines that are no control characters to Unicode.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_moves_a_cursor_and_what_is_long_is_cut() {
        assert_eq!(printable("déjà\n\x1b[2J\tvu\u{9b}", 100), "déjà\\n\\u{1b}[2J\\tvu\\u{9b}");
        assert_eq!(printable("a\u{202e}b\u{2028}c", 100), "a\\u{202e}b\\u{2028}c");
        assert_eq!(printable("déjà", 4), "déjà");
        assert_eq!(printable("déjà vu", 4), "déjà…");
    }
}
