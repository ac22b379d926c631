//! [`Template`]: a text with placeholders, parsed and expanded.
//!
//! ```text
//! template = *( text / "{{" / "}}" / "{" NAME ["." part] *("|" filter) "}" )
//! part     = "major" / "minor" / "patch"
//! filter   = "tag" / "lower" / "no-v" / "replace:" 1*chr ":" *chr        chr = any but ":" "|" "{" "}"
//! ```
//!
//! A template does not know the values of its names: [`Template::expand`] calls a function to look them up. The value
//! of a placeholder is not expanded again. The module `parse` parses the grammar.

mod parse;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use super::filter::Filter;
use super::version::{Version, VersionPart};

/// The maximum length of an expanded template in bytes. A limit is needed because each level of nested variables can
/// double the length.
pub const LONGEST_TEXT: usize = 64 * 1024;

/// A text with placeholders: `{registry}/{name}-{arch}:{version}`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
    /// The position of each part in `source`, in bytes.
    spans: Vec<Range<usize>>,
}

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// A literal text. An escaped brace (`{{` or `}}`) is a separate text.
    Text(String),
    /// A placeholder for a value.
    Placeholder(Placeholder),
}

/// A placeholder: `{NAME.part|filter}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Placeholder {
    /// The name of a variable or an axis, or a built-in name.
    pub name: String,
    /// The selected number of the version. `None` for the whole value.
    pub part: Option<VersionPart>,
    /// Applied from left to right.
    pub filters: Vec<Filter>,
    /// The position in the template including the braces, in bytes.
    pub span: Range<usize>,
    /// The position of the name in the template, in bytes.
    pub name_span: Range<usize>,
}

/// The error for a text that is not a valid template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// Which rule the text violates.
    pub kind: TemplateErrorKind,
    /// What is wrong.
    pub message: String,
    /// The position of the invalid character or word in the text, in bytes.
    pub span: Range<usize>,
    /// The replacement for it, if one is known.
    pub instead: Option<String>,
}

/// The kind of a template error, see [`TemplateError::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplateErrorKind {
    /// A syntax error: `[bad-template]`.
    Syntax,
    /// An unknown filter: `[unknown-filter]`.
    UnknownFilter,
}

/// The reason why a template could not be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError<E> {
    /// The value of the placeholder could not be determined.
    #[error("{0}")]
    Lookup(E),
    /// `[no-part]`: the value is not a version, or it has no such number.
    #[error("`{value}` has no {} version", .placeholder.part.map_or("such", VersionPart::word))]
    NoPart {
        /// The placeholder that selects the part.
        placeholder: Placeholder,
        /// The value of its name.
        value: String,
    },
    /// The text is longer than [`LONGEST_TEXT`].
    #[error("the expanded text is longer than {} KiB", LONGEST_TEXT / 1024)]
    TooLong {
        /// The part of the template that makes the text too long, in bytes.
        span: Range<usize>,
    },
}

impl Template {
    /// Parses a template.
    ///
    /// ```
    /// # use mlist::naming::Template;
    /// let template = Template::parse("{name}-{arch}:{version|no-v}")?;
    /// let text = template.expand(|placeholder| match placeholder.name.as_str() {
    ///     "name" => Ok("kubectl".to_owned()),
    ///     "arch" => Ok("arm64".to_owned()),
    ///     "version" => Ok("v1.31.0".to_owned()),
    ///     other => Err(other.to_owned()),
    /// });
    /// assert_eq!(text.as_deref(), Ok("kubectl-arm64:1.31.0"));
    /// # Ok::<_, mlist::naming::TemplateError>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error for the first position at which `text` violates the grammar.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let (mut parts, mut spans): (Vec<Part>, Vec<Range<usize>>) = parse::parts(text)?.into_iter().unzip();
        // Most templates have one part, and a `Vec` reserves room for four. A file can have many templates.
        parts.shrink_to_fit();
        spans.shrink_to_fit();
        Ok(Self { source: text.to_owned(), parts, spans })
    }

    /// The original text.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The pieces, in order. None of them is empty.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(placeholder) => Some(placeholder),
            Part::Text(_) => None,
        })
    }

    /// Returns the expanded text. `lookup` returns the value of each name; version parts and filters are applied here.
    ///
    /// # Errors
    /// Returns an error for the first placeholder that has no value, or whose value has no such version part, and if
    /// the text is too long.
    pub fn expand<E>(&self, lookup: impl FnMut(&Placeholder) -> Result<String, E>) -> Result<String, ExpandError<E>> {
        Ok(self.expand_traced(lookup)?.text)
    }

    /// Like [`Template::expand`], but the result also maps positions in the text back to the template.
    ///
    /// # Errors
    /// Returns the same errors as [`Template::expand`].
    pub fn expand_traced<E>(
        &self,
        mut lookup: impl FnMut(&Placeholder) -> Result<String, E>,
    ) -> Result<Expansion, ExpandError<E>> {
        let mut expansion = Expansion { text: String::new(), pieces: Vec::with_capacity(self.parts.len()) };
        for (part, span) in self.parts.iter().zip(&self.spans) {
            let start = expansion.text.len();
            match part {
                Part::Text(text) => expansion.text.push_str(text),
                Part::Placeholder(placeholder) => {
                    let value = lookup(placeholder).map_err(ExpandError::Lookup)?;
                    expansion.text.push_str(&placeholder.apply(value)?);
                }
            }
            if expansion.text.len() > LONGEST_TEXT {
                return Err(ExpandError::TooLong { span: span.clone() });
            }
            let verbatim = matches!(part, Part::Text(text) if text.len() == span.len());
            expansion.pieces.push(TemplatePiece { text: start..expansion.text.len(), source: span.clone(), verbatim });
        }
        Ok(expansion)
    }
}

impl Placeholder {
    /// Returns the text of this placeholder if the value of its name is `value`.
    pub(super) fn apply<E>(&self, value: String) -> Result<String, ExpandError<E>> {
        finish(&value, self.part, &self.filters).map_err(|why| match why {
            Unfinished::NoPart => ExpandError::NoPart { placeholder: self.clone(), value },
            Unfinished::TooLong => ExpandError::TooLong { span: self.span.clone() },
        })
    }
}

/// The reason why a value cannot be used in a text.
pub(super) enum Unfinished {
    /// The value has no such version part.
    NoPart,
    /// The result of a filter would be longer than [`LONGEST_TEXT`].
    TooLong,
}

/// Returns the value, or the selected part of it, with the filters applied.
pub(super) fn finish(value: &str, part: Option<VersionPart>, filters: &[Filter]) -> Result<String, Unfinished> {
    let value = match part {
        None => value.to_owned(),
        Some(part) => {
            let number = Version::parse(value).and_then(|version| version.part(part).map(str::to_owned));
            number.ok_or(Unfinished::NoPart)?
        }
    };
    filters.iter().try_fold(value, |value, filter| {
        if filter.longest(&value) > LONGEST_TEXT { Err(Unfinished::TooLong) } else { Ok(filter.apply(&value)) }
    })
}

/// An expanded template, with the origin of each piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expansion {
    /// The expanded text.
    pub text: String,
    pieces: Vec<TemplatePiece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct TemplatePiece {
    text: Range<usize>,
    source: Range<usize>,
    /// Whether the piece is byte for byte the same as in the template.
    verbatim: bool,
}

impl Expansion {
    /// Returns the range of the template that produced `range`, both in bytes. A placeholder counts as a whole,
    /// including its braces. If the text is empty, the result is the whole template.
    ///
    /// ```
    /// # use mlist::naming::Template;
    /// let template = Template::parse("{registry}/App")?;
    /// let expansion = template.expand_traced(|_| Ok::<_, ()>("ghcr.io/org".to_owned())).unwrap();
    /// let upper = expansion.text.find('A').unwrap();
    /// assert_eq!(&template.source()[expansion.origin(&(upper..upper + 1))], "A");
    /// assert_eq!(&template.source()[expansion.origin(&(0..4))], "{registry}");
    /// # Ok::<_, mlist::naming::TemplateError>(())
    /// ```
    #[must_use]
    pub fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let whole = 0..self.pieces.last().map_or(0, |piece| piece.source.end);
        if self.text.is_empty() {
            return whole;
        }
        let last = range.end.saturating_sub(1).max(range.start);
        let holding = |at: usize| self.pieces.iter().find(|piece| piece.text.contains(&at));
        let start = holding(range.start).map_or(whole.end, |piece| {
            let into = if piece.verbatim { range.start - piece.text.start } else { 0 };
            piece.source.start + into
        });
        let end = holding(last).map_or(whole.end, |piece| {
            let left = if piece.verbatim { piece.text.end - range.end.max(range.start) } else { 0 };
            piece.source.end - left
        });
        start..end
    }

    /// Returns the text with some values replaced. `instead` is called for each placeholder in order and returns the
    /// replacement, if any. `template` must be the template that was expanded.
    #[must_use]
    pub fn retold(&self, template: &Template, mut instead: impl FnMut(&Placeholder) -> Option<String>) -> String {
        let pieces = template.parts().iter().zip(&self.pieces);
        pieces.fold(String::new(), |mut retold, (part, piece)| {
            match part {
                Part::Placeholder(placeholder) if let Some(other) = instead(placeholder) => retold.push_str(&other),
                _ => retold.push_str(&self.text[piece.text.clone()]),
            }
            retold
        })
    }
}

/// Writes the original text.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:?})", self.source)
    }
}
