//! [`ParsedFile`]: manifests.toml as it was written, every value right by itself. What values mean together is not known
//! here: `expand` works that out.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::naming::{ArchStyle, Globs, Pattern, Template};
use crate::oci::Platform;

use super::facts::GitFact;
use super::model::{Placed, RegistrySettings};
use super::path_glob::PathGlob;
use super::policy::{Attestations, Format, Mismatch, Missing, Undeclared};
use super::problem::Span;
use super::raw::{Key, Text};

/// The file.
#[derive(Debug, Default)]
pub(super) struct ParsedFile {
    /// `include`
    pub(super) include: Vec<Include>,
    /// `[vars]`
    pub(super) vars: Vec<(Key, Slot<Variable>)>,
    /// `[defaults]`
    pub(super) defaults: Level,
    /// `[convention.NAME]`
    pub(super) conventions: Vec<(Key, Level)>,
    /// `[list.ENTRY]`, in the order of the file.
    pub(super) lists: Vec<(Key, Level)>,
    /// `[registry."HOST"]`; paths as they are written.
    pub(super) registries: Vec<RegistrySettings>,
    /// The environment variables by which registries are logged in to: no variable has their values.
    pub(super) login_names: Vec<Text>,
    /// There is no list in it, and no key that was meant for one.
    pub(super) has_no_list: bool,
}

/// A glob of `include`.
#[derive(Debug)]
pub(super) struct Include {
    pub(super) text: Text,
    pub(super) glob: PathGlob,
}

/// The keys that a target, a list, a convention or `[defaults]` gives.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) convention: Option<Slot<Text>>,
    pub(super) vars: Vec<(Key, Slot<Variable>)>,
    pub(super) matrix: Vec<(Key, Slot<Axis>)>,
    pub(super) platforms: Option<Slot<Vec<Row>>>,
    pub(super) arch_style: Option<Slot<ArchStyle>>,
    pub(super) source: Option<Slot<Phrase>>,
    pub(super) target: Option<Slot<Vec<Slot<Target>>>>,
    pub(super) tags: Option<Slot<Vec<Slot<TagRule>>>>,
    pub(super) member_tags: Option<Slot<Vec<Phrase>>>,
    pub(super) missing: Option<Slot<Missing>>,
    pub(super) wait: Option<Slot<Duration>>,
    pub(super) undeclared: Option<Slot<Placed<Undeclared>>>,
    pub(super) mismatch: Option<Slot<Mismatch>>,
    pub(super) format: Option<Slot<Placed<Format>>>,
    pub(super) attestations: Option<Slot<Attestations>>,
    pub(super) immutable: Option<Slot<Placed<Globs>>>,
    pub(super) annotations: Annotations,
    pub(super) artifact_type: Option<Slot<Placed<String>>>,
    /// A table of names could not be read, so that there may be others than those that are known.
    pub(super) names_unknown: bool,
    /// The table was not meant as a list (`[list.k8s.io]`); that was said, and nothing else is to be said of it.
    pub(super) misread: bool,
}

/// The value of a key that is there.
#[derive(Debug, Clone)]
pub(super) enum Slot<T> {
    /// What it holds.
    Good(T),
    /// It was told what is wrong with it: no more is said of it.
    Faulty,
}

impl<T> Slot<T> {
    pub(super) fn good(&self) -> Option<&T> {
        match self {
            Self::Good(value) => Some(value),
            Self::Faulty => None,
        }
    }
}

impl<T> From<Option<T>> for Slot<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Faulty, Self::Good)
    }
}

/// A template and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Phrase {
    pub(super) text: Text,
    pub(super) template: Template,
}

/// The value of a variable, not yet looked up.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) value: VariableValue,
    /// Where it is written.
    pub(super) span: Span,
    /// What it is where the value has none.
    pub(super) default: Option<Phrase>,
}

/// Where the value of a variable comes from.
#[derive(Debug)]
pub(super) enum VariableValue {
    Template(Phrase),
    /// `{env = NAME}`
    Env(String),
    /// `{file = PATH}`
    File(Phrase),
    /// `{git = WORD}`
    Git(GitFact),
}

/// A repository that a list is published in, with keys of its own.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) repository: Phrase,
    /// The keys of a target table; nearer than those of the list.
    pub(super) level: Level,
}

/// Annotations by their names, in the order of the file.
pub(super) type Annotations = Vec<(Key, Slot<Phrase>)>;

/// A tag, and when a list has it.
#[derive(Debug)]
pub(super) struct TagRule {
    pub(super) phrase: Phrase,
    /// All must hold; none: it always applies.
    pub(super) when: Vec<Condition>,
}

/// A condition of a tag or of a row.
#[derive(Debug)]
pub(super) enum Condition {
    /// `"stable"`, and where it stands.
    Stable(Span),
    /// `"newest"`, and where it stands.
    Newest(Span),
    /// `{ NAME = GLOBS }`: the variable fits the globs. A table of several names is several conditions.
    Fits { name: Key, globs: Globs },
}

/// Where the values of an axis come from.
#[derive(Debug)]
pub(super) enum Axis {
    /// They are written there: at least one.
    Values(Vec<Phrase>),
    /// `{ lines = PATH }`
    Lines(Phrase),
    /// `{ tags-of = REPOSITORY, … }`
    TagsOf(TagsOf),
}

/// The values that stand in the tags of a repository.
#[derive(Debug)]
pub(super) struct TagsOf {
    pub(super) repository: Phrase,
    /// `pattern`; none: a tag is a value.
    pub(super) pattern: Option<Phrase>,
    /// `match`: which values are meant; none: all.
    pub(super) wanted: Option<Globs>,
    /// `newest`: how many of the greatest versions; none: all values, versions or not.
    pub(super) newest: Option<NonZeroUsize>,
    /// Where all that is written.
    pub(super) span: Span,
}

impl Axis {
    /// The templates in it.
    pub(super) fn phrases(&self) -> impl Iterator<Item = &Phrase> {
        let (values, others) = match self {
            Self::Values(values) => (values.as_slice(), [None, None]),
            Self::Lines(path) => (&[][..], [Some(path), None]),
            Self::TagsOf(tags) => (&[][..], [Some(&tags.repository), tags.pattern.as_ref()]),
        };
        values.iter().chain(others.into_iter().flatten())
    }
}

/// A member.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) platform: Platform,
    /// The platform's text: what `{platform}` stands for.
    pub(super) platform_text: Text,
    /// `arch`, or the key of a `platforms` table.
    pub(super) arch: Option<String>,
    pub(super) source: Option<Slot<Phrase>>,
    pub(super) missing: Option<Slot<Missing>>,
    pub(super) os_version: Option<Slot<OsVersion>>,
    pub(super) os_features: Option<Slot<Vec<String>>>,
    pub(super) annotations: Annotations,
    /// All must hold, else the row is not declared; faulty ones are told of and left out with the row.
    pub(super) when: Vec<Condition>,
}

/// `os-version`
#[derive(Debug)]
pub(super) enum OsVersion {
    /// Written so.
    Literal(String),
    /// The config's, which must fit.
    Fits(Placed<Pattern>),
    /// `{ from = …, build = … }`
    Of { from: Phrase, build: Option<String> },
}

impl Row {
    /// A member of which nothing but the platform is said.
    pub(super) fn bare(platform: Platform, platform_text: Text) -> Self {
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
