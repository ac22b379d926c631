//! [`is_invisible`]: characters of foreign text that are never shown, and [`excerpt`] and [`quoted_char`]: text with
//! escapes for them.

/// Whether a character has no glyph of its own and makes text look different from what it is: it changes the direction
/// of the text (CVE-2021-42574), has no width, is a blank that is no space, is a tag or selects a variant. Control
/// characters are not meant.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The maximum number of characters of an [`excerpt`].
const EXCERPT: usize = 200;

/// Returns the beginning of a foreign text, with escapes for characters that cannot be seen or look like a space.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown = String::new();
    for c in chars.by_ref().take(EXCERPT) {
        if c.is_control() || is_invisible(c) || (c.is_whitespace() && c != ' ') {
            shown.extend(c.escape_debug());
        } else {
            shown.push(c);
        }
    }
    if chars.next().is_some() { shown + "…" } else { shown }
}

/// Returns a character in quotes for a message: with an escape if it cannot be seen, and with its code point if it may
/// look like another one.
#[must_use]
pub fn quoted_char(c: char) -> String {
    let shown = excerpt(c.encode_utf8(&mut [0; 4]));
    match c {
        ' ' => "` ` (space)".to_owned(),
        c if c.is_ascii() || shown.starts_with('\\') => format!("`{shown}`"),
        c => format!("`{shown}` (U+{:04X})", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_shows_what_cannot_be_seen() {
        assert_eq!(excerpt("a b\r\u{a0}\u{200b}ä"), r"a b\r\u{a0}\u{200b}ä");
        assert_eq!(excerpt(&"a".repeat(201)), "a".repeat(200) + "…");
    }

    #[test]
    fn a_character_is_shown_so_that_it_can_be_told_apart() {
        for (c, shown) in [
            ('+', "`+`"),
            (' ', "` ` (space)"),
            ('\r', r"`\r`"),
            ('\u{a0}', r"`\u{a0}`"),
            ('\\', r"`\`"),
            ('–', "`–` (U+2013)"),
            ('а', "`а` (U+0430)"),
        ] {
            assert_eq!(quoted_char(c), shown);
        }
    }

    #[test]
    fn what_deceives_is_invisible_and_what_is_read_is_not() {
        let deceive =
            "\u{ad}\u{200b}\u{200d}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}\u{e0041}\u{e0100}\u{fe0f}";
        assert!(deceive.chars().all(is_invisible));
        assert!(!"aZ09 -_.ä日本ไทย́→…✓×╭█ \u{a0}".chars().any(is_invisible));
    }
}
