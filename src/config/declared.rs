//! [`Document`]: manifests.toml as it was written, every value right by itself. What values mean together is not known
//! here: `expand` works that out.

use crate::naming::{ArchStyle, Template};
use crate::oci::Platform;

use super::facts::GitFact;
use super::model::RegistrySettings;
use super::problem::Span;
use super::raw::{Key, Text};

/// The file.
#[derive(Debug, Default)]
pub(super) struct Document {
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
}

/// The keys that a list, a convention or `[defaults]` gives.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) convention: Option<Slot<Text>>,
    pub(super) vars: Vec<(Key, Slot<Variable>)>,
    pub(super) matrix: Vec<(Key, Slot<Axis>)>,
    pub(super) platforms: Option<Slot<Vec<Row>>>,
    pub(super) arch_style: Option<Slot<ArchStyle>>,
    pub(super) source: Option<Slot<Phrase>>,
    pub(super) target: Option<Slot<Phrase>>,
    pub(super) tags: Option<Slot<Vec<Phrase>>>,
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

/// The values of an axis, at least one.
pub(super) type Axis = Vec<Phrase>;

/// A member.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) platform: Platform,
    /// The platform's text: what `{platform}` stands for.
    pub(super) platform_text: Text,
    /// `arch`, or the key of a `platforms` table.
    pub(super) arch: Option<String>,
    pub(super) source: Option<Slot<Phrase>>,
}
