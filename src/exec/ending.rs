//! [`Ending`]: what came of one list, before it is a report.

use std::sync::Arc;

use crate::config::problem::Problem;
use crate::plan::{ListPlan, TagChange, TagFate};

use super::failure::StepFailure;
use super::report::{Outcome, TagDone};

/// What came of a list.
pub(super) struct Ending {
    /// The plan as it was carried out: what became of tags that only the newest version has shows only then.
    pub(super) plan: Arc<ListPlan>,
    /// In a word.
    pub(super) outcome: Outcome,
    /// What came of its tags.
    pub(super) done: Done,
    /// Why, where it is not published.
    pub(super) problems: Vec<Problem>,
    /// Whether nothing is wrong but that others have written its tags since it was planned.
    pub(super) was_moved: bool,
}

/// What came of the tags of a list.
#[derive(Debug, Clone)]
pub(super) struct Done {
    /// One for each tag of the plan.
    pub(super) tags: Vec<TagDone>,
    /// One for each tag of a member.
    pub(super) member_tags: Vec<TagDone>,
}

/// The tags of a list of which nothing was written.
pub(super) fn untouched(plan: &ListPlan) -> Done {
    let stands = |fate: TagFate| matches!(fate, TagFate::Same | TagFate::Stays);
    let done = |tag: &TagChange| if stands(tag.fate) { TagDone::Yes } else { TagDone::No };
    Done {
        tags: plan.tags.iter().map(done).collect(),
        member_tags: plan.member_tags.iter().map(|member| done(&member.tag)).collect(),
    }
}

impl Ending {
    /// What follows from the failures: any that has a reason decides; a list that was only stopped is cancelled. Where
    /// the same command can't succeed unchanged the list is blocked: someone must act, and no rerun helps.
    pub(super) fn of(plan: &Arc<ListPlan>, done: Done, failures: Vec<StepFailure>) -> Self {
        let was_stopped = !failures.is_empty();
        let was_moved = was_stopped && failures.iter().all(|failure| matches!(failure, StepFailure::Moved(_)));
        let mut problems: Vec<Problem> = Vec::new();
        for problem in failures.into_iter().filter_map(StepFailure::into_problem) {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        let outcome = match problems.is_empty() {
            false if problems.iter().all(|problem| !problem.retry) => Outcome::Blocked,
            false => Outcome::Failed,
            true if was_stopped => Outcome::Cancelled { begun: true },
            true => Outcome::Published,
        };
        Self { plan: Arc::clone(plan), outcome, done, problems, was_moved }
    }

    /// The same for another reason.
    pub(super) fn because(self, failure: StepFailure) -> Self {
        Self::of(&self.plan, self.done, vec![failure])
    }
}
