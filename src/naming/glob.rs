//! [`Globs`]: patterns that select names.
//!
//! `*` matches any sequence of characters, including `/`. `?` matches one byte. `[a-z]` and `[!a-z]` are character
//! classes. All other characters match themselves, including backslashes and braces, because templates use braces.

use std::fmt;

use std::sync::OnceLock;

use globset::{ErrorKind, Glob, GlobBuilder, GlobMatcher};

/// The maximum length of a glob in bytes. The regular expression of a longer one could exceed what the regex crate
/// allows.
const LONGEST: usize = 1000;

/// One glob, which is negated if it begins with `!`.
#[derive(Clone)]
pub struct Pattern {
    source: Box<str>,
    /// Created when the glob is first matched, because most globs of a large file never are.
    matcher: OnceLock<Box<GlobMatcher>>,
}

/// Several globs. They select a text if at least one glob without `!` matches it and no glob with `!` matches it. If
/// there are no globs without `!`, only the second condition applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Globs(Vec<Pattern>);

/// The error for a text that is not a valid glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GlobError {
    /// The index of the invalid text.
    pub index: usize,
    /// What is wrong.
    pub message: String,
}

impl Pattern {
    /// Parses one glob.
    ///
    /// # Errors
    /// Returns an error for a `[` without `]`, for a class whose range is in the wrong order (`[z-a]`), and for a glob
    /// of more than 1,000 bytes.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        check_length(text)?;
        glob(text).map_err(|error| GlobError { index: 0, message: message(error.kind(), text) })?;
        Ok(Self { source: text.into(), matcher: OnceLock::new() })
    }

    /// The glob as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the glob begins with `!`.
    #[must_use]
    pub fn is_negated(&self) -> bool {
        self.source.starts_with('!')
    }

    /// Whether the glob matches the whole of `text`. A leading `!` is ignored.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let compile = || match glob(&self.source) {
            Ok(glob) => Box::new(glob.compile_matcher()),
            Err(_) => unreachable!("the glob was parsed before"),
        };
        self.matcher.get_or_init(compile).is_match(text)
    }
}

impl Globs {
    /// The maximum number of globs that a key takes. Each needs about 9 KB once it is matched.
    pub(crate) const MOST: usize = 1000;

    /// Parses all globs.
    ///
    /// ```
    /// # use mlist::naming::Globs;
    /// let globs = Globs::parse(&["kube-*", "!*-proxy"])?;
    /// assert!(globs.matches("kube-apiserver"));
    /// assert!(!globs.matches("kube-proxy"));
    /// # Ok::<_, mlist::naming::GlobError>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error for the first text that is not a valid glob, with its index.
    pub fn parse(texts: &[impl AsRef<str>]) -> Result<Self, GlobError> {
        let read = |(index, text): (usize, &_)| {
            Pattern::parse(AsRef::<str>::as_ref(text)).map_err(|error| GlobError { index, ..error })
        };
        Ok(Self(texts.iter().enumerate().map(read).collect::<Result<_, _>>()?))
    }

    /// The globs, in the order given.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.0
    }

    /// Whether the globs select `text`. If there are no globs, every text is selected.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.selects(|pattern| pattern.matches(text))
    }

    /// Applies the same rule to something that has several names. `fits` returns whether a glob matches any of these
    /// names.
    #[must_use]
    pub fn selects(&self, mut fits: impl FnMut(&Pattern) -> bool) -> bool {
        let mut wanted = None;
        for pattern in &self.0 {
            match (pattern.is_negated(), fits(pattern)) {
                (true, true) => return false,
                (true, false) => {}
                (false, fits) => wanted = Some(wanted.unwrap_or(false) || fits),
            }
        }
        wanted.unwrap_or(true)
    }
}

/// Checks the length of a glob.
///
/// # Errors
/// Returns an error for a glob of more than 1,000 bytes.
pub(crate) fn check_length(text: &str) -> Result<(), GlobError> {
    if text.len() <= LONGEST {
        return Ok(());
    }
    let shown: String = text.chars().take(20).collect();
    let message = format!("glob `{shown}…` is {} bytes long; the maximum is {LONGEST}", text.len());
    Err(GlobError { index: 0, message })
}

fn glob(source: &str) -> Result<Glob, globset::Error> {
    let glob = source.strip_prefix('!').unwrap_or(source);
    GlobBuilder::new(&spelled_for_globset(glob)).literal_separator(false).backslash_escape(false).build()
}

/// Converts the glob to globset's syntax, in which braces mean alternatives and `**` means directories.
fn spelled_for_globset(glob: &str) -> String {
    let mut spelled = String::with_capacity(glob.len());
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' => spelled.extend(['[', c, ']']),
            '*' if spelled.ends_with('*') => {}
            '[' => {
                spelled.push(c);
                // In both syntaxes, a `]` directly after the opening bracket belongs to the class.
                if let Some(negation) = chars.next_if(|c| matches!(c, '!' | '^')) {
                    spelled.push(negation);
                }
                spelled.extend(chars.next());
                while let Some(inner) = chars.next_if(|c| *c != ']') {
                    spelled.push(inner);
                }
                spelled.extend(chars.next());
            }
            c => spelled.push(c),
        }
    }
    spelled
}

fn message(kind: &ErrorKind, text: &str) -> String {
    match kind {
        ErrorKind::UnclosedClass => format!("`[` is not closed in `{text}`"),
        ErrorKind::InvalidRange(from, to) => {
            format!("range `{from}-{to}` in `{text}` is in the wrong order: write `{to}-{from}`")
        }
        other => format!("`{text}` is not a valid glob: {other}"),
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(glob: &str, text: &str) -> bool {
        Pattern::parse(glob).unwrap().matches(text)
    }

    #[test]
    fn says_which_is_no_glob_and_why() {
        let error = Globs::parse(&["a", "!b[c"]).unwrap_err();
        assert_eq!((error.index, error.message.as_str()), (1, "`[` is not closed in `!b[c`"));
        let error = Pattern::parse("[z-a]").unwrap_err();
        assert_eq!(error.message, "range `z-a` in `[z-a]` is in the wrong order: write `a-z`");
        assert!(Pattern::parse("[]").is_err());
    }

    #[test]
    fn a_long_glob_is_refused() {
        let glob = "[a-z]?*x".repeat(LONGEST / 8);
        assert!(fits(&glob, &"aaax".repeat(LONGEST / 8)));
        assert!(!fits(&glob, &("aaax".repeat(LONGEST) + "y")));
        let error = Pattern::parse(&"[a-z]?*".repeat(100_000)).unwrap_err();
        let message = "glob `[a-z]?*[a-z]?*[a-z]?…` is 700000 bytes long; the maximum is 1000";
        assert_eq!(error.message, message);
    }

    #[test]
    fn a_star_crosses_slashes() {
        for (glob, text, expected) in [
            ("kube*", "kube/kube-proxy", true),
            ("*", "", true),
            ("*", "a/b/c", true),
            ("**", "a/b", true),
            ("a**b", "axb", true),
            ("a/**", "a", false),
            ("**/b", "b", false),
            ("ghcr.io/*/app", "ghcr.io/a/b/app", true),
            ("kube", "kube/kube-proxy", false),
            ("kube", "kubectl", false),
            ("k?be", "kube", true),
            ("a?b", "a/b", true),
            ("a.b", "axb", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("K*", "kube", false),
        ] {
            assert_eq!(fits(glob, text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn braces_commas_and_backslashes_are_themselves() {
        for (glob, text, expected) in [
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("{", "{", true),
            ("}}", "}}", true),
            ("[{}]", "}", true),
            ("[!{]", "{", false),
            (r"a\*", r"a\b", true),
            (r"a\b", "ab", false),
        ] {
            assert_eq!(fits(glob, text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn one_without_a_mark_must_match_and_none_with_one_may() {
        for (globs, text, expected) in [
            (&[][..], "a", true),
            (&["a", "b"], "b", true),
            (&["a", "b"], "c", false),
            (&["!a"], "b", true),
            (&["!a"], "a", false),
            (&["*", "!a"], "a", false),
            (&["!a", "*"], "a", false),
            (&["b", "!a"], "c", false),
        ] {
            assert_eq!(Globs::parse(globs).unwrap().matches(text), expected, "{globs:?} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_without_marks_fits_itself_alone(text in "[a-z0-9./:{},@_\\\\-]{0,12}", other in "[a-z./{}]{0,3}") {
            prop_assert!(fits(&text, &text));
            prop_assert_eq!(fits(&text, &other), text == other);
        }

        #[test]
        fn only_a_class_can_be_at_fault(glob in r"[\]\[!^*?{}a-c-]{0,8}") {
            prop_assert!(glob.contains('[') || Pattern::parse(&glob).is_ok());
        }
    }
}
