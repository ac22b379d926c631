//! [`Request`]: what is to be loaded, and [`Outcome`]: what comes of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::facts::Question;
use super::model::{LeftOut, Publication, RegistrySettings};
use super::problem::{Problem, Sources};
use super::trust::Trust;
use crate::oci::Place;

/// `--set [ENTRY:]NAME=VALUE`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Only for the lists of this entry, whose own variable it replaces; else for `[vars]`.
    pub entry: Option<String>,
    /// The variable.
    pub name: String,
    /// Its value: no template.
    pub value: String,
}

/// What is to be loaded.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The files that are there so far.
    pub sources: &'a Sources,
    /// The number of manifests.toml among them.
    pub file: usize,
    /// Values from the command line.
    pub overrides: &'a [Override],
    /// Which publications; empty: all.
    pub selectors: &'a [String],
    /// What the file may reach.
    pub trust: &'a Trust,
}

/// What [`Loader::load`](super::Loader::load) says.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The machine must answer these first; never empty, none that the facts answer.
    Needs(BTreeSet<Question>),
    /// The tags of these repositories must be listed first; never empty, none that the facts have. Also all that is
    /// known without them, with [`Loaded::unexpanded`].
    NeedsTags(BTreeSet<Place>, Loaded),
    /// Done, with or without problems.
    Done(Loaded),
}

/// What a file holds.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The selected publications, in the order of the file. Meaningless where a problem is an error.
    pub publications: Vec<Arc<Publication>>,
    /// Selected lists to which no tag applies, in the order of the file.
    pub left_out: Vec<LeftOut>,
    /// Selected entries of which nobody knows for which lists they stand before tags are listed. They were looked at as
    /// far as they are lists without them.
    pub unexpanded: Vec<String>,
    /// What the file says of registries, in its order; no host twice.
    pub registries: Vec<RegistrySettings>,
    /// Errors and warnings, in the order of the file; those of files that it includes behind its own.
    pub problems: Vec<Problem>,
    /// What spans point into: the files that were there, and behind them those that are included, in path order.
    pub sources: Sources,
}
