//! [`Input`]: what is decided about, and by what; [`Flow`]: how a step ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::model::{Member, Publication};
use crate::config::problem::Problem;
use crate::plan::{Action, Query, Snapshot};

/// What is decided about, and by what.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) publication: &'a Arc<Publication>,
    pub(super) snapshot: &'a Snapshot,
    /// Members that other writers have placed: part of the list as declared ones are, and never in their way.
    pub(super) others: &'a [Member],
}

impl Input<'_> {
    /// Whether the file declares `member`, and no other writer has placed it.
    pub(super) fn declares(self, member: &Member) -> bool {
        !self.others.iter().any(|other| std::ptr::eq(other, member))
    }
}

/// The result of a step, or why the decision ends with it.
pub(super) type Flow<T> = Result<T, Early>;

/// Why a decision ends before its last step.
pub(super) enum Early {
    /// These must be answered first.
    Needs(BTreeSet<Query>),
    /// Nothing of the list can be written: the action is [`Action::Failed`] or [`Action::Blocked`].
    Refused(Action, Vec<Problem>),
}
