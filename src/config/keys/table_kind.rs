//! [`TableKind`]: the kinds of tables that can have keys of the format.

/// A kind of table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum TableKind {
    /// The top level of the file.
    Top,
    /// `[defaults]`
    Defaults,
    /// `[convention.NAME]`
    Convention,
    /// `[list.ENTRY]`
    List,
    /// A table in `target`.
    Target,
    /// A row of `platforms`.
    Row,
    /// An `os-version` that is a table.
    OsVersion,
    /// A table in `tags`.
    Tag,
    /// An axis that is a table.
    Axis,
    /// A variable that is a table.
    Variable,
    /// `[registry."HOST"]`
    Registry,
}

impl TableKind {
    /// The name of the table in messages.
    pub(in crate::config) fn shown(self) -> &'static str {
        match self {
            Self::Top => "the top level",
            Self::Defaults => "[defaults]",
            Self::Convention => "[convention.NAME]",
            Self::List => "[list.NAME]",
            Self::Target => "a target table",
            Self::Row => "a row of `platforms`",
            Self::OsVersion => "a table of `os-version`",
            Self::Tag => "a table in `tags`",
            Self::Axis => "an axis",
            Self::Variable => "a variable",
            Self::Registry => "[registry.\"HOST\"]",
        }
    }
}
