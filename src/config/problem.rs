//! [`Problem`]: the form in which all layers report problems to the user.
//!
//! A problem is data. The code that finds it states what is wrong, why, where in which file, and what to do. `ui`
//! renders it as text and as JSON. Nothing here prints.

use std::ops::Range;
use std::sync::Arc;

/// The severity of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The problem is only shown. It has no other effect.
    Warning,
    /// Something cannot be done because of the problem.
    Error,
}

/// A range of bytes in a source file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Span {
    /// The index of the file in [`Sources`].
    pub file: usize,
    /// The range, in bytes from the start of the file.
    pub range: Range<usize>,
}

/// A span in a source file, with a text for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    /// The span to underline.
    pub span: Span,
    /// The text under the span. May be empty.
    pub text: String,
}

/// What the registry responded. Scripts can use it to decide whether to run the command again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HttpFacts {
    /// The host of the registry.
    pub host: String,
    /// The HTTP status of the last response. `None` if the registry did not respond.
    pub status: Option<u16>,
    /// The error code from the registry's response: `MANIFEST_UNKNOWN`.
    pub code: Option<String>,
    /// How many times the request was sent.
    pub attempts: u32,
}

impl HttpFacts {
    /// Creates the facts for something that the registry does not have.
    #[must_use]
    pub fn not_found(host: &str) -> Self {
        Self { host: host.to_owned(), status: Some(404), code: None, attempts: 1 }
    }
}

/// Something that is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The code, such as `mlist::config::unknown_key`. Codes are stable and documented, with one code per cause. The
    /// JSON output has the last part.
    pub code: &'static str,
    /// The severity.
    pub severity: Severity,
    /// What is wrong. A phrase that starts in lower case, unless it starts with a name.
    pub message: String,
    /// The causes, with the most direct one first.
    pub causes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// The spans in source files. The first one is the position that is shown as `file:line`.
    pub labels: Vec<Label>,
    /// The image or list that the problem is about.
    pub reference: Option<String>,
    /// Whether the same command may succeed later without any changes.
    pub retry: bool,
    /// What the registry responded.
    pub http: Option<HttpFacts>,
}

impl Problem {
    /// Creates an error with only a code and a message. The methods below add the other fields.
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

    /// Creates a warning, like [`Problem::error`].
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds a label, which underlines `span` and shows `text` under it.
    #[must_use]
    pub fn at(mut self, span: &Span, text: impl Into<String>) -> Self {
        // Most problems have one label, and a `Vec` reserves room for four. A file can have many problems.
        self.labels.reserve_exact(1);
        self.labels.push(Label { span: span.clone(), text: text.into() });
        self
    }

    /// Adds a cause after the existing ones.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Sets the text that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sets the image or list that the problem is about.
    #[must_use]
    pub fn about(mut self, reference: &impl ToString) -> Self {
        self.reference = Some(reference.to_string());
        self
    }

    /// The last part of the code: `unknown_key`.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        self.code.rsplit("::").next().unwrap_or(self.code)
    }

    /// The host of the registry, if the problem is about a registry or a response of one.
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

/// The text of a file, and the name that is shown for it.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The path relative to the working directory: `manifests.toml`, `examples/quickstart/manifests.toml`.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
}

/// The files that spans refer to, by index.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<(SourceFile, Lines)>);

/// The byte offsets at which the lines of a text start. They are computed only once per file, not again for each
/// problem.
#[derive(Debug, Clone)]
pub struct Lines(Arc<[usize]>);

/// A position for display. Lines and columns are counted from 1, and columns are counted in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The first line.
    pub line: usize,
    /// The column of the first character.
    pub column: usize,
    /// The last line.
    pub end_line: usize,
    /// The column after the last character.
    pub end_column: usize,
}

impl Sources {
    /// Adds a file and returns its index, for [`Span::file`].
    pub fn add(&mut self, file: SourceFile) -> usize {
        let lines = Lines::of(&file.text);
        self.0.push((file, lines));
        self.0.len() - 1
    }

    /// The file with this index.
    #[must_use]
    pub fn get(&self, file: usize) -> Option<&SourceFile> {
        self.0.get(file).map(|(file, _)| file)
    }

    /// All files, ordered by index.
    pub fn iter(&self) -> impl Iterator<Item = &SourceFile> {
        self.0.iter().map(|(file, _)| file)
    }

    /// The lines of the file with this index.
    #[must_use]
    pub fn lines(&self, file: usize) -> Option<&Lines> {
        self.0.get(file).map(|(_, lines)| lines)
    }

    /// Returns the position of `span`, for display and for editors.
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
    /// Finds the lines of `text`. A byte order mark is not part of the first line.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let first = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self([first].into_iter().chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect())
    }

    /// The index of the line that contains this byte, from 0.
    #[must_use]
    pub fn of_byte(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The byte offset at which a line starts, for a line index from 0. For an index past the last line, the start of
    /// the last line.
    #[must_use]
    pub fn start(&self, line: usize) -> usize {
        self.0.get(line).or(self.0.last()).copied().unwrap_or_default()
    }

    /// The number of lines. After a newline at the end of the text, an empty line is counted.
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
