//! [`Ending`]: the result of one list, before it becomes a report.

use std::sync::Arc;

use crate::config::problem::Problem;
use crate::plan::{ListPlan, TagChange, TagFate};

use super::failure::StepFailure;
use super::report::{Outcome, TagDone};

/// The result of a list.
pub(super) struct Ending {
    /// The plan as it was carried out: what happens to floating tags is known only then.
    pub(super) plan: Arc<ListPlan>,
    /// The outcome.
    pub(super) outcome: Outcome,
    /// The results of its tags.
    pub(super) done: Done,
    /// Why it is not published, if it is not.
    pub(super) problems: Vec<Problem>,
    /// Whether the only failure is that others have written its tags since it was planned.
    pub(super) was_moved: bool,
}

/// The results of the tags of a list.
#[derive(Debug, Clone)]
pub(super) struct Done {
    /// One result per tag of the plan.
    pub(super) tags: Vec<TagDone>,
    /// One result per member tag.
    pub(super) member_tags: Vec<TagDone>,
}

/// Returns the results for the tags of a list that was not written.
pub(super) fn untouched(plan: &ListPlan) -> Done {
    let is_unchanged = |fate: TagFate| matches!(fate, TagFate::Same | TagFate::Stays);
    let done = |tag: &TagChange| if is_unchanged(tag.fate) { TagDone::Yes } else { TagDone::No };
    Done {
        tags: plan.tags.iter().map(done).collect(),
        member_tags: plan.member_tags.iter().map(|member| done(&member.tag)).collect(),
    }
}

impl Ending {
    /// Determines the outcome from the failures. If there are problems, they decide: the list has failed if the same
    /// command may succeed later, otherwise it is blocked: action is needed, and no rerun helps. Without problems, a
    /// list that was stopped is cancelled.
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

    /// Returns the same result with another reason.
    pub(super) fn because(self, failure: StepFailure) -> Self {
        Self::of(&self.plan, self.done, vec![failure])
    }
}
