//! [`Version`]: which texts are versions, which versions are stable, and how they are ordered.
//!
//! ```text
//! stable = ["v"] NUM *("." NUM) ["-" NUM] [("+" | "_") TEXT]
//! ```
//! Any other text that begins with `["v"] NUM` is a pre-release, and all remaining texts are not versions. This is not
//! semver, because projects use more forms than semver for the versions of their images.

use std::cmp::Ordering;
use std::ops::Range;

/// A text that is a version.
///
/// Two different texts can have the same rank (`1.2` and `v1.2.0`). For this reason the type has `Eq` but no `Ord`: see
/// [`Version::compare`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    text: String,
    /// The positions of the numbers in `text`; never empty.
    numbers: Vec<Range<usize>>,
    rest: Rest,
}

/// What follows the numbers, up to the first `+` or `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Rest {
    Nothing,
    Revision(Range<usize>),
    PreRelease(Range<usize>),
}

/// Whether a version is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A version for everyone.
    Stable,
    /// A version for users who ask for a pre-release.
    PreRelease,
}

/// One of the first three numbers of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionPart {
    /// The first number.
    Major,
    /// The second number.
    Minor,
    /// The third number.
    Patch,
}

impl VersionPart {
    /// All parts, in order.
    pub const ALL: [Self; 3] = [Self::Major, Self::Minor, Self::Patch];

    /// Parses `major`, `minor` or `patch`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.word() == word)
    }

    /// The word for this part in a template.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Patch => "patch",
        }
    }
}

impl Version {
    /// Parses a version. `None` if `text` is not a version. A text that contains `*` is a glob over versions, not a
    /// version.
    ///
    /// ```
    /// # use mlist::naming::{Kind, Version};
    /// assert_eq!(Version::parse("v1.31.0").map(|version| version.kind()), Some(Kind::Stable));
    /// assert_eq!(Version::parse("2024.8.0b1").map(|version| version.kind()), Some(Kind::PreRelease));
    /// assert_eq!(Version::parse("latest"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut at = usize::from(text.starts_with('v'));
        let mut numbers = vec![digits(text, at)?];
        loop {
            at = numbers.last()?.end;
            if !text[at..].starts_with('.') {
                break;
            }
            let Some(number) = digits(text, at + 1) else { break };
            numbers.push(number);
        }
        if text.contains('*') {
            return None;
        }
        let end = text[at..].find(['+', '_']).map_or(text.len(), |found| at + found);
        let rest = if at == end {
            Rest::Nothing
        } else {
            let revision = text[at..].starts_with('-').then(|| digits(text, at + 1)).flatten();
            revision.filter(|number| number.end == end).map_or(Rest::PreRelease(at..end), Rest::Revision)
        };
        Some(Self { text: text.to_owned(), numbers, rest })
    }

    /// The original text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the version is stable or a pre-release.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if matches!(self.rest, Rest::PreRelease(_)) { Kind::PreRelease } else { Kind::Stable }
    }

    /// The number that follows the `-` of a stable version: `1` for `3.5.12-1`.
    #[must_use]
    pub fn revision(&self) -> Option<&str> {
        if let Rest::Revision(range) = &self.rest { Some(&self.text[range.clone()]) } else { None }
    }

    /// One of the numbers, as it is written. `None` if the version has fewer numbers.
    #[must_use]
    pub fn part(&self, part: VersionPart) -> Option<&str> {
        self.number(part as usize)
    }

    fn number(&self, at: usize) -> Option<&str> {
        self.numbers.get(at).map(|range| &self.text[range.clone()])
    }

    /// Compares two versions by rank. This is a total order in which `1.2`, `v1.2.0` and `1.2+x` are equal.
    ///
    /// ```
    /// # use mlist::naming::Version;
    /// let version = |text| Version::parse(text).unwrap();
    /// assert!(version("1.10.0-rc.1").compare(&version("1.10.0")).is_lt());
    /// assert!(version("1.10.0").compare(&version("1.9")).is_gt());
    /// ```
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        let longest = self.numbers.len().max(other.numbers.len());
        (0..longest)
            .map(|at| by_number(self.number(at).unwrap_or_default(), other.number(at).unwrap_or_default()))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| self.rank().cmp(&other.rank()))
            .then_with(|| self.compare_rest(other))
    }

    /// Whether both versions are written in the same form, so that one can be the successor of the other: both have one
    /// number or both have several, and both have a revision or neither has one. `1.22.0-386` is not a successor of
    /// `1.22.0`.
    #[must_use]
    pub fn is_alike(&self, other: &Self) -> bool {
        (self.numbers.len() == 1) == (other.numbers.len() == 1)
            && self.revision().is_some() == other.revision().is_some()
    }

    fn rank(&self) -> u8 {
        match self.rest {
            Rest::PreRelease(_) => 0,
            Rest::Nothing => 1,
            Rest::Revision(_) => 2,
        }
    }

    /// Compares what follows the numbers of two versions with the same rank.
    fn compare_rest(&self, other: &Self) -> Ordering {
        match (&self.rest, &other.rest) {
            (Rest::Revision(a), Rest::Revision(b)) => by_number(&self.text[a.clone()], &other.text[b.clone()]),
            (Rest::PreRelease(a), Rest::PreRelease(b)) => runs(&self.text[a.clone()]).cmp(runs(&other.text[b.clone()])),
            _ => Ordering::Equal,
        }
    }
}

/// Returns the range of the digits that begin at byte `at`.
fn digits(text: &str, at: usize) -> Option<Range<usize>> {
    let length = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    (length > 0).then_some(at..at + length)
}

/// Compares runs of digits of any length by their numeric value. An empty run is 0.
fn by_number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// A run of digits or a run of letters. Any run of digits is lower than any run of letters.
#[derive(PartialEq, Eq)]
enum CharRun<'a> {
    Digits(&'a str),
    Letters(&'a str),
}

impl Ord for CharRun<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Digits(a), Self::Digits(b)) => by_number(a, b),
            (Self::Letters(a), Self::Letters(b)) => a.cmp(b),
            (Self::Digits(_), Self::Letters(_)) => Ordering::Less,
            (Self::Letters(_), Self::Digits(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for CharRun<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Returns the runs of a pre-release. All other characters separate runs.
fn runs(text: &str) -> impl Iterator<Item = CharRun<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_ascii_digit() && !c.is_alphabetic());
        let first = rest.chars().next()?;
        let same = |c: char| if first.is_ascii_digit() { c.is_ascii_digit() } else { c.is_alphabetic() };
        let (run, behind) = rest.split_at(rest.find(|c| !same(c)).unwrap_or(rest.len()));
        rest = behind;
        Some(if first.is_ascii_digit() { CharRun::Digits(run) } else { CharRun::Letters(run) })
    })
}

#[cfg(test)]
mod tests;
