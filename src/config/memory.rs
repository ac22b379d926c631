//! [`MemoryEstimate`]: how much memory the files need, estimated while they are counted and expanded.
//!
//! A file of 16 MiB can declare so much that it would need several gigabytes. So the tokens of all files are counted
//! before they are parsed, and the parts of lists while they are expanded. Each part is charged with the memory that it
//! was measured to need. The estimate is a limit for files that are not written by hand: ten thousand lists that are
//! written out in full need less.

use super::problem::Problem;

/// The limit for a configuration without lists, in bytes. With the program itself, 256 MiB are not exceeded.
const LIMIT: usize = 224 << 20;
/// How much each list raises the limit, in bytes.
const PER_LIST: usize = 12 << 10;

/// A part of the configuration that needs memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum MemoryUse {
    /// Bytes of text.
    Bytes,
    /// Lines and blanks of a file.
    Lines,
    /// Keys of tables.
    Keys,
    /// Values: strings, numbers and items of arrays.
    Values,
    /// Tables.
    Tables,
    /// Placeholders of templates.
    Placeholders,
    /// Values of a matrix in all lists.
    AxisValues,
    /// Expanded lists.
    Lists,
    /// Members of lists.
    Members,
    /// Tags of lists.
    Tags,
    /// Expanded texts.
    Texts,
    /// Problems.
    Problems,
}

/// The number of [`MemoryUse`]s.
const PARTS: usize = MemoryUse::Problems as usize + 1;

/// How much of each part there is, and how much memory that needs.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::config) struct MemoryEstimate {
    parts: [Usage; PARTS],
    /// The bytes of all parts.
    needed: usize,
    /// The number of lists that raise the limit.
    lists: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    count: usize,
    bytes: usize,
}

impl MemoryUse {
    /// The plural in messages.
    fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes of text",
            Self::Lines => "lines and spaces",
            Self::Keys => "keys",
            Self::Values => "values",
            Self::Tables => "tables",
            Self::Placeholders => "placeholders",
            Self::AxisValues => "matrix values",
            Self::Lists => "lists",
            Self::Members => "members",
            Self::Tags => "tags",
            Self::Texts => "expanded texts",
            Self::Problems => "problems",
        }
    }

    const ALL: [Self; PARTS] = [
        Self::Bytes,
        Self::Lines,
        Self::Keys,
        Self::Values,
        Self::Tables,
        Self::Placeholders,
        Self::AxisValues,
        Self::Lists,
        Self::Members,
        Self::Tags,
        Self::Texts,
        Self::Problems,
    ];
}

impl MemoryEstimate {
    /// Adds `count` parts of one kind that need `bytes` together.
    pub(in crate::config) fn add(&mut self, part: MemoryUse, count: usize, bytes: usize) {
        let usage = &mut self.parts[part as usize];
        usage.count = usage.count.saturating_add(count);
        usage.bytes = usage.bytes.saturating_add(bytes);
        self.needed = self.needed.saturating_add(bytes);
    }

    /// Returns the bytes that all parts need.
    pub(in crate::config) fn needed(&self) -> usize {
        self.needed
    }

    /// Raises the limit by that of `lists` lists.
    pub(in crate::config) fn allow_lists(&mut self, lists: usize) {
        self.lists = self.lists.saturating_add(lists);
    }

    /// Adds everything that `other` has.
    pub(in crate::config) fn extend(&mut self, other: &Self) {
        for (part, usage) in MemoryUse::ALL.into_iter().zip(other.parts) {
            self.add(part, usage.count, usage.bytes);
        }
        self.allow_lists(other.lists);
    }

    /// Returns what parsed files need. While a file is parsed, its tokens and its tree need about the same again. The
    /// lists are counted anew when they are expanded.
    pub(in crate::config) fn after_parsing(mut self) -> Self {
        self.parts.iter_mut().for_each(|usage| usage.bytes /= 2);
        self.needed = self.parts.iter().map(|usage| usage.bytes).sum();
        self.lists = 0;
        self
    }

    /// Returns the problem `mlist::config::too_large` if more memory would be needed than is allowed. It names the part
    /// that needs most. `subject` begins its message: `manifests.toml has`.
    pub(in crate::config) fn excess(&self, subject: &str) -> Option<Problem> {
        if self.needed <= LIMIT.saturating_add(self.lists.saturating_mul(PER_LIST)) {
            return None;
        }
        let (part, usage) = MemoryUse::ALL.into_iter().zip(self.parts).max_by_key(|(_, usage)| usage.bytes)?;
        let message = format!("{subject} too many {}: {}", part.name(), usage.count);
        let problem = Problem::error("mlist::config::too_large", message);
        Some(problem.help("split the file, and run mlist for each part"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_by_lists_and_the_largest_part_is_named() {
        let mut memory = MemoryEstimate::default();
        memory.add(MemoryUse::Keys, 7, LIMIT / 2);
        memory.add(MemoryUse::Values, 9, LIMIT / 2);
        assert_eq!(memory.excess("the file has"), None);
        memory.add(MemoryUse::Values, 1, PER_LIST);
        let problem = memory.excess("the file has").unwrap();
        assert_eq!((problem.slug(), problem.message.as_str()), ("too_large", "the file has too many values: 10"));
        memory.allow_lists(1);
        assert_eq!(memory.excess("the file has"), None);
        memory.add(MemoryUse::Keys, usize::MAX, usize::MAX);
        assert!(memory.excess("the file has").is_some());
        assert_eq!(MemoryUse::ALL.map(|part| part as usize), std::array::from_fn(|at| at));
    }
}
