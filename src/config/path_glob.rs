//! [`PathGlob`]: a glob of `include`. `host` walks the folders, and this file decides which names match.

use std::path::{Path, PathBuf};

use crate::naming::{GlobError, Pattern, check_length};

/// A glob over the files below a folder, with `/` between the names of a path.
///
/// `*`, `?` and `[a-z]` match within one name. `**` matches any number of folders, and as the last name it matches all
/// files below. Wildcards do not match names that begin with `.`, unless the `.` is written out. All other characters
/// match themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathGlob {
    /// The path before the first name with wildcards.
    start: PathBuf,
    segments: Vec<GlobSegment>,
    takes_away: bool,
}

/// A part of a [`PathGlob`] after its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GlobSegment {
    /// `**`: any number of folders, including zero.
    Folders,
    /// A name with wildcards.
    Fits(NameGlob),
    /// A name without wildcards, or `..`.
    Is(String),
}

/// A glob that matches one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameGlob(Pattern);

impl PathGlob {
    /// Parses a glob. A leading `!` excludes the files that match.
    ///
    /// # Errors
    /// Returns an error if a name in the path is not a valid glob, and for a glob of more than 1,000 bytes.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        check_length(text)?;
        let glob = text.strip_prefix('!').unwrap_or(text);
        let mut start = PathBuf::from(if glob.starts_with('/') { "/" } else { "" });
        let mut segments: Vec<GlobSegment> = Vec::new();
        for name in glob.split('/').filter(|name| !matches!(*name, "" | ".")) {
            match name {
                "**" if segments.last() == Some(&GlobSegment::Folders) => {}
                "**" => segments.push(GlobSegment::Folders),
                _ if name.contains(['*', '?', '[']) => {
                    // The name is part of a path, so its own `!` is a normal character. The added `!` is the one that
                    // the parser removes.
                    let pattern = Pattern::parse(&format!("!{name}")).map_err(|error| GlobError {
                        message: error.message.replace(&format!("`!{name}`"), &format!("`{text}`")),
                        ..error
                    })?;
                    segments.push(GlobSegment::Fits(NameGlob(pattern)));
                }
                _ if segments.is_empty() => start.push(name),
                _ => segments.push(GlobSegment::Is(name.to_owned())),
            }
        }
        Ok(Self { start, segments, takes_away: text.starts_with('!') })
    }

    /// The path before the first name with wildcards. This is the whole path if no name has wildcards.
    #[must_use]
    pub fn start(&self) -> &Path {
        &self.start
    }

    /// The parts after [`PathGlob::start`].
    #[must_use]
    pub fn segments(&self) -> &[GlobSegment] {
        &self.segments
    }

    /// Whether the glob begins with `!`, so that it excludes files.
    #[must_use]
    pub fn takes_away(&self) -> bool {
        self.takes_away
    }
}

impl NameGlob {
    /// Whether the glob matches the name of a file or folder.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let written_out = self.0.source().strip_prefix('!').is_some_and(|name| name.starts_with('.'));
        (written_out || !is_hidden(name)) && self.0.matches(name)
    }
}

/// Whether a name is hidden, such as `.git` or `.cache`, so that wildcards do not match it.
#[must_use]
pub fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, usize, bool) {
        let glob = PathGlob::parse(text).unwrap();
        (glob.start().display().to_string(), glob.segments().len(), glob.takes_away())
    }

    #[test]
    fn the_start_is_what_has_no_wildcards() {
        assert_eq!(parsed("a/./b//x.toml"), ("a/b/x.toml".to_owned(), 0, false));
        assert_eq!(parsed("!../a/*/**/**/x.toml"), ("../a".to_owned(), 3, true));
        assert_eq!(parsed("/srv/*.toml"), ("/srv".to_owned(), 1, false));
        assert_eq!(parsed("{a,b}/x.toml"), ("{a,b}/x.toml".to_owned(), 0, false));
    }

    #[test]
    fn a_fault_is_told_with_the_whole_glob() {
        let error = PathGlob::parse("a/b[c/x.toml").unwrap_err();
        assert_eq!(error.message, "`[` is not closed in `a/b[c/x.toml`");
    }

    #[test]
    fn hidden_names_have_to_be_written_out() {
        let matches = |glob: &str, name: &str| match PathGlob::parse(glob).unwrap().segments() {
            [GlobSegment::Fits(fits)] => fits.matches(name),
            other => panic!("{other:?}"),
        };
        assert!(matches("*.toml", "a.toml") && matches("[!a]*", "b"));
        assert!(!matches("*.toml", ".a.toml") && !matches("?a", ".a") && !matches("[.]a", ".a"));
        assert!(matches(".*.toml", ".a.toml"));
        assert!(matches("!!*", "!a"), "one `!` is the mark, the next a character");
    }
}
