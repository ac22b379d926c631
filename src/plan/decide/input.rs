//! [`Input`]: the input of the decision; [`Flow`]: how one of its functions ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::model::{Member, Publication};
use crate::config::problem::Problem;
use crate::plan::{Action, Query, Snapshot};

/// The input of the decision.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) publication: &'a Arc<Publication>,
    pub(super) snapshot: &'a Snapshot,
    /// Members that other writers have placed. They are part of the list like declared members, but a declared member
    /// for the same platform takes precedence.
    pub(super) others: &'a [Member],
}

impl Input<'_> {
    /// Whether the file declares `member`, that is, it was not placed by another writer.
    pub(super) fn declares(self, member: &Member) -> bool {
        !self.others.iter().any(|other| std::ptr::eq(other, member))
    }
}

/// The result of a function of the decision, or why the decision ends with it.
pub(super) type Flow<T> = Result<T, Early>;

/// Why a decision ends early.
pub(super) enum Early {
    /// These queries must be answered first.
    Needs(BTreeSet<Query>),
    /// The answers to these queries contradict each other. If they stay so, these are the problems.
    Doubts(BTreeSet<Query>, Vec<Problem>),
    /// Nothing of the list can be written. The action is [`Action::Failed`] or [`Action::Blocked`].
    Refused(Action, Vec<Problem>),
}
