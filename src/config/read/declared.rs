//! [`ParsedFile`]: the declarations of a file as written, in which each value by itself is valid. `expand` checks how
//! they fit together, and expands them.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::raw::{Key, Text};
use crate::config::facts::GitFact;
use crate::config::model::{Placed, RegistrySettings};
use crate::config::path_glob::PathGlob;
use crate::config::policy::{Attestations, Format, Mismatch, Missing, Undeclared};
use crate::config::problem::Span;
use crate::naming::{ArchStyle, Globs, Pattern, Template};
use crate::oci::Platform;

/// A parsed file.
#[derive(Debug, Default)]
pub(in crate::config) struct ParsedFile {
    /// `include`
    pub(in crate::config) include: Vec<Include>,
    /// `[vars]`
    pub(in crate::config) vars: Vec<(Key, Parsed<Variable>)>,
    /// `[defaults]`
    pub(in crate::config) defaults: Level,
    /// `[convention.NAME]`
    pub(in crate::config) conventions: Vec<(Key, Level)>,
    /// `[list.ENTRY]`, in file order.
    pub(in crate::config) lists: Vec<(Key, Level)>,
    /// `[registry."HOST"]`, with paths as written.
    pub(in crate::config) registries: Vec<RegistrySettings>,
    /// The names of the environment variables with credentials of registries. Variables cannot use their values.
    pub(in crate::config) login_names: Vec<Text>,
    /// Whether the file has no list, and no misspelled key that was probably intended as `list` or `include`.
    pub(in crate::config) has_no_list: bool,
}

/// A glob of `include`.
#[derive(Debug)]
pub(in crate::config) struct Include {
    pub(in crate::config) text: Text,
    pub(in crate::config) glob: PathGlob,
}

/// The keys of a target, a list, a convention or `[defaults]`.
#[derive(Debug, Default)]
pub(in crate::config) struct Level {
    pub(in crate::config) convention: Option<Parsed<Text>>,
    pub(in crate::config) vars: Vec<(Key, Parsed<Variable>)>,
    pub(in crate::config) matrix: Vec<(Key, Parsed<Axis>)>,
    pub(in crate::config) platforms: Option<Parsed<Vec<Row>>>,
    pub(in crate::config) arch_style: Option<Parsed<ArchStyle>>,
    pub(in crate::config) source: Option<Parsed<SpannedTemplate>>,
    pub(in crate::config) target: Option<Parsed<Vec<Parsed<Target>>>>,
    /// Set only while a target table is read. Afterwards it is in [`Target::repository`].
    pub(in crate::config) repository: Option<Parsed<SpannedTemplate>>,
    pub(in crate::config) tags: Option<Parsed<Vec<Parsed<TagRule>>>>,
    pub(in crate::config) member_tags: Option<Parsed<Placed<Vec<SpannedTemplate>>>>,
    pub(in crate::config) missing: Option<Parsed<Missing>>,
    pub(in crate::config) wait: Option<Parsed<Duration>>,
    pub(in crate::config) undeclared: Option<Parsed<Placed<Undeclared>>>,
    pub(in crate::config) mismatch: Option<Parsed<Mismatch>>,
    pub(in crate::config) format: Option<Parsed<Placed<Format>>>,
    pub(in crate::config) attestations: Option<Parsed<Attestations>>,
    pub(in crate::config) immutable: Option<Parsed<Placed<Globs>>>,
    pub(in crate::config) annotations: Annotations,
    pub(in crate::config) artifact_type: Option<Parsed<Placed<String>>>,
    /// Whether a table of names could not be read, so that more names may be declared than are known.
    pub(in crate::config) names_unknown: bool,
    /// Whether the table was not intended as a list (as in `[list.k8s.io]`) or has an invalid name. This was already
    /// reported, and the list is not expanded.
    pub(in crate::config) misread: bool,
}

/// The value of a key that is present.
#[derive(Debug, Clone)]
pub(in crate::config) enum Parsed<T> {
    /// The valid value.
    Good(T),
    /// The value is invalid. This was already reported, and no more problems of it are reported.
    Faulty,
}

impl<T> Parsed<T> {
    pub(in crate::config) fn good(&self) -> Option<&T> {
        match self {
            Self::Good(value) => Some(value),
            Self::Faulty => None,
        }
    }
}

impl<T> From<Option<T>> for Parsed<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Faulty, Self::Good)
    }
}

/// A template with its text, which has the span.
#[derive(Debug, Clone)]
pub(in crate::config) struct SpannedTemplate {
    pub(in crate::config) text: Text,
    pub(in crate::config) template: Template,
}

/// A variable, before its value is looked up.
#[derive(Debug)]
pub(in crate::config) struct Variable {
    pub(in crate::config) value: VariableValue,
    /// The span of the value.
    pub(in crate::config) span: Span,
    /// The default, used if there is no value.
    pub(in crate::config) default: Option<SpannedTemplate>,
}

/// Where the value of a variable comes from.
#[derive(Debug)]
pub(in crate::config) enum VariableValue {
    Template(SpannedTemplate),
    /// `{env = NAME}`
    Env(String),
    /// `{file = PATH}`
    File(SpannedTemplate),
    /// `{git = WORD}`
    Git(GitFact),
}

/// A repository that a list is published to, with its own keys.
#[derive(Debug)]
pub(in crate::config) struct Target {
    pub(in crate::config) repository: SpannedTemplate,
    /// The keys of the target table. They take precedence over the keys of the list.
    pub(in crate::config) level: Level,
}

/// Annotations by name, in file order.
pub(in crate::config) type Annotations = Vec<(Key, Parsed<SpannedTemplate>)>;

/// A tag, and the conditions under which a list has it.
#[derive(Debug)]
pub(in crate::config) struct TagRule {
    pub(in crate::config) template: SpannedTemplate,
    /// All conditions must hold. If there are none, the tag always applies.
    pub(in crate::config) when: Vec<Condition>,
}

/// A condition of a tag or of a row.
#[derive(Debug)]
pub(in crate::config) enum Condition {
    /// `"stable"`, with its span.
    Stable(Span),
    /// `"newest"`, with its span.
    Newest(Span),
    /// `{ NAME = GLOBS }`: the globs must match the variable. A table with several names is several conditions.
    Fits { name: Key, globs: Globs },
}

/// Where the values of an axis come from.
#[derive(Debug)]
pub(in crate::config) enum Axis {
    /// The values in the file, at least one.
    Values(Vec<SpannedTemplate>),
    /// `{ lines = PATH }`
    Lines(SpannedTemplate),
    /// `{ tags-of = REPOSITORY, … }`
    TagsOf(TagsOf),
}

/// The values that the tags of a repository contain.
#[derive(Debug)]
pub(in crate::config) struct TagsOf {
    pub(in crate::config) repository: SpannedTemplate,
    /// `pattern`. `None` if each tag as a whole is a value.
    pub(in crate::config) pattern: Option<SpannedTemplate>,
    /// `match`: the globs that select values. `None` to select all values.
    pub(in crate::config) wanted: Option<Globs>,
    /// `newest`: the number of greatest versions to select. `None` to select all values, including those that are not
    /// versions.
    pub(in crate::config) newest: Option<NonZeroUsize>,
    /// The span of the whole table.
    pub(in crate::config) span: Span,
}

impl Axis {
    /// The templates of the axis.
    pub(in crate::config) fn templates(&self) -> impl Iterator<Item = &SpannedTemplate> {
        let (values, others) = match self {
            Self::Values(values) => (values.as_slice(), [None, None]),
            Self::Lines(path) => (&[][..], [Some(path), None]),
            Self::TagsOf(tags) => (&[][..], [Some(&tags.repository), tags.pattern.as_ref()]),
        };
        values.iter().chain(others.into_iter().flatten())
    }
}

impl Variable {
    /// The template, if the value of the variable is one.
    pub(in crate::config) fn template(&self) -> Option<&SpannedTemplate> {
        match &self.value {
            VariableValue::Template(template) => Some(template),
            VariableValue::Env(_) | VariableValue::File(_) | VariableValue::Git(_) => None,
        }
    }

    /// The templates of the variable.
    pub(in crate::config) fn templates(&self) -> impl Iterator<Item = &SpannedTemplate> {
        let own = match &self.value {
            VariableValue::Template(template) | VariableValue::File(template) => Some(template),
            VariableValue::Env(_) | VariableValue::Git(_) => None,
        };
        own.into_iter().chain(&self.default)
    }
}

/// A row of `platforms`, which declares a member.
#[derive(Debug)]
pub(in crate::config) struct Row {
    pub(in crate::config) platform: Platform,
    /// The platform as written: the value of `{platform}`.
    pub(in crate::config) platform_text: Text,
    /// `arch`, or the row's key in a `platforms` table.
    pub(in crate::config) arch: Option<String>,
    pub(in crate::config) source: Option<Parsed<SpannedTemplate>>,
    pub(in crate::config) missing: Option<Parsed<Missing>>,
    pub(in crate::config) os_version: Option<Parsed<DeclaredOsVersion>>,
    pub(in crate::config) os_features: Option<Parsed<Vec<String>>>,
    pub(in crate::config) annotations: Annotations,
    /// All conditions must hold, otherwise the row is not declared. If a condition is invalid, this is reported and the
    /// whole row is dropped.
    pub(in crate::config) when: Vec<Condition>,
}

/// `os-version`
#[derive(Debug)]
pub(in crate::config) enum DeclaredOsVersion {
    /// The version as written.
    Literal(String),
    /// The version in the image's config, which must match this pattern.
    Fits(Placed<Pattern>),
    /// `{ from = …, build = … }`
    Of { from: SpannedTemplate, build: Option<String> },
}

impl Row {
    /// Creates a row that declares only a platform.
    pub(in crate::config) fn bare(platform: Platform, platform_text: Text) -> Self {
        Self {
            platform,
            platform_text,
            arch: None,
            source: None,
            missing: None,
            os_version: None,
            os_features: None,
            annotations: Vec::new(),
            when: Vec::new(),
        }
    }
}
