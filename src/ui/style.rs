//! [`Style`]: how a stream may be written to: colour, characters, width. Decided once, for problems, lines and bars alike.

/// `--color`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// On a terminal that has colours, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

/// What the environment says about terminals, as it was read.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set and neither empty nor `0`.
    pub force_color: bool,
    /// `TERM`
    pub term: Option<String>,
    /// The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
    pub locale: Option<String>,
}

/// Whether escape sequences for colour are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// They are.
    On,
    /// They are not.
    Off,
}

/// Which characters may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// All.
    Unicode,
    /// ASCII for what mlist itself draws.
    Ascii,
}

/// How a stream may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether in colour.
    pub color: Color,
    /// With which characters.
    pub charset: Charset,
    /// Characters in a line, 40 to 200; none off a terminal, where nothing is wrapped.
    pub width: Option<usize>,
}

/// What a piece of text means; its colour repeats it, never says more than the word or symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Added, created.
    Created,
    /// Changed, updated.
    Updated,
    /// Removed, failed.
    Failed,
    /// In the way, blocked.
    Blocked,
    /// As it was, and what was before.
    Dim,
    /// The first word of the verdict.
    Verdict,
}

impl Hints {
    /// `TERM=dumb`: a terminal that can't move its cursor.
    #[must_use]
    pub fn is_dumb(&self) -> bool {
        self.term.as_deref() == Some("dumb")
    }
}

impl Style {
    /// Plain text of any width: a pipe or a file.
    pub const PLAIN: Self = Self { color: Color::Off, charset: Charset::Unicode, width: None };

    /// Decides for a stream; `terminal` is none where it is a pipe or a file.
    #[must_use]
    pub fn decide(choice: ColorChoice, hints: &Hints, terminal: Option<Size>) -> Self {
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if hints.no_color => false,
            ColorChoice::Auto if hints.force_color => true,
            ColorChoice::Auto => terminal.is_some() && !hints.is_dumb(),
        };
        // A pipe is UTF-8; a terminal says by its locale what it shows. The Linux console has not all characters.
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

    /// `text` in the colour of `role`.
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

    /// What stands between before and after.
    #[must_use]
    pub fn arrow(self) -> &'static str {
        match self.charset {
            Charset::Unicode => "→",
            Charset::Ascii => "->",
        }
    }

    /// What stands for something left out.
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
