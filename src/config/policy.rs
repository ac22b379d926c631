//! The values of a list's policy keys, which say what to do if a registry differs from the declaration.

/// A key's closed set of words.
pub(super) trait Words: Sized + Copy + PartialEq + 'static {
    /// Each word with its value and its meaning, a sentence that is shown to users.
    const WORDS: &'static [(&'static str, Self, &'static str)];

    /// Returns the value of a word. `None` if the set does not have the word.
    fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, ..)| *known == word).map(|(_, value, _)| *value)
    }
}

/// `missing`: what to do if a member is absent. This means a 404, and nothing else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Missing {
    /// The list is blocked.
    #[default]
    Error,
    /// The list is published without the member.
    Skip,
    /// The list keeps the digest that is published for the member.
    Keep,
}

/// `undeclared`: what to do with published members that are not declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Undeclared {
    /// They are removed.
    #[default]
    Remove,
    /// They are kept.
    Keep,
}

/// `mismatch`: what to do if the config or name of a member has a different platform than the file declares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Mismatch {
    /// The list is blocked.
    #[default]
    Error,
    /// The declared platform is used, with a warning.
    Warn,
    /// The declared platform is used.
    Declared,
}

/// `format`: the media type of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// A Docker manifest list if every child is a Docker manifest, nothing requires OCI and the target is not a layout.
    /// Otherwise an OCI image index.
    #[default]
    Auto,
    /// An OCI image index.
    Oci,
    /// A Docker manifest list.
    Docker,
}

/// `attestations`: what to do with the attestations of members that are indexes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Attestations {
    /// They are published with the members.
    #[default]
    Keep,
    /// They are not published.
    Drop,
}

impl Words for Missing {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("error", Self::Error, "The list is blocked."),
        ("skip", Self::Skip, "The list is published without the member."),
        ("keep", Self::Keep, "The list keeps the published entry of the member."),
    ];
}

impl Words for Undeclared {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("remove", Self::Remove, "They are removed from the list."),
        ("keep", Self::Keep, "They are kept in the list."),
    ];
}

impl Words for Mismatch {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("error", Self::Error, "The list is blocked."),
        ("warn", Self::Warn, "The declared platform is used, with a warning."),
        ("declared", Self::Declared, "The declared platform is used."),
    ];
}

impl Words for Format {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        (
            "auto",
            Self::Auto,
            "A Docker manifest list if all members are Docker images and nothing requires OCI, otherwise an OCI index.",
        ),
        ("oci", Self::Oci, "An OCI image index."),
        ("docker", Self::Docker, "A Docker manifest list."),
    ];
}

impl Words for Attestations {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("keep", Self::Keep, "They are published with the members."),
        ("drop", Self::Drop, "They are not published."),
    ];
}
