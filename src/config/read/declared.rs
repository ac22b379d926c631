//! [`ParsedFile`]: manifests.toml as it was written, every value right by itself. What values mean together is not known
//! here: `expand` works that out.

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

/// The file.
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
    /// `[list.ENTRY]`, in the order of the file.
    pub(in crate::config) lists: Vec<(Key, Level)>,
    /// `[registry."HOST"]`; paths as they are written.
    pub(in crate::config) registries: Vec<RegistrySettings>,
    /// The environment variables by which registries are logged in to: no variable has their values.
    pub(in crate::config) login_names: Vec<Text>,
    /// There is no list in it, and no key that was meant for one.
    pub(in crate::config) has_no_list: bool,
}

/// A glob of `include`.
#[derive(Debug)]
pub(in crate::config) struct Include {
    pub(in crate::config) text: Text,
    pub(in crate::config) glob: PathGlob,
}

/// The keys that a target, a list, a convention or `[defaults]` gives.
#[derive(Debug, Default)]
pub(in crate::config) struct Level {
    pub(in crate::config) convention: Option<Parsed<Text>>,
    pub(in crate::config) vars: Vec<(Key, Parsed<Variable>)>,
    pub(in crate::config) matrix: Vec<(Key, Parsed<Axis>)>,
    pub(in crate::config) platforms: Option<Parsed<Vec<Row>>>,
    pub(in crate::config) arch_style: Option<Parsed<ArchStyle>>,
    pub(in crate::config) source: Option<Parsed<SpannedTemplate>>,
    pub(in crate::config) target: Option<Parsed<Vec<Parsed<Target>>>>,
    /// Of a target table while it is read; then [`Target::repository`] has it.
    pub(in crate::config) repository: Option<Parsed<SpannedTemplate>>,
    pub(in crate::config) tags: Option<Parsed<Vec<Parsed<TagRule>>>>,
    pub(in crate::config) member_tags: Option<Parsed<Vec<SpannedTemplate>>>,
    pub(in crate::config) missing: Option<Parsed<Missing>>,
    pub(in crate::config) wait: Option<Parsed<Duration>>,
    pub(in crate::config) undeclared: Option<Parsed<Placed<Undeclared>>>,
    pub(in crate::config) mismatch: Option<Parsed<Mismatch>>,
    pub(in crate::config) format: Option<Parsed<Placed<Format>>>,
    pub(in crate::config) attestations: Option<Parsed<Attestations>>,
    pub(in crate::config) immutable: Option<Parsed<Placed<Globs>>>,
    pub(in crate::config) annotations: Annotations,
    pub(in crate::config) artifact_type: Option<Parsed<Placed<String>>>,
    /// A table of names could not be read, so that there may be others than those that are known.
    pub(in crate::config) names_unknown: bool,
    /// The table was not meant as a list (`[list.k8s.io]`); that was said, and nothing else is to be said of it.
    pub(in crate::config) misread: bool,
}

/// The value of a key that is there.
#[derive(Debug, Clone)]
pub(in crate::config) enum Parsed<T> {
    /// What it holds.
    Good(T),
    /// It was told what is wrong with it: no more is said of it.
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

/// A template and where it stands.
#[derive(Debug, Clone)]
pub(in crate::config) struct SpannedTemplate {
    pub(in crate::config) text: Text,
    pub(in crate::config) template: Template,
}

/// The value of a variable, not yet looked up.
#[derive(Debug)]
pub(in crate::config) struct Variable {
    pub(in crate::config) value: VariableValue,
    /// Where it is written.
    pub(in crate::config) span: Span,
    /// What it is where the value has none.
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

/// A repository that a list is published in, with keys of its own.
#[derive(Debug)]
pub(in crate::config) struct Target {
    pub(in crate::config) repository: SpannedTemplate,
    /// The keys of a target table; nearer than those of the list.
    pub(in crate::config) level: Level,
}

/// Annotations by their names, in the order of the file.
pub(in crate::config) type Annotations = Vec<(Key, Parsed<SpannedTemplate>)>;

/// A tag, and when a list has it.
#[derive(Debug)]
pub(in crate::config) struct TagRule {
    pub(in crate::config) template: SpannedTemplate,
    /// All must hold; none: it always applies.
    pub(in crate::config) when: Vec<Condition>,
}

/// A condition of a tag or of a row.
#[derive(Debug)]
pub(in crate::config) enum Condition {
    /// `"stable"`, and where it stands.
    Stable(Span),
    /// `"newest"`, and where it stands.
    Newest(Span),
    /// `{ NAME = GLOBS }`: the variable fits the globs. A table of several names is several conditions.
    Fits { name: Key, globs: Globs },
}

/// Where the values of an axis come from.
#[derive(Debug)]
pub(in crate::config) enum Axis {
    /// They are written there: at least one.
    Values(Vec<SpannedTemplate>),
    /// `{ lines = PATH }`
    Lines(SpannedTemplate),
    /// `{ tags-of = REPOSITORY, … }`
    TagsOf(TagsOf),
}

/// The values that stand in the tags of a repository.
#[derive(Debug)]
pub(in crate::config) struct TagsOf {
    pub(in crate::config) repository: SpannedTemplate,
    /// `pattern`; none: a tag is a value.
    pub(in crate::config) pattern: Option<SpannedTemplate>,
    /// `match`: which values are meant; none: all.
    pub(in crate::config) wanted: Option<Globs>,
    /// `newest`: how many of the greatest versions; none: all values, versions or not.
    pub(in crate::config) newest: Option<NonZeroUsize>,
    /// Where all that is written.
    pub(in crate::config) span: Span,
}

impl Axis {
    /// The templates in it.
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
    /// The templates in it.
    pub(in crate::config) fn templates(&self) -> impl Iterator<Item = &SpannedTemplate> {
        let own = match &self.value {
            VariableValue::Template(template) | VariableValue::File(template) => Some(template),
            VariableValue::Env(_) | VariableValue::Git(_) => None,
        };
        own.into_iter().chain(&self.default)
    }
}

/// A member.
#[derive(Debug)]
pub(in crate::config) struct Row {
    pub(in crate::config) platform: Platform,
    /// The platform's text: what `{platform}` stands for.
    pub(in crate::config) platform_text: Text,
    /// `arch`, or the key of a `platforms` table.
    pub(in crate::config) arch: Option<String>,
    pub(in crate::config) source: Option<Parsed<SpannedTemplate>>,
    pub(in crate::config) missing: Option<Parsed<Missing>>,
    pub(in crate::config) os_version: Option<Parsed<OsVersion>>,
    pub(in crate::config) os_features: Option<Parsed<Vec<String>>>,
    pub(in crate::config) annotations: Annotations,
    /// All must hold, else the row is not declared; faulty ones are told of and left out with the row.
    pub(in crate::config) when: Vec<Condition>,
}

/// `os-version`
#[derive(Debug)]
pub(in crate::config) enum OsVersion {
    /// Written so.
    Literal(String),
    /// The config's, which must fit.
    Fits(Placed<Pattern>),
    /// `{ from = …, build = … }`
    Of { from: SpannedTemplate, build: Option<String> },
}

impl Row {
    /// A member of which nothing but the platform is said.
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
