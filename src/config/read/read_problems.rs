//! [`ReadProblems`]: the problems that are found while a file is read.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};

use super::raw::Table;
use crate::config::problem::Problem;

/// The problems of a file, and what is needed to report placeholders of other tools once for each spelling.
pub(super) struct ReadProblems<'t> {
    list: Vec<Problem>,
    /// The file.
    pub(super) tree: &'t Table,
    /// The names that templates of the file may use, each after another word for it: the name itself, or the name of an
    /// environment variable. Collected when they are first needed.
    pub(super) names: OnceCell<Vec<(&'t str, &'t str)>>,
    /// The foreign placeholders that are reported, each with the index of its problem.
    pub(super) foreign: HashMap<String, usize>,
}

impl<'t> ReadProblems<'t> {
    /// `tree` is the file, and `list` is what was already found in it.
    pub(super) fn new(list: Vec<Problem>, tree: &'t Table) -> Self {
        Self { list, tree, names: OnceCell::new(), foreign: HashMap::new() }
    }

    pub(super) fn into_list(self) -> Vec<Problem> {
        self.list
    }
}

impl Deref for ReadProblems<'_> {
    type Target = Vec<Problem>;

    fn deref(&self) -> &Vec<Problem> {
        &self.list
    }
}

impl DerefMut for ReadProblems<'_> {
    fn deref_mut(&mut self) -> &mut Vec<Problem> {
        &mut self.list
    }
}
