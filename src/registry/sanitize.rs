//! [`one_line`]: makes text from a registry or helper safe to display.

use crate::oci::is_invisible;

/// The maximum number of characters of foreign text that are displayed.
const LONGEST: usize = 200;

/// Returns `text` as one line of at most 200 characters. Control characters, characters that change the text direction
/// and characters without width are removed, because they could make a terminal display something else.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let mut count = 0;
    for c in text.chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c.is_control() || is_invisible(c) || (c == ' ' && (line.is_empty() || line.ends_with(' '))) {
            continue;
        }
        if count == LONGEST {
            line.pop();
            line.push('…');
            break;
        }
        line.push(c);
        count += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_deceive_a_terminal_is_taken_out() {
        for (text, shown) in [
            ("\x1b[31mred\x1b[0m", "[31mred[0m"),
            ("a\r\n\tb  c ", "a b c"),
            ("\u{202e}evil\u{200b}\u{feff}\u{9b}", "evil"),
            ("naïve 日本", "naïve 日本"),
            ("", ""),
        ] {
            assert_eq!(one_line(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let shown = one_line(&"x".repeat(300));
        assert_eq!(shown.chars().count(), 200);
        assert!(shown.ends_with('…'));
        assert_eq!(one_line(&"x".repeat(200)).chars().count(), 200);
    }
}
