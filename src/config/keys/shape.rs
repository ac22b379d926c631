//! [`Shape`]: the kinds of values, as far as a schema can describe them.

/// The kind of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Shape {
    /// `[vars]`, `vars`
    Variables,
    /// An array of globs over paths.
    Paths,
    /// A table from names to axes.
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
    /// One of the values of `arch-style`.
    ArchStyle,
    /// One of the values of `git`.
    Git,
    /// A template.
    Template,
    /// An array of templates for the tags of each member.
    MemberTags,
    /// A table from names to templates.
    Annotations,
    /// A Windows version, a glob, or a table with the image that the version comes from.
    OsVersion,
    /// One of the values of `missing`.
    Missing,
    /// One of the values of `undeclared`.
    Undeclared,
    /// One of the values of `mismatch`.
    Mismatch,
    /// One of the values of `format`.
    Format,
    /// One of the values of `attestations`.
    Attestations,
    /// `30s`, `5m`, `1h30m`
    Duration,
    /// An array of globs.
    Globs,
    /// A media type.
    MediaType,
    /// An array of strings that are not templates.
    Texts,
    /// An array of tags, at least one.
    Tags,
    /// One or several conditions of a tag.
    TagConditions,
    /// One or several conditions of a row.
    RowConditions,
    /// One or several globs.
    GlobOrGlobs,
    /// The name of a convention.
    Convention,
    /// A string that is not a template.
    Text,
    /// `[registry."HOST"]`
    Registries,
    /// `true` or `false`
    Boolean,
    /// The path of a file. Not a template.
    Path,
    /// The name of an environment variable.
    EnvName,
    /// An integer greater than 0.
    Count,
    /// `N/s`, `N/min`, `N/h`
    Rate,
    /// Any value, because the key is not implemented.
    NotYet,
}
