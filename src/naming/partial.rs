//! [`Partial`]: a template in which one name is open and all else is known.
//!
//! It is read in both directions: what it comes to for a value ([`Partial::with`]), and which value a text has in its
//! place ([`Partial::find`]).

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::filter::Filter;
use super::template::{ExpandError, LONGEST_TEXT, Part, Placeholder, Template, finish};
use super::version::VersionPart;

/// A template with one name left open: `{version}-alpine`, in which `{version.minor}` may stand too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Partial {
    /// No text is empty or stands beside another.
    pieces: Vec<Piece>,
}

/// A piece of a [`Partial`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Stands for itself.
    Text(String),
    /// The open name.
    Open {
        /// Which number of it; none: all of the value.
        part: Option<VersionPart>,
        /// Applied from left to right.
        filters: Vec<Filter>,
    },
    /// What a variable comes to in which the name is open, with a part or filters of its own.
    Made {
        /// The variable's template.
        of: Partial,
        /// Which number of it; none: all of the value.
        part: Option<VersionPart>,
        /// Applied from left to right.
        filters: Vec<Filter>,
    },
}

/// What a placeholder stands for where one name is left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// It is the open name.
    Open,
    /// A value.
    For(String),
    /// A variable in whose template the open name stands.
    Around(Partial),
}

impl Partial {
    /// Puts one together.
    #[must_use]
    pub fn new(pieces: Vec<Piece>) -> Self {
        let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match (piece, joined.last_mut()) {
                (Piece::Text(text), _) if text.is_empty() => {}
                (Piece::Text(text), Some(Piece::Text(before))) => before.push_str(&text),
                (piece, _) => joined.push(piece),
            }
        }
        Self { pieces: joined }
    }

    /// A template in which `lookup` says of each placeholder what it stands for. A variable around the open name is
    /// spliced in; with a part or filters on it, it is a [`Piece::Made`].
    ///
    /// ```
    /// # use mlist::naming::{Partial, Stands, Template};
    /// let template = Template::parse("{version|no-v}-{variant}")?;
    /// let partial = Partial::of(&template, |word| match word.name.as_str() {
    ///     "version" => Ok::<_, ()>(Stands::Open),
    ///     _ => Ok(Stands::For("alpine".to_owned())),
    /// });
    /// assert_eq!(partial.unwrap().with("v1.31.4").as_deref(), Some("1.31.4-alpine"));
    /// # Ok::<_, mlist::naming::TemplateError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Template::expand`], but that of the open name nothing is known yet.
    pub fn of<E>(
        template: &Template,
        mut lookup: impl FnMut(&Placeholder) -> Result<Stands, E>,
    ) -> Result<Self, ExpandError<E>> {
        let mut pieces = Vec::with_capacity(template.parts().len());
        for part in template.parts() {
            let word = match part {
                Part::Text(text) => {
                    pieces.push(Piece::Text(text.clone()));
                    continue;
                }
                Part::Placeholder(word) => word,
            };
            let (part, filters) = (word.part, word.filters.clone());
            match lookup(word).map_err(ExpandError::Lookup)? {
                Stands::Open => pieces.push(Piece::Open { part, filters }),
                Stands::For(value) => pieces.push(Piece::Text(word.apply(value)?)),
                Stands::Around(of) if part.is_none() && filters.is_empty() => pieces.extend(of.pieces),
                Stands::Around(of) => pieces.push(Piece::Made { of, part, filters }),
            }
            let length: usize = pieces.iter().map(Piece::fixed).sum();
            if length > LONGEST_TEXT {
                return Err(ExpandError::TooLong { span: word.span.clone() });
            }
        }
        Ok(Self::new(pieces))
    }

    /// Its pieces in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether the open name stands in it whole, so that a text tells its value.
    #[must_use]
    pub fn holds_whole(&self) -> bool {
        self.pieces.iter().any(Piece::is_whole)
    }

    /// What it comes to for `value`; none where that has no such part, or the text is longer than [`LONGEST_TEXT`].
    ///
    /// ```
    /// # use mlist::naming::{Partial, Piece, VersionPart};
    /// let open = |part| Piece::Open { part, filters: Vec::new() };
    /// let text = |text: &str| Piece::Text(text.to_owned());
    /// let minor = Partial::new(vec![open(Some(VersionPart::Major)), text("."), open(Some(VersionPart::Minor))]);
    /// assert_eq!(minor.with("1.31.4").as_deref(), Some("1.31"));
    /// assert_eq!(minor.with("1"), None);
    /// ```
    #[must_use]
    pub fn with(&self, value: &str) -> Option<String> {
        let mut made = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => made.push_str(text),
                other => made.push_str(&other.with(value)?),
            }
            if made.len() > LONGEST_TEXT {
                return None;
            }
        }
        Some(made)
    }

    /// The value that `text` has in the place of the open name; of several the shortest. Filters are not undone: what
    /// stands there is the value. None where `text` is not of this form, where the name stands nowhere whole, and where
    /// nothing stands for it.
    ///
    /// ```
    /// # use mlist::naming::{Partial, Piece};
    /// let whole = || Piece::Open { part: None, filters: Vec::new() };
    /// let text = |text: &str| Piece::Text(text.to_owned());
    /// let alpine = Partial::new(vec![whole(), text("-alpine")]);
    /// assert_eq!(alpine.find("1.31.4-alpine").as_deref(), Some("1.31.4"));
    /// assert_eq!(alpine.find("1.31.4"), None);
    /// ```
    #[must_use]
    pub fn find(&self, text: &str) -> Option<String> {
        let first = self.pieces.iter().position(Piece::is_whole)?;
        let (before, behind) = (&self.pieces[..first], &self.pieces[first + 1..]);
        // Most tags of a repository are of another form: that is seen at their ends.
        let begins = !matches!(before, [Piece::Text(prefix), ..] if !text.starts_with(prefix.as_str()));
        let ends = !matches!(behind, [.., Piece::Text(suffix)] if !text.ends_with(suffix.as_str()));
        if !begins || !ends {
            return None;
        }
        let found = Places::of(before, behind, text.len())
            .filter(|range| touches(before, behind, text, range))
            .filter_map(|range| text.get(range))
            .find(|value| self.is(value, text))?;
        Some(found.to_owned())
    }

    /// Whether `text` has this form with `value` where the name stands whole.
    fn is(&self, value: &str, text: &str) -> bool {
        let rest = self.pieces.iter().try_fold(text, |rest, piece| match piece {
            Piece::Text(text) => rest.strip_prefix(text.as_str()),
            whole if whole.is_whole() => rest.strip_prefix(value),
            other => rest.strip_prefix(other.with(value)?.as_str()),
        });
        rest.is_some_and(str::is_empty)
    }
}

/// Whether the texts beside the first whole occurrence stand beside `range`: cheaper than to try it.
fn touches(before: &[Piece], behind: &[Piece], text: &str, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let left = !matches!(before, [.., Piece::Text(left)] if !bytes[..range.start].ends_with(left.as_bytes()));
    let right = !matches!(behind, [Piece::Text(right), ..] if !bytes[range.end..].starts_with(right.as_bytes()));
    left && right
}

/// Where in a text the first whole occurrence may stand, by the lengths of all else, the shortest first. Where nothing
/// but texts and whole occurrences stand in it there is one such place at the most.
struct Places {
    /// The bytes of texts before the first whole occurrence, and behind it.
    fixed: (usize, usize),
    /// Whether what stands before it has one length whatever the value is.
    rigid: bool,
    /// How many bytes the text has.
    length: usize,
    /// The lengths that it may have.
    lengths: Range<usize>,
}

impl Places {
    fn of(before: &[Piece], behind: &[Piece], length: usize) -> impl Iterator<Item = Range<usize>> {
        let fixed = |pieces: &[Piece]| pieces.iter().map(Piece::fixed).sum::<usize>();
        let varies = |piece: &Piece| !piece.is_whole() && !matches!(piece, Piece::Text(_));
        let rigid = !before.iter().any(varies);
        let fixed = (fixed(before), fixed(behind));
        let times = 1 + behind.iter().filter(|piece| piece.is_whole()).count();
        let room = length.saturating_sub(fixed.0 + fixed.1);
        let longest = room / times;
        let lengths = match rigid && !behind.iter().any(varies) {
            true if room % times == 0 => longest.max(1)..longest + 1,
            true => 0..0,
            false => 1..longest + 1,
        };
        let places = Self { fixed, rigid, length, lengths };
        places.lengths.clone().flat_map(move |length| places.starts(length).map(move |start| start..start + length))
    }

    fn starts(&self, length: usize) -> Range<usize> {
        let last = (self.length + 1).saturating_sub(self.fixed.1 + length);
        let first = self.fixed.0;
        first..if self.rigid { last.min(first + 1) } else { last }
    }
}

impl Piece {
    fn is_whole(&self) -> bool {
        matches!(self, Self::Open { part: None, .. })
    }

    /// How many bytes it has whatever the value is.
    fn fixed(&self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }

    /// What it comes to for `value`.
    fn with(&self, value: &str) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Open { part, filters } => finish(value, *part, filters).ok(),
            Self::Made { of, part, filters } => finish(&of.with(value)?, *part, filters).ok(),
        }
    }
}
