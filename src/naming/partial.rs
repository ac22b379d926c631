//! [`Partial`]: a template in which one name is open and all other values are known. [`Partial<N>`] is the same with
//! several open names, which `N` tells apart.
//!
//! A partial with one open name works in both directions: [`Partial::with`] returns the text for a value, and
//! [`Partial::find`] returns the value that a text contains.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::filter::Filter;
use super::template::{ExpandError, LONGEST_TEXT, Part, Placeholder, Template, finish};
use super::version::VersionPart;

/// A template with one open name: `{version}-alpine`. It can also contain parts of the open name, such as
/// `{version.minor}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Partial<N = ()> {
    /// No text is empty, and no two texts are adjacent.
    pieces: Vec<Piece<N>>,
}

/// A piece of a [`Partial`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece<N = ()> {
    /// A literal text.
    Text(String),
    /// An open name.
    Open {
        /// Which of the open names it is.
        name: N,
        /// The selected number of the version. `None` for the whole value.
        part: Option<VersionPart>,
        /// Applied from left to right.
        filters: Vec<Filter>,
    },
    /// A variable whose template contains an open name, with a version part or filters applied to the whole.
    Derived {
        /// The variable's template.
        of: Partial<N>,
        /// The selected number of the version. `None` for the whole value.
        part: Option<VersionPart>,
        /// Applied from left to right.
        filters: Vec<Filter>,
    },
}

/// The value of a placeholder in a template with open names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceholderValue<N = ()> {
    /// An open name.
    Open(N),
    /// A known value.
    Known(String),
    /// A variable whose template contains an open name.
    Partial(Partial<N>),
}

impl<N> Partial<N> {
    /// Creates a partial. Empty texts are removed and adjacent texts are joined.
    #[must_use]
    pub fn new(pieces: Vec<Piece<N>>) -> Self {
        let mut joined: Vec<Piece<N>> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match (piece, joined.last_mut()) {
                (Piece::Text(text), _) if text.is_empty() => {}
                (Piece::Text(text), Some(Piece::Text(before))) => before.push_str(&text),
                (piece, _) => joined.push(piece),
            }
        }
        Self { pieces: joined }
    }

    /// Creates a partial from a template. `lookup` returns the value of each placeholder. If a variable contains an
    /// open name, its pieces are inserted. If such a variable has a part or filters, it becomes a [`Piece::Derived`].
    ///
    /// ```
    /// # use mlist::naming::{Partial, PlaceholderValue, Template};
    /// let template = Template::parse("{version|no-v}-{variant}")?;
    /// let partial = Partial::of(&template, |word| match word.name.as_str() {
    ///     "version" => Ok::<_, ()>(PlaceholderValue::Open(())),
    ///     _ => Ok(PlaceholderValue::Known("alpine".to_owned())),
    /// });
    /// assert_eq!(partial.unwrap().with("v1.31.4").as_deref(), Some("1.31.4-alpine"));
    /// # Ok::<_, mlist::naming::TemplateError>(())
    /// ```
    ///
    /// # Errors
    /// Returns the same errors as [`Template::expand`], except for open names, whose values are not known yet.
    pub fn of<E>(
        template: &Template,
        mut lookup: impl FnMut(&Placeholder) -> Result<PlaceholderValue<N>, E>,
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
                PlaceholderValue::Open(name) => pieces.push(Piece::Open { name, part, filters }),
                PlaceholderValue::Known(value) => pieces.push(Piece::Text(word.apply(value)?)),
                PlaceholderValue::Partial(of) if part.is_none() && filters.is_empty() => pieces.extend(of.pieces),
                PlaceholderValue::Partial(of) => pieces.push(Piece::Derived { of, part, filters }),
            }
            let length: usize = pieces.iter().map(Piece::fixed).sum();
            if length > LONGEST_TEXT {
                return Err(ExpandError::TooLong { span: word.span.clone() });
            }
        }
        Ok(Self::new(pieces))
    }

    /// The pieces, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece<N>] {
        &self.pieces
    }

    /// Returns the text for these values of the open names. `None` if a value has no such version part, or if the text
    /// is longer than [`LONGEST_TEXT`].
    #[must_use]
    pub fn expand<'v>(&self, value: &impl Fn(&N) -> &'v str) -> Option<String> {
        let mut made = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => made.push_str(text),
                Piece::Open { name, part: None, filters } if filters.is_empty() => made.push_str(value(name)),
                other => made.push_str(&other.expand(value)?),
            }
            if made.len() > LONGEST_TEXT {
                return None;
            }
        }
        Some(made)
    }

    /// Whether `found` is true for one of the open names that the text depends on.
    #[must_use]
    pub fn has(&self, found: &impl Fn(&N) -> bool) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Text(_) => false,
            Piece::Open { name, .. } => found(name),
            Piece::Derived { of, .. } => of.has(found),
        })
    }
}

impl Partial {
    /// Whether the open name occurs as a whole (without a version part), so that its value can be found in a text.
    #[must_use]
    pub fn holds_whole(&self) -> bool {
        self.pieces.iter().any(Piece::is_whole)
    }

    /// Returns the text for `value`. `None` if `value` has no such version part, or if the text is longer than
    /// [`LONGEST_TEXT`].
    ///
    /// ```
    /// # use mlist::naming::{Partial, Piece, VersionPart};
    /// let open = |part| Piece::Open { name: (), part, filters: Vec::new() };
    /// let text = |text: &str| Piece::Text(text.to_owned());
    /// let minor = Partial::new(vec![open(Some(VersionPart::Major)), text("."), open(Some(VersionPart::Minor))]);
    /// assert_eq!(minor.with("1.31.4").as_deref(), Some("1.31"));
    /// assert_eq!(minor.with("1"), None);
    /// ```
    #[must_use]
    pub fn with(&self, value: &str) -> Option<String> {
        self.expand(&|()| value)
    }

    /// Returns the value of the open name in `text`, or the shortest one if several are possible. Filters of the open
    /// name are not reversed: the text at its position is the value. `None` if `text` does not have this form, if the
    /// open name never occurs as a whole, or if the value would be empty.
    ///
    /// ```
    /// # use mlist::naming::{Partial, Piece};
    /// let whole = || Piece::Open { name: (), part: None, filters: Vec::new() };
    /// let text = |text: &str| Piece::Text(text.to_owned());
    /// let alpine = Partial::new(vec![whole(), text("-alpine")]);
    /// assert_eq!(alpine.find("1.31.4-alpine").as_deref(), Some("1.31.4"));
    /// assert_eq!(alpine.find("1.31.4"), None);
    /// ```
    #[must_use]
    pub fn find(&self, text: &str) -> Option<String> {
        let first = self.pieces.iter().position(Piece::is_whole)?;
        let (before, behind) = (&self.pieces[..first], &self.pieces[first + 1..]);
        // Most tags of a repository have another form. Comparing both ends is enough to reject them.
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

    /// Whether `text` has this form with `value` at each position where the open name occurs as a whole.
    fn is(&self, value: &str, text: &str) -> bool {
        let rest = self.pieces.iter().try_fold(text, |rest, piece| match piece {
            Piece::Text(text) => rest.strip_prefix(text.as_str()),
            whole if whole.is_whole() => rest.strip_prefix(value),
            other => rest.strip_prefix(other.expand(&|()| value)?.as_str()),
        });
        rest.is_some_and(str::is_empty)
    }
}

/// Whether the texts that are adjacent to the first whole occurrence are also adjacent to `range`. This is cheaper than
/// [`Partial::is`].
fn touches(before: &[Piece], behind: &[Piece], text: &str, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let left = !matches!(before, [.., Piece::Text(left)] if !bytes[..range.start].ends_with(left.as_bytes()));
    let right = !matches!(behind, [Piece::Text(right), ..] if !bytes[range.end..].starts_with(right.as_bytes()));
    left && right
}

/// The possible positions of the first whole occurrence of the open name in a text, computed from the lengths of all
/// other pieces. The shortest are returned first. If there are only texts and whole occurrences, there is at most one
/// position.
struct Places {
    /// The number of bytes of the texts before and after the first whole occurrence.
    fixed: (usize, usize),
    /// Whether the pieces before it have the same length for every value.
    rigid: bool,
    /// The length of the text in bytes.
    length: usize,
    /// The possible lengths of the occurrence in bytes.
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

impl<N> Piece<N> {
    fn is_whole(&self) -> bool {
        matches!(self, Self::Open { part: None, .. })
    }

    /// The number of bytes that the piece has for every value.
    fn fixed(&self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }

    /// Returns the text for these values.
    fn expand<'v>(&self, value: &impl Fn(&N) -> &'v str) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Open { name, part, filters } => finish(value(name), *part, filters).ok(),
            Self::Derived { of, part, filters } => finish(&of.expand(value)?, *part, filters).ok(),
        }
    }
}
