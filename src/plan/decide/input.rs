//! [`Input`]: the input of the decision; [`Flow`]: how one of its functions ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::model::{Member, Missing, Publication};
use crate::config::problem::Problem;
use crate::plan::{Action, CheckDepth, Query, Snapshot};

/// The input of the decision.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) publication: &'a Arc<Publication>,
    pub(super) snapshot: &'a Snapshot,
    /// Members that other writers have placed. They are part of the list like declared members, but a declared member
    /// for the same platform takes precedence.
    pub(super) others: &'a [Member],
    /// How much of what is published is checked.
    pub(super) depth: CheckDepth,
    pub(super) purpose: Purpose,
}

/// What a decision is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To publish the list: sources must exist as the file says, and what is written must be complete.
    Publish,
    /// To compare what is published. A source that was deleted after it was published is no difference: projects delete
    /// such images once a release is out.
    Compare,
}

impl Input<'_> {
    /// Whether an entry that was published for `member` stays in the list if its source does not exist.
    pub(super) fn keeps(self, member: &Member) -> bool {
        member.missing == Missing::Keep || self.purpose == Purpose::Compare
    }

    /// Whether the list is blocked if the source of `member` does not exist, whatever is published.
    pub(super) fn requires(self, member: &Member) -> bool {
        member.missing == Missing::Error && self.purpose == Purpose::Publish
    }

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
