//! [`Problem`]: the one shape in which a problem of any layer reaches the user.
//!
//! A problem is data. Who finds it says what is wrong, why, where in which file, and what to do; `ui` renders it for
//! people and as JSON. Nothing here prints.

use std::ops::Range;
use std::sync::Arc;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Said, and nothing else follows from it.
    Warning,
    /// Something is not done because of it.
    Error,
}

/// A piece of a source file, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Span {
    /// Which of the [`Sources`].
    pub file: usize,
    /// Which bytes of it.
    pub range: Range<usize>,
}

/// A place in a source file and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What stands under it; may be empty.
    pub text: String,
}

/// What the registry answered, for those who decide whether to run again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HttpFacts {
    /// The registry.
    pub host: String,
    /// The last status; none where there was no answer.
    pub status: Option<u16>,
    /// The registry's own code: `MANIFEST_UNKNOWN`.
    pub code: Option<String>,
    /// How often it was asked.
    pub attempts: u32,
}

/// Something that is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Problem {
    /// `mlist::config::unknown_key`: stable, documented, one per cause. The last word is a promise of the JSON output.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: a fragment in lower case where it does not begin with a name.
    pub message: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// Where in which file; the first is the place that is meant by `file:line`.
    pub labels: Vec<Label>,
    /// The image or list that it is about.
    pub reference: Option<String>,
    /// Whether the same command may succeed later with nothing changed.
    pub retry: bool,
    /// What the registry answered.
    pub http: Option<HttpFacts>,
}

impl Problem {
    /// An error with nothing but its code and message; the rest is added by the methods below.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            causes: Vec::new(),
            help: None,
            labels: Vec::new(),
            reference: None,
            retry: false,
            http: None,
        }
    }

    /// A warning; as [`Problem::error`].
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Underlines `span` and says `text` under it.
    #[must_use]
    pub fn at(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span: span.clone(), text: text.into() });
        self
    }

    /// Adds a cause behind those it has.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says which image or list it is about.
    #[must_use]
    pub fn about(mut self, reference: &impl ToString) -> Self {
        self.reference = Some(reference.to_string());
        self
    }

    /// The last word of the code: `unknown_key`.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        self.code.rsplit("::").next().unwrap_or(self.code)
    }

    /// The registry that it is about, where it is about one as a whole or an answer of it.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.http.as_ref().map(|http| http.host.as_str())
    }

    /// Whether the file must be changed to solve the problem.
    #[must_use]
    pub fn is_of_file(&self) -> bool {
        self.is_of("config")
    }

    /// Whether a registry answered with an error, or did not answer.
    #[must_use]
    pub fn is_of_registry(&self) -> bool {
        self.is_of("registry")
    }

    /// Whether the code is `mlist::LAYER::WHAT` for this layer.
    fn is_of(&self, layer: &str) -> bool {
        self.code.split("::").nth(1) == Some(layer)
    }
}

/// The text of one file, and the name it is shown by.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// As seen from where the program runs: `manifests.toml`, `examples/quickstart/manifests.toml`.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
}

/// The files that spans point into, by their number.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<(SourceFile, Lines)>);

/// Where the lines of a text begin. Found out once, so that a thousand problems do not count them a thousand times.
#[derive(Debug, Clone)]
pub struct Lines(Arc<[usize]>);

/// A place as people count: lines and columns from 1, columns in characters; the end is the last column that belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// First line.
    pub line: usize,
    /// First column.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// Column behind the last character.
    pub end_column: usize,
}

impl Sources {
    /// Adds a file; its number is what [`Span::file`] holds.
    pub fn add(&mut self, file: SourceFile) -> usize {
        let lines = Lines::of(&file.text);
        self.0.push((file, lines));
        self.0.len() - 1
    }

    /// The file of that number.
    #[must_use]
    pub fn get(&self, file: usize) -> Option<&SourceFile> {
        self.0.get(file).map(|(file, _)| file)
    }

    /// All files, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &SourceFile> {
        self.0.iter().map(|(file, _)| file)
    }

    /// The lines of that file.
    #[must_use]
    pub fn lines(&self, file: usize) -> Option<&Lines> {
        self.0.get(file).map(|(_, lines)| lines)
    }

    /// Where `span` is, for people and editors.
    #[must_use]
    pub fn position(&self, span: &Span) -> Option<Position> {
        let (SourceFile { text, .. }, lines) = self.0.get(span.file)?;
        let point = |offset: usize| {
            let line = lines.of_byte(offset);
            let before = text.get(lines.start(line)..offset.min(text.len())).unwrap_or_default();
            (line + 1, before.chars().count() + 1)
        };
        let ((line, column), (end_line, end_column)) = (point(span.range.start), point(span.range.end));
        Some(Position { line, column, end_line, end_column })
    }
}

impl Lines {
    /// The lines of `text`; a byte order mark is no part of the first.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let first = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self([first].into_iter().chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect())
    }

    /// The line, counted from 0, that has this byte.
    #[must_use]
    pub fn of_byte(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Where a line begins, counted from 0; that of one behind the last is that of the last.
    #[must_use]
    pub fn start(&self, line: usize) -> usize {
        self.0.get(line).or(self.0.last()).copied().unwrap_or_default()
    }

    /// How many there are; behind a newline at the end stands one more, which is empty.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile { name: "m".into(), text: "a\nä = 1\n".into() });
        let position = sources.position(&Span { file, range: 2..4 }).unwrap();
        assert_eq!((position.line, position.column, position.end_line, position.end_column), (2, 1, 2, 2));
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile { name: "m".into(), text: "\u{feff}ab\r\nc".into() });
        let at = |range| sources.position(&Span { file, range }).map(|at| (at.line, at.column)).unwrap();
        assert_eq!([at(4..5), at(7..8), at(8..8), at(0..0)], [(1, 2), (2, 1), (2, 2), (1, 1)]);
    }
}
