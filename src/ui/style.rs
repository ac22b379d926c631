//! [`Style`]: the color, character set and width of a stream. Decided once, for problems, lines and bars.

/// The value of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// On a terminal that supports color, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters per line.
    pub columns: usize,
    /// Number of lines.
    pub rows: usize,
}

/// What the environment variables say about terminals.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Whether `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// Whether `CLICOLOR_FORCE` is set and neither empty nor `0`.
    pub force_color: bool,
    /// The value of `TERM`.
    pub term: Option<String>,
    /// The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
    pub locale: Option<String>,
}

/// Whether escape sequences for color are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// They are written.
    On,
    /// They are not written.
    Off,
}

/// The characters that may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// All characters.
    Unicode,
    /// Only ASCII for what mlist itself draws.
    Ascii,
}

/// The color, character set and width of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to use color.
    pub color: Color,
    /// Which characters to use.
    pub charset: Charset,
    /// Characters per line, 40 to 200. `None` if the stream is not a terminal: nothing is wrapped then.
    pub width: Option<usize>,
}

/// The meaning of a piece of text. Its color only repeats what the word or symbol already says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Added, created.
    Created,
    /// Changed, updated.
    Updated,
    /// Removed, failed.
    Failed,
    /// Blocked, or the reason for it.
    Blocked,
    /// Unchanged, or the old value.
    Dim,
    /// The first word of the verdict.
    Verdict,
}

impl Hints {
    /// Whether `TERM` is `dumb`: the terminal cannot move its cursor.
    #[must_use]
    pub fn is_dumb(&self) -> bool {
        self.term.as_deref() == Some("dumb")
    }
}

impl Style {
    /// Plain text of any width, for a pipe or a file.
    pub const PLAIN: Self = Self { color: Color::Off, charset: Charset::Unicode, width: None };

    /// Decides the style of a stream. `terminal` is `None` if it is a pipe or a file.
    #[must_use]
    pub fn decide(choice: ColorChoice, hints: &Hints, terminal: Option<Size>) -> Self {
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if hints.no_color => false,
            ColorChoice::Auto if hints.force_color => true,
            ColorChoice::Auto => terminal.is_some() && !hints.is_dumb(),
        };
        // A pipe is UTF-8. For a terminal, the locale says what it can display. The Linux console does not have all
        // characters.
        let locale = hints.locale.as_deref().unwrap_or_default().to_ascii_uppercase();
        let unicode = terminal.is_none()
            || cfg!(windows)
            || hints.term.as_deref() != Some("linux") && (locale.ends_with("UTF-8") || locale.ends_with("UTF8"));
        Self {
            color: if color { Color::On } else { Color::Off },
            charset: if unicode { Charset::Unicode } else { Charset::Ascii },
            width: terminal.map(|size| size.columns.clamp(40, 200)),
        }
    }

    /// Returns `text` in the color of `role`.
    #[must_use]
    pub fn paint(self, role: Role, text: &str) -> String {
        let code = match role {
            Role::Created => "32",
            Role::Updated => "33",
            Role::Failed => "31",
            Role::Blocked => "35",
            Role::Dim => "2",
            Role::Verdict => "1",
        };
        match self.color {
            Color::On => format!("\x1b[{code}m{text}\x1b[0m"),
            Color::Off => text.to_owned(),
        }
    }

    /// The arrow between an old and a new value.
    #[must_use]
    pub fn arrow(self) -> &'static str {
        match self.charset {
            Charset::Unicode => "→",
            Charset::Ascii => "->",
        }
    }

    /// Shortens `text` to at most `most` columns. Keeps the end, because the end distinguishes names and paths.
    #[must_use]
    pub fn shortened(self, text: &str, most: usize) -> String {
        let length = text.chars().count();
        if length <= most {
            return text.to_owned();
        }
        let left = most.saturating_sub(self.ellipsis().chars().count());
        self.ellipsis().chars().chain(text.chars().skip(length - left)).collect()
    }

    /// Replaces omitted text.
    #[must_use]
    pub fn ellipsis(self) -> &'static str {
        match self.charset {
            Charset::Unicode => "…",
            Charset::Ascii => "...",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Option<Size> = Some(Size { columns: 80, rows: 24 });

    fn utf8() -> Hints {
        Hints { locale: Some("en_US.UTF-8".into()), term: Some("xterm".into()), ..Hints::default() }
    }

    #[test]
    fn a_pipe_has_no_colour_all_characters_and_no_width() {
        assert_eq!(Style::decide(ColorChoice::Auto, &Hints::default(), None), Style::PLAIN);
    }

    #[test]
    fn colour_goes_by_the_flag_then_no_color_then_force_then_the_terminal() {
        let color = |choice, hints: &Hints, terminal| Style::decide(choice, hints, terminal).color == Color::On;
        let none = Hints { no_color: true, force_color: true, ..utf8() };
        let force = Hints { force_color: true, ..utf8() };
        let dumb = Hints { term: Some("dumb".into()), ..utf8() };
        assert!(color(ColorChoice::Always, &none, None));
        assert!(!color(ColorChoice::Never, &force, TERMINAL));
        assert!(!color(ColorChoice::Auto, &none, TERMINAL));
        assert!(color(ColorChoice::Auto, &force, None));
        assert!(color(ColorChoice::Auto, &utf8(), TERMINAL));
        assert!(!color(ColorChoice::Auto, &dumb, TERMINAL));
        assert!(!color(ColorChoice::Auto, &utf8(), None));
    }

    #[test]
    #[cfg(not(windows))]
    fn a_terminal_without_a_utf8_locale_gets_ascii() {
        let charset = |locale: Option<&str>, term: &str| {
            let hints = Hints { locale: locale.map(str::to_owned), term: Some(term.into()), ..Hints::default() };
            Style::decide(ColorChoice::Auto, &hints, TERMINAL).charset
        };
        assert_eq!(charset(None, "xterm"), Charset::Ascii);
        assert_eq!(charset(Some("C"), "xterm"), Charset::Ascii);
        assert_eq!(charset(Some("C.utf8"), "xterm"), Charset::Unicode);
        assert_eq!(charset(Some("de_DE.UTF-8"), "linux"), Charset::Ascii);
    }

    #[test]
    fn a_width_stays_readable() {
        let width = |columns| Style::decide(ColorChoice::Auto, &utf8(), Some(Size { columns, rows: 24 })).width;
        assert_eq!((width(10), width(80), width(900)), (Some(40), Some(80), Some(200)));
    }
}
