//! [`LoadRequest`], the input of loading, and [`LoadOutcome`], its result.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::facts::Question;
use super::model::{HostOrigin, LeftOut, Publication, RegistrySettings};
use super::problem::{Problem, Sources};
use super::trust::Trust;
use crate::oci::{Host, Place};

/// `--set [ENTRY:]NAME=VALUE`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The entry in whose lists the variable is set. `None` to set a variable of `[vars]`.
    pub entry: Option<String>,
    /// The name of the variable.
    pub name: String,
    /// The value. It is not a template.
    pub value: String,
}

/// What the lists are needed for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoadPurpose {
    /// They are only checked.
    #[default]
    Check,
    /// They are published, or it is shown what publishing them would change.
    Publish,
}

/// What to load.
#[derive(Debug, Clone, Copy)]
pub struct LoadRequest<'a> {
    /// The files that are already read.
    pub sources: &'a Sources,
    /// The index of manifests.toml in `sources`.
    pub file: usize,
    /// The variables that the command line sets.
    pub overrides: &'a [Override],
    /// The selectors of publications. Empty to select all.
    pub selectors: &'a [String],
    /// What the file may access.
    pub trust: &'a Trust,
    /// What the lists are needed for.
    pub purpose: LoadPurpose,
}

/// The result of [`Loader::load`](super::Loader::load).
#[derive(Debug, Clone)]
pub enum LoadOutcome {
    /// These questions must be answered first. Never empty, and never contains a question that the facts answer.
    Needs(BTreeSet<Question>),
    /// The tags of these repositories must be listed first. Never empty, and never contains a repository whose tags the
    /// facts have. The second value is what is known without these tags, with [`Loaded::unexpanded`].
    NeedsTags(BTreeSet<Place>, Loaded),
    /// Loading is complete, with or without problems.
    Done(Loaded),
}

/// The result of loading a file and the files that it includes.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The selected publications, in file order. Not valid if one of the problems is an error.
    pub publications: Vec<Arc<Publication>>,
    /// The selected lists to which no tag applies, in file order.
    pub left_out: Vec<LeftOut>,
    /// The selected entries whose lists are not known until tags are listed. They were checked as far as possible
    /// without these tags.
    pub unexpanded: Vec<String>,
    /// The settings of registries, in file order, with at most one per host.
    pub registries: Vec<RegistrySettings>,
    /// Where the file names each host of the selected lists.
    pub hosts: BTreeMap<Host, HostOrigin>,
    /// Errors and warnings in file order: first those of manifests.toml, then those of included files.
    pub problems: Vec<Problem>,
    /// The files that spans refer to: those of the request, then the included files in path order.
    pub sources: Sources,
}
