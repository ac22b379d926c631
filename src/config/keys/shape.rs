//! [`Shape`]: what a key holds, as far as a schema can say it.

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Shape {
    /// `[vars]`, `vars`
    Variables,
    /// Globs over paths.
    Paths,
    /// A table of names and axes.
    Axes,
    /// `[defaults]`
    Defaults,
    /// `[convention.NAME]`
    Conventions,
    /// `[list.ENTRY]`
    Lists,
    /// A repository, a target table, or an array of both.
    Targets,
    /// The members.
    Platforms,
    /// `os/arch[/variant]`
    Platform,
    /// A word of `arch-style`.
    ArchStyle,
    /// A word of `git`.
    Git,
    /// A template.
    Template,
    /// Templates of tags for each member.
    MemberTags,
    /// A table of names and templates.
    Annotations,
    /// A version of Windows, a glob, or where it comes from.
    OsVersion,
    /// A word of `missing`.
    Missing,
    /// A word of `undeclared`.
    Undeclared,
    /// A word of `mismatch`.
    Mismatch,
    /// A word of `format`.
    Format,
    /// A word of `attestations`.
    Attestations,
    /// `30s`, `5m`, `1h30m`
    Duration,
    /// Globs.
    Globs,
    /// A media type.
    MediaType,
    /// Strings that are no templates.
    Texts,
    /// Tags, at least one.
    Tags,
    /// Conditions of a tag.
    TagConditions,
    /// Conditions of a row.
    RowConditions,
    /// A glob, or several.
    GlobOrGlobs,
    /// The name of a convention.
    Convention,
    /// A string that is no template.
    Text,
    /// `[registry."HOST"]`
    Registries,
    /// `true` or `false`
    Boolean,
    /// The path of a file; no template.
    Path,
    /// The name of an environment variable.
    EnvName,
    /// An integer above 0.
    Count,
    /// `N/s`, `N/min`, `N/h`
    Rate,
    /// A key that is not built: its value is not looked at.
    NotYet,
}
