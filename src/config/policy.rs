//! The words of a list's policies: what is to be done where the world is not as it is declared.

/// A closed set of words that a key takes.
pub(super) trait Words: Sized + Copy + PartialEq + 'static {
    /// Each word, its value, and what it means, in one sentence for people.
    const WORDS: &'static [(&'static str, Self, &'static str)];

    /// The value of a word.
    fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, ..)| *known == word).map(|(_, value, _)| *value)
    }
}

/// `missing`: what becomes of a member that is absent (404 and nothing else).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Missing {
    /// The list is blocked.
    #[default]
    Error,
    /// The list is published without it.
    Skip,
    /// The digest that is published for it stays.
    Keep,
}

/// `undeclared`: what becomes of published members that are not declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Undeclared {
    /// They go.
    #[default]
    Remove,
    /// They stay.
    Keep,
}

/// `mismatch`: what becomes of a member whose config or name says another platform than the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Mismatch {
    /// The list is blocked.
    #[default]
    Error,
    /// The file is believed, and it is said.
    Warn,
    /// The file is believed.
    Declared,
}

/// `format`: the type of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Docker's where every child is Docker's, nothing needs OCI and the target is no layout; else OCI's.
    #[default]
    Auto,
    /// An OCI image index.
    Oci,
    /// A Docker manifest list.
    Docker,
}

/// `attestations`: what becomes of those of members that are indexes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Attestations {
    /// They come along.
    #[default]
    Keep,
    /// They are left where they are.
    Drop,
}

impl Words for Missing {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("error", Self::Error, "The list is blocked."),
        ("skip", Self::Skip, "The list is published without it."),
        ("keep", Self::Keep, "The digest that is published for it stays."),
    ];
}

impl Words for Undeclared {
    const WORDS: &'static [(&'static str, Self, &'static str)] =
        &[("remove", Self::Remove, "They go."), ("keep", Self::Keep, "They stay.")];
}

impl Words for Mismatch {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("error", Self::Error, "The list is blocked."),
        ("warn", Self::Warn, "The file is believed, and it is said."),
        ("declared", Self::Declared, "The file is believed."),
    ];
}

impl Words for Format {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("auto", Self::Auto, "Docker's type where every member is Docker's and nothing needs OCI, else OCI's."),
        ("oci", Self::Oci, "An OCI image index."),
        ("docker", Self::Docker, "A Docker manifest list."),
    ];
}

impl Words for Attestations {
    const WORDS: &'static [(&'static str, Self, &'static str)] =
        &[("keep", Self::Keep, "They come along."), ("drop", Self::Drop, "They are left where they are.")];
}
