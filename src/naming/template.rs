//! [`Template`]: a text with placeholders, read and expanded.
//!
//! ```text
//! template = *( text / "{{" / "}}" / "{" NAME ["." part] *("|" filter) "}" )
//! part     = "major" / "minor" / "patch"
//! filter   = "tag" / "lower" / "no-v" / "replace:" 1*chr ":" *chr        chr = any but ":" "|" "{" "}"
//! ```
//!
//! A template does not know what its names stand for: [`Template::expand`] asks. What a placeholder gives is not
//! expanded again. `parse` reads the grammar.

mod parse;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use super::filter::Filter;
use super::version::{Version, VersionPart};

/// The longest text that a template comes to, in bytes. A few nested variables double it with each step.
pub const LONGEST_TEXT: usize = 64 * 1024;

/// A text with placeholders: `{registry}/{name}-{arch}:{version}`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
    /// Where each part stands in `source`.
    spans: Vec<Range<usize>>,
}

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// Stands for itself. A doubled brace is a text of its own.
    Text(String),
    /// Stands for a value.
    Placeholder(Placeholder),
}

/// `{NAME.part|filter}`
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Placeholder {
    /// A variable, an axis or a built-in name.
    pub name: String,
    /// Which number of the version; none: all of the value.
    pub part: Option<VersionPart>,
    /// Applied from left to right.
    pub filters: Vec<Filter>,
    /// Where it stands in the template, braces included, in bytes.
    pub span: Range<usize>,
    /// Where its name stands, in bytes.
    pub name_span: Range<usize>,
}

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// Which rule it breaks.
    pub kind: TemplateErrorKind,
    /// What is wrong.
    pub message: String,
    /// The character or the word, in bytes within the text.
    pub span: Range<usize>,
    /// What to write there instead, where that is known.
    pub instead: Option<String>,
}

/// See [`TemplateError::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplateErrorKind {
    /// `[bad-template]`
    Syntax,
    /// `[unknown-filter]`
    UnknownFilter,
}

/// Why a template could not be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError<E> {
    /// The placeholder's value could not be had.
    #[error("{0}")]
    Lookup(E),
    /// `[no-part]`: the value is no version or has no such number.
    #[error("`{value}` has no {}", .placeholder.part.map_or("part", VersionPart::word))]
    NoPart {
        /// Which asked for a part.
        placeholder: Placeholder,
        /// What its name stands for.
        value: String,
    },
    /// The text is longer than [`LONGEST_TEXT`].
    #[error("it comes to more than {} KiB", LONGEST_TEXT / 1024)]
    TooLong {
        /// The part of the template that makes it so, in bytes.
        span: Range<usize>,
    },
}

impl Template {
    /// Reads a template.
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
    /// The first place where `text` leaves the grammar.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let (parts, spans) = parse::parts(text)?.into_iter().unzip();
        Ok(Self { source: text.to_owned(), parts, spans })
    }

    /// The text it was read from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its pieces in order; none of them is empty.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Its placeholders in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(placeholder) => Some(placeholder),
            Part::Text(_) => None,
        })
    }

    /// The text that stands where `lookup` gives the value of each name. Parts and filters are applied here.
    ///
    /// # Errors
    /// The first placeholder that has no value, or whose value has no such part; a text that is too long.
    pub fn expand<E>(&self, lookup: impl FnMut(&Placeholder) -> Result<String, E>) -> Result<String, ExpandError<E>> {
        Ok(self.expand_traced(lookup)?.text)
    }

    /// As [`Template::expand`], and the way back from the text to the template.
    ///
    /// # Errors
    /// As [`Template::expand`].
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
            expansion.pieces.push(Piece { text: start..expansion.text.len(), source: span.clone(), verbatim });
        }
        Ok(expansion)
    }
}

impl Placeholder {
    /// What stands in the text where the name's value is `value`.
    pub(super) fn apply<E>(&self, value: String) -> Result<String, ExpandError<E>> {
        finish(&value, self.part, &self.filters).map_err(|why| match why {
            Unfinished::NoPart => ExpandError::NoPart { placeholder: self.clone(), value },
            Unfinished::TooLong => ExpandError::TooLong { span: self.span.clone() },
        })
    }
}

/// Why a value can't stand in a text.
pub(super) enum Unfinished {
    /// It has no such part.
    NoPart,
    /// A filter makes more than [`LONGEST_TEXT`] of it.
    TooLong,
}

/// The value, or its part, as the filters make it.
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

/// An expanded template, and where each piece of it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expansion {
    /// What the template gives.
    pub text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    text: Range<usize>,
    source: Range<usize>,
    /// Byte for byte as in the template.
    verbatim: bool,
}

impl Expansion {
    /// The bytes of the template that `range`, bytes of the text, came from: a placeholder counts as a whole, braces
    /// included. Where the text is empty it is the whole template.
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

    /// The text in which some placeholders show something else than their value: what `instead` gives for each, asked
    /// in their order. `template` is the one that this came from.
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

/// The text it was read from.
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
